package lower

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

func (l *lowering) fabric() {
	if l.s.Fabric.BGP == nil {
		return
	}
	classes, classFrom := l.speakerClasses()
	for rn, r := range byKey(l.s.Racks) {
		speakers := rackSpeakers{}
		if !CalicoAnnounces(l.s) { // which carries no virtual address
			speakers = rackSpeakers{l.speakers(rn, classes), classes, classFrom}
		}
		if len(l.podRanges()) > 0 {
			speakers.nodes = l.rackNodes(rn)
		}
		for tn, t := range byKey(r.ToRs) {
			if t.ASN == 0 {
				continue
			}
			l.tor(rn, tn, speakers)
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
	lengths, perNode, from := l.podBlocks()
	networks := l.s.Kubernetes.PodCIDRs
	var out []ir.PodRange
	for i, p := range prefixes(networks[:min(len(networks), len(lengths))]) {
		out = append(out, ir.PodRange{Prefix: p, Bits: lengths[i], PerNode: perNode, From: append(ir.From{
			"fabric.bgp.advertise.pods", "kubernetes.podCIDRs"}, from...)})
	}
	return out
}

// selector matches the nodes of racks and classes by the labels that nodes carry.
func (l *lowering) selector(racks, classes []string, from ir.From) ir.Selector {
	return ir.Selector{Terms: []ir.Term{{Key: rackLabel, Values: racks}, {Key: classLabel, Values: classes}}, From: from}
}

// uplinks decides the sessions on one link between a rack's switch and a spine: one that carries both families where
// it is unnumbered, else one a family.
func (l *lowering) uplinks(sw *ir.Switch, tn string, i int) []ir.Uplink {
	rn := sw.Rack
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
		base.Families = linkFamilies(sw)
		return []ir.Uplink{base}
	}
	var out []ir.Uplink
	for k := range u.Address {
		one := base
		one.Address, one.SpineAddress = prefix(u.Address[k]).Addr(), addr(u.PeerAddress[k])
		one.Families = []ir.Family{ir.FamilyOf(one.Address)}
		out = append(out, one)
	}
	return out
}

// linkFamilies are the families of an unnumbered session between a rack's switch and a spine: link-local addresses carry
// both, and the two ends have to agree. They are those of what the rack has of its own, its networks or the loopback addresses
// of its nodes, and of what the whole site announces.
func linkFamilies(sw *ir.Switch) []ir.Family {
	has := map[ir.Family]bool{}
	for _, a := range sw.Address {
		has[ir.FamilyOf(a)] = true
	}
	for i := range sw.Links {
		for _, a := range sw.Links[i].Addresses {
			has[ir.FamilyOf(a)] = true
		}
	}
	for _, p := range sw.Subnets {
		has[ir.FamilyOf(p.Addr())] = true
	}
	for _, a := range sw.Transit {
		for _, p := range a.Prefixes {
			has[ir.FamilyOf(p.Addr())] = true
		}
	}
	for _, r := range sw.Pods {
		has[ir.FamilyOf(r.Prefix.Addr())] = true
	}
	return slices.Sorted(maps.Keys(has))
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
	if len(sw.Uplinks) > 0 {
		sw.Resilient = l.resilient(sw.Admit)
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

// resilient lists the networks of the virtual addresses that a switch learns, where the site asks for their connections to stay.
func (l *lowering) resilient(learned []ir.Admission) []ir.ResilientPrefix {
	if !l.s.Fabric.ResilientHashing {
		return nil
	}
	var out []ir.ResilientPrefix
	for _, a := range learned {
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
