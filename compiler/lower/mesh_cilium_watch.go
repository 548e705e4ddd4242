package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// unavailable counts the nodes on which a DaemonSet should have a pod that is ready, and has none.
const unavailable = "kube_daemonset_status_number_unavailable"

// ciliumRefused counts the requests that proxies have looked at, by what became of them: "denied" by policy
// (pkg/metrics/metrics.go, ProxyPolicyL7Total of Cilium 1.20.2). The agents serve it.
const ciliumRefused = "cilium_policy_l7_total"

// ciliumPushes watch what the policies refuse.
func ciliumPushes(l *lowering) []ir.Rule {
	if !l.installsCilium() {
		return nil
	}
	return []ir.Rule{{
		Alert: "NodeProxyDown", Severity: warning, For: "10m", From: l.p.Mesh.From.Of("kind"),
		Expr:        unavailable + `{namespace="` + ciliumNamespace + `",daemonset="cilium-envoy"} > 0`,
		Summary:     "The proxy is not ready on some nodes.",
		Description: "Gateways that such a node takes traffic for do not answer there, and calls that are looked into are refused.",
	}, {
		Alert: "PolicyRefuses", Severity: warning, For: "10m", From: l.p.Mesh.From.Of("kind"),
		Expr:        `sum by (node) (rate(` + ciliumRefused + `{rule="denied"}[5m])) > 0`,
		Summary:     "The proxy of {{ $labels.node }} refuses requests.",
		Description: "Somebody asks for what is not declared. Hubble and the agent's monitor on that node say who, and for what.",
	}}
}

// ciliumMetrics are those that its alerts read.
func ciliumMetrics(l *lowering) []needed {
	if !l.installsCilium() {
		return nil
	}
	return append([]needed{{ciliumRefused, "the agents of Cilium", l.p.Mesh.From.Of("kind")}, {unavailable, "kube-state-metrics", l.p.Mesh.From.Of("kind")}},
		slices.Concat(l.ipsecMetrics(), l.ztunnelMetrics(), l.spireMetrics())...)
}
