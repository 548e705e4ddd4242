package lower

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

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

// openELBSessionRules watch the BGP sessions at their node end. The metric is 5 for a session that is Established and
// less for any other (pkg/speaker/bgp/bgp/peers.go UpdatePeerMetrics). Whichever speaker sees a BgpPeer first begins a
// series of 0 for it, also when the peer is not its own, and never ends it: alerts count what is up, for the peer.
func (l *lowering) openELBSessionRules() []ir.Rule {
	lb := &l.p.LoadBalancer
	metric := l.set.LoadBalancer(lb.Kind).Backends[lb.Backend].SessionMetric
	up := func(op, peer string) string {
		return fmt.Sprintf(`(count(%s{peerIP%s"%s"} == 5) or vector(0))`, metric, op, peer)
	}
	var rules []ir.Rule
	racks := map[string][]*ir.Peering{}
	for i := range lb.Peerings {
		pe := &lb.Peerings[i]
		racks[pe.Rack] = append(racks[pe.Rack], pe)
		from := slices.Concat(lb.From, pe.From)
		nodes := make([]string, len(pe.Speakers))
		for j, s := range pe.Speakers {
			nodes[j] = s.Node
			from = append(from, s.From...)
		}
		rules = append(rules, ir.Rule{Alert: "BGPSessionsMissing", Severity: warning, For: "5m", Why: "bgp/sessions", From: from,
			Labels:      []ir.KV{{Key: "rack", Value: pe.Rack}, {Key: "switch", Value: pe.Switch}},
			Expr:        fmt.Sprintf(`%s < %d`, up("=", pe.SwitchAddress.String()), len(pe.Speakers)),
			Summary:     fmt.Sprintf("Fewer BGP sessions than planned with %s.", pe.Switch),
			Description: fmt.Sprintf("Planned: %d, AS %d at %s with AS %d on %s.", len(pe.Speakers), pe.SwitchASN, pe.SwitchAddress, pe.NodeASN, strings.Join(nodes, ", "))})
	}
	for rack, peerings := range byKey(racks) {
		var peers, switches, pools []string
		from := append(slices.Clone(lb.From), "pools") // one that is announced from there no longer must be named too
		for _, pe := range peerings {
			peers = append(peers, regexp.QuoteMeta(pe.SwitchAddress.String()))
			switches, pools = append(switches, pe.Switch), append(pools, pe.Pools...)
			from = append(from, pe.From...)
			for _, s := range pe.Speakers {
				from = append(from, s.From...)
			}
		}
		slices.Sort(switches)
		slices.Sort(pools)
		rules = append(rules, ir.Rule{Alert: "RackAnnouncesNothing", Severity: critical, For: "3m", Why: "bgp/sessions", From: from,
			Labels: []ir.KV{{Key: "rack", Value: rack}},
			// In a string of PromQL a backslash is written twice.
			Expr:        up("=~", strings.ReplaceAll(strings.Join(peers, "|"), `\`, `\\`)) + " == 0",
			Summary:     fmt.Sprintf("No BGP session of rack %s is up.", rack),
			Description: fmt.Sprintf("Addresses of the pools %s are not announced from there. Switches: %s.", strings.Join(slices.Compact(pools), ", "), strings.Join(slices.Compact(switches), ", "))})
	}
	return rules
}
