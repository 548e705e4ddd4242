package compiler

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
)

// aboveUnnumbered puts a spine above the switches of sto1, which has none.
const aboveUnnumbered = `
fabric: spines: s1: {hostname: "sto1-spine-1", asn: 4200001201, routerID: "10.120.255.1", os: "frr"}
racks: r1: tors: {a: uplinks: [{spine: "s1", interface: "swp49"}], b: uplinks: [{spine: "s1", interface: "swp49"}]}
racks: r2: tors: {a: uplinks: [{spine: "s1", interface: "swp49"}], b: uplinks: [{spine: "s1", interface: "swp49"}]}
`

// machineRouting is the routing of the node's operating system: sessions over both cables with whoever is there, which finds
// the node by its router advertisements. It announces the node's address, and, as it must not, the prefixes of %s.
const machineRouting = `log stderr all;
router id 10.120.2.11;
protocol device { scan time 1; }
protocol direct { ipv4; interface "lo"; }
protocol static { ipv4; %s }
protocol radv { interface "eno1", "eno2" { max ra interval 4; default lifetime 0; }; }
protocol kernel {
	merge paths yes;
	ipv4 { import none; export filter { if source != RTS_BGP then reject; krt_prefsrc = 10.120.2.11; accept; }; };
}
template bgp cable {
	local as 4200001200;
	neighbor range fe80::/10 external;
	hold time 9;
	keepalive time 3;
	ipv4 { extended next hop yes; import all; export where source ~ [RTS_DEVICE, RTS_STATIC]; };
}
protocol bgp eno1 from cable { interface "eno1"; }
protocol bgp eno2 from cable { interface "eno2"; }
`

// TestLiveUnnumbered runs the emitted files of the switches of a rack without any network: a node on both has two programs
// that speak BGP, BIRD over the cables for its own address, and above it FRR for the virtual addresses, between loopbacks.
// The second one starts later and must leave the routes of the first one alone.
func TestLiveUnnumbered(t *testing.T) {
	t.Parallel()
	needRouters(t)
	bird := real(t, "bird")
	const right = "kept-elsewhere"
	own := netip.MustParseAddr("10.120.2.11")
	tree := compileText(t, "examples/sto1/site.cue", read(t, filepath.Join(examplesDir, "sto1", "site.cue"))+aboveUnnumbered).Tree
	node, a, b, spine := frrtest.New(t, "sto1-node"), frrtest.New(t, "sto1-a"), frrtest.New(t, "sto1-b"), frrtest.New(t, "sto1-spine")
	frrtest.Connect(node, "eno1", a, "swp2")
	frrtest.Connect(node, "eno2", b, "swp2")
	frrtest.Connect(a, "swp49", spine, "swp1")
	frrtest.Connect(b, "swp49", spine, "swp2")
	node.Address("lo", own.String()+"/32")
	a.Address("lo", "10.120.254.21/32")
	b.Address("lo", "10.120.254.22/32")

	// A client above the spine, to which the node's packets go by its default route.
	const client = "198.51.100.77/32"
	spine.Address("lo", client)
	for _, r := range []*frrtest.Router{a, b} {
		r.IP("route", "add", client, "dev", "swp49")
	}

	deliver := strings.NewReplacer("@secret:bgp-session/password@", right,
		"@interface:sto1-r2-cp@", "swp1", "@interface:sto1-r2-edge@", "swp2", "@interface:sto1-r2-w1@", "swp3",
		"@interface:sto1-r2-a@", "swp1", "@interface:sto1-r2-b@", "swp2", "@interface:sto1-r1-a@", "swp3", "@interface:sto1-r1-b@", "swp4")
	for name, r := range map[string]*frrtest.Router{"sto1-r2-a": a, "sto1-r2-b": b, "sto1-spine-1": spine} {
		forward(r, true)
		r.Start()
		r.Load(deliver.Replace(text(t, tree, "fabric/sto1/"+name+".conf")))
	}
	// It keeps what it refuses, to be asked for it.
	a.Load("router bgp 4200001212\n address-family ipv4 unicast\n  neighbor STO1_LINKS soft-reconfiguration inbound\n")

	// Not for the machine to announce: a virtual address, another's address, a range of pods, a part of the world.
	strays := []string{"192.0.2.130/32", "10.120.2.99/32", "10.124.3.0/24", "128.0.0.0/1"}
	conf := filepath.Join(t.TempDir(), "bird.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, machineRouting, "route "+strings.Join(strays, " blackhole; route ")+" blackhole;"), 0o644); err != nil {
		t.Fatal(err)
	}
	node.Background(bird, "-f", "-c", conf, "-s", filepath.Join(node.Sockets(), "bird.ctl"))

	// The cables come first: the switches know the node, and the node its way out and the switches.
	ways := func() {
		t.Helper()
		onto(t, a, own, 1, "dev swp2")
		onto(t, b, own, 1, "dev swp2")
		onto(t, spine, own, 2, "dev swp1", "dev swp2")
		for _, way := range []struct{ prefix, dev string }{{"10.120.254.21", "dev eno1"}, {"10.120.254.22", "dev eno2"}, {"default", "dev eno1"}, {"default", "dev eno2"}} {
			node.Wait("a way to "+way.prefix, way.dev, func() string { return node.IP("route", "show", way.prefix) }, way.dev, "proto bird")
		}
	}
	wayOut := func() string { return node.IP("route", "show", "proto", "bird") }
	a.Wait("strays from the cable", "swp2", func() string {
		return a.Vtysh("show bgp ipv4 unicast neighbors swp2 received-routes")
	}, strays...)
	node.StartSpeaker()
	ways()
	if n := len(strings.Split(strings.TrimSpace(wayOut()), "\n")); n != 5 { // the default route has a line for each hop
		t.Errorf("the node takes other routes than the default and the two switches:\n%s", wayOut())
	}
	for _, p := range strays {
		refused(t, a, p)
		refused(t, b, p)
	}

	// Then the virtual address, from the node's address to those of the switches.
	s := newSpeaker(t, tree, "sto1-r2-edge")
	node.Load(s.config(func(peer string) string { return right }))
	vip := s.vips[0]
	for _, r := range []*frrtest.Router{a, b} {
		r.Wait("a session between loopbacks", "10.120.2.11", func() string { return r.Vtysh("show bgp neighbors 10.120.2.11") }, "BGP state = Established", "External BGP neighbor may be up to 2 hops away")
		onto(t, r, vip, 1, "dev swp2")
	}
	onto(t, spine, vip, 2, "dev swp1", "dev swp2")
	for _, r := range []*frrtest.Router{node, a, b} {
		r.Wait("BFD between loopbacks", "multihop", func() string { return r.Vtysh("show bfd peers") }, "multihop", "Status: up")
	}
	ways()
	node.Address("lo", vip.String()+"/32")
	reaches(spine, vip)
	refuses(t, node, s, []*frrtest.Router{a, b}, "192.0.2.131/32", "192.0.2.128/28", "10.124.3.0/24", "10.120.2.99/32")

	// A cable goes: the other one has all, and the session with the switch behind the first one ends, whose way back is too long.
	a.IP("link", "set", "swp2", "down")
	onto(t, spine, vip, 1, "dev swp2")
	onto(t, spine, own, 1, "dev swp2")
	onto(t, a, vip, 1, "dev swp49")
	reaches(spine, vip)
	node.Wait("the way out by the other cable", "eno2", func() string { return strings.ReplaceAll(node.IP("route", "show", "default"), "\n", " ") + "." }, "dev eno2")
	if got := node.IP("route", "show", "default"); strings.Contains(got, "dev eno1") {
		t.Errorf("the way out goes by the dead cable:\n%s", got)
	}
}
