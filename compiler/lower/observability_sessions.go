package lower

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// bgpPort is where a switch takes sessions.
const bgpPort = 179

// A sessionWatch is how alerts see the BGP sessions of one load balancer: each has metrics of its own.
type sessionWatch struct {
	up     func(op, peers string) string // in PromQL, how many sessions are up whose peer fits
	peer   func(*ir.Peering) string      // a switch as the metric names it
	down   []ir.Rule                     // alerts on single sessions, where the metric has a series for each
	few    string                        // for how long fewer sessions than planned are taken
	silent string                        // for how long none of a rack is
}

// sessionRules watch the BGP sessions at their node end. The metric is that of the backend in use: another backend's
// is never there, and an alert on it never fires.
func (l *lowering) sessionRules() {
	lb := &l.p.LoadBalancer
	if l.p.Calico != nil {
		l.ruleGroup("bgp-sessions", runbookBGP, calicoUnready(l.p.Calico))
		return
	}
	if len(lb.Peerings) == 0 {
		return
	}
	metric := l.set.LoadBalancer(lb.Kind).Backends[lb.Backend].SessionMetric
	var w sessionWatch
	switch {
	case l.p.KubeVIP != nil:
		w = kubeVIPSessions(metric, lb.From)
	case l.p.OpenELB != nil:
		w = openELBSessions(metric)
	default:
		w = l.gaugeSessions(metric)
	}
	rules := w.down
	racks := map[string][]*ir.Peering{}
	for i := range lb.Peerings {
		pe := &lb.Peerings[i]
		racks[pe.Rack] = append(racks[pe.Rack], pe)
		rules = append(rules, w.sessionsMissing(pe, lb.From))
	}
	for rack, peerings := range byKey(racks) {
		rules = append(rules, w.rackSilent(rack, peerings, lb.From))
	}
	l.ruleGroup("bgp-sessions", runbookBGP, rules...)
}

// calicoUnready fires for nodes on which Calico says of itself that it is not ready, which is all that it tells: metrics of
// sessions are Calico Enterprise's. Its probe asks BIRD of IPv4: all sessions at the start, one of them from then on
// (projectcalico/calico v3.31.7 node/pkg/health/health.go, charts/calico/templates/calico-node.yaml; read 2026-11-22).
func calicoUnready(c *ir.Calico) ir.Rule {
	return ir.Rule{Alert: "CalicoNodesNotReady", Severity: critical, For: "5m", Why: "calico/ready", From: c.From,
		Expr:    fmt.Sprintf(`%s{namespace="%s",daemonset="%s"} > 0`, unavailable, c.Namespace, c.Account),
		Summary: "Calico is not ready on some nodes.",
		Description: "Such a node has no BGP session of IPv4 with any switch, or its policies are not programmed: no other rack reaches its pods. " +
			"A node of which one session is down stays ready, and IPv6 is not looked at: the switches tell of both, and checks/run.sh kubernetes."}
}

// sessionsMissing counts the sessions with one switch. It also fires for sessions that the exporter does not know.
func (w *sessionWatch) sessionsMissing(pe *ir.Peering, from ir.From) ir.Rule {
	nodes := make([]string, len(pe.Speakers))
	for i, s := range pe.Speakers {
		nodes[i] = s.Node
		from = slices.Concat(from, s.From)
	}
	labels := []ir.KV{{Key: "rack", Value: pe.Rack}, {Key: "switch", Value: pe.Switch}}
	if pe.SwitchAddress.Is6() { // a switch has a session of either family with each node
		labels = append(labels, ir.KV{Key: "family", Value: "ipv6"})
	}
	return ir.Rule{Alert: "BGPSessionsMissing", Severity: warning, For: w.few, Why: "bgp/sessions", From: slices.Concat(from, pe.From),
		Labels:      labels,
		Expr:        fmt.Sprintf("%s < %d", w.up("=", w.peer(pe)), len(pe.Speakers)),
		Summary:     fmt.Sprintf("Fewer BGP sessions than planned with %s.", pe.Switch),
		Description: fmt.Sprintf("Planned: %d, AS %d at %s with AS %d on %s.", len(pe.Speakers), pe.SwitchASN, pe.SwitchAddress, pe.NodeASN, strings.Join(nodes, ", "))}
}

// rackSilent fires when no session of a rack is up: its addresses have no way left through it.
func (w *sessionWatch) rackSilent(rack string, peerings []*ir.Peering, from ir.From) ir.Rule {
	var peers, switches, pools []string
	for _, pe := range peerings {
		peers = append(peers, regexp.QuoteMeta(w.peer(pe)))
		switches = append(switches, pe.Switch)
		pools = append(pools, pe.Pools...)
		from = slices.Concat(from, pe.From)
		for _, s := range pe.Speakers {
			from = append(from, s.From...)
		}
	}
	slices.Sort(switches)
	slices.Sort(pools)
	switches, pools = slices.Compact(switches), slices.Compact(pools)
	from = append(from, "pools") // one that is announced from there no longer must be named too
	return ir.Rule{Alert: "RackAnnouncesNothing", Severity: critical, For: w.silent, Why: "bgp/sessions", From: from,
		Labels: []ir.KV{{Key: "rack", Value: rack}},
		// In a string of PromQL a backslash is written twice.
		Expr:        w.up("=~", strings.ReplaceAll(strings.Join(peers, "|"), `\`, `\\`)) + " == 0",
		Summary:     fmt.Sprintf("No BGP session of rack %s is up.", rack),
		Description: fmt.Sprintf("Addresses of the pools %s are not announced from there. Switches: %s.", strings.Join(pools, ", "), strings.Join(switches, ", "))}
}

// gaugeSessions are those of MetalLB and Cilium: a series for each session, 1 while it is up.
func (l *lowering) gaugeSessions(metric string) sessionWatch {
	lb := &l.p.LoadBalancer
	label := "peer"
	if lb.Kind == "cilium" {
		label = "neighbor" // pkg/bgp/types/bgp.go in Cilium 1.20.2
	}
	w := sessionWatch{few: "10m", silent: "2m",
		up: func(op, peers string) string {
			return fmt.Sprintf(`(sum(%s{%s%s"%s"}) or vector(0))`, metric, label, op, peers)
		},
		peer: func(pe *ir.Peering) string { return pe.SwitchAddress.String() }}
	// In native mode with the port (internal/bgp/native/native.go in MetalLB 0.16.2, which has IPv4 only); the same in
	// Cilium (pkg/bgp/metrics/metrics.go).
	if lb.Backend == "native" || lb.Kind == "cilium" {
		w.peer = addressAndPort
	}
	w.down = []ir.Rule{sessionDown(label, metric+" == 0", lb.From)}
	if lb.BFD != nil {
		// Both exporters name the two alike.
		bfd := strings.Replace(metric, "_bgp_", "_bfd_", 1)
		w.down = append(w.down, ir.Rule{Alert: "BFDSessionDown", Severity: warning, For: "2m", Why: "bgp/session-metric", From: slices.Concat(lb.BFD.From, lb.From),
			Expr:        bfd + " == 0",
			Summary:     "The BFD session of {{ $labels.node }} with {{ $labels.peer }} is down.",
			Description: "Where BGP is up all the same, a dead path is found by the hold timer alone, and late."})
	}
	return w
}

// addressAndPort names a switch by the address and the port that a session leads to.
func addressAndPort(pe *ir.Peering) string {
	return netip.AddrPortFrom(pe.SwitchAddress, bgpPort).String()
}

// sessionDown fires for one session. label is that of the metric which names the switch.
func sessionDown(label, expr string, from ir.From) ir.Rule {
	return ir.Rule{Alert: "BGPSessionDown", Severity: warning, For: "2m", Why: "bgp/session-metric", From: from,
		Expr:        expr,
		Summary:     "The BGP session of {{ $labels.node }} with {{ $labels." + label + " }} is down.",
		Description: "The node announces nothing to this switch. While another session of the node is up its addresses stay reachable."}
}
