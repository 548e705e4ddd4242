package frr

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// hops is what packets of a session between loopback addresses may travel: the cable and, as FRR counts, the loopback.
const hops = 2

// bfd writes a profile for each group that has one.
func (w *writer) bfd() {
	with, from := w.GroupsWith(func(g *ir.PeerGroup) bool { return g.BFD != nil })
	if len(with) == 0 {
		return
	}
	w.Section(from)
	w.Line("bfd")
	for _, g := range with {
		w.Section(g.From)
		w.From("", slices.Concat(g.From.Of("bfd"), g.BFD.From)...)
		w.Linef(" profile %s", g.Name)
		w.Linef("  transmit-interval %d", g.BFD.IntervalMS)
		w.Linef("  receive-interval %d", g.BFD.IntervalMS)
		w.Linef("  detect-multiplier %d", g.BFD.Multiplier)
		w.Line(" exit")
		w.Line(" !")
	}
	w.Section(from)
	w.Line("exit")
	w.Line("!")
}

// router writes the BGP instance.
func (w *writer) router() {
	w.Section()
	w.From("", w.Switch.From.Of("asn")...)
	w.Linef("router bgp %d", w.Switch.ASN)
	if w.Switch.RouterID.IsValid() {
		w.From("", w.Switch.From.Of("routerID")...)
		w.Linef(" bgp router-id %s", w.Switch.RouterID)
	}
	w.Fixed()
	w.Line(" ! A session carries only what it is activated for. This holds for other sessions of the switch too.")
	w.Line(" no bgp default ipv4-unicast")
	w.Line(" ! One address is announced by several racks, whose paths are equally long but lead through different ASNs;")
	w.Line(" ! without this line only one of them would be used.")
	w.Line(" bgp bestpath as-path multipath-relax")
	w.restarts()
	for i := range w.Groups {
		w.group(&w.Groups[i])
	}
	for _, f := range []ir.Family{ir.IPv4, ir.IPv6} {
		w.family(f)
	}
	w.Section()
	w.Line("exit")
	w.Line("!")
}

// restarts bounds how the switch helps a speaker that restarts, which FRR does by default for each neighbor that asks for it.
// A speaker asks for as long as it likes (FRR on a node for 120 s), but the stale path time, which runs from the end of the
// session as well, is this switch's own. BFD that goes down ends a session at once and drops its routes. The end of the hold
// time does so only without the N bit (RFC 8538): with it the routes of a dead node would be kept. All of it was tried with
// FRR 8.4.4 on 2026-11-21. The statements belong to the instance: members of a peer group do not inherit those of neighbors.
func (w *writer) restarts() {
	groups, from := w.GroupsWith(func(g *ir.PeerGroup) bool { return g.RestartSecs != 0 })
	if len(groups) == 0 {
		return
	}
	w.From("", from.Of("gracefulRestart")...)
	w.Line(" ! Routes of a speaker that restarts are kept, for this long. This holds for other sessions of the switch too.")
	w.Linef(" bgp graceful-restart stalepath-time %d", groups[0].RestartSecs)
	w.Line(" ! A session that ends with its hold time is a dead node, and no restart.")
	w.Line(" no bgp graceful-restart notification")
	w.Fixed()
}

// group writes a peer group and its members.
func (w *writer) group(g *ir.PeerGroup) {
	w.Section(g.From)
	w.Line(" !")
	w.Linef(" neighbor %s peer-group", g.Name)
	if g.ASN != 0 {
		w.From("", g.From.Of("asn", "nodeASN")...)
		w.Linef(" neighbor %s remote-as %d", g.Name, g.ASN)
	}
	if g.BFD != nil {
		w.From("", g.From.Of("bfd")...)
		w.Linef(" neighbor %s bfd", g.Name)
		w.Linef(" neighbor %s bfd profile %s", g.Name, g.Name)
	}
	if g.Side == ir.Nodes {
		w.Fixed()
		w.Line(" ! Speakers on nodes do not listen: the session is theirs to open.")
		w.Linef(" neighbor %s passive", g.Name)
	}
	if g.RefuseRestart {
		w.From("", g.From.Of("gracefulRestart")...)
		w.Line(" ! Speakers ask to keep their routes while they restart, which each neighbor is refused: a dead node would look the")
		w.Line(" ! same. A session that is up takes it when it is opened anew.")
		w.Fixed()
	}
	if word := g.Password(); word != "" {
		w.From("", g.From.Of("passwordSecret")...)
		w.Linef(" neighbor %s password %s", g.Name, word)
	}
	if g.TTLSecurity {
		w.From("", g.From.Of("ttlSecurity")...)
		w.Line(" ! Both ends send TTL 255 and take no packet that a router has passed on.")
		w.Linef(" neighbor %s ttl-security hops 1", g.Name)
	}
	w.From("", g.From.Of("holdTime", "keepaliveTime")...)
	w.Linef(" neighbor %s timers %d %d", g.Name, g.KeepaliveSecs, g.HoldSecs)
	if g.Multihop {
		w.From("", g.From.Of("homing")...)
		w.Line(" ! Loopback to loopback, over the node's own sessions below: they make either end reachable.")
		w.Linef(" neighbor %s ebgp-multihop %d", g.Name, hops)
	}
	if g.Source.IsValid() {
		w.From("", g.From.Of("address")...)
		w.Linef(" neighbor %s update-source %s", g.Name, g.Source)
	}
	for i := range g.Neighbors {
		w.neighbor(g, &g.Neighbors[i])
	}
}

// neighbor writes one member. FRR takes an address into a group only once its AS is known, and an interface only as a
// member.
func (w *writer) neighbor(g *ir.PeerGroup, n *ir.Neighbor) {
	w.From("", n.From...)
	name := n.Address.String()
	if g.Unnumbered {
		name = n.Port()
		w.Linef(" neighbor %s interface peer-group %s", name, g.Name)
	}
	if g.ASN == 0 {
		w.Linef(" neighbor %s remote-as %d", name, n.ASN)
	}
	if !g.Unnumbered {
		w.Linef(" neighbor %s peer-group %s", name, g.Name)
	}
	w.Linef(" neighbor %s description %s", name, n.Description())
	if g.RefuseRestart {
		// Members do not inherit it from their group (FRR 8.4.4, 2026-11-22).
		w.From("", slices.Concat(n.From, g.From.Of("gracefulRestart"))...)
		w.Linef(" neighbor %s graceful-restart-disable", name)
	}
	w.Fixed()
}

// family writes what the sessions carry of one address family.
func (w *writer) family(f ir.Family) {
	carrying, from := w.GroupsWith(func(g *ir.PeerGroup) bool { return slices.Contains(g.Families, f) })
	if len(carrying) == 0 {
		return
	}
	w.Section(from)
	w.Line(" !")
	w.Linef(" address-family %s unicast", f)
	w.loopbacks(f, carrying)
	w.Networks(f, carrying, "  ", "Announced only while it is connected: FRR looks for the route first (bgp network import-check, its default).")
	if w.Switch.MaxPaths != 0 {
		w.From("", w.Switch.From.Of("maxPaths")...)
		w.Linef("  maximum-paths %d", w.Switch.MaxPaths)
	}
	for _, g := range carrying {
		w.Section(g.From)
		w.Linef("  neighbor %s activate", g.Name)
		if g.Side == ir.Links {
			w.Linef("  neighbor %s default-originate", g.Name)
		}
		w.Linef("  neighbor %s route-map %s in", g.Name, w.Switch.FromMap(g.Side, f))
		w.Linef("  neighbor %s route-map %s out", g.Name, w.Switch.ToMap(g.Side, f))
		if g.MaxPrefixes != 0 {
			w.From(g.MaxPrefixWhy, g.From...)
			w.Line("  ! Counted are the prefixes that the route map has let in.")
			w.Linef("  neighbor %s maximum-prefix %d %d restart %d", g.Name, g.MaxPrefixes, backend.WarnPercent, backend.RestartMinutes)
		}
	}
	w.Section(from)
	w.Line(" exit-address-family")
}

// loopbacks announces the switch's own address to the nodes that connect to it from a loopback of theirs.
func (w *writer) loopbacks(f ir.Family, to []*ir.PeerGroup) {
	if !slices.ContainsFunc(to, func(g *ir.PeerGroup) bool { return g.Side == ir.Links }) {
		return
	}
	w.From("", w.Switch.From.Of("address")...)
	for _, a := range w.Switch.Address {
		if ir.FamilyOf(a) == f {
			w.Linef("  network %s", netip.PrefixFrom(a, a.BitLen()))
		}
	}
	w.Fixed()
}
