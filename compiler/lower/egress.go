package lower

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// egressTunnel is what carries packets to a node with a fixed source address where the pod network itself encapsulates
// nothing: Cilium turns its tunnel on for them, and makes the pods' packets smaller by its header (v1.20.2
// pkg/egressgateway/cell.go, tunnel.NewEnabler without WithoutMTUAdaptation; the protocol is that of tunnelProtocol, vxlan
// where it is not given, pkg/datapath/tunnel/tunnel.go; read 2026-11-21).
const egressTunnel = "vxlan"

// encapsulation is what carries packets of pods between nodes, some of them or all; "none" for nothing.
func encapsulation(s *site.Site) string {
	if e := s.Kubernetes.CNI.Encapsulation; e != "none" || !ciliumEgress(s) {
		return e
	}
	return egressTunnel
}

// ciliumEgress reports whether Cilium gives out fixed source addresses.
func ciliumEgress(s *site.Site) bool {
	for _, g := range s.EgressGateways {
		if g.Provider == "cilium" && s.Kubernetes.CNI.Kind == "cilium" {
			return true
		}
	}
	return false
}

// egressFrom is added to what depends on whether there are fixed source addresses; nothing where there are none.
func (l *lowering) egressFrom() ir.From {
	if ciliumEgress(l.s) {
		return ir.From{"egressGateways"}
	}
	return nil
}

// egress makes a policy of each destination that is reached through an egress gateway, and of each family of its addresses:
// in one policy for both, Cilium would take the interface's first address for the family without a source of its own
// (v1.20.2 pkg/egressgateway/policy.go, deriveFromPolicyGatewayConfig, read 2026-11-21).
func (l *lowering) egress() {
	holders := l.egressHolders()
	for i := range l.p.Externals {
		x := &l.p.Externals[i]
		name := l.s.External[x.Name].Via
		g := l.s.EgressGateways[name]
		if g == nil || g.Provider != "cilium" {
			continue
		}
		for _, family := range []ir.Family{ir.IPv4, ir.IPv6} {
			e := ir.EgressPolicy{Name: x.Name + "." + string(family), Gateway: name, External: x.Name,
				From: append(ir.From{site.Join("egressGateways", name), site.Join("external", x.Name, "via"), site.Join("external", x.Name, "addresses")}, x.From...)}
			for j, a := range g.Addresses {
				h, ok := holders[addr(a)]
				if ok && ir.FamilyOf(addr(a)) == family {
					h.From = append(ir.From{site.Join("egressGateways", name, "addresses", site.Index(j))}, h.From...)
					e.Sources = append(e.Sources, h)
				}
			}
			for _, d := range x.Addresses {
				if ir.FamilyOf(d.Addr()) == family {
					e.Destinations = append(e.Destinations, d)
				}
			}
			for _, u := range l.leaving(x) {
				if s := l.find(u.Namespace + "/" + u.Name); s == nil || s.Workload != ir.Machine { // which sends with an address of its own
					e.Users = append(e.Users, u)
					e.From = append(e.From, u.From...)
				}
			}
			if len(e.Sources) == 0 || len(e.Destinations) == 0 || len(e.Users) == 0 {
				continue
			}
			slices.SortFunc(e.Sources, func(a, b ir.EgressSource) int { return a.Address.Compare(b.Address) })
			l.p.Egress = append(l.p.Egress, e)
			x.Via = name
			for _, h := range e.Sources {
				x.Sources = append(x.Sources, h.Address)
				x.SourcesFrom = append(x.SourcesFrom, h.From...)
			}
		}
	}
}

// egressHolders is the node of each source address.
func (l *lowering) egressHolders() map[netip.Addr]ir.EgressSource {
	out := map[netip.Addr]ir.EgressSource{}
	for rn, r := range l.s.Racks {
		for nn, n := range r.Nodes {
			for i, a := range n.EgressAddresses {
				out[addr(a)] = ir.EgressSource{Node: nn, Address: addr(a), From: ir.From{site.Join("racks", rn, "nodes", nn, "egressAddresses", site.Index(i))}}
			}
		}
	}
	return out
}
