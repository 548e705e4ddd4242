package ir

import (
	"net/netip"
	"slices"
)

// PrefixList is a named list of prefixes of one family. It permits what an entry covers and nothing else.
type PrefixList struct {
	Name    string
	Family  Family
	Entries []PrefixEntry
	From    From
}

// PrefixEntry covers the routes within a prefix: every one, or those of one length only.
type PrefixEntry struct {
	Prefix netip.Prefix
	Length int // of the routes, exactly: that of a single address, or of a node's range of pods; 0: any
	From   From
}

// RouteMap decides which routes pass between the switch and one side of it, in one direction. Terms are tried in order;
// what no term takes is refused.
type RouteMap struct {
	Name   string
	Family Family
	Terms  []RouteTerm
	From   From
}

// RouteTerm permits or refuses what a prefix list covers, or every route.
type RouteTerm struct {
	Permit bool
	List   string // name of a PrefixList; "" for every route
}

// FromMap returns the name of the route map for what the switch takes from a side.
func (s *Switch) FromMap(side Side, f Family) string {
	return f.Object(s.Objects + "_FROM_" + string(side))
}

// ToMap returns the name of the route map for what the switch sends to a side.
func (s *Switch) ToMap(side Side, f Family) string {
	return f.Object(s.Objects + "_TO_" + string(side))
}

// Filters returns the prefix lists and route maps that the groups of the switch need.
//
// From a node's own routing comes the node's address, and nothing else; it gets the default route and the switch's address.
// From nodes comes nothing but host routes of the rack's pools and, where nodes announce them, their ranges of pods by
// exact length; nothing goes to them: a node has its default route. Between switches the same passes, of all racks;
// everything else inside the pools and inside the pod and service ranges is refused at any length, so that a leaked or
// a covering route cannot take the cluster's traffic; what is not the site's passes, for the rest of the fabric is not
// its business.
func (s *Switch) Filters(groups []PeerGroup) ([]PrefixList, []RouteMap) {
	b := filters{s: s}
	for i := range groups {
		g := &groups[i]
		for _, f := range g.Families {
			vips := f.Object(s.Objects + "_VIPS")
			pods := f.Object(s.Objects + "_PODS")
			guard := f.Object(s.Objects + "_GUARD")
			b.pods(pods, f)
			switch g.Side {
			case Nodes:
				b.hosts(vips, f, s.Admit)
				b.routeMap(s.FromMap(Nodes, f), f, g, RouteTerm{true, vips}, RouteTerm{true, pods}, RouteTerm{})
				b.routeMap(s.ToMap(Nodes, f), f, g, RouteTerm{})
			case Links:
				// Of a node its own address, and to it the way out and the address that its other sessions lead to.
				b.addresses(f.Object(s.Objects+"_LOOPBACKS"), f, s.Links)
				b.list(PrefixList{Name: f.Object(s.Objects + "_OWN"), Family: f, From: s.From, Entries: s.own(f)})
				b.routeMap(s.FromMap(Links, f), f, g, RouteTerm{true, f.Object(s.Objects + "_LOOPBACKS")}, RouteTerm{})
				b.routeMap(s.ToMap(Links, f), f, g, RouteTerm{true, f.Object(s.Objects + "_OWN")}, RouteTerm{})
			case Spines:
				all := f.Object(s.Objects + "_SITE_VIPS")
				b.hosts(vips, f, s.Admit)
				b.hosts(all, f, s.Transit)
				b.within(guard, f)
				b.routeMap(s.FromMap(Spines, f), f, g, RouteTerm{true, all}, RouteTerm{true, pods}, RouteTerm{false, guard}, RouteTerm{Permit: true})
				b.routeMap(s.ToMap(Spines, f), f, g, RouteTerm{true, vips}, RouteTerm{true, pods}, RouteTerm{false, guard}, RouteTerm{Permit: true})
			case ToRs:
				b.hosts(vips, f, s.Admit)
				b.within(guard, f)
				b.routeMap(s.FromMap(ToRs, f), f, g, RouteTerm{true, vips}, RouteTerm{true, pods}, RouteTerm{false, guard}, RouteTerm{Permit: true})
				b.routeMap(s.ToMap(ToRs, f), f, g, RouteTerm{true, vips}, RouteTerm{true, pods}, RouteTerm{false, guard}, RouteTerm{Permit: true})
			}
		}
	}
	return b.lists, b.maps
}

// filters collects what Filters returns, each object once.
type filters struct {
	s     *Switch
	lists []PrefixList
	maps  []RouteMap
}

// hosts adds the list of the single addresses of pools.
func (b *filters) hosts(name string, f Family, pools []Admission) {
	l := PrefixList{Name: name, Family: f}
	for _, a := range pools {
		l.From = append(l.From, a.From...)
		for _, p := range a.Prefixes {
			if f.Has(p) {
				l.Entries = append(l.Entries, PrefixEntry{Prefix: p, Length: f.HostBits(), From: a.From})
			}
		}
	}
	b.list(l)
}

// addresses adds the list of the addresses of nodes that live on loopbacks.
func (b *filters) addresses(name string, f Family, links []NodeLink) {
	l := PrefixList{Name: name, Family: f}
	for i := range links {
		l.From = append(l.From, links[i].From...)
		for _, a := range links[i].Addresses {
			if FamilyOf(a) == f {
				l.Entries = append(l.Entries, PrefixEntry{Prefix: netip.PrefixFrom(a, a.BitLen()), From: links[i].From})
			}
		}
	}
	b.list(l)
}

// own returns the switch's own addresses of a family as entries of a list.
func (s *Switch) own(f Family) []PrefixEntry {
	var out []PrefixEntry
	for _, a := range s.Address {
		if FamilyOf(a) == f {
			out = append(out, PrefixEntry{Prefix: netip.PrefixFrom(a, a.BitLen()), From: s.From.Of("address")})
		}
	}
	return out
}

// pods adds the list of nodes' ranges of pods.
func (b *filters) pods(name string, f Family) {
	l := PrefixList{Name: name, Family: f}
	for _, r := range b.s.Pods {
		if f.Has(r.Prefix) {
			l.From = append(l.From, r.From...)
			l.Entries = append(l.Entries, PrefixEntry{Prefix: r.Prefix, Length: r.Bits, From: r.From})
		}
	}
	b.list(l)
}

// within adds the list of everything inside the guarded ranges.
func (b *filters) within(name string, f Family) {
	l := PrefixList{Name: name, Family: f, From: b.s.GuardFrom}
	for _, p := range b.s.Guard {
		if f.Has(p) {
			l.Entries = append(l.Entries, PrefixEntry{Prefix: p, From: b.s.GuardFrom})
		}
	}
	b.list(l)
}

// list adds a list that has entries and is not there yet. An empty list must not come to be: FRR and EOS take it to
// permit every route.
func (b *filters) list(l PrefixList) {
	if len(l.Entries) > 0 && b.find(l.Name) == nil {
		b.lists = append(b.lists, l)
	}
}

func (b *filters) find(list string) *PrefixList {
	for i := range b.lists {
		if b.lists[i].Name == list {
			return &b.lists[i]
		}
	}
	return nil
}

// routeMap adds a map that is not there yet, without the terms whose lists would be empty.
func (b *filters) routeMap(name string, f Family, g *PeerGroup, terms ...RouteTerm) {
	if slices.ContainsFunc(b.maps, func(m RouteMap) bool { return m.Name == name }) {
		return
	}
	m := RouteMap{Name: name, Family: f, From: slices.Clone(g.From)}
	for _, t := range terms {
		if t.List != "" {
			l := b.find(t.List)
			if l == nil {
				continue
			}
			m.From = append(m.From, l.From...)
		}
		m.Terms = append(m.Terms, t)
	}
	b.maps = append(b.maps, m)
}
