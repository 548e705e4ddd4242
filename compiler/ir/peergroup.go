package ir

import (
	"net/netip"
	"slices"
	"strconv"
)

// Family is an address family of BGP, in the word that switch languages use.
type Family string

// The two families.
const (
	IPv4 Family = "ipv4"
	IPv6 Family = "ipv6"
)

// FamilyOf returns the family of a valid address.
func FamilyOf(a netip.Addr) Family {
	if a.Is6() {
		return IPv6
	}
	return IPv4
}

// Protocol returns the family as filters spell it: "ip" or "ipv6".
func (f Family) Protocol() string {
	if f == IPv6 {
		return "ipv6"
	}
	return "ip"
}

// HostBits returns the length of the route to one address.
func (f Family) HostBits() int {
	if f == IPv6 {
		return 128
	}
	return 32
}

// Has reports whether a prefix is of the family.
func (f Family) Has(p netip.Prefix) bool { return FamilyOf(p.Addr()) == f }

// Object returns the name of a family's object: a list or map holds one family only, so IPv6 has its own.
func (f Family) Object(object string) string {
	if f == IPv6 {
		return object + "_V6"
	}
	return object
}

// Side is what stands at the other end of a switch's sessions, in the word that its objects are named by.
type Side string

// The sides. A ToR has nodes below and spines above; a spine has ToRs.
const (
	Nodes  Side = "NODES"
	Spines Side = "SPINES"
	ToRs   Side = "TORS"
	Links  Side = "LINKS" // the cables to nodes that live on loopback addresses
)

// PeerGroup is those sessions of a switch that differ in nothing but the neighbor: what switch languages write as one
// named group with its members below. Every field but Neighbors holds for each of them.
type PeerGroup struct {
	Name           string // of the group, and of its BFD profile where the language has them
	Side           Side
	Unnumbered     bool       // neighbors are known by an interface, not by an address
	Families       []Family   // that the sessions carry: their own, or the site's over an unnumbered link
	ASN            uint32     // of the neighbors; 0 when they differ: then each neighbor's own counts
	Source         netip.Addr // the switch's end; invalid when each link has its own
	HoldSecs       int
	KeepaliveSecs  int
	BFD            *BFD   // nil for none
	RestartSecs    int    // how long routes of a neighbor that restarts are kept; 0: not at all
	RefuseRestart  bool   // it asks to keep them, and they are to end with its session
	TTLSecurity    bool   // only packets of the next machine are taken
	Multihop       bool   // the neighbors are not on a link of the switch's own address
	PasswordSecret string // name of the Kubernetes Secret; "" for none
	MaxPrefixes    int    // taken from one neighbor; 0 for no limit
	MaxPrefixWhy   string
	Neighbors      []Neighbor
	From           From
}

// Neighbor is the other end of one session.
type Neighbor struct {
	Host      string     // host name of the node or switch
	Address   netip.Addr // invalid when unnumbered
	Interface string     // the switch's own, when unnumbered; "" when the site does not say
	Via       string     // the switch's own interface of a numbered link; "" when the site does not say
	Link      int        // counts the unnumbered links to the same host, from 1
	ASN       uint32
	From      From
}

// PeerGroups returns the sessions of the switch in groups, the nodes' first.
func (s *Switch) PeerGroups() []PeerGroup {
	var out []PeerGroup
	for i := range s.Peerings {
		g := nodeGroup(&s.Peerings[i])
		g.Name = s.groupName(out, &g)
		out = append(out, g)
	}
	if len(s.Links) > 0 {
		g := s.linkGroup()
		g.Name = s.groupName(out, &g)
		out = append(out, g)
	}
	links := map[string]int{}
	for i := range s.Uplinks {
		u := &s.Uplinks[i]
		n := s.across(u)
		g := PeerGroup{
			Side: Spines, Unnumbered: !n.Address.IsValid(), Families: u.Families, ASN: n.ASN,
			HoldSecs: u.HoldSecs, KeepaliveSecs: u.KeepaliveSecs, BFD: u.BFD, TTLSecurity: u.TTLSecurity,
		}
		if s.Role == "spine" {
			g.Side = ToRs
		}
		if g.Unnumbered {
			links[n.Host]++
			n.Link = links[n.Host]
		}
		k := slices.IndexFunc(out, g.sameSettings)
		if k < 0 {
			g.Name = s.groupName(out, &g)
			k, out = len(out), append(out, g)
		}
		out[k].add(n)
	}
	return out
}

// nodeGroup returns the group of a peering, without its name.
func nodeGroup(p *Peering) PeerGroup {
	g := PeerGroup{
		Side: Nodes, Families: []Family{FamilyOf(p.SwitchAddress)}, ASN: p.NodeASN, Source: p.SwitchAddress,
		HoldSecs: p.HoldSecs, KeepaliveSecs: p.KeepaliveSecs, BFD: p.BFD, RestartSecs: p.RestartSecs, RefuseRestart: p.RefuseRestart, Multihop: p.Multihop, PasswordSecret: p.PasswordSecret,
		MaxPrefixes: p.MaxPrefixes, MaxPrefixWhy: p.MaxPrefixWhy, From: p.From,
	}
	for _, sp := range p.Speakers {
		g.Neighbors = append(g.Neighbors, Neighbor{Host: sp.Node, Address: sp.Address, ASN: p.NodeASN, From: sp.From})
	}
	return g
}

// linksWhy explains the limit of prefixes on a cable to a node.
const linksWhy = "bgp/max-prefix-link"

// linkGroup returns the sessions over the cables to nodes, without the group's name. They have one AS and one set of timers.
func (s *Switch) linkGroup() PeerGroup {
	g := PeerGroup{Side: Links, Unnumbered: true, ASN: s.Links[0].NodeASN, HoldSecs: s.Links[0].HoldSecs,
		KeepaliveSecs: s.Links[0].KeepaliveSecs, MaxPrefixWhy: linksWhy}
	for i := range s.Links {
		l := &s.Links[i]
		for _, a := range l.Addresses {
			if f := FamilyOf(a); !slices.Contains(g.Families, f) {
				g.Families = append(g.Families, f)
			}
		}
		// One address of a family, and one more while it changes.
		g.MaxPrefixes = 2
		g.add(Neighbor{Host: l.Node, Via: l.Interface, ASN: l.NodeASN, From: l.From})
	}
	slices.Sort(g.Families)
	return g
}

// across returns the other end of a link: the spine for a ToR, the ToR for a spine.
func (s *Switch) across(u *Uplink) Neighbor {
	n := Neighbor{Host: u.Spine, Address: u.SpineAddress, Interface: u.Interface, ASN: u.SpineASN, From: u.From}
	if s.Role == "spine" {
		n = Neighbor{Host: u.Switch, Address: u.Address, Interface: u.SpineInterface, ASN: u.SwitchASN, From: u.From}
	}
	if n.Address.IsValid() {
		n.Interface, n.Via = "", n.Interface
	}
	return n
}

// Description says who the neighbor is, and on which interface where the session does not name it.
func (n *Neighbor) Description() string {
	if n.Via != "" {
		return n.Host + " on " + n.Via
	}
	return n.Host
}

// sameSettings reports whether a neighbor of g can be a member of o.
func (g *PeerGroup) sameSettings(o PeerGroup) bool {
	bfd := g.BFD == nil && o.BFD == nil ||
		g.BFD != nil && o.BFD != nil && g.BFD.IntervalMS == o.BFD.IntervalMS && g.BFD.Multiplier == o.BFD.Multiplier
	return g.Side == o.Side && g.Unnumbered == o.Unnumbered && slices.Equal(g.Families, o.Families) &&
		g.HoldSecs == o.HoldSecs && g.KeepaliveSecs == o.KeepaliveSecs && g.TTLSecurity == o.TTLSecurity && bfd
}

// add makes a neighbor a member.
func (g *PeerGroup) add(n Neighbor) {
	if n.ASN != g.ASN {
		g.ASN = 0
	}
	g.Neighbors = append(g.Neighbors, n)
	for _, path := range n.From {
		if !slices.Contains(g.From, path) {
			g.From = append(g.From, path)
		}
	}
}

// groupName names a new group by its side. A second set of settings on one side is numbered.
func (s *Switch) groupName(groups []PeerGroup, g *PeerGroup) string {
	base := s.Objects + "_" + string(g.Side)
	if !g.Unnumbered {
		base = g.Families[0].Object(base)
	}
	name := base
	for n := 2; slices.ContainsFunc(groups, func(o PeerGroup) bool { return o.Name == name }); n++ {
		name = base + "_" + strconv.Itoa(n)
	}
	return name
}
