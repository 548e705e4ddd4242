package lower

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// flowAreas is the order of the areas.
var flowAreas = []string{ir.EdgeArea, ir.FabricArea, ir.NodeArea, ir.PodArea, ir.OutsideArea}

// flows lists the connections that the site needs. It reads the records that the other outputs are printed from and
// decides nothing anew: a listener, session or caller that is not in the plan has no flow.
func (l *lowering) flows() {
	l.clientFlows()
	l.exposureFlows()
	l.balancerFlows()
	l.sessionFlows()
	l.timeFlows()
	l.clusterFlows()
	l.podFlows()
	l.outsideFlows()
	l.federationFlows()
	l.icmpFlows()
	l.webhookFlows()
	slices.SortStableFunc(l.p.Flows, func(a, b ir.Flow) int {
		return cmp.Or(
			cmp.Compare(slices.Index(flowAreas, a.Area), slices.Index(flowAreas, b.Area)),
			cmp.Compare(a.From.Name, b.From.Name), cmp.Compare(a.To.Name, b.To.Name),
			cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Port, b.Port), cmp.Compare(a.Why, b.Why),
			cmp.Compare(a.To.Where(), b.To.Where()),
		)
	})
	l.mergeFlows()
}

// mergeFlows makes one of flows that differ in their origins alone, as two routes of a gateway to one service do.
func (l *lowering) mergeFlows() {
	var out []ir.Flow
	for _, f := range l.p.Flows {
		o := &ir.Flow{}
		if n := len(out); n > 0 {
			o = &out[n-1] // equal ones are neighbors
		}
		if o.Area != f.Area || o.From.Name != f.From.Name || o.To.Name != f.To.Name || o.Protocol != f.Protocol || o.Port != f.Port ||
			o.Why != f.Why || o.To.Where() != f.To.Where() {
			out = append(out, f)
			continue
		}
		o.Origin = topmost(slices.Concat(o.Origin, f.Origin))
		o.Reads = topmost(slices.Concat(o.Reads, f.Reads))
	}
	l.p.Flows = out
}

// flow adds one. Reads are parts of the site that may change or remove it, besides what declares it.
func (l *lowering) flow(f ir.Flow, reads ir.From, declared ...ir.From) {
	f.Origin = topmost(slices.Concat(declared...))
	f.Reads = topmost(slices.Concat(reads, f.Origin))
	l.p.Flows = append(l.p.Flows, f)
}

// topmost returns paths sorted, without those below another.
func topmost(paths ir.From) ir.From {
	slices.Sort(paths)
	var out ir.From
	for _, p := range slices.Compact(paths) {
		if !slices.ContainsFunc(out, func(o string) bool { return site.IsAncestor(o, p) }) {
			out = append(out, p)
		}
	}
	return out
}

// machinesFrom is where the machines and their classes come from.
var machinesFrom = ir.From{"nodeClasses", "racks"}

// nodeEnd is the machines that fit, by their addresses.
func (l *lowering) nodeEnd(name string, fits func(*ir.Node) bool) ir.FlowEnd {
	e := ir.FlowEnd{Name: name}
	for i := range l.p.Nodes {
		if n := &l.p.Nodes[i]; fits(n) {
			e.Nodes = append(e.Nodes, n.Name)
			e.Addresses = append(e.Addresses, singles(n.Addresses)...)
		}
	}
	slices.Sort(e.Nodes)
	sortPrefixes(e.Addresses)
	return e
}

// allNodes is every machine of the cluster: by the subnets of its racks where each has some.
func (l *lowering) allNodes() ir.FlowEnd {
	const name = "nodes"
	for _, r := range l.s.Racks {
		if len(r.Subnets) == 0 {
			return l.nodeEnd(name, func(*ir.Node) bool { return true })
		}
	}
	e := ir.FlowEnd{Name: name, Addresses: slices.Clone(l.p.Cluster.NodeSubnets)}
	for i := range l.p.Nodes {
		e.Nodes = append(e.Nodes, l.p.Nodes[i].Name)
	}
	slices.Sort(e.Nodes)
	sortPrefixes(e.Addresses)
	return e
}

// controlPlaneEnd is the machines on which the API servers run.
func (l *lowering) controlPlaneEnd() ir.FlowEnd {
	return l.nodeEnd("control-plane nodes", func(n *ir.Node) bool { return n.ControlPlane })
}

// clientFlows: clients to the listeners of each virtual address. Packets arrive at the nodes that announce it and at no
// others; a filter that opens subnets of nodes instead opens every port of every machine there.
func (l *lowering) clientFlows() {
	for i := range l.p.Gateways {
		g := &l.p.Gateways[i]
		reads := slices.Concat(g.From, ir.From{"fabric.bgp", "loadBalancer", "pools", "gateways", "namespaces", "kubernetes.nodePorts"}, machinesFrom)
		clients := ir.FlowEnd{Name: "clients of gateway " + g.Name, Anybody: len(g.SourceRanges) == 0, Addresses: g.SourceRanges}
		for _, li := range g.Listeners {
			for _, v := range g.VIPs {
				f := ir.Flow{Area: ir.EdgeArea, From: clients, Protocol: li.Transport(), Port: li.Port,
					To:  ir.FlowEnd{Name: "gateway " + g.Name, Addresses: singles([]netip.Addr{v})},
					Via: l.entrances(g), Why: "listener " + li.Name + ", " + li.Protocol}
				l.flow(f, reads, ir.From{site.Join("gateways", g.Name), site.Join("pools", g.Pool)})
			}
		}
	}
}

// entrances are the machines that packets for a gateway's virtual addresses arrive at.
func (l *lowering) entrances(g *ir.Gateway) []string {
	var out []string
	if b := l.p.Balancers; b != nil {
		for _, m := range b.Members {
			out = append(out, m.Name)
		}
		return out
	}
	pool := l.pool(g.Pool)
	for i := range l.p.Nodes {
		n := &l.p.Nodes[i]
		// With the policy Local a node without a pod of the gateway announces nothing.
		carries := n.Class == g.Class && slices.Contains(g.Racks, n.Rack)
		if pool != nil && slices.Contains(pool.Announcers, n.Name) && (carries || !g.Local) {
			out = append(out, n.Name)
		}
	}
	slices.Sort(out)
	return out
}

// balancerFlows: machines in front of the cluster to node ports and health checks, and VRRP among them.
func (l *lowering) balancerFlows() {
	b := l.p.Balancers
	if b == nil {
		return
	}
	reads := slices.Concat(ir.From{"gateways", "exposures", "kubernetes.nodePorts", "loadBalancer", "namespaces"}, machinesFrom)
	machines := ir.FlowEnd{Name: "balancers"}
	for _, m := range b.Members {
		machines.Addresses = append(machines.Addresses, singles([]netip.Addr{m.Address})...)
	}
	sortPrefixes(machines.Addresses)
	checked := map[string]bool{}
	for i := range b.Fronts {
		x := &b.Fronts[i]
		what, kind, name := x.Owner()
		nodes := l.nodeEnd("nodes of "+what, func(n *ir.Node) bool {
			return slices.ContainsFunc(x.Servers, func(s ir.Server) bool { return s.Node == n.Name })
		})
		declared := ir.From{"loadBalancer.external", site.Join(kind, name)}
		f := ir.Flow{Area: ir.EdgeArea, From: machines, To: nodes, Protocol: "tcp", Port: x.NodePort, Why: "node port of " + x.Name}
		l.flow(f, reads, declared)
		if x.HealthPort != 0 && !checked[what] {
			checked[what] = true
			f.Port, f.Why = x.HealthPort, "health checks: whether the node has a ready pod of "+what
			l.flow(f, reads, declared)
		}
	}
	if len(b.Members) > 1 {
		l.flow(ir.Flow{Area: ir.EdgeArea, From: machines, To: machines, Protocol: "vrrp", Why: "which machine has the virtual addresses",
			Note: "protocol number 112, unicast"}, reads, ir.From{"loadBalancer.external"})
	}
}

// Ports of BFD: for neighbors on one link (RFC 5881), and for those between loopback addresses (RFC 5883).
const (
	bfdPort         = 3784
	multihopBFDPort = 4784
)

const (
	bgpNote = "TTL 1"
	bfdNote = "TTL 255"
)

// sessionFlows: BGP and BFD, node to switch and switch to switch.
func (l *lowering) sessionFlows() {
	session := func(a, b ir.FlowEnd, both, multihop bool, bfd *ir.BFD, why string, reads, declared ir.From) {
		f := ir.Flow{Area: ir.FabricArea, From: a, To: b, Protocol: "tcp", Port: bgpPort, Why: "BGP, " + why, Note: bgpNote}
		if multihop {
			f.Note = "loopback to loopback"
		}
		l.flow(f, reads, declared)
		back := f
		back.From, back.To = b, a
		if both {
			l.flow(back, reads, declared)
		}
		if bfd == nil {
			return
		}
		for _, f := range []ir.Flow{f, back} {
			f.Protocol, f.Port, f.Why, f.Note = "udp", bfdPort, "BFD, "+why, bfdNote
			if multihop {
				f.Port, f.Note = multihopBFDPort, "loopback to loopback"
			}
			l.flow(f, reads, declared)
		}
	}
	// A speaker that does not listen opens its sessions itself; of others either end may.
	b := l.set.LoadBalancer(l.p.LoadBalancer.Kind).Backends[l.p.LoadBalancer.Backend]
	if CalicoAnnounces(l.s) {
		b = l.set.CNI("calico").BGP
	}
	listens := b == nil || b.Listens
	for _, pe := range l.p.LoadBalancer.Peerings {
		nodes := l.nodeEnd("speakers of rack "+pe.Rack, func(n *ir.Node) bool {
			return slices.ContainsFunc(pe.Speakers, func(s ir.Speaker) bool { return s.Node == n.Name })
		})
		nodes.Addresses = nil
		for _, s := range pe.Speakers {
			nodes.Addresses = append(nodes.Addresses, singles([]netip.Addr{s.Address})...)
		}
		sortPrefixes(nodes.Addresses)
		session(nodes, ir.FlowEnd{Name: "switch " + pe.Switch, Addresses: singles([]netip.Addr{pe.SwitchAddress})}, listens, pe.Multihop, pe.BFD,
			"peering "+pe.Name, slices.Concat(pe.From, ir.From{"pools", "loadBalancer", "gateways"}, machinesFrom),
			ir.From{"fabric.bgp", site.Join("racks", pe.Rack, "tors", pe.ToR), site.Join("racks", pe.Rack, "nodes")})
	}
	for i := range l.p.Switches {
		sw := &l.p.Switches[i]
		for _, k := range sw.Links {
			// Packets come from link-local addresses, which nobody knows beforehand and no router forwards.
			here := []netip.Prefix{netip.MustParsePrefix("fe80::/10")}
			session(ir.FlowEnd{Name: "switch " + sw.Hostname, Addresses: here}, ir.FlowEnd{Name: "routing of " + k.Node, Addresses: here, Nodes: []string{k.Node}},
				true, false, nil, "cable of "+k.Interface+", link-local addresses", ir.From{"fabric", "racks"}, slices.Concat(k.From, ir.From{"fabric.bgp"}))
		}
		for _, u := range l.p.Switches[i].Uplinks {
			if l.p.Switches[i].Role != "tor" {
				continue // the spines' ends are the same sessions
			}
			tor, spine := ir.FlowEnd{Name: "switch " + u.Switch}, ir.FlowEnd{Name: "switch " + u.Spine}
			why := "uplink, link-local addresses"
			if u.Address.IsValid() {
				tor.Addresses, spine.Addresses = singles([]netip.Addr{u.Address}), singles([]netip.Addr{u.SpineAddress})
				why = "uplink"
			}
			session(tor, spine, true, false, u.BFD, why+", "+u.Interface, ir.From{"fabric", "racks"}, slices.Concat(u.From, ir.From{"fabric.bgp"}))
		}
	}
}

func singles(in []netip.Addr) []netip.Prefix {
	out := make([]netip.Prefix, len(in))
	for i, a := range in {
		out[i] = netip.PrefixFrom(a, a.BitLen())
	}
	return out
}

func sortPrefixes(list []netip.Prefix) { slices.SortFunc(list, netip.Prefix.Compare) }

// portProtocol is what carries a port of a service.
func portProtocol(p ir.Port) string {
	if strings.EqualFold(p.Protocol, "udp") {
		return "udp"
	}
	return "tcp"
}
