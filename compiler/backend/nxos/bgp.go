package nxos

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
		w.Linef("  router-id %s", w.Switch.RouterID)
	}
	w.Fixed()
	w.Line("  ! One address is announced by several racks, whose paths are equally long but lead through different ASNs;")
	w.Line("  ! without this line only one of them would be used.")
	w.Line("  bestpath as-path multipath-relax")
	if refusing, from := w.GroupsWith(func(g *ir.PeerGroup) bool { return g.RefuseRestart }); len(refusing) > 0 {
		w.From("", from.Of("gracefulRestart")...)
		w.Line("  ! Speakers ask to keep their routes while they restart. A dead node would look the same. This holds for all sessions")
		w.Line("  ! of the switch, also while it restarts itself; those that are up take it when they are opened anew.")
		w.Line("  no graceful-restart")
		w.Fixed()
	}
	for _, f := range []ir.Family{ir.IPv4, ir.IPv6} {
		w.family(f)
	}
	for i := range w.Groups {
		w.template(&w.Groups[i])
	}
	for i := range w.Groups {
		for k := range w.Groups[i].Neighbors {
			w.neighbor(&w.Groups[i], &w.Groups[i].Neighbors[k])
		}
	}
	w.Section()
	w.Line("!")
}

// family writes what holds for an address family of the switch.
func (w *writer) family(f ir.Family) {
	carrying, from := w.GroupsWith(func(g *ir.PeerGroup) bool { return slices.Contains(g.Families, f) })
	if len(carrying) == 0 {
		return
	}
	w.Section(from)
	w.Linef("  address-family %s unicast", f)
	if w.Switch.MaxPaths != 0 {
		w.From("", w.Switch.From.Of("maxPaths")...)
		w.Linef("    maximum-paths %d", w.Switch.MaxPaths)
		w.Fixed()
	}
	w.Networks(f, carrying, "    ", "Announced only while it is connected: NX-OS looks for the route first.")
}

// template writes a group: what its members inherit. The lines of an address family come last, because behind them a
// line of the session would be tried there first.
func (w *writer) template(g *ir.PeerGroup) {
	w.Section(g.From)
	w.Linef("  template peer %s", g.Name)
	if g.ASN != 0 {
		w.From("", g.From.Of("asn", "nodeASN")...)
		w.Linef("    remote-as %d", g.ASN)
	}
	if g.BFD != nil {
		w.From("", g.From.Of("bfd")...)
		w.Line("    bfd")
	}
	if g.TTLSecurity {
		w.From("", g.From.Of("ttlSecurity")...)
		w.Line("    ! Both ends send TTL 255 and take no packet that a router has passed on.")
		w.Line("    ttl-security hops 1")
	}
	w.From("", g.From.Of("holdTime", "keepaliveTime")...)
	w.Linef("    timers %d %d", g.KeepaliveSecs, g.HoldSecs)
	if word := g.Password(); word != "" {
		w.From("", g.From.Of("passwordSecret")...)
		w.Linef("    password 0 %s", word)
	}
	w.Fixed()
	if g.Side == ir.Nodes {
		w.Line("    ! Speakers on nodes do not listen: the session is theirs to open.")
		w.Line("    transport connection-mode passive")
		if w.Switch.VLAN != 0 {
			w.From("", w.Switch.From.Of("vlan")...)
			w.Linef("    update-source Vlan%d", w.Switch.VLAN)
			w.Fixed()
		}
	}
	for _, f := range g.Families {
		w.Linef("    address-family %s unicast", f)
		if g.Side != ir.Nodes {
			w.Line("      ! NX-OS sends no communities by itself: those that nodes set would end here.")
			w.Line("      send-community")
		}
		w.Linef("      route-map %s in", w.Switch.FromMap(g.Side, f))
		w.Linef("      route-map %s out", w.Switch.ToMap(g.Side, f))
		if g.MaxPrefixes != 0 {
			w.From(g.MaxPrefixWhy, g.From...)
			w.Linef("      maximum-prefix %d %d restart %d", g.MaxPrefixes, backend.WarnPercent, backend.RestartMinutes)
			w.Fixed()
		}
	}
}

// neighbor writes one member.
func (w *writer) neighbor(g *ir.PeerGroup, n *ir.Neighbor) {
	w.Section(g.From)
	w.From("", n.From...)
	w.Linef("  neighbor %s", n.Address)
	w.Linef("    inherit peer %s", g.Name)
	if g.ASN == 0 {
		w.Linef("    remote-as %d", n.ASN)
	}
	w.Linef("    description %s", n.Description())
	if n.Via != "" {
		w.Linef("    update-source %s", n.Via)
	}
	w.Fixed()
}
