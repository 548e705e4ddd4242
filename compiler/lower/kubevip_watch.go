package lower

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// kubeVIPMetricsPort is where kube-vip answers, as its manifest here says (prometheus_server).
const kubeVIPMetricsPort = 2112

// kubeVIPMonitors: kube-vip answers in plain HTTP on a port of the host.
func (l *lowering) kubeVIPMonitors() []ir.Monitor {
	lb := &l.p.LoadBalancer
	return []ir.Monitor{{Kind: "PodMonitor", Name: watchName + "-kube-vip", Namespaces: []string{lb.Namespace},
		Selector: []ir.KV{{Key: "app.kubernetes.io/name", Value: "kube-vip"}}, Ports: []string{"metrics"}, Path: "/metrics", NodeLabel: true,
		Reason: "Sessions and elections. The series of elections name the node and the Service's lease.", HonorLabels: true,
		From: lb.From.Of("kind")}}
}

// kubeVIPSessionRules watch the BGP sessions at their node end. kube-vip's metric has a series for each state of a
// session, 1 for the one that it is in, and names the peer with its port (pkg/manager/worker/bgp.go in 1.2.3). A
// session that was never tried has no series.
func (l *lowering) kubeVIPSessionRules() []ir.Rule {
	lb := &l.p.LoadBalancer
	metric := l.set.LoadBalancer(lb.Kind).Backends[lb.Backend].SessionMetric
	up := func(op, peer string) string {
		return fmt.Sprintf(`%s{state="SESSION_STATE_ESTABLISHED",peer%s"%s"}`, metric, op, peer)
	}
	rules := []ir.Rule{{
		Alert: "BGPSessionDown", Severity: warning, For: "2m", Why: "bgp/session-metric", From: lb.From,
		Expr:        metric + `{state="SESSION_STATE_ESTABLISHED"} == 0`,
		Summary:     "The BGP session of {{ $labels.node }} with {{ $labels.peer }} is down.",
		Description: "The node announces nothing to this switch. While another session of the node is up its addresses stay reachable.",
	}}
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
		rules = append(rules, ir.Rule{Alert: "BGPSessionsMissing", Severity: warning, For: "10m", Why: "bgp/sessions", From: from,
			Labels:      []ir.KV{{Key: "rack", Value: pe.Rack}, {Key: "switch", Value: pe.Switch}},
			Expr:        fmt.Sprintf(`(sum(%s) or vector(0)) < %d`, up("=", peerPort(pe)), len(pe.Speakers)),
			Summary:     fmt.Sprintf("Fewer BGP sessions than planned with %s.", pe.Switch),
			Description: fmt.Sprintf("Planned: %d, AS %d at %s with AS %d on %s.", len(pe.Speakers), pe.SwitchASN, pe.SwitchAddress, pe.NodeASN, strings.Join(nodes, ", "))})
	}
	for rack, peerings := range byKey(racks) {
		var peers, switches, pools []string
		from := append(slices.Clone(lb.From), "pools") // one that is announced from there no longer must be named too
		for _, pe := range peerings {
			peers = append(peers, regexp.QuoteMeta(peerPort(pe)))
			switches = append(switches, pe.Switch)
			pools = append(pools, pe.Pools...)
			from = append(from, pe.From...)
			for _, s := range pe.Speakers {
				from = append(from, s.From...)
			}
		}
		slices.Sort(switches)
		slices.Sort(pools)
		rules = append(rules, ir.Rule{Alert: "RackAnnouncesNothing", Severity: critical, For: "2m", Why: "bgp/sessions", From: from,
			Labels: []ir.KV{{Key: "rack", Value: rack}},
			// In a string of PromQL a backslash is written twice.
			Expr:        fmt.Sprintf(`(sum(%s) or vector(0)) == 0`, up("=~", strings.ReplaceAll(strings.Join(peers, "|"), `\`, `\\`))),
			Summary:     fmt.Sprintf("No BGP session of rack %s is up.", rack),
			Description: fmt.Sprintf("Addresses of the pools %s are not announced from there. Switches: %s.", strings.Join(slices.Compact(pools), ", "), strings.Join(slices.Compact(switches), ", "))})
	}
	return rules
}

// peerPort is a switch as the metric names it.
func peerPort(pe *ir.Peering) string { return netip.AddrPortFrom(pe.SwitchAddress, 179).String() }

// kubeVIPLeaderRules watch who holds a gateway's addresses at layer 2: the lease of the Service is called kubevip- and its
// name (pkg/lease/lease.go in kube-vip 1.2.3). A node that never stood for it has no series.
func (l *lowering) kubeVIPLeaderRules(g *ir.Gateway, p *ir.Pool) []ir.Rule {
	labels := []ir.KV{{Key: "gateway", Value: g.Name}}
	leaders := fmt.Sprintf(`(sum(kube_vip_is_leader{lease_name="kubevip-%s"}) or vector(0))`, g.Release)
	from := slices.Concat(p.From, g.From, l.p.LoadBalancer.From, ir.From{site.Join("gateways", g.Name, "addresses")})
	addresses := joinAddrs(*g)
	return []ir.Rule{
		{Alert: "VIPNotAnnounced", Severity: critical, For: "3m", Labels: labels, From: from,
			Expr:        leaders + " == 0",
			Summary:     fmt.Sprintf("No node answers for %s of gateway %s.", addresses, g.Name),
			Description: fmt.Sprintf("Nobody holds the lease %s/kubevip-%s. With externalTrafficPolicy Local a node stands for it while a ready pod of the gateway runs on it.", g.Namespace, g.Release)},
		{Alert: "VIPAnnouncedTwice", Severity: critical, For: "2m", Labels: labels, From: from,
			Expr:        leaders + " > 1",
			Summary:     fmt.Sprintf("More than one node answers for %s of gateway %s.", addresses, g.Name),
			Description: "Clients and routers follow whoever answered last. One of them has lost the API server, and its lease with it."},
	}
}
