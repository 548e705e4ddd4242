package lower

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// connectSecs is the time between two attempts of a speaker to open its session. Only the node opens it (the speaker
// does not listen), so a switch that comes back waits this long at most; FRR's own default is 120 s.
const connectSecs = 10

// restartSecs is how long the routes of a speaker that restarts are kept: an upgrade of its pod with a new image takes less.
// A node that goes down with its speaker first keeps its share of connections for as long.
const restartSecs = 60

// prefixesPerVIP is the room in a session's limit: each address, and the node's range of pods, once, and once more while a change is rolled out.
const prefixesPerVIP = 2

func (l *lowering) fabric() {
	if l.s.Fabric.BGP == nil {
		return
	}
	classes, classFrom := l.speakerClasses()
	for rn, r := range byKey(l.s.Racks) {
		speakers := l.speakers(rn, classes)
		if len(l.podRanges()) > 0 {
			speakers = l.rackNodes(rn)
		}
		for tn, t := range byKey(r.ToRs) {
			if t.ASN == 0 {
				continue
			}
			l.tor(rn, tn, speakers, classes, classFrom)
		}
	}
	for sn := range byKey(l.s.Fabric.Spines) {
		l.spine(sn)
	}
	for i := range l.p.Pools {
		pool := &l.p.Pools[i]
		pool.NodeSelector = l.selector(pool.Racks, classes, append(pool.From.Of("announce")[:len(pool.From.Of("announce")):len(pool.From.Of("announce"))], classFrom...))
		for _, sw := range l.p.Switches {
			for _, pe := range sw.Peerings {
				if slices.Contains(pe.Pools, pool.Name) {
					pool.Peers = append(pool.Peers, pe.Name)
				}
			}
		}
		slices.Sort(pool.Peers)
	}
}

// speakers returns the nodes of a rack that open sessions.
func (l *lowering) speakers(rack string, classes []string) []*ir.Node {
	var out []*ir.Node
	for i := range l.p.Nodes {
		if n := &l.p.Nodes[i]; n.Rack == rack && slices.Contains(classes, n.Class) {
			n.Speaker = true
			out = append(out, n)
		}
	}
	return out
}

// rackNodes returns all nodes of a rack.
func (l *lowering) rackNodes(rack string) []*ir.Node {
	var out []*ir.Node
	for i := range l.p.Nodes {
		if n := &l.p.Nodes[i]; n.Rack == rack {
			out = append(out, n)
		}
	}
	return out
}

// podRanges returns the networks out of which nodes announce their ranges of pods; none where they do not.
func (l *lowering) podRanges() []ir.PodRange {
	if !l.s.Fabric.BGP.Advertise.Pods {
		return nil
	}
	k := l.s.Kubernetes
	var out []ir.PodRange
	for i, p := range prefixes(k.PodCIDRs[:min(len(k.PodCIDRs), len(k.NodeCIDRMask))]) {
		out = append(out, ir.PodRange{Prefix: p, Bits: k.NodeCIDRMask[i], From: ir.From{
			"fabric.bgp.advertise.pods", "kubernetes.podCIDRs", "kubernetes.nodeCIDRMask"}})
	}
	return out
}

// selector matches the nodes of racks and classes by the labels that nodes carry.
func (l *lowering) selector(racks, classes []string, from ir.From) ir.Selector {
	return ir.Selector{Terms: []ir.Term{{Key: rackLabel, Values: racks}, {Key: classLabel, Values: classes}}, From: from}
}

// tor decides a rack's switch: its sessions with the rack's speakers and with the spines, and what it admits.
func (l *lowering) tor(rn, tn string, speakers []*ir.Node, classes []string, classFrom ir.From) {
	r, b := l.s.Racks[rn], l.s.Fabric.BGP
	t := r.ToRs[tn]
	path := site.Join("racks", rn, "tors", tn)
	sw := ir.Switch{
		Hostname: t.Hostname, Role: "tor", Rack: rn, OS: t.OS, ASN: t.ASN, RouterID: addr(t.RouterID), VLAN: t.VLAN,
		Address: addrs(t.Address), Subnets: prefixes(r.Subnets), MaxPaths: b.MaxPaths, Objects: objects(l.s.Name),
		From: append(under(path, "hostname", "asn", "address", "routerID", "os", "vlan"), site.Join("racks", rn, "subnets"), site.Join("racks", rn, "nodes"), "fabric.bgp.maxPaths", "name"),
	}
	sw.From = append(sw.From, classFrom...)
	for i := range l.p.Pools {
		pool := &l.p.Pools[i]
		sw.From = append(sw.From, pool.From.Of("announce")...) // a pool may be missing here, too, because of it
		if pool.Protocol == "bgp" && slices.Contains(pool.Racks, rn) {
			sw.Admit = append(sw.Admit, ir.Admission{Pool: pool.Name, Prefixes: pool.Prefixes, From: pool.From})
		}
	}
	sw.Guard, sw.GuardFrom = l.guard()
	sw.Transit = l.announced()
	sw.Resilient = l.resilient()
	sw.Pods = l.podRanges()
	nodeASN, asnFrom := b.NodeASN, "fabric.bgp.nodeASN"
	if r.BGP != nil && r.BGP.NodeASN != 0 {
		nodeASN, asnFrom = r.BGP.NodeASN, site.Join("racks", rn, "bgp", "nodeASN")
	}
	if r.Homing == unnumbered {
		sw.Links = l.nodeLinks(rn, tn, nodeASN, asnFrom)
		sw.From = append(sw.From, site.Join("racks", rn, "homing"))
	}
	for _, a := range sw.Address {
		pe := ir.Peering{
			Name: rn + "-" + tn, Rack: rn, ToR: tn, Switch: t.Hostname, SwitchASN: t.ASN, SwitchAddress: a, NodeASN: nodeASN,
			NodeSelector:  l.selector([]string{rn}, classes, classFrom),
			HoldSecs:      seconds(b.HoldTime),
			KeepaliveSecs: seconds(b.KeepaliveTime),
			ConnectSecs:   connectSecs, BFD: l.sessionBFD(r), PasswordSecret: b.PasswordSecret, Multihop: r.Homing == unnumbered,
			MaxPrefixWhy: "bgp/max-prefix",
			From: append(ir.From{path + ".asn", path + ".address", path + ".hostname", asnFrom,
				"fabric.bgp.holdTime", "fabric.bgp.keepaliveTime", "fabric.bgp.bfd", "fabric.bgp.passwordSecret", "loadBalancer.kind", site.Join("racks", rn, "nodes"), site.Join("racks", rn, "homing")}, classFrom...),
		}
		if b.GracefulRestart {
			pe.RestartSecs = restartSecs
			pe.From = append(pe.From, "fabric.bgp.gracefulRestart")
		}
		if a.Is6() {
			pe.Name += "-v6"
		}
		vips := 0
		for _, ad := range sw.Admit {
			pool := l.pool(ad.Pool)
			if !slices.ContainsFunc(pool.Prefixes, func(p netip.Prefix) bool { return p.Addr().Is6() == a.Is6() }) {
				continue
			}
			pe.Pools = append(pe.Pools, ad.Pool)
			for _, v := range pool.VIPs {
				if v.Address.Is6() == a.Is6() {
					vips++
					pe.From = append(pe.From, v.From...)
				}
			}
			pe.From = append(pe.From, pool.From.Of("announce")...)
		}
		for _, r := range sw.Pods {
			if r.Prefix.Addr().Is6() == a.Is6() {
				pe.Pods = append(pe.Pods, r)
				pe.From = append(pe.From, r.From...)
			}
		}
		if len(pe.Pods) > 0 {
			vips++ // a node has one range a family
			pe.NodeSelector = ir.Selector{Terms: []ir.Term{{Key: rackLabel, Values: []string{rn}}}, From: pe.From}
		}
		pe.MaxPrefixes = max(prefixesPerVIP, prefixesPerVIP*vips)
		for _, n := range speakers {
			for _, na := range n.Addresses {
				if na.Is6() == a.Is6() {
					pe.Speakers = append(pe.Speakers, ir.Speaker{Node: n.Name, Address: na,
						VIPs: len(pe.Pools) > 0 && slices.Contains(classes, n.Class),
						From: under(site.Join("racks", rn, "nodes", n.Name), "address", "class")})
				}
			}
		}
		// A rack that announces nothing, or with nobody to announce it, needs no session.
		if (len(pe.Pools) > 0 || len(pe.Pods) > 0) && len(pe.Speakers) > 0 {
			sw.Peerings = append(sw.Peerings, pe)
			l.p.LoadBalancer.Peerings = append(l.p.LoadBalancer.Peerings, pe)
		}
	}
	for i := range t.Uplinks {
		sw.Uplinks = append(sw.Uplinks, l.uplinks(rn, tn, i)...)
	}
	l.p.Switches = append(l.p.Switches, sw)
}

// uplinks decides the sessions on one link between a rack's switch and a spine: one that carries both families where
// it is unnumbered, else one a family.
func (l *lowering) uplinks(rn, tn string, i int) []ir.Uplink {
	b, t := l.s.Fabric.BGP, l.s.Racks[rn].ToRs[tn]
	u := t.Uplinks[i]
	sp := l.s.Fabric.Spines[u.Spine]
	path := site.Join("racks", rn, "tors", tn, "uplinks", site.Index(i))
	base := ir.Uplink{
		Switch: t.Hostname, SwitchASN: t.ASN, Interface: u.Interface, Spine: sp.Hostname, SpineASN: sp.ASN, SpineInterface: u.PeerInterface,
		HoldSecs: seconds(b.HoldTime), KeepaliveSecs: seconds(b.KeepaliveTime), BFD: l.bfd(),
		From: append(ir.From{path}, append(under(site.Join("racks", rn, "tors", tn), "asn", "hostname"),
			append(under(site.Join("fabric", "spines", u.Spine), "asn", "hostname"), "fabric.bgp.holdTime", "fabric.bgp.keepaliveTime", "fabric.bgp.bfd")...)...),
	}
	if b.TTLSecurity {
		base.TTLSecurity = true
		base.From = append(base.From, "fabric.bgp.ttlSecurity")
	}
	if len(u.Address) == 0 {
		return []ir.Uplink{base}
	}
	var out []ir.Uplink
	for k := range u.Address {
		one := base
		one.Address, one.SpineAddress = prefix(u.Address[k]).Addr(), addr(u.PeerAddress[k])
		out = append(out, one)
	}
	return out
}

func (l *lowering) spine(sn string) {
	sp := l.s.Fabric.Spines[sn]
	sw := ir.Switch{
		Hostname: sp.Hostname, Role: "spine", OS: sp.OS, ASN: sp.ASN, RouterID: addr(sp.RouterID),
		MaxPaths: l.s.Fabric.BGP.MaxPaths, Objects: objects(l.s.Name),
		From: append(under(site.Join("fabric", "spines", sn), "hostname", "asn", "routerID", "os"), "fabric.bgp.maxPaths", "name"),
	}
	sw.Guard, sw.GuardFrom = l.guard()
	sw.Admit = l.announced()
	sw.Resilient = l.resilient()
	sw.Pods = l.podRanges()
	for rn, r := range byKey(l.s.Racks) {
		for tn := range byKey(r.ToRs) {
			sw.From = append(sw.From, site.Join("racks", rn, "tors", tn, "uplinks")) // any may lead here, and into a group of others
		}
	}
	for _, tor := range l.p.Switches {
		for _, u := range tor.Uplinks {
			if u.Spine == sp.Hostname {
				sw.Uplinks = append(sw.Uplinks, u)
			}
		}
	}
	l.p.Switches = append(l.p.Switches, sw)
}

// announced lists every pool that some rack announces.
func (l *lowering) announced() []ir.Admission {
	var out []ir.Admission
	for i := range l.p.Pools {
		if pool := &l.p.Pools[i]; pool.Protocol == "bgp" {
			out = append(out, ir.Admission{Pool: pool.Name, Prefixes: pool.Prefixes, From: pool.From})
		}
	}
	return out
}

// hashCopies is how often a next hop stands in its table when all of them are there: with one missing, its share goes to the
// others to within a fourth.
const hashCopies = 4

// resilient lists the networks of virtual addresses, where the site asks for their connections to stay.
func (l *lowering) resilient() []ir.ResilientPrefix {
	if !l.s.Fabric.ResilientHashing {
		return nil
	}
	var out []ir.ResilientPrefix
	for _, a := range l.announced() {
		for _, p := range a.Prefixes {
			out = append(out, ir.ResilientPrefix{Prefix: p, NextHops: l.s.Fabric.BGP.MaxPaths, Copies: hashCopies,
				From: append(ir.From{"fabric.resilientHashing", "fabric.bgp.maxPaths"}, a.From...)})
		}
	}
	return out
}

// guard is what the fabric must never carry but as a host route of a pool: pools, pod and service ranges.
func (l *lowering) guard() ([]netip.Prefix, ir.From) {
	var out []netip.Prefix
	from := ir.From{"kubernetes.podCIDRs", "kubernetes.serviceCIDRs"}
	for i := range l.p.Pools {
		out = append(out, l.p.Pools[i].Prefixes...)
		from = append(from, l.p.Pools[i].From.Of("addresses")...)
	}
	out = append(out, l.p.Cluster.PodCIDRs...)
	return append(out, l.p.Cluster.ServiceCIDRs...), from
}

func (l *lowering) bfd() *ir.BFD {
	b := l.s.Fabric.BGP.BFD
	if b == nil {
		return nil
	}
	return &ir.BFD{Name: l.s.Name, IntervalMS: int(site.ParseDuration(b.Interval) / time.Millisecond), Multiplier: b.Multiplier,
		From: append(under("fabric.bgp.bfd", "interval", "multiplier"), "name")}
}

func seconds(s string) int { return int(site.ParseDuration(s) / time.Second) }

// objects is the prefix of every named object on a switch: the site's name in capitals, with "_" for "-", which is
// what FRR, NVUE, EOS, NX-OS and SONiC all take. A name is a DNS label, so no two sites share a prefix.
func objects(name string) string { return strings.ToUpper(strings.ReplaceAll(name, "-", "_")) }
