package lower

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// connectSecs is the time between two attempts of a speaker to open its session. Only the node opens it (the speaker
// does not listen), so a switch that comes back waits this long at most; FRR's own default is 120 s.
const connectSecs = 10

// restartSecs is how long the routes of a speaker that restarts are kept: an upgrade of its pod with a new image takes less.
// A node that goes down with its speaker first keeps its share of connections for as long.
const restartSecs = 60

// prefixesPerVIP is the room in a session's limit: each address, and the node's ranges of pods, once, and once more while a change is rolled out.
const prefixesPerVIP = 2

// rackSpeakers are the nodes of a rack that open sessions with its switches.
type rackSpeakers struct {
	nodes   []*ir.Node
	classes []string // of those that announce virtual addresses
	from    ir.From  // of the classes
}

// tor decides a rack's switch: its sessions with the rack's speakers and with the spines, and what it admits.
func (l *lowering) tor(rn, tn string, speakers rackSpeakers) {
	sw := l.torSwitch(rn, tn, speakers)
	for _, a := range sw.Address {
		pe := l.nodePeering(&sw, tn, a, speakers)
		// A rack that announces nothing, or with nobody to announce it, needs no session.
		if (len(pe.Pools) > 0 || len(pe.Pods) > 0) && len(pe.Speakers) > 0 {
			sw.Peerings = append(sw.Peerings, pe)
			l.p.LoadBalancer.Peerings = append(l.p.LoadBalancer.Peerings, pe)
		}
	}
	for i := range l.s.Racks[rn].ToRs[tn].Uplinks {
		sw.Uplinks = append(sw.Uplinks, l.uplinks(&sw, tn, i)...)
	}
	switch {
	case len(sw.Uplinks) > 0:
		sw.Resilient = l.resilient(sw.Transit)
	case len(sw.Peerings) > 0:
		sw.Resilient = l.resilient(sw.Admit)
	}
	l.p.Switches = append(l.p.Switches, sw)
}

// torSwitch is the switch without its sessions: what it is, and what it admits of nodes.
func (l *lowering) torSwitch(rn, tn string, speakers rackSpeakers) ir.Switch {
	r, b := l.s.Racks[rn], l.s.Fabric.BGP
	t := r.ToRs[tn]
	path := site.Join("racks", rn, "tors", tn)
	sw := ir.Switch{
		Hostname: t.Hostname, Role: "tor", Rack: rn, OS: t.OS, ASN: t.ASN, RouterID: addr(t.RouterID), VLAN: t.VLAN,
		Address: addrs(t.Address), Subnets: prefixes(r.Subnets), MaxPaths: b.MaxPaths, Objects: objects(l.s.Name),
		From: append(under(path, "hostname", "asn", "address", "routerID", "os", "vlan"), site.Join("racks", rn, "subnets"), site.Join("racks", rn, "nodes"), "fabric.bgp.maxPaths", "name"),
	}
	sw.From = append(sw.From, speakers.from...)
	for i := range l.p.Pools {
		pool := &l.p.Pools[i]
		sw.From = append(sw.From, pool.From.Of("announce")...) // a pool may be missing here, too, because of it
		if pool.Protocol == "bgp" && slices.Contains(pool.Racks, rn) {
			sw.Admit = append(sw.Admit, ir.Admission{Pool: pool.Name, Prefixes: pool.Prefixes, From: pool.From})
		}
	}
	sw.Guard, sw.GuardFrom = l.guard()
	sw.Transit = l.announced()
	sw.Pods = l.podRanges()
	if r.Homing == unnumbered {
		asn, from := l.nodeASN(rn)
		sw.Links = l.nodeLinks(rn, tn, asn, from)
		sw.From = append(sw.From, site.Join("racks", rn, "homing"))
	}
	return sw
}

// nodeASN is the autonomous system of a rack's nodes, and where the site says it.
func (l *lowering) nodeASN(rn string) (asn uint32, from string) {
	if r := l.s.Racks[rn]; r.BGP != nil && r.BGP.NodeASN != 0 {
		return r.BGP.NodeASN, site.Join("racks", rn, "bgp", "nodeASN")
	}
	return l.s.Fabric.BGP.NodeASN, "fabric.bgp.nodeASN"
}

// nodePeering decides the sessions of the rack's speakers with one address of the switch: who opens them, and what they carry of
// its family.
func (l *lowering) nodePeering(sw *ir.Switch, tn string, a netip.Addr, speakers rackSpeakers) ir.Peering {
	rn := sw.Rack
	r, b := l.s.Racks[rn], l.s.Fabric.BGP
	path := site.Join("racks", rn, "tors", tn)
	nodeASN, asnFrom := l.nodeASN(rn)
	pe := ir.Peering{
		Name: rn + "-" + tn, Rack: rn, ToR: tn, Switch: sw.Hostname, SwitchASN: sw.ASN, SwitchAddress: a, NodeASN: nodeASN,
		NodeSelector:  l.selector([]string{rn}, speakers.classes, speakers.from),
		HoldSecs:      seconds(b.HoldTime),
		KeepaliveSecs: seconds(b.KeepaliveTime),
		ConnectSecs:   connectSecs, BFD: l.sessionBFD(r), PasswordSecret: b.PasswordSecret, Multihop: r.Homing == unnumbered,
		MaxPrefixWhy: "bgp/max-prefix",
		From: append(ir.From{path + ".asn", path + ".address", path + ".hostname", asnFrom,
			"fabric.bgp.holdTime", "fabric.bgp.keepaliveTime", "fabric.bgp.bfd", "fabric.bgp.passwordSecret", "loadBalancer.kind", site.Join("racks", rn, "nodes"), site.Join("racks", rn, "homing")}, speakers.from...),
	}
	pe.From = append(pe.From, "fabric.bgp.gracefulRestart")
	if b.GracefulRestart {
		pe.RestartSecs = restartSecs
	}
	pe.RefuseRestart = CalicoAnnounces(l.s) && !b.GracefulRestart // it always asks
	if a.Is6() {
		pe.Name += "-v6"
	}
	routes := l.carry(&pe, sw)
	if len(pe.Pods) > 0 {
		pe.NodeSelector = ir.Selector{Terms: []ir.Term{{Key: rackLabel, Values: []string{rn}}}, From: pe.From}
	}
	pe.MaxPrefixes = max(prefixesPerVIP, prefixesPerVIP*routes)
	for _, n := range speakers.nodes {
		for _, na := range n.Addresses {
			if na.Is6() == a.Is6() {
				pe.Speakers = append(pe.Speakers, ir.Speaker{Node: n.Name, Address: na,
					VIPs: len(pe.Pools) > 0 && slices.Contains(speakers.classes, n.Class),
					From: under(site.Join("racks", rn, "nodes", n.Name), "address", "class")})
			}
		}
	}
	return pe
}

// carry fills in what sessions carry of their family: the pools that the switch admits, and ranges of pods. It returns how many
// routes one node announces at most.
func (l *lowering) carry(pe *ir.Peering, sw *ir.Switch) (routes int) {
	six := pe.SwitchAddress.Is6()
	for _, ad := range sw.Admit {
		pool := l.pool(ad.Pool)
		if !slices.ContainsFunc(pool.Prefixes, func(p netip.Prefix) bool { return p.Addr().Is6() == six }) {
			continue
		}
		pe.Pools = append(pe.Pools, ad.Pool)
		for _, v := range pool.VIPs {
			if v.Address.Is6() == six {
				routes++
				pe.From = append(pe.From, v.From...)
			}
		}
		pe.From = append(pe.From, pool.From.Of("announce")...)
	}
	for _, r := range sw.Pods {
		if r.Prefix.Addr().Is6() == six {
			pe.Pods = append(pe.Pods, r)
			pe.From = append(pe.From, r.From...)
			routes += r.PerNode
		}
	}
	return routes
}
