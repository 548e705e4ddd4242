package frr

import (
	"net/netip"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/backend/backendtest"
	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
	"meshgen.dev/meshgen/compiler/ir"
)

// TestLiveRestart has a node that asks for graceful restart. A leaf keeps its routes while its speaker is away, for the time
// that the file says and not for the 120 s that the speaker asks for; and none of a node that falls silent.
func TestLiveRestart(t *testing.T) {
	needRouters(t)
	const vip = "203.0.113.10"
	start := func(t *testing.T, name string, secs int) (node, leaf, segment *frrtest.Router) {
		tor := fabric.Leaf()
		tor.Uplinks, tor.Peerings[0].Speakers = nil, tor.Peerings[0].Speakers[:1]
		tor.Peerings[0].RestartSecs, tor.Peerings[0].BFD = secs, nil
		node, leaf, segment = frrtest.New(t, name+"-node"), frrtest.New(t, name+"-leaf"), frrtest.New(t, name+"-segment")
		frrtest.Connect(node, "bond0", segment, "p1")
		frrtest.Connect(leaf, "vlan10", segment, "p2")
		segment.Bridge("p1", "p2")
		node.Address("bond0", "10.1.1.11/24")
		leaf.Address("vlan10", "10.1.1.2/24")
		node.IP("route", "add", "blackhole", vip)
		node.StartSpeaker()
		leaf.Start()
		leaf.Load(deliver(t, tor))
		node.Load(strings.Replace(speaker(delivered), " neighbor 10.1.1.2 bfd\n", " neighbor 10.1.1.2 graceful-restart\n", 1))
		leaf.Wait("the address in the kernel", vip, func() string { return leaf.IP("route", "show", vip) }, "proto bgp")
		return node, leaf, segment
	}
	gone := func(leaf *frrtest.Router) {
		leaf.Wait("the address withdrawn", vip, func() string { return "routes:" + leaf.IP("route", "show", vip) + "." }, "routes:.")
	}
	t.Run("restarts", func(t *testing.T) {
		t.Parallel()
		node, leaf, _ := start(t, "restarts", 30) // long enough to be seen on a machine that is busy
		node.Kill("bgpd")
		leaf.Wait("a stale path", vip, func() string { return leaf.Vtysh("show bgp ipv4 unicast " + vip + "/32") }, "stale")
		if got := leaf.IP("route", "show", vip); !strings.Contains(got, "proto bgp") {
			t.Errorf("the address is gone with its speaker: %q", got)
		}
		gone(leaf)
	})
	t.Run("dead", func(t *testing.T) {
		t.Parallel()
		// Longer than a test waits: only the hold time can end it.
		_, leaf, segment := start(t, "dead", 600)
		segment.IP("link", "set", "p1", "nomaster")
		gone(leaf)
	})
}

// TestLiveTTL joins a leaf and a spine that take packets of the next machine only, over a numbered link and one without
// addresses. While one end of a link lacks the statement its session stays away.
func TestLiveTTL(t *testing.T) {
	needRouters(t)
	tor, sp := fabric.Leaf(), fabric.Spine()
	tor.Peerings = nil
	plain := backendtest.Link("leaf-1a", 65011, "swp49", "spine-1", 65001, "swp3")
	numbered := backendtest.Link("leaf-1a", 65011, "swp50", "spine-1", 65001, "swp4")
	numbered.Address, numbered.SpineAddress = netip.MustParseAddr("10.2.0.1"), netip.MustParseAddr("10.2.0.0")
	plain.TTLSecurity, numbered.TTLSecurity = true, true
	sp.Uplinks = []ir.Uplink{plain, numbered}
	plain.TTLSecurity = false
	tor.Uplinks = []ir.Uplink{plain, numbered}
	leaf, spine := frrtest.New(t, "ttl-leaf"), frrtest.New(t, "ttl-spine")
	frrtest.Connect(leaf, "swp49", spine, "swp3")
	frrtest.Connect(leaf, "swp50", spine, "swp4")
	leaf.Address("swp50", "10.2.0.1/31")
	spine.Address("swp4", "10.2.0.0/31")
	leaf.Start()
	spine.Start()
	leaf.Load(deliver(t, tor))
	spine.Load(deliver(t, sp))
	session := func(name string) func() string {
		return func() string { return spine.Vtysh("show bgp neighbors " + name) }
	}
	const up, bound = "BGP state = Established", "External BGP neighbor may be up to 1 hops away"
	spine.Wait("a session", "10.2.0.1", session("10.2.0.1"), up, bound)
	if strings.Contains(session("swp3")(), up) {
		t.Error("a session whose other end sends TTL 1 is up")
	}
	tor.Uplinks[0].TTLSecurity = true
	leaf.Load(deliver(t, tor))
	spine.Wait("a session", "swp3", session("swp3"), up, bound)
}
