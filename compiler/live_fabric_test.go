package compiler

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
)

// TestLiveDualStack runs the text that SONiC gives to its FRR: the two switches of rack west, a spine and both nodes of the
// rack, with the emitted objects at the node end, in IPv4 and IPv6. Each address gets to the spine by both switches and to
// each switch by both nodes; strays of either family get nowhere; and a switch that falls silent is left within the time of
// BFD.
func TestLiveDualStack(t *testing.T) {
	t.Parallel()
	needRouters(t)
	const right = "kept-elsewhere"
	tree := compileExample(t, "nue1").Tree
	one, two, segment := frrtest.New(t, "nue1-one"), frrtest.New(t, "nue1-two"), frrtest.New(t, "nue1-segment")
	a, b, spine, cable := frrtest.New(t, "nue1-a"), frrtest.New(t, "nue1-b"), frrtest.New(t, "nue1-spine"), frrtest.New(t, "nue1-cable")
	frrtest.Connect(one, "bond0", segment, "p1")
	frrtest.Connect(two, "bond0", segment, "p2")
	frrtest.Connect(a, "vlan73", segment, "p3")
	frrtest.Connect(b, "vlan73", segment, "p4")
	segment.Bridge("p1", "p2", "p3", "p4")
	frrtest.Connect(a, "Ethernet48", cable, "c1")
	frrtest.Connect(spine, "Ethernet8", cable, "c2")
	cable.Bridge("c1", "c2")
	frrtest.Connect(b, "Ethernet48", spine, "Ethernet12")
	for _, e := range []struct {
		r                 *frrtest.Router
		port, host, host6 string
	}{{one, "bond0", "11", "11"}, {two, "bond0", "12", "12"}, {a, "vlan73", "2", "2"}, {b, "vlan73", "3", "3"}} {
		e.r.Address(e.port, "10.72.2."+e.host+"/24")
		e.r.IP("address", "add", "2001:db8:72:2::"+e.host6+"/64", "dev", e.port, "nodad")
	}
	// Elsewhere the VLAN has its number for a name; here it is a cable.
	deliver := strings.NewReplacer("@secret:bgp-session/password@", right)
	for name, r := range map[string]*frrtest.Router{"nue1-west-a": a, "nue1-west-b": b, "nue1-spine-1": spine} {
		r.Start()
		r.Load(deliver.Replace(text(t, tree, "fabric/nue1/"+name+".sonic")))
	}
	password := func(string) string { return right }
	s := newSpeaker(t, tree, "nue1-west-1")
	one.StartSpeaker()
	two.StartSpeaker()
	// Towards one switch the IPv6 session has a wrong password, and the IPv4 session the right one.
	const astray = "2001:db8:72:2::3"
	one.Load(s.config(func(peer string) string {
		if peer == astray {
			return "another"
		}
		return right
	}))
	two.Load(newSpeaker(t, tree, "nue1-west-2").config(password))

	nodes := map[bool][]string{
		false: {"via 10.72.2.11 dev vlan73", "via 10.72.2.12 dev vlan73"},
		true:  {"dev vlan73", "dev vlan73"}, // next hops are link-local: counted below
	}
	if len(s.vips) != 2 {
		t.Fatalf("addresses of both families: %v", s.vips)
	}
	for _, vip := range s.vips {
		onto(t, a, vip, 2, nodes[vip.Is6()]...)
		if vip.Is6() {
			onto(t, b, vip, 1, "dev vlan73") // by the other node
		} else {
			onto(t, b, vip, 2, nodes[false]...)
		}
	}
	b.Wait("segments with a wrong password", "TCP MD5", func() string { return fmt.Sprint(md5Failures(t, b) > 0) }, "true")
	for r, peer := range map[*frrtest.Router]string{b: "2001:db8:72:2::11", one: astray} {
		if got := r.Vtysh("show bgp neighbors " + peer); strings.Contains(got, "BGP state = Established") {
			t.Errorf("a session comes up with a wrong password:\n%s", got)
		}
	}

	one.Load(s.config(password))
	for _, vip := range s.vips {
		for _, r := range []*frrtest.Router{a, b} {
			onto(t, r, vip, 2, nodes[vip.Is6()]...)
		}
		onto(t, spine, vip, 2, "dev Ethernet8", "dev Ethernet12")
	}
	spine.Wait("the pool's community", "65000:72", func() string { return spine.Vtysh("show bgp ipv6 unicast 2001:db8:72:ff::65/128") }, "Community: 65000:72")

	// A single address, a network and the way out, of either family, which no pool has; and ranges of pods, which the site
	// does not let nodes announce.
	strays := []string{
		"198.51.100.80/32", "198.51.100.64/28", "10.76.3.0/24", "10.76.0.0/14", "0.0.0.0/0",
		"2001:db8:72:fe::66/128", "2001:db8:72:2::66/128", "2001:db8:72:ff::/120", "fd00:72:4:3::/64", "fd00:72:4::/48", "fd00:72:9::/64", "::/0",
	}
	// Addresses of the pools: a switch takes them, and by them has read the others.
	taken := []string{"198.51.100.66/32", "2001:db8:72:ff::66/128"}
	one.Load(s.stray(append(taken, strays...)...))
	for _, r := range []*frrtest.Router{a, b} {
		for _, p := range taken {
			onto(t, r, netip.MustParsePrefix(p).Addr(), 1, "dev vlan73")
		}
		for _, p := range strays {
			refused(t, r, p)
		}
		for _, vip := range s.vips {
			onto(t, r, vip, 2, nodes[vip.Is6()]...) // still: the strays did not end the session
		}
	}
	s.each("BGPPeer", func(o *lbObject) {
		if peer := o.Spec.PeerAddress; o.selects(s.node.Metadata.Labels) {
			family := familyOf(peer)
			one.Wait("the strays sent to "+peer, "advertised", func() string {
				return one.Vtysh("show bgp " + family + " unicast neighbors " + peer + " advertised-routes")
			}, slices.DeleteFunc(slices.Clone(strays), func(p string) bool { return familyOf(p) != family })...)
			if got := one.Vtysh("show bgp " + family + " unicast neighbors " + peer + " routes"); strings.Contains(got, "Displayed") {
				t.Errorf("the node learns routes:\n%s", got)
			}
		}
	})

	// The cable goes dead while both ends keep their link: only BFD sees it before the hold time is over.
	cable.IP("link", "set", "c1", "nomaster")
	spine.Wait("a session closed by BFD", "last reset", func() string { return lastReset(spine, "Ethernet8") }, "bfd down")
	for _, vip := range s.vips {
		onto(t, spine, vip, 1, "dev Ethernet12")
	}
}

// onto waits until a router has a route to an address, from BGP, of so many next hops, by every one of hops.
func onto(t *testing.T, r *frrtest.Router, vip netip.Addr, width int, hops ...string) {
	t.Helper()
	version := "-4"
	if vip.Is6() {
		version = "-6"
	}
	r.Wait(vip.String()+" in the kernel", strings.Join(hops, ", "), func() string {
		got := r.IP(version, "route", "show", vip.String())
		if n := strings.Count(got, " dev "); n != width {
			return "" // not yet, or too many
		}
		return got
	}, append(hops, "proto bgp")...)
}

// familyOf is FRR's word for the family of an address or prefix.
func familyOf(text string) string {
	if strings.Contains(text, ":") {
		return "ipv6"
	}
	return "ipv4"
}
