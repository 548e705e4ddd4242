package lower

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// Life of the mesh's authority, in days.
const (
	// Istio's own authority: CITADEL_SELF_SIGNED_CA_CERT_TTL, renewed when a fifth is left
	// (security/pkg/cmd/constants.go of Istio 1.31).
	selfSignedDays = 3650
	selfSignedLeft = 0.2
)

// istioCertificates watch that workload certificates are renewed in time, and the authority's own.
func istioCertificates(l *lowering) []ir.Rule {
	if l.bySPIRE() { // the agents in the pods neither ask nor know: no metric of theirs tells
		return spireCertificates(l)
	}
	c := l.meshProfile().Certificates
	lives := l.workloadSeconds()
	overdue := int(float64(lives) * (1 - c.RenewAt) / 2)
	kind := l.p.Mesh.From.Of("kind")
	signed := kind
	if l.p.Mesh.CA != nil {
		signed = append(kind[:len(kind):len(kind)], l.p.Mesh.CA.From...)
	}
	out := []ir.Rule{
		{Alert: "WorkloadCertificateOverdue", Severity: critical, For: "10m", Why: "certificates/overdue", From: signed,
			Expr:        fmt.Sprintf(`istio_agent_cert_expiry_seconds{resource_name="default"} < %d`, overdue),
			Summary:     "The certificate of {{ $labels.namespace }}/{{ $labels.pod }} has not been renewed.",
			Description: fmt.Sprintf("It lives %s, is renewed halfway, and has less than %s left. When it ends every connection of the pod fails.", hours(lives), hours(overdue))},
	}
	if ca := l.p.Mesh.CA; ca != nil && ca.Signer != nil {
		out = append(out, replicas("Signer", "the mesh's signer", l.p.Mesh.Namespace, ca.Signer.Release, ca.Signer.Replicas, nil, append(l.p.Mesh.From.Of("replicas"), signed...),
			lost(l).signer)...)
	} else { // it counts what it is asked itself
		out = append(out, ir.Rule{Alert: "CertificateSigningFailing", Severity: warning, For: "10m", From: signed,
			Expr:        "sum(rate(citadel_server_csr_sign_err_count[5m])) > 0 or sum(rate(citadel_server_authentication_failure_count[5m])) > 0",
			Summary:     "The control plane refuses requests for certificates.",
			Description: "It fails to sign them, or does not accept the callers' tokens. Running pods go on until their certificates end; new ones do not start."})
	}
	return append(out, authorityAlert(l))
}

// pushSeconds is when a change is late at its proxies; the histogram's next bounds are 5 and 20.
const pushSeconds = 10

// istioPushes watch istiod, and that proxies get their configuration and take it.
func istioPushes(l *lowering) []ir.Rule {
	m := &l.p.Mesh
	from := m.From.Of("kind")
	deployment := istiodName(l)
	rules := []ir.Rule{
		{Alert: "ConfigurationRejected", Severity: critical, For: "5m", From: from,
			Expr:        "sum by (type) (rate(pilot_total_xds_rejects[5m])) > 0",
			Summary:     "Proxies reject configuration of type {{ $labels.type }}.",
			Description: "They go on with the last one that they took. The control plane's log names proxy and reason."},
		{Alert: "ConfigurationPushFailing", Severity: warning, For: "5m", From: from,
			Expr: `sum(rate(pilot_xds_pushes{type=~".+_senderr"}[5m])) > 0 or sum(rate(pilot_xds_write_timeout[5m])) > 0` +
				" or sum(rate(pilot_total_xds_internal_errors[5m])) > 0",
			Summary:     "The control plane fails to send configuration.",
			Description: "Errors in building or sending it, or proxies that do not read it in time."},
		{Alert: "ConfigurationPushSlow", Severity: warning, For: "10m", From: from,
			Expr:        fmt.Sprintf("histogram_quantile(0.99, sum by (le) (rate(pilot_proxy_convergence_time_bucket[5m]))) > %d", pushSeconds),
			Summary:     "Changes reach proxies late.",
			Description: fmt.Sprintf("One in a hundred takes more than %d s: the control plane is short of processor, or changes come too fast.", pushSeconds)},
		{Alert: "InjectionFailing", Severity: warning, For: "5m", From: from,
			Expr:        "sum(rate(sidecar_injection_failure_total[5m])) > 0",
			Summary:     "The control plane fails to inject proxies.",
			Description: "Pods of meshed namespaces do not start."},
	}
	if l.s.Mesh.Kind != "istio-ambient" {
		rules = append(rules, nodeAgent(from, "Pods start there as long as the plug-in's credentials last, which the agent renews: then none does, of any namespace. Until then nobody mends a pod that came past the plug-in. Running pods go on."))
	}
	rules = append(rules, egressPodAlerts(l)...)
	rules = append(rules, plainText(l)...)
	if n := m.Next; n != nil {
		rules = append(rules, replicas("NextControlPlane", "the mesh's next control plane", m.Namespace, "istiod"+revisioned(n.Revision), m.Replicas, nil,
			slices.Concat(m.From.Of("replicas"), n.From, from), lost(l).next)...)
	}
	return append(rules, replicas("ControlPlane", "the mesh's control plane", m.Namespace, deployment, m.Replicas, nil,
		slices.Concat(m.From.Of("revision", "replicas"), signedFrom(l), from), lost(l).control)...)
}

// nodeAgent watches the agent of each node, which its plug-in depends on (Istio 1.31.0 cni/pkg/plugin/plugin.go, doAddRun;
// read 2026-11-21).
func nodeAgent(from ir.From, description string) ir.Rule {
	return ir.Rule{Alert: "NodeAgentDown", Severity: warning, For: "10m", From: from,
		Expr:        unavailable + `{namespace="` + istioCNINamespace + `",daemonset="istio-cni-node"} > 0`,
		Summary:     "The node agent of the mesh is not ready on some nodes.",
		Description: description}
}

// egressPodAlerts watch the pods of egress gateways: what is behind one is reached in no other way.
func egressPodAlerts(l *lowering) []ir.Rule {
	var out []ir.Rule
	for i := range l.p.EgressProxies {
		x := &l.p.EgressProxies[i]
		out = append(out, replicas("EgressGateway", "egress gateway "+x.Pods.Name, x.Pods.Namespace, x.Pods.Release, x.Pods.Replicas,
			[]ir.KV{{Key: "gateway", Value: x.Pods.Name}}, x.From, "Without any, nobody reaches the destinations behind it, and each has the address of its node.")...)
	}
	return out
}

// losses is what ends when no pod of a part of the control plane is left.
type losses struct{ control, next, signer string }

// lost says what it is. A sidecar comes into a pod by istiod's webhook; ztunnel is told by istiod of a pod that starts, and
// waits for it (ztunnel release-1.31 src/state.rs, wait_for_workload; read 2026-11-21). Only istiod's own authority goes with it.
func lost(l *lowering) losses {
	out := losses{
		control: "Without any, no pod of a meshed namespace starts",
		next:    "Without any, no pod of a namespace that has gone ahead starts.",
		signer:  "Without any, no certificate of a workload is renewed, and no pod with a proxy starts.",
	}
	and := " and"
	if l.s.Mesh.Kind == "istio-ambient" {
		and = ", and"
		out = losses{
			control: "Without any, pods that start have no connections and those that move are not found",
			next:    "Without any, the waypoints of namespaces that have gone ahead keep what they know, and new pods of theirs are not ready.",
			signer:  "Without any, no certificate of a workload is renewed, and no pod has connections whose account is new to its node.",
		}
	}
	if ca := l.p.Mesh.CA; ca == nil || ca.Signer == nil && ca.SPIRE == nil {
		out.control += and + " no certificate is renewed"
	}
	out.control += "."
	return out
}

// signedFrom are the site paths behind who signs.
func signedFrom(l *lowering) ir.From {
	if l.p.Mesh.CA == nil {
		return nil
	}
	return l.p.Mesh.CA.From
}

// istiodName returns the name of istiod's Deployment.
func istiodName(l *lowering) string {
	if l.p.Mesh.Revision == "" {
		return "istiod"
	}
	return "istiod-" + l.p.Mesh.Revision
}

// istioMetrics are those that Istio's alerts read.
func istioMetrics(l *lowering) []needed {
	m := &l.p.Mesh
	certificates := needed{"istio_agent_cert_expiry_seconds", "the proxies of the mesh", m.From.Of("kind")}
	if l.bySPIRE() {
		certificates.metric = agentConnections
	}
	if m.CA != nil {
		certificates.from = slices.Concat(certificates.from, m.CA.From)
	}
	return []needed{{"pilot_xds", "the control plane of the mesh", m.From.Of("kind")}, certificates, {unavailable, "kube-state-metrics", m.From.Of("kind")}}
}

func istioMonitors(l *lowering) []ir.Monitor {
	namespaces, from := l.scraped()
	m := &l.p.Mesh
	return []ir.Monitor{
		{Kind: "PodMonitor", Name: watchName + "-control-plane", Namespaces: []string{m.Namespace},
			Selector: []ir.KV{{Key: "app", Value: "istiod"}}, Ports: []string{"http-monitoring"}, Path: "/metrics",
			Reason: "Configuration pushes, injection, and the authority's certificates.", From: m.From.Of("kind")},
		{Kind: "PodMonitor", Name: watchName + "-proxies", Namespaces: namespaces,
			Ports: []string{"http-envoy-prom"}, Dial: m.ProxyPorts.Metrics, Budgeted: true, Path: "/stats/prometheus", NodeLabel: true,
			Reason: "Each pod that has a proxy, by the proxy's named port. What is asked is the agent beside it, which merges\n" +
				"the metrics of proxy and application; its own port has no name. Both stay outside mutual TLS.",
			Drop: []ir.Drop{
				{Metrics: "istio_(request|response)_bytes_(bucket|sum|count)", Reason: "Histograms of sizes: two thirds of the series of an edge, and no alert reads them."},
				{Metrics: "istio_agent_go_.+", Reason: "The runtime of each agent."},
			},
			Why: "metrics/proxies", From: slices.Concat(m.From.Of("kind"), from)},
	}
}
