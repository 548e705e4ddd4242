package compiler

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
)

// pair is a rack's two switches with their emitted files, a node on both of them, and a spine above.
type pair struct {
	tree             *artifact.Tree
	node, segment    *frrtest.Router
	a, b, spine      *frrtest.Router
	speaker          *speaker
	nodePort, uplink string // the node's port of the segment; the port of either switch to the spine
}

// pairPassword is what the switches of a pair get for their sessions with nodes.
const pairPassword = "kept-elsewhere"

// newPair starts the routers of rack r1 of fra1; the node has no configuration yet. Name tells the routers of tests apart.
func newPair(t *testing.T, name string) *pair {
	t.Helper()
	tree := compileExample(t, "fra1").Tree
	p := &pair{
		tree: tree, speaker: newSpeaker(t, tree, "fra1-r1-edge"), nodePort: "p1", uplink: "swp49",
		node: frrtest.New(t, name+"-node"), segment: frrtest.New(t, name+"-segment"),
		a: frrtest.New(t, name+"-a"), b: frrtest.New(t, name+"-b"), spine: frrtest.New(t, name+"-spine"),
	}
	frrtest.Connect(p.node, "bond0", p.segment, p.nodePort)
	frrtest.Connect(p.a, "vlan10", p.segment, "p2")
	frrtest.Connect(p.b, "vlan10", p.segment, "p3")
	p.segment.Bridge(p.nodePort, "p2", "p3")
	frrtest.Connect(p.a, p.uplink, p.spine, "swp1")
	frrtest.Connect(p.b, p.uplink, p.spine, "swp2")
	p.node.Address("bond0", "10.10.1.11/24")
	p.a.Address("vlan10", "10.10.1.2/24")
	p.b.Address("vlan10", "10.10.1.3/24")

	p.node.StartSpeaker()
	deliver := strings.NewReplacer("@secret:bgp-session/password@", pairPassword,
		"@interface:fra1-r1-tor-a@", "swp1", "@interface:fra1-r1-tor-b@", "swp2",
		"@interface:fra1-r2-tor-a@", "swp3", "@interface:fra1-r2-tor-b@", "swp4",
		"@interface:fra1-r3-tor-a@", "swp5", "@interface:fra1-r3-tor-b@", "swp6")
	for name, r := range map[string]*frrtest.Router{"fra1-r1-tor-a": p.a, "fra1-r1-tor-b": p.b, "fra1-spine-1": p.spine} {
		r.Start()
		r.Load(deliver.Replace(text(t, tree, "fabric/fra1/"+name+".conf")))
	}
	return p
}

// TestLivePair runs the emitted files of a rack's two switches and of a spine, with a node on both of them: it announces its
// addresses as the emitted objects say, with a wrong password towards one switch at first, and goes astray in the end.
func TestLivePair(t *testing.T) {
	t.Parallel()
	needRouters(t)
	p := newPair(t, "fra1")
	node, segment, a, b, spine, s := p.node, p.segment, p.a, p.b, p.spine, p.speaker
	node.Load(s.config(func(peer string) string {
		if peer == "10.10.1.3" {
			return "another"
		}
		return pairPassword
	}))

	// One switch has the right password, and carries all by itself.
	for _, vip := range s.vips {
		inKernel(t, a, vip, "via 10.10.1.11 dev vlan10")
		inKernel(t, spine, vip, "dev swp1")
	}
	b.Wait("segments with a wrong password", "TCP MD5", func() string { return fmt.Sprint(md5Failures(t, b) > 0) }, "true")
	for _, end := range []struct {
		r    *frrtest.Router
		peer string
	}{{b, "10.10.1.11"}, {node, "10.10.1.3"}} {
		if got := end.r.Vtysh("show bgp neighbors " + end.peer); strings.Contains(got, "BGP state = Established") {
			t.Errorf("a session comes up with a wrong password:\n%s", got)
		}
	}
	for _, vip := range s.vips {
		if got := spine.IP("route", "show", vip.String()); strings.Contains(got, "dev swp2") {
			t.Errorf("the spine reaches %s through a switch whose session is down:\n%s", vip, got)
		}
	}

	// With the right one the other switch joins: the spine divides between both.
	node.Load(s.config(func(string) string { return pairPassword }))
	for _, vip := range s.vips {
		inKernel(t, b, vip, "via 10.10.1.11 dev vlan10")
		inKernel(t, spine, vip, "dev swp1", "dev swp2")
	}
	spine.Wait("the pool's community", "65000:100", func() string { return spine.Vtysh("show bgp ipv4 unicast 203.0.113.10/32") }, "Community: 65000:100")
	for _, r := range []*frrtest.Router{node, a, b, spine} {
		r.Wait("BFD on both links", "up", func() string {
			return fmt.Sprintf("%d up", strings.Count(r.Vtysh("show bfd peers"), "Status: up"))
		}, "2 up")
	}

	refuses(t, node, s, []*frrtest.Router{a, b}, "203.0.113.11/32", "203.0.113.0/27", "198.51.100.16/29", "10.112.3.0/24", "10.112.0.0/14", "0.0.0.0/0")
	for _, peer := range []string{"10.10.1.2", "10.10.1.3"} {
		if got := node.Vtysh("show bgp ipv4 unicast neighbors " + peer + " routes"); strings.Contains(got, peer+" ") {
			t.Errorf("the node learns routes:\n%s", got)
		}
	}

	// The node is cut off while every link stays up: only BFD sees that before the sessions' hold time is over.
	segment.IP("link", "set", p.nodePort, "nomaster")
	for _, r := range []*frrtest.Router{a, b} {
		r.Wait("a session closed by BFD", "last reset", func() string { return lastReset(r, "10.10.1.11") }, "bfd down")
	}
	for _, vip := range s.vips {
		for _, r := range []*frrtest.Router{a, b, spine} {
			r.Wait("withdrawal of "+vip.String(), "kernel", func() string { return "routes: " + r.IP("route", "show", vip.String()) + "." }, "routes: .")
		}
	}
}

// TestLiveNumbered runs the other example's switch of rack south and its spine, with both nodes of the rack, whose switch
// divides between them. The link to the spine has no addresses; that of rack north has, and ends in a stand-in for the
// switch of that rack, which is no FRR.
func TestLiveNumbered(t *testing.T) {
	t.Parallel()
	needRouters(t)
	tree := compileExample(t, "muc1").Tree
	one, two, segment := frrtest.New(t, "muc1-one"), frrtest.New(t, "muc1-two"), frrtest.New(t, "muc1-segment")
	south, north, spine := frrtest.New(t, "muc1-south"), frrtest.New(t, "muc1-north"), frrtest.New(t, "muc1-spine")
	frrtest.Connect(one, "bond0", segment, "p1")
	frrtest.Connect(two, "bond0", segment, "p2")
	frrtest.Connect(south, "vlan60", segment, "p3")
	segment.Bridge("p1", "p2", "p3")
	frrtest.Connect(south, "swp49", spine, "swp2")
	frrtest.Connect(north, "uplink", spine, "swp1")
	one.Address("bond0", "10.60.2.11/24")
	two.Address("bond0", "10.60.2.12/24")
	south.Address("vlan60", "10.60.2.2/24")
	spine.Address("swp1", "10.60.250.0/31")
	north.Address("uplink", "10.60.250.1/31")

	one.StartSpeaker()
	two.StartSpeaker()
	for _, r := range []*frrtest.Router{south, north, spine} {
		r.Start()
	}
	south.Load(text(t, tree, "fabric/muc1/muc1-south-sw.conf"))
	spine.Load(text(t, tree, "fabric/muc1/muc1-spine-1.conf"))
	none := func(string) string { return "" }
	s := newSpeaker(t, tree, "muc1-south-1")
	one.Load(s.config(none))
	two.Load(newSpeaker(t, tree, "muc1-south-2").config(none))
	// The address comes from nodes of that rack too, whose number stands in the path, and a pod range leaks.
	north.Load(`route-map NODES permit 10
 set as-path prepend 4200000500
router bgp 4200000511
 no bgp ebgp-requires-policy
 no bgp network import-check
 neighbor 10.60.250.0 remote-as 4200000501
 address-family ipv4 unicast
  network 10.64.9.0/24
  network 192.0.2.33/32
  neighbor 10.60.250.0 route-map NODES out
`)
	for _, vip := range s.vips {
		inKernel(t, south, vip, "via 10.60.2.11 dev vlan60", "via 10.60.2.12 dev vlan60")
		inKernel(t, spine, vip, "via 10.60.250.1 dev swp1", "dev swp2")
	}
	refused(t, spine, "10.64.9.0/24")
	refuses(t, one, s, []*frrtest.Router{south}, "192.0.2.34/32", "192.0.2.32/28", "10.64.3.0/24", "0.0.0.0/0")
}

// refuses lets a node announce prefixes that no switch may take, and in the same breath one that they take, by which they
// are seen to have read the others.
func refuses(t *testing.T, node *frrtest.Router, s *speaker, switches []*frrtest.Router, taken string, strays ...string) {
	t.Helper()
	node.Load(s.stray(append(strays, taken)...))
	s.each("BGPPeer", func(o *lbObject) {
		if o.selects(s.node.Metadata.Labels) {
			node.Wait("the strays sent to "+o.Spec.PeerAddress, "advertised", func() string {
				return node.Vtysh("show bgp ipv4 unicast neighbors " + o.Spec.PeerAddress + " advertised-routes")
			}, append(strays, taken)...)
		}
	})
	for _, r := range switches {
		inKernel(t, r, netip.MustParsePrefix(taken).Addr())
		for _, p := range strays {
			refused(t, r, p)
		}
		for _, vip := range s.vips {
			inKernel(t, r, vip) // still: the strays did not end the session
		}
	}
}

// refused fails when a switch has a route to exactly this prefix by BGP.
func refused(t *testing.T, r *frrtest.Router, prefix string) {
	t.Helper()
	if got := r.Vtysh("show bgp " + familyOf(prefix) + " unicast " + prefix); !strings.Contains(got, "not in table") {
		t.Errorf("%s is taken:\n%s", prefix, got)
	}
	if got := r.IP(map[string]string{"ipv4": "-4", "ipv6": "-6"}[familyOf(prefix)], "route", "show", "exact", prefix, "proto", "bgp"); got != "" {
		t.Errorf("%s is in the kernel: %s", prefix, got)
	}
}

// inKernel waits until the kernel of a router has a route to an address, from BGP, by every one of hops.
func inKernel(t *testing.T, r *frrtest.Router, vip netip.Addr, hops ...string) {
	t.Helper()
	r.Wait(vip.String()+" in the kernel", strings.Join(hops, ", "), func() string { return r.IP("route", "show", vip.String()) }, append(hops, "proto bgp")...)
}

// md5Failures counts the segments that a router refused for their password.
func md5Failures(t *testing.T, r *frrtest.Router) int {
	t.Helper()
	var names []string
	for line := range strings.Lines(r.Exec("cat", "/proc/net/netstat")) {
		f := strings.Fields(line)
		if f[0] != "TcpExt:" {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		for i, name := range names {
			if name == "TCPMD5Failure" {
				n, err := strconv.Atoi(f[i])
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
		}
	}
	t.Fatal("this kernel does not count TCPMD5Failure")
	return 0
}

func needRouters(t *testing.T) {
	t.Helper()
	if missing := frrtest.Missing(); len(missing) > 0 {
		absent(t, strings.Join(missing, ", "))
	}
}

func text(t *testing.T, tree *artifact.Tree, path string) string {
	t.Helper()
	f := tree.Lookup(path)
	if f == nil {
		t.Fatalf("no %s", path)
	}
	return string(f.Bytes())
}
