package eos

import (
	"slices"

	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// router writes the BGP instance.
func (w *writer) router() {
	w.Section()
	w.From("", w.Switch.From.Of("asn")...)
	w.Linef("router bgp %d", w.Switch.ASN)
	if w.Switch.RouterID.IsValid() {
		w.From("", w.Switch.From.Of("routerID")...)
		w.Linef("   router-id %s", w.Switch.RouterID)
	}
	w.Fixed()
	w.Line("   ! A session carries only what it is activated for. This holds for other sessions of the switch too.")
	w.Line("   no bgp default ipv4-unicast")
	if w.Switch.MaxPaths != 0 {
		w.From("", w.Switch.From.Of("maxPaths")...)
		w.Linef("   maximum-paths %d ecmp %d", w.Switch.MaxPaths, w.Switch.MaxPaths)
		w.Fixed()
	}
	w.Line("   ! One address is announced by several racks, whose paths are equally long but lead through different ASNs;")
	w.Line("   ! where this has been turned off only one of them would be used.")
	w.Line("   bgp bestpath as-path multipath-relax")
	for i := range w.Groups {
		w.group(&w.Groups[i])
	}
	for _, f := range []ir.Family{ir.IPv4, ir.IPv6} {
		w.family(f)
	}
	w.Section()
	w.Line("!")
}

// group writes a peer group and its members.
func (w *writer) group(g *ir.PeerGroup) {
	w.Section(g.From)
	w.Linef("   neighbor %s peer group", g.Name)
	// The AS of a neighbor that is known by its port stands with the port.
	if g.ASN != 0 && !g.Unnumbered {
		w.From("", g.From.Of("asn", "nodeASN")...)
		w.Linef("   neighbor %s remote-as %d", g.Name, g.ASN)
	}
	w.Fixed()
	if g.Side == ir.Nodes {
		w.Line("   ! Speakers on nodes do not listen: the session is theirs to open.")
		w.Linef("   neighbor %s passive", g.Name)
		if w.Switch.VLAN != 0 {
			w.From("", w.Switch.From.Of("vlan")...)
			w.Linef("   neighbor %s update-source Vlan%d", g.Name, w.Switch.VLAN)
		}
	}
	if g.RefuseRestart {
		w.From("", g.From.Of("gracefulRestart")...)
		w.Line("   ! Speakers ask to keep their routes while they restart. A dead node would look the same.")
		w.Linef("   no neighbor %s graceful-restart-helper", g.Name)
	}
	if g.BFD != nil {
		// At the group and not at the port or VLAN, whose timers are everybody's.
		w.From("", slices.Concat(g.From.Of("bfd"), g.BFD.From)...)
		w.Linef("   neighbor %s bfd", g.Name)
		w.Linef("   neighbor %s bfd interval %d min-rx %d multiplier %d", g.Name, g.BFD.IntervalMS, g.BFD.IntervalMS, g.BFD.Multiplier)
	}
	if g.TTLSecurity {
		w.From("", g.From.Of("ttlSecurity")...)
		w.Line("   ! Both ends send TTL 255 and take no packet that a router has passed on.")
		w.Linef("   neighbor %s ttl maximum-hops 1", g.Name)
	}
	w.From("", g.From.Of("holdTime", "keepaliveTime")...)
	w.Linef("   neighbor %s timers %d %d", g.Name, g.KeepaliveSecs, g.HoldSecs)
	if word := g.Password(); word != "" {
		w.From("", g.From.Of("passwordSecret")...)
		w.Linef("   neighbor %s password 0 %s", g.Name, word)
	}
	w.Fixed()
	if g.Side != ir.Nodes {
		w.Line("   ! EOS sends no communities by itself: those that nodes set would end here.")
		w.Linef("   neighbor %s send-community", g.Name)
	}
	if g.MaxPrefixes != 0 {
		w.From(g.MaxPrefixWhy, g.From...)
		w.Line("   ! Counted are all prefixes that the node sends, those that the route map refuses included.")
		w.Linef("   neighbor %s maximum-routes %d warning-limit %d percent", g.Name, g.MaxPrefixes, backend.WarnPercent)
		w.Linef("   neighbor %s idle-restart-timer %d", g.Name, 60*backend.RestartMinutes)
	}
	for i := range g.Neighbors {
		w.neighbor(g, &g.Neighbors[i])
	}
}

// neighbor writes one member.
func (w *writer) neighbor(g *ir.PeerGroup, n *ir.Neighbor) {
	w.From("", n.From...)
	if g.Unnumbered {
		w.Linef("   ! %s", n.Host)
		w.Linef("   neighbor interface %s peer-group %s remote-as %d", n.Port(), g.Name, n.ASN)
		return
	}
	w.Linef("   neighbor %s peer group %s", n.Address, g.Name)
	if g.ASN == 0 {
		w.Linef("   neighbor %s remote-as %d", n.Address, n.ASN)
	}
	w.Linef("   neighbor %s description %s", n.Address, n.Description())
}

// family writes what the sessions carry of one address family.
func (w *writer) family(f ir.Family) {
	carrying, from := w.GroupsWith(func(g *ir.PeerGroup) bool { return slices.Contains(g.Families, f) })
	if len(carrying) == 0 {
		return
	}
	w.Section(from)
	w.Line("   !")
	w.Linef("   address-family %s", f)
	for _, g := range carrying {
		w.Section(g.From)
		w.Linef("      neighbor %s activate", g.Name)
		w.Linef("      neighbor %s route-map %s in", g.Name, w.Switch.FromMap(g.Side, f))
		w.Linef("      neighbor %s route-map %s out", g.Name, w.Switch.ToMap(g.Side, f))
		if g.Unnumbered && f == ir.IPv4 {
			w.Linef("      neighbor %s next-hop address-family ipv6 originate", g.Name)
		}
	}
	w.Section(from)
	w.Networks(f, carrying, "      ", "Announced only while it is connected: EOS looks for the route first.")
}
