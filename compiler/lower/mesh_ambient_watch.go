package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// ambientCertificates are those of sidecars: gateways and waypoints have the same agent. ztunnel counts nothing about its
// certificates; that signing fails, istiod counts.
func ambientCertificates(l *lowering) []ir.Rule { return istioCertificates(l) }

// ambientPushes adds to istiod's alerts those on what serves the pods of a node.
func ambientPushes(l *lowering) []ir.Rule {
	from := l.p.Mesh.From.Of("kind")
	out := slices.DeleteFunc(istioPushes(l), func(r ir.Rule) bool { return r.Alert == "InjectionFailing" })
	for _, n := range l.p.Namespaces {
		if w := l.p.Mesh.Waypoint; n.Meshed && n.Waypoint && w != nil {
			out = append(out, replicas("Waypoint", "the waypoint of "+n.Name, n.Name, waypointName, w.Replicas,
				[]ir.KV{{Key: "waypoint", Value: n.Name}}, append(ir.From{"namespaces"}, w.From...),
				"Without any, no request of the mesh reaches a service of this namespace.")...)
		}
	}
	return append(out,
		ir.Rule{Alert: "NodeProxyDown", Severity: critical, For: "5m", From: from,
			Expr:        unavailable + `{namespace="` + istioCNINamespace + `",daemonset="ztunnel"} > 0`,
			Summary:     "ztunnel is not ready on some nodes.",
			Description: "Meshed pods of these nodes have no connections, neither in nor out, and no new one starts there."},
		nodeAgent(from, "No captured pod starts there: the plug-in hands each to the agent. Others start as long as the plug-in's credentials last, which the agent renews. Running pods go on."),
		ir.Rule{Alert: "PodsNotCaptured", Severity: warning, For: "10m", From: from,
			Expr:        `workload_manager_pending_proxy_count > 0`,
			Summary:     "ztunnel {{ $labels.pod }} has pods that it cannot serve.",
			Description: "It was handed them and failed to listen in their network namespaces. Its log says why."})
}

func ambientMetrics(l *lowering) []needed {
	return append(istioMetrics(l),
		needed{"workload_manager_active_proxy_count", "ztunnel, the proxies of the nodes", l.p.Mesh.From.Of("kind")})
}

// ambientMonitors: pods of services have no proxy of their own; gateways and waypoints are proxies, and ztunnel is one
// for each node.
func ambientMonitors(l *lowering) []ir.Monitor {
	m := &l.p.Mesh
	out := istioMonitors(l)
	for i := range out {
		if out[i].Budgeted {
			out[i].Namespaces = nil
			for _, n := range l.p.Namespaces {
				if n.Purpose == "gateway" || n.Meshed && n.Waypoint {
					out[i].Namespaces = append(out[i].Namespaces, n.Name)
				}
			}
			out[i].From = slices.Concat(out[i].From, ir.From{"namespaces", "gateways"})
			out[i].Reason = "Gateways and waypoints, by the proxy's named port. What is asked is the agent beside it, which merges\n" +
				"the metrics of both; its own port has no name. Both stay outside mutual TLS."
		}
	}
	if len(out) > 0 && len(out[len(out)-1].Namespaces) == 0 {
		out = out[:len(out)-1]
	}
	return append(out, ir.Monitor{Kind: "PodMonitor", Name: watchName + "-ztunnel", Namespaces: []string{istioCNINamespace},
		Selector: []ir.KV{{Key: "app", Value: "ztunnel"}}, Ports: []string{"ztunnel-stats"}, Path: "/stats/prometheus", NodeLabel: true,
		Reason: "The proxy of each node: connections of its pods by identity, and pods that it cannot serve.", From: m.From.Of("kind")})
}
