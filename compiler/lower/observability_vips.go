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

// sessionRules watch the BGP sessions at their node end. The metric is that of the backend in use: another backend's
// is never there, and an alert on it never fires.
func (l *lowering) sessionRules() {
	lb := &l.p.LoadBalancer
	if len(lb.Peerings) == 0 || l.p.Calico != nil { // the metrics of its sessions are Calico Enterprise's
		return
	}
	if lb.Kind == "kube-vip" {
		l.ruleGroup("bgp-sessions", runbookBGP, l.kubeVIPSessionRules()...)
		return
	}
	if l.p.OpenELB != nil {
		l.ruleGroup("bgp-sessions", runbookBGP, l.openELBSessionRules()...)
		return
	}
	session := l.set.LoadBalancer(lb.Kind).Backends[lb.Backend].SessionMetric
	from := lb.From
	rules := []ir.Rule{{
		Alert: "BGPSessionDown", Severity: warning, For: "2m", Why: "bgp/session-metric", From: from,
		Expr:        session + " == 0",
		Summary:     "The BGP session of {{ $labels.node }} with {{ $labels." + l.peerKey() + " }} is down.",
		Description: "The node announces nothing to this switch. While another session of the node is up its addresses stay reachable.",
	}}
	if lb.BFD != nil {
		// Both exporters name the two alike.
		bfd := strings.Replace(session, "_bgp_", "_bfd_", 1)
		rules = append(rules, ir.Rule{Alert: "BFDSessionDown", Severity: warning, For: "2m", Why: "bgp/session-metric", From: slices.Concat(lb.BFD.From, from),
			Expr:        bfd + " == 0",
			Summary:     "The BFD session of {{ $labels.node }} with {{ $labels.peer }} is down.",
			Description: "Where BGP is up all the same, a dead path is found by the hold timer alone, and late."})
	}
	racks := map[string][]*ir.Peering{}
	for i := range lb.Peerings {
		pe := &lb.Peerings[i]
		racks[pe.Rack] = append(racks[pe.Rack], pe)
		rules = append(rules, l.sessionsMissing(pe, session, from))
	}
	for rack, peerings := range byKey(racks) {
		rules = append(rules, l.rackSilent(rack, peerings, session, from))
	}
	l.ruleGroup("bgp-sessions", runbookBGP, rules...)
}

// sessionsMissing counts the sessions with one switch. It also fires for sessions that the exporter does not know.
func (l *lowering) sessionsMissing(pe *ir.Peering, session string, from ir.From) ir.Rule {
	nodes := make([]string, len(pe.Speakers))
	for i, s := range pe.Speakers {
		nodes[i] = s.Node
		from = slices.Concat(from, s.From)
	}
	labels := []ir.KV{{Key: "rack", Value: pe.Rack}, {Key: "switch", Value: pe.Switch}}
	if pe.SwitchAddress.Is6() { // a switch has a session of either family with each node
		labels = append(labels, ir.KV{Key: "family", Value: "ipv6"})
	}
	return ir.Rule{Alert: "BGPSessionsMissing", Severity: warning, For: "10m", Why: "bgp/sessions", From: slices.Concat(from, pe.From),
		Labels:      labels,
		Expr:        fmt.Sprintf(`(sum(%s{%s="%s"}) or vector(0)) < %d`, session, l.peerKey(), l.peerLabel(pe), len(pe.Speakers)),
		Summary:     fmt.Sprintf("Fewer BGP sessions than planned with %s.", pe.Switch),
		Description: fmt.Sprintf("Planned: %d, AS %d at %s with AS %d on %s.", len(pe.Speakers), pe.SwitchASN, pe.SwitchAddress, pe.NodeASN, strings.Join(nodes, ", "))}
}

// peerLabel is the switch in the session metric of the backend in use: its address, and in native mode the port too
// (internal/bgp/native/native.go in MetalLB 0.16.2, which has IPv4 only); the same in Cilium (pkg/bgp/metrics/metrics.go).
func (l *lowering) peerLabel(pe *ir.Peering) string {
	if l.p.LoadBalancer.Backend == "native" || l.p.LoadBalancer.Kind == "cilium" {
		return netip.AddrPortFrom(pe.SwitchAddress, bgpPort).String()
	}
	return pe.SwitchAddress.String()
}

// peerKey is the label of the session metric that names the switch.
func (l *lowering) peerKey() string {
	if l.p.LoadBalancer.Kind == "cilium" {
		return "neighbor" // pkg/bgp/types/bgp.go in Cilium 1.20.2
	}
	return "peer"
}

// bgpPort is where a switch takes sessions.
const bgpPort = 179

// rackSilent fires when no session of a rack is up: its addresses have no way left through it.
func (l *lowering) rackSilent(rack string, peerings []*ir.Peering, session string, from ir.From) ir.Rule {
	var peers, switches, pools []string
	for _, pe := range peerings {
		peers = append(peers, regexp.QuoteMeta(l.peerLabel(pe)))
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
	return ir.Rule{Alert: "RackAnnouncesNothing", Severity: critical, For: "2m", Why: "bgp/sessions", From: from,
		Labels: []ir.KV{{Key: "rack", Value: rack}},
		// In a string of PromQL a backslash is written twice.
		Expr:        fmt.Sprintf(`(sum(%s{%s=~"%s"}) or vector(0)) == 0`, session, l.peerKey(), strings.ReplaceAll(strings.Join(peers, "|"), `\`, `\\`)),
		Summary:     fmt.Sprintf("No BGP session of rack %s is up.", rack),
		Description: fmt.Sprintf("Addresses of the pools %s are not announced from there. Switches: %s.", strings.Join(pools, ", "), strings.Join(switches, ", "))}
}

// vipRules watch the way from a virtual address to its gateway's pods.
func (l *lowering) vipRules() {
	var rules []ir.Rule
	if l.p.LoadBalancer.Kind == "metallb" {
		rules = append(rules, ir.Rule{Alert: "LoadBalancerConfigurationRejected", Severity: critical, For: "5m", From: l.p.LoadBalancer.From,
			Expr:        rejected(l.p.LoadBalancer.Backend),
			Summary:     "{{ $labels.pod }} runs on an old configuration, because it rejects the newest.",
			Description: "One faulty pool, peer or missing password Secret holds back the whole configuration. Its log names the object."})
	}
	for i := range l.p.Gateways {
		rules = append(rules, l.gatewayRules(&l.p.Gateways[i])...)
	}
	for i := range l.p.Exposures {
		rules = append(rules, l.exposureRules(&l.p.Exposures[i])...)
	}
	l.ruleGroup("vip-path", runbookVIP, rules...)
}

func rejected(backend string) string {
	expr := "metallb_k8s_client_config_stale_bool == 1"
	if backend == "frr-k8s" {
		expr += " or frrk8s_k8s_client_config_stale_bool == 1"
	}
	return expr
}

// exposureRules watch an address that no gateway serves.
func (l *lowering) exposureRules(e *ir.Exposure) []ir.Rule {
	labels := []ir.KV{{Key: "exposure", Value: e.Exposure}}
	if len(e.NodePorts) > 0 { // to which balancers outside lead: such a Service has no address of its own
		return nil
	}
	out := []ir.Rule{pending(fmt.Sprintf("Exposure %s", e.Exposure), e.Namespace, e.Name, strings.Join(ir.Addrs(e.VIPs), ","), e.Pool, labels, e.From)}
	if p := l.pool(e.Pool); p.Protocol != "" && l.p.LoadBalancer.Kind == "metallb" {
		for _, a := range e.VIPs {
			out = append(out, announcedRules(addressOwner{"exposure", e.Exposure, e.Local, e.From}, p, a)...)
		}
	}
	return out
}

// pending fires when a Service has no address.
func pending(what, namespace, service, addresses, pool string, labels []ir.KV, from ir.From) ir.Rule {
	return ir.Rule{
		Alert: "LoadBalancerPending", Severity: critical, For: "5m", Labels: labels, From: from,
		Expr: fmt.Sprintf(`kube_service_spec_type{type="LoadBalancer",namespace="%s",service="%s"} unless on (namespace, service) kube_service_status_load_balancer_ingress`,
			namespace, service),
		Summary:     what + " has no address.",
		Description: fmt.Sprintf("Service %s/%s asks for %s from pool %s and has none.", namespace, service, addresses, pool),
	}
}

// addressOwner is a gateway or an exposure, as alerts on its addresses name it.
type addressOwner struct {
	kind, name string
	local      bool
	from       ir.From
}

func (l *lowering) gatewayRules(g *ir.Gateway) []ir.Rule {
	labels := []ir.KV{{Key: "gateway", Value: g.Name}}
	placement := slices.Concat(g.From, ir.From{site.Join("pools", g.Pool, "announce"), site.Join("gateways", g.Name, "replicas"), "racks"})
	var out []ir.Rule
	if !g.NodePorts { // to which balancers outside lead: such a Service has no address of its own
		out = append(out, pending("Gateway "+g.Name, g.Namespace, g.ServiceName(), joinAddrs(*g), g.Pool, labels, g.From))
	}
	if p := l.pool(g.Pool); p != nil && p.Protocol != "" && l.p.LoadBalancer.Kind == "metallb" {
		for i, a := range g.VIPs {
			out = append(out, announcedRules(addressOwner{"gateway", g.Name, g.Local, slices.Concat(g.From, ir.From{site.Join("gateways", g.Name, "addresses", site.Index(i))})}, p, a)...)
		}
	}
	if p := l.pool(g.Pool); p != nil && p.Protocol == "l2" && l.p.KubeVIP != nil {
		out = append(out, l.kubeVIPLeaderRules(g, p)...)
	}
	if g.ByNodes { // which are watched as such
		return out
	}
	return append(out, replicas("Gateway", fmt.Sprintf("gateway %s", g.Name), g.Namespace, g.Release, g.Replicas, labels, placement,
		fmt.Sprintf("On nodes of class %s in racks %s.", g.Class, strings.Join(g.Racks, ", ")))...)
}

// announcedRules watch who announces one address. MetalLB's metric names the protocols its own way (internal/config).
func announcedRules(o addressOwner, p *ir.Pool, a netip.Addr) []ir.Rule {
	labels := []ir.KV{{Key: o.kind, Value: o.name}, {Key: "vip", Value: a.String()}}
	from := slices.Concat(p.From, o.from)
	protocol := p.Protocol
	if protocol == "l2" {
		protocol = "layer2"
	}
	series := fmt.Sprintf(`metallb_speaker_announced{ip="%s",protocol="%s"}`, a, protocol)
	when := "A node announces while a ready pod of the " + o.kind + " runs on it."
	if !o.local {
		when = "A node announces while a pod of the " + o.kind + " is ready, there or elsewhere."
	}
	missing := ir.Rule{Alert: "VIPNotAnnounced", Severity: critical, For: "3m", Labels: labels, From: from,
		Expr:        "absent(" + series + ")",
		Summary:     fmt.Sprintf("No node announces %s of %s %s.", a, o.kind, o.name),
		Description: fmt.Sprintf("Racks that should: %s. %s", strings.Join(p.Racks, ", "), when)}
	if p.Protocol != "l2" {
		return []ir.Rule{missing}
	}
	missing.Description = fmt.Sprintf("One of these nodes should: %s. %s", strings.Join(p.Announcers, ", "), when)
	return []ir.Rule{missing, {Alert: "VIPAnnouncedTwice", Severity: critical, For: "2m", Labels: labels, From: from,
		Expr:        "count(" + series + ") > 1",
		Summary:     fmt.Sprintf("More than one node answers for %s of %s %s.", a, o.kind, o.name),
		Description: fmt.Sprintf("At layer 2 one of %s should; clients and routers follow whoever answered last. The speakers do not hear each other: TCP and UDP 7946 between these nodes.", strings.Join(p.Announcers, ", "))}}
}

// replicas are two alerts on a Deployment: fewer pods than planned, and none.
func replicas(alert, what, namespace, deployment string, n int, labels []ir.KV, from ir.From, where string) []ir.Rule {
	metric := fmt.Sprintf(`kube_deployment_status_replicas_available{namespace="%s",deployment="%s"}`, namespace, deployment)
	return []ir.Rule{
		{Alert: alert + "PodsMissing", Severity: warning, For: "15m", Labels: labels, From: from,
			Expr:        fmt.Sprintf("%s < %d", metric, n),
			Summary:     fmt.Sprintf("Fewer pods of %s than planned are available.", what),
			Description: fmt.Sprintf("Planned: %d of Deployment %s/%s. %s", n, namespace, deployment, where)},
		{Alert: alert + "Down", Severity: critical, For: "2m", Labels: labels, From: from,
			Expr:        metric + " == 0",
			Summary:     fmt.Sprintf("No pod of %s is available.", what),
			Description: fmt.Sprintf("Planned: %d of Deployment %s/%s. %s", n, namespace, deployment, where)},
	}
}
