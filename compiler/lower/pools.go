package lower

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// pools decides which racks announce which pool. Peers are filled in by fabric.
func (l *lowering) pools() {
	for name, p := range byKey(l.s.Pools) {
		path := site.Join("pools", name)
		pool := ir.Pool{Name: name, Addresses: p.Addresses, Prefixes: cover(p.Addresses), From: ir.From{path + ".addresses"}}
		if a := p.Announce; a != nil {
			pool.Protocol = a.Protocol
			pool.Communities, pool.Interfaces = once(a.Communities), once(a.Interfaces)
			pool.From = append(pool.From, path+".announce")
			pool.Racks = slices.Sorted(slices.Values(a.Racks))
			switch {
			case a.Protocol == "l2":
				// The option racks is of BGP: here the segment decides.
				pool.Racks = l.onSegment(pool.Prefixes)
				_, classFrom := l.speakerClasses()
				pool.From = append(append(pool.From, "racks"), classFrom...)
			case len(a.Racks) == 0:
				_, classFrom := l.speakerClasses()
				pool.From = append(append(pool.From, "racks"), classFrom...) // every rack that can
				pool.AllRacks = true
				for r := range byKey(l.s.Racks) {
					if l.announces(r) {
						pool.Racks = append(pool.Racks, r)
					}
				}
			}
		}
		for gn, g := range byKey(l.s.Gateways) {
			if g.Pool != name {
				continue
			}
			for i, a := range g.Addresses {
				pool.VIPs = append(pool.VIPs, ir.VIP{Address: addr(a), Gateway: gn, From: ir.From{site.Join("gateways", gn, "addresses", site.Index(i))}})
			}
		}
		for en, e := range byKey(l.s.Exposures) {
			if e.Pool != name {
				continue
			}
			for i, a := range e.Addresses {
				pool.VIPs = append(pool.VIPs, ir.VIP{Address: addr(a), Exposure: en,
					From: ir.From{site.Join("exposures", en, "addresses", site.Index(i)), site.Join("exposures", en, "externalTrafficPolicy")}})
			}
		}
		l.p.Pools = append(l.p.Pools, pool)
	}
}

// onSegment returns the racks in whose subnets the addresses of a pool lie and that have nodes to answer for them: a
// router asks for an address on the segment that holds it, and nowhere else. A pool in none of the racks' subnets lies in
// another network of the nodes, which every rack has.
func (l *lowering) onSegment(pool []netip.Prefix) []string {
	classes, _ := l.speakerClasses()
	var near, all []string
	for rn, r := range byKey(l.s.Racks) {
		if !l.hasNode(rn, classes) {
			continue
		}
		all = append(all, rn)
		if slices.ContainsFunc(prefixes(r.Subnets), func(s netip.Prefix) bool {
			return slices.ContainsFunc(pool, s.Overlaps)
		}) {
			near = append(near, rn)
		}
	}
	if near == nil {
		return all
	}
	return near
}

// speakerClasses returns the node classes whose nodes announce, and the site paths that say so: those that the site
// names, else those that gateways run on.
func (l *lowering) speakerClasses() ([]string, ir.From) {
	if b := l.s.Fabric.BGP; b != nil && b.Speakers != nil {
		return slices.Sorted(slices.Values(b.Speakers.Classes)), ir.From{"fabric.bgp.speakers.classes"}
	}
	var classes []string
	var from ir.From
	for name, g := range byKey(l.s.Gateways) {
		if !slices.Contains(classes, g.Placement.Class) {
			classes = append(classes, g.Placement.Class)
		}
		from = append(from, site.Join("gateways", name, "placement", "class"))
	}
	slices.Sort(classes)
	return classes, from
}

// announces reports whether a rack can announce: it has a node of a speaker class and a switch that speaks BGP.
func (l *lowering) announces(rack string) bool {
	classes, _ := l.speakerClasses()
	r := l.s.Racks[rack]
	speaks := false
	for _, t := range r.ToRs {
		speaks = speaks || t.ASN != 0
	}
	if !speaks {
		return false
	}
	return l.hasNode(rack, classes)
}

func (l *lowering) hasNode(rack string, classes []string) bool {
	for _, n := range l.s.Racks[rack].Nodes {
		if slices.Contains(classes, n.Class) {
			return true
		}
	}
	return false
}

// pool returns a pool of the plan by name.
func (l *lowering) pool(name string) *ir.Pool {
	i := slices.IndexFunc(l.p.Pools, func(p ir.Pool) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return &l.p.Pools[i]
}

// once leaves out what a list says again: MetalLB refuses an object for it.
func once(in []string) []string {
	var out []string
	for _, s := range in {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}
