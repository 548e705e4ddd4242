package lower

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// What mutual authentication of Cilium needs and shows (cilium/cilium v1.20.2 install/kubernetes/cilium/values.yaml
// authentication, templates/spire; pkg/auth; pkg/monitor/api/drop.go; read 2026-11-22).
const (
	// spireNamespace is where Cilium itself runs. Its chart comes before any namespace of the tree, and one that it made would
	// have no Pod Security level: agents of SPIRE are in the network and among the processes of their hosts.
	spireNamespace = ciliumNamespace
	spireServer    = "spire-server"
	spireAgent     = "spire-agent"
	// spireServerPort is that of the server's Service and pod, mutualPort where agents of Cilium shake hands.
	spireServerPort = 8081
	mutualPort      = 4250
	mutualFlow      = "pod network cilium: authentication of pods"

	// unproved counts packets that wait for a handshake, or were refused for want of one.
	unproved = `cilium_drop_count_total{reason="Authentication required"}`
	// unprovedRate is a packet every ten seconds. The first of a pair of workloads on two nodes is dropped always; who gets no
	// further tries again after 1, 2, 4 seconds and so on.
	unprovedRate = "0.1"
	// spireReady counts the pods of a StatefulSet that are ready.
	spireReady = "kube_statefulset_status_replicas_ready"
)

// spireImages are those of SPIRE in Cilium's chart, which pins them by their digests.
var spireImages = []chartImage{
	{"authentication.mutual.spire.install.initImage.repository", "docker.io/library/busybox"},
	{"authentication.mutual.spire.install.agent.image.repository", "ghcr.io/spiffe/spire-agent"},
	{"authentication.mutual.spire.install.server.image.repository", "ghcr.io/spiffe/spire-server"},
}

// authenticates reports whether agents of Cilium authenticate pods for each other.
func (l *lowering) authenticates() bool {
	ca := l.s.Mesh.CA
	return l.ciliumMeshed() && l.installsCilium() && ca != nil && ca.Kind == "spire"
}

// spireSettings decides what agents and SPIRE read.
func (l *lowering) spireSettings(s *ir.CiliumSettings) {
	if !l.authenticates() {
		return
	}
	o := l.s.Mesh.CA.SPIRE
	s.SPIRE = &ir.CiliumSPIRE{
		TrustDomain: l.s.Mesh.TrustDomain, Namespace: spireNamespace, Server: spireServer, Agent: spireAgent, ServerPort: spireServerPort, Port: mutualPort,
		StorageClass: o.StorageClass, Storage: o.Storage, LifeSeconds: l.meshProfile().SPIRE.WorkloadHours * 3600,
		From: ir.From{"mesh.ca", "mesh.kind", "mesh.trustDomain"},
	}
}

// proved asks for a handshake of the agents before a caller reaches a service. Pods have an identity that SPIRE signs for:
// neither gateways have, which are all one reserved identity, nor nodes or whoever is known by an address, and what is asked of
// them would never pass (pkg/auth/manager.go handleAuthRequest). Callees ask, and callers do not: a handshake shows each end to
// the other, and a second one would hold up the first packet a second time.
func (l *lowering) proved(s *ir.Service, c ir.Caller, rules []ir.CiliumRule) []ir.CiliumRule {
	if !l.authenticates() {
		return rules
	}
	for i := range rules {
		r := &rules[i]
		r.From = append(r.From[:len(r.From):len(r.From)], "mesh.ca", "mesh.mtls", "namespaces")
		r.Proves = l.s.Authenticates(s.Namespace) && c.Kind == "service" && len(r.Labels) > 0
	}
	return rules
}

// spireFlows: agents of Cilium to each other, and from each node to SPIRE's server, which is a pod.
func (l *lowering) spireFlows(from ir.From, nodes ir.FlowEnd) {
	if !l.authenticates() {
		return
	}
	why := ir.From{"mesh.ca", "mesh.kind", "kubernetes.cni", "components.cni.managed"}
	l.flow(ir.Flow{Area: ir.NodeArea, From: nodes, To: nodes, Protocol: "tcp", Port: mutualPort, Why: mutualFlow}, from, why)
	l.flow(ir.Flow{Area: ir.PodArea, From: nodes, To: l.pods(spireServer + ", namespace " + spireNamespace), Protocol: "tcp", Port: spireServerPort,
		Why: "certificates, for all agents, and the operators' list of workloads"}, from, why)
}

// spireFrom is what chooses the alerts below.
var spireFrom = ir.From{"kubernetes.cni", "components.cni.managed", "mesh.kind", "mesh.ca"}

// spireRules watch who signs, and what waits for it. Certificates are renewed halfway: without the server the first end after
// half of a life. Then packets of connections that are open are dropped too: each one is looked at.
func (l *lowering) spireRules() []ir.Rule {
	if !l.authenticates() {
		return nil
	}
	half := l.meshProfile().SPIRE.WorkloadHours * 60 / 2
	return []ir.Rule{{
		Alert: "SPIREServerDown", Severity: critical, For: "5m", Why: "certificates/overdue", From: spireFrom,
		Expr:        spireReady + `{namespace="` + spireNamespace + `",statefulset="` + spireServer + `"} < 1`,
		Summary:     "SPIRE's server is not ready.",
		Description: fmt.Sprintf("No certificate is renewed, and no new one is made. The first end %d min after it went away: from then on calls between services are dropped, those under way too.", half),
	}, {
		Alert: "SPIREAgentDown", Severity: critical, For: "5m", Why: "certificates/overdue", From: spireFrom,
		Expr:        unavailable + `{namespace="` + spireNamespace + `",daemonset="` + spireAgent + `"} > 0`,
		Summary:     "SPIRE's agent is not ready on some nodes.",
		Description: fmt.Sprintf("Pods there have what they had, for %d min at least and %d at most. Whom they have not called yet they do not reach.", half, 2*half),
	}, {
		Alert: "CallsNotAuthenticated", Severity: warning, For: "10m", Why: "certificates/overdue", From: spireFrom,
		Expr:        `sum by (node) (rate(` + unproved + `[5m])) > ` + unprovedRate,
		Summary:     "Cilium on {{ $labels.node }} drops packets of callers that it cannot authenticate.",
		Description: "The first packet of a pair of workloads is dropped always. These go on: a certificate is missing, agents do not reach each other, or a clock is off. The agent's log says which.",
	}}
}

// spireMetrics are those that the rules read.
func (l *lowering) spireMetrics() []needed {
	if !l.authenticates() {
		return nil
	}
	from := slices.Clone(spireFrom)
	return []needed{{"cilium_drop_count_total", "the agents of Cilium", from}, {spireReady, "kube-state-metrics", from}}
}
