package compiler

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
)

// TestLiveToRDies takes one of a rack's two switches away while every link stays up: first its daemons hang, which only BFD
// sees before the hold time is over, then they are killed. Either time the spine and the node leave it, and a client above
// the spine gets to the address by the other switch.
func TestLiveToRDies(t *testing.T) {
	t.Parallel()
	needRouters(t)
	p := newPair(t, "dies")
	const client = "198.51.100.77"
	p.spine.Address("lo", client+"/32")
	for _, vip := range p.speaker.vips {
		p.node.Address("lo", vip.String()+"/32")
	}
	// Elsewhere the node's way out is the address that both switches share, which is not in these files.
	p.node.IP("route", "add", client, "via", "10.10.1.3")
	for _, r := range []*frrtest.Router{p.a, p.b} {
		forward(r, true)
		r.IP("route", "add", client, "dev", p.uplink)
	}
	p.node.Load(p.speaker.config(func(string) string { return pairPassword }))

	both := func() {
		t.Helper()
		for _, vip := range p.speaker.vips {
			onto(t, p.spine, vip, 2, "dev swp1", "dev swp2")
		}
		for _, r := range []*frrtest.Router{p.spine, p.node} {
			r.Wait("BFD with both switches", "up", func() string {
				return fmt.Sprintf("%d up", strings.Count(r.Vtysh("show bfd peers"), "Status: up"))
			}, "2 up")
		}
	}
	// What still goes to the dead switch is lost: that its kernel forwards on would hide who was asked to.
	other := func() {
		t.Helper()
		for _, vip := range p.speaker.vips {
			onto(t, p.spine, vip, 1, "dev swp2")
			reaches(p.spine, vip)
		}
		for r, peer := range map[*frrtest.Router]string{p.spine: "swp1", p.node: "10.10.1.2"} {
			r.Wait("an end of the session with the dead switch", peer, func() string {
				return strings.ReplaceAll(r.Vtysh("show bgp neighbors "+peer), "BGP state = Established", "")
			}, "BGP state = ")
		}
		for r, peer := range map[*frrtest.Router]string{p.spine: "swp2", p.node: "10.10.1.3"} {
			if got := r.Vtysh("show bgp neighbors " + peer); !strings.Contains(got, "BGP state = Established") {
				t.Errorf("the session with the other switch is down:\n%s", got)
			}
		}
	}

	both()
	forward(p.a, false)
	p.a.Hang()
	for r, peer := range map[*frrtest.Router]string{p.spine: "swp1", p.node: "10.10.1.2"} {
		r.Wait("a session closed by BFD", peer, func() string { return lastReset(r, peer) }, "bfd down")
	}
	other()

	// Once it answers again it carries its share.
	p.a.Continue()
	forward(p.a, true)
	both()

	forward(p.a, false)
	p.a.KillAll()
	p.spine.Wait("BFD without the dead switch", "down", func() string {
		return fmt.Sprintf("%d up", strings.Count(p.spine.Vtysh("show bfd peers"), "Status: up"))
	}, "1 up")
	other()
	if got := p.a.IP("route", "show", p.speaker.vips[0].String()); !strings.Contains(got, "proto bgp") {
		t.Errorf("the daemons were not killed but took their leave: %q", got)
	}
}

// reaches waits until packets of a router get to an address and back. Nothing listens there: the refusal has come all the way.
func reaches(r *frrtest.Router, vip netip.Addr) {
	r.Wait("way to the address", vip.String(), func() string {
		return r.Try("timeout", "2", "bash", "-c", "exec 3<>/dev/tcp/"+vip.String()+"/9")
	}, "Connection refused")
}

// forward lets a router pass packets on, or lose them.
func forward(r *frrtest.Router, on bool) {
	value := "0"
	if on {
		value = "1"
	}
	r.Exec("sysctl", "-q", "-w", "net.ipv4.ip_forward="+value)
}

// lastReset is why a session with a neighbor ended, in lower case: "notification sent (cease/bfd down…)", or "bfd down received".
func lastReset(r *frrtest.Router, peer string) string {
	_, reason, _ := strings.Cut(r.Vtysh("show bgp neighbors "+peer), "Last reset ")
	reason, _, _ = strings.Cut(reason, "\n")
	return strings.ToLower(reason)
}
