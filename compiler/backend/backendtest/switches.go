package backendtest

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/ir"
)

// Fabric makes switches of one operating system, which names its ports in its own way.
type Fabric struct {
	OS            string
	First, Second string // uplinks of a leaf
	Third         string // of a spine
}

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

func prefixes(s ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, p := range s {
		out = append(out, netip.MustParsePrefix(p))
	}
	return out
}

func admission(pool string, p ...string) ir.Admission {
	return ir.Admission{Pool: pool, Prefixes: prefixes(p...), From: ir.From{"pools." + pool + ".addresses"}}
}

func bfd() *ir.BFD {
	return &ir.BFD{IntervalMS: 300, Multiplier: 3, From: ir.From{"fabric.bgp.bfd.interval", "fabric.bgp.bfd.multiplier"}}
}

// Link is an unnumbered session of IPv4 with timers and BFD.
func Link(tor string, torASN uint32, port, spine string, spineASN uint32, spinePort string) ir.Uplink {
	return ir.Uplink{
		Switch: tor, SwitchASN: torASN, Interface: port, Spine: spine, SpineASN: spineASN, SpineInterface: spinePort,
		Families: []ir.Family{ir.IPv4}, HoldSecs: 9, KeepaliveSecs: 3, BFD: bfd(),
		From: ir.From{"racks.r1.tors.a.uplinks[0]", "fabric.spines." + spine + ".asn", "fabric.bgp.holdTime"},
	}
}

// numbered gives a link addresses.
func numbered(u ir.Uplink, tor, spine string) ir.Uplink {
	u.Address, u.SpineAddress = addr(tor), addr(spine)
	u.Families = []ir.Family{ir.FamilyOf(u.Address)}
	return u
}

func peering() ir.Peering {
	return ir.Peering{
		Name: "r1-a", Switch: "leaf-1a", SwitchASN: 65011, SwitchAddress: addr("10.1.1.2"), NodeASN: 65100,
		Speakers: []ir.Speaker{
			{Node: "edge-1", Address: addr("10.1.1.11"), From: ir.From{"racks.r1.nodes.edge-1.address"}},
			{Node: "edge-2", Address: addr("10.1.1.12"), From: ir.From{"racks.r1.nodes.edge-2.address"}},
		},
		HoldSecs: 9, KeepaliveSecs: 3, BFD: bfd(), PasswordSecret: "bgp-session", MaxPrefixes: 4, MaxPrefixWhy: "bgp/max-prefix",
		From: ir.From{"racks.r1.tors.a.asn", "racks.r1.tors.a.address", "fabric.bgp.nodeASN", "fabric.bgp.holdTime",
			"fabric.bgp.keepaliveTime", "fabric.bgp.bfd", "fabric.bgp.passwordSecret"},
	}
}

// Leaf is one of a pair of switches of a rack that announces one of two pools, with an unnumbered link to each spine.
func (f Fabric) Leaf() ir.Switch {
	return ir.Switch{
		Hostname: "leaf-1a", Role: "tor", Rack: "r1", OS: f.OS, ASN: 65011, RouterID: addr("10.255.1.1"), VLAN: 10,
		Address: []netip.Addr{addr("10.1.1.2")}, Subnets: prefixes("10.1.1.0/24"),
		Admit:     []ir.Admission{admission("public", "203.0.113.0/27")},
		Transit:   []ir.Admission{admission("partner", "198.51.100.16/29", "198.51.100.24/32"), admission("public", "203.0.113.0/27")},
		Guard:     prefixes("198.51.100.16/29", "198.51.100.24/32", "203.0.113.0/27", "10.112.0.0/14", "10.96.0.0/16"),
		GuardFrom: ir.From{"kubernetes.podCIDRs", "kubernetes.serviceCIDRs"},
		Peerings:  []ir.Peering{peering()},
		Uplinks: []ir.Uplink{
			Link("leaf-1a", 65011, f.First, "spine-1", 65001, ""),
			Link("leaf-1a", 65011, f.Second, "spine-2", 65001, ""),
		},
		MaxPaths: 16, Objects: "S1",
		From: ir.From{"racks.r1.tors.a.hostname", "racks.r1.tors.a.asn", "racks.r1.subnets", "fabric.bgp.maxPaths"},
	}
}

// DualStack has sessions of both families, and neither BFD nor passwords nor a VLAN.
func (f Fabric) DualStack() ir.Switch {
	sw := f.Leaf()
	v6 := peering()
	v6.SwitchAddress, v6.Speakers = addr("2001:db8:1::2"), []ir.Speaker{{Node: "edge-1", Address: addr("2001:db8:1::11")}}
	sw.VLAN = 0
	sw.Address = append(sw.Address, addr("2001:db8:1::2"))
	sw.Subnets = append(sw.Subnets, prefixes("2001:db8:1::/64")...)
	sw.Admit = []ir.Admission{admission("public", "203.0.113.0/27", "2001:db8:ffff::/120")}
	sw.Transit = sw.Admit
	sw.Guard = append(sw.Guard, prefixes("2001:db8:ffff::/120", "2001:db8:120::/56")...)
	sw.Peerings = append(sw.Peerings, v6)
	for i := range sw.Peerings {
		sw.Peerings[i].BFD, sw.Peerings[i].PasswordSecret = nil, ""
	}
	for i := range sw.Uplinks {
		sw.Uplinks[i].BFD, sw.Uplinks[i].Families = nil, []ir.Family{ir.IPv4, ir.IPv6}
	}
	return sw
}

// NumberedLeaf has addresses on its links, and spines of different ASNs.
func (f Fabric) NumberedLeaf() ir.Switch {
	sw := f.Leaf()
	sw.Uplinks = []ir.Uplink{
		numbered(Link("leaf-1a", 65011, f.First, "spine-1", 65001, ""), "10.2.0.1", "10.2.0.0"),
		numbered(Link("leaf-1a", 65011, f.Second, "spine-2", 65002, ""), "10.2.0.3", "10.2.0.2"),
		numbered(Link("leaf-1a", 65011, f.Second, "spine-2", 65002, ""), "2001:db8:2::3", "2001:db8:2::2"),
	}
	sw.Admit = append(sw.Admit, admission("public6", "2001:db8:ffff::/120"))
	return sw
}

// Spine has two links to one leaf, of which it knows no port, and one to another of the same pair, of which it does.
func (f Fabric) Spine() ir.Switch {
	return ir.Switch{
		Hostname: "spine-1", Role: "spine", OS: f.OS, ASN: 65001, RouterID: addr("10.255.0.1"),
		Admit:     []ir.Admission{admission("partner", "198.51.100.16/29"), admission("public", "203.0.113.0/27")},
		Guard:     prefixes("198.51.100.16/29", "203.0.113.0/27", "10.112.0.0/14"),
		GuardFrom: ir.From{"kubernetes.podCIDRs"},
		Uplinks: []ir.Uplink{
			Link("leaf-1a", 65011, f.First, "spine-1", 65001, ""),
			Link("leaf-1a", 65011, f.Second, "spine-1", 65001, ""),
			Link("leaf-2a", 65012, f.First, "spine-1", 65001, f.Third),
		},
		MaxPaths: 16, Objects: "S1",
		From: ir.From{"fabric.spines.s1.hostname", "fabric.spines.s1.asn", "fabric.bgp.maxPaths"},
	}
}

// PodLeaf is a numbered leaf whose nodes announce their ranges of pods.
func (f Fabric) PodLeaf() ir.Switch {
	sw := f.NumberedLeaf()
	sw.Pods = []ir.PodRange{{Prefix: prefixes("10.112.0.0/14")[0], Bits: 24, From: ir.From{"fabric.bgp.advertise.pods", "kubernetes.nodeCIDRMask"}}}
	sw.Peerings[0].Pods = sw.Pods
	return sw
}

// GuardedLeaf is a leaf that helps speakers to restart, and whose links take packets of the next machine only.
func (f Fabric) GuardedLeaf() ir.Switch {
	sw := f.NumberedLeaf()
	sw.Peerings[0].RestartSecs = 60
	sw.Peerings[0].From = append(sw.Peerings[0].From, "fabric.bgp.gracefulRestart")
	for i := range sw.Uplinks {
		sw.Uplinks[i].TTLSecurity = true
		sw.Uplinks[i].From = append(sw.Uplinks[i].From, "fabric.bgp.ttlSecurity")
	}
	return sw
}

// RefusingLeaf is a leaf that keeps no routes of its speakers while they restart, whatever they ask.
func (f Fabric) RefusingLeaf() ir.Switch {
	sw := f.PodLeaf()
	sw.Peerings[0].RefuseRestart = true
	sw.Peerings[0].From = append(sw.Peerings[0].From, "fabric.bgp.gracefulRestart")
	return sw
}
