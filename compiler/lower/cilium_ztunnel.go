package lower

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// What ztunnel of Cilium needs and shows (cilium/cilium v1.20.2 Documentation/security/network/encryption-ztunnel.rst,
// install/kubernetes/cilium/templates/ztunnel, examples/kubernetes-ztunnel, pkg/ztunnel, read 2026-11-22).
const (
	// ztunnelSecrets is the Secret that agents and proxies mount: the chart knows no other name.
	ztunnelSecrets = "cilium-ztunnel-secrets"
	ztunnelDaemons = "ztunnel-cilium"
	ztunnelImage   = "quay.io/cilium/ztunnel"
	// ztunnelPort is where all TCP of one enrolled pod to another arrives (pkg/ztunnel/iptables/inpod.go).
	ztunnelPort = 15008

	// ztunnelConnected is 1 where the proxy of a node has asked its agent for pods; the others count pods that it did not
	// take in, and what it refused (pkg/ztunnel/zds/metrics.go, pkg/ztunnel/xds/metrics.go).
	ztunnelConnected = "cilium_ztunnel_zds_connection_active"
	ztunnelFailed    = "cilium_ztunnel_zds_enrollment_failures_total"
	ztunnelRefused   = "cilium_ztunnel_xds_enrollment_failures_total"
)

// enrolled is the label of a namespace whose pods take part (pkg/ztunnel/table).
var enrolled = ir.KV{Key: "io.cilium/mtls-enabled", Value: "true"}

// ztunnelKeys are the files of the Secret: what the agent signs with, and the certificate by which a proxy knows its agent
// (pkg/ztunnel/ca/ca_server.go).
var ztunnelKeys = []string{"bootstrap-private.key", "bootstrap-root.crt", "ca-private.key", "ca-root.crt"}

// ztunnelModules are behind the rules that agents write in the networks of pods (pkg/ztunnel/iptables/inpod.go).
var ztunnelModules = []string{"iptable_mangle", "iptable_nat", "xt_REDIRECT", "xt_connmark", "xt_mark", "xt_tcpudp"}

// enrollCilium takes a namespace of services in whose pods talk by ztunnel.
func enrollCilium(l *lowering, n *ir.Namespace) {
	if n.Purpose != "services" || l.encrypts() != byZtunnel {
		return
	}
	n.From = append(n.From, "mesh.encryption")
	if l.s.Mesh.Enrolls(n.Name) {
		n.InjectLabels = []ir.KV{enrolled}
	}
}

// ztunnelSettings decides what the proxies of nodes read.
func (l *lowering) ztunnelSettings(s *ir.CiliumSettings) {
	if s.Encryption == byZtunnel {
		s.Ztunnel = &ir.CiliumZtunnel{Secret: ztunnelSecrets, Keys: ztunnelKeys, Port: ztunnelPort, DaemonSet: ztunnelDaemons, Label: enrolled,
			Namespaces: slices.Sorted(slices.Values(l.s.Mesh.Encryption.Namespaces)), From: ir.From{"mesh.encryption", "mesh.kind"}}
	}
}

// ciliumTunnels decides which edges arrive at the one port: those between enrolled pods.
func (l *lowering) ciliumTunnels() {
	if l.encrypts() != byZtunnel {
		return
	}
	in := l.s.Mesh.Enrolls
	for i := range l.p.Services {
		s := &l.p.Services[i]
		s.EdgesFrom = append(s.EdgesFrom[:len(s.EdgesFrom):len(s.EdgesFrom)], "mesh.encryption")
		for k := range s.Callers {
			c := &s.Callers[k]
			c.Tunnel = c.Kind == "service" && c.Peer == "" && len(c.Addresses) == 0 && in(s.Namespace) && in(c.Namespace)
			c.From = append(c.From[:len(c.From):len(c.From)], "mesh.encryption")
		}
		for k := range s.Callees {
			c := &s.Callees[k]
			c.Tunnel = len(c.Addresses) == 0 && in(s.Namespace) && in(c.Namespace)
			c.From = append(c.From[:len(c.From):len(c.From)], "mesh.encryption")
		}
	}
}

// ztunnelRule admits all that enrolled pods say to each other: policies see no more of it.
func ztunnelRule(reason string, peer []ir.KV, ports []ir.Port, from ir.From) ir.CiliumRule {
	return ir.CiliumRule{Reason: reason + ", by ztunnel: at any port of the pod", Labels: peer, Ports: []ir.CiliumPort{{Number: ztunnelPort, Protocol: "TCP"}},
		Plain: ciliumPorts(ports), From: from}
}

// ztunnelSecret is what agents sign certificates with. They mount it: without it no node has a pod network. The certificate
// of the agent must not be one of an authority, which proxies would not take from a server.
func (l *lowering) ztunnelSecret() {
	if l.p.Cilium == nil || l.p.Cilium.Settings == nil || l.p.Cilium.Settings.Ztunnel == nil {
		return
	}
	z := l.p.Cilium.Settings.Ztunnel
	const request = "openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 1825 -config /dev/null -subj /O=cluster.local "
	l.secret(ir.Secret{
		Namespace: ciliumNamespace, Name: z.Secret, Type: opaque, Keys: z.Keys,
		Consumers: []string{"DaemonSet " + ciliumNamespace + "/cilium", "DaemonSet " + ciliumNamespace + "/" + z.DaemonSet},
		Make: strings.Join([]string{
			request + "-addext subjectAltName=DNS:localhost -addext basicConstraints=CA:FALSE -addext keyUsage=digitalSignature,keyEncipherment -addext extendedKeyUsage=serverAuth,clientAuth -keyout bootstrap-private.key -out bootstrap-root.crt",
			request + "-addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,digitalSignature,cRLSign,keyCertSign -keyout ca-private.key -out ca-root.crt",
		}, " && "),
		Creator: ir.ByHand, First: true,
		Why: "The authority that agents sign certificates of workloads with, an RSA key, and the certificate by which ztunnel knows its agent. " +
			"Whoever reads it can be any workload. Both end after five years; an authority of another Secret is trusted after all agents and ztunnels have restarted. Without it no agent starts, and no pod has a network.",
		From: append(z.From[:len(z.From):len(z.From)], "components.cni.managed"),
	})
}

// ciliumImages adds to the images of Cilium's chart those of ztunnel and of SPIRE, where the site has them. The chart pins
// each by its digest, which the copy has too.
func (l *lowering) ciliumImages(chart string, table chartImages) chartImages {
	if chart != podNetwork {
		return table
	}
	if l.encrypts() == byZtunnel {
		table.images = append(table.images[:len(table.images):len(table.images)], chartImage{"encryption.ztunnel.image.repository", ztunnelImage})
	}
	if l.authenticates() {
		table.images = slices.Concat(table.images, spireImages)
	}
	return table
}

// ztunnelFrom is what chooses the alerts below.
var ztunnelFrom = ir.From{"kubernetes.cni", "components.cni.managed", "mesh.kind", "mesh.encryption"}

// grown is whether a counter has more than ten minutes ago. It is not there before the first time: increase would miss that.
func grown(counter string) string {
	now := `sum by (node, status) (` + counter + `)`
	return now + ` - (sum by (node, status) (` + counter + ` offset 10m) or 0 * ` + now + `) > 0`
}

// ztunnelRules watch whether the proxies take pods in: those that they do not, and those that wait, are reached by nobody.
func (l *lowering) ztunnelRules() []ir.Rule {
	if l.encrypts() != byZtunnel {
		return nil
	}
	return []ir.Rule{{
		Alert: "ZtunnelDown", Severity: critical, For: "5m", From: ztunnelFrom,
		Expr:        unavailable + `{namespace="` + ciliumNamespace + `",daemonset="` + ztunnelDaemons + `"} > 0`,
		Summary:     "Ztunnel is not ready on some nodes.",
		Description: "Pods of enrolled namespaces there reach nobody by TCP, and nobody reaches them; new ones do not start. Its log says what it waits for: its agent, or a certificate.",
	}, {
		Alert: "ZtunnelDisconnected", Severity: critical, For: "5m", From: ztunnelFrom,
		Expr:        ztunnelConnected + ` < 1`,
		Summary:     "The agent on {{ $labels.node }} has no ztunnel.",
		Description: "New pods of enrolled namespaces do not start there.",
	}, {
		Alert: "ZtunnelEnrollmentFails", Severity: warning, For: "0m", From: ztunnelFrom,
		Expr:        grown(ztunnelFailed),
		Summary:     "Pods on {{ $labels.node }} were not taken in by ztunnel: {{ $labels.status }}.",
		Description: "Enrolled pods drop what they send in plain text, and they are dropped by others. The agent's log names the pod; a new one is tried anew.",
	}, {
		Alert: "ZtunnelRefuses", Severity: warning, For: "0m", From: ztunnelFrom,
		Expr:        grown(ztunnelRefused),
		Summary:     "Ztunnel on {{ $labels.node }} did not take what its agent knows of pods: {{ $labels.status }}.",
		Description: "It sends to such pods in plain text, which their policies drop. The agent's log has the reason.",
	}}
}

// ztunnelMetrics are those that the rules read and that are always there: a counter by its kind of failure is not before
// the first one (pkg/ztunnel/zds/metrics.go, NewCounterVec).
func (l *lowering) ztunnelMetrics() []needed {
	if l.encrypts() != byZtunnel {
		return nil
	}
	from := ir.From{"kubernetes.cni", "mesh.kind", "mesh.encryption"}
	return []needed{{ztunnelConnected, "the agents of Cilium", from}}
}
