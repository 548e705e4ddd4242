package lower

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/ir"
)

// openELBMetrics is the port of the speakers' metrics, in plain HTTP (cmd/speaker/app/options/options.go in OpenELB 0.6).
const openELBMetrics = 50053

// openELBMonitors: the DaemonSet names no ports, and the chart's own ServiceMonitor selects a Service that it does not
// have (charts/templates/monitor.yaml); ours goes by a Service of its own.
func (l *lowering) openELBMonitors() []ir.Monitor {
	lb := &l.p.LoadBalancer
	name := watchName + "-openelb-speaker"
	labels := []ir.KV{{Key: "app.kubernetes.io/component", Value: name}}
	return []ir.Monitor{{Kind: "ServiceMonitor", Name: name, Namespaces: []string{lb.Namespace}, Selector: labels, Ports: []string{"metrics"}, Path: "/metrics", NodeLabel: true,
		Reason: "State of the BGP sessions. Each speaker writes it into the BgpPeer first and reads it there again: it is up to a\nminute old.",
		From:   lb.From.Of("kind"),
		Service: &ir.MetricsService{Namespace: lb.Namespace, Name: name, Labels: labels, Ports: []ir.MetricsPort{{Name: "metrics", Port: openELBMetrics}},
			Selector: []ir.KV{{Key: "app", Value: "openelb"}, {Key: "component", Value: "speaker"}}}}}
}

// openELBSessions: the metric is 5 for a session that is Established and less for any other
// (pkg/speaker/bgp/bgp/peers.go UpdatePeerMetrics). Whichever speaker sees a BgpPeer first begins a series of 0 for it, also
// when the peer is not its own, and never ends it: alerts count what is up, for the peer.
func openELBSessions(metric string) sessionWatch {
	return sessionWatch{few: "5m", silent: "3m",
		up: func(op, peers string) string {
			return fmt.Sprintf(`(count(%s{peerIP%s"%s"} == 5) or vector(0))`, metric, op, peers)
		},
		peer: func(pe *ir.Peering) string { return pe.SwitchAddress.String() }}
}
