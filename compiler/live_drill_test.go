package compiler

import (
	"net/netip"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/drill"
)

// TestLiveDrill holds what a drill predicts to what routers do: rack r1 of fra1 under one spine, with its emitted files. What
// the lab has not, the other racks and the other spine, counts as failed. Then a switch dies, and the machine besides; after
// each the spine has the addresses that the drill says are left, over as many switches as it says.
func TestLiveDrill(t *testing.T) {
	t.Parallel()
	needRouters(t)
	site := drill.New(newInquiry(t, "fra1").plan)
	p := newPair(t, "drill")
	p.node.Load(p.speaker.config(func(string) string { return pairPassword }))

	const absent = "rack=r2,rack=r3,spine=fra1-spine-2"
	predicted := func(failures string) map[netip.Addr]drill.VIP {
		t.Helper()
		f, err := site.Parse(failures)
		if err != nil {
			t.Fatal(err)
		}
		out := map[netip.Addr]drill.VIP{}
		for _, g := range site.Fail(f...).Gateways {
			for _, v := range g.VIPs {
				out[netip.MustParseAddr(v.Address)] = v
			}
		}
		return out
	}
	// agree waits until the spine's kernel has, for each address, as many ways as are predicted, and none where nobody announces.
	agree := func(failures string, width int, hops ...string) {
		t.Helper()
		want := predicted(failures)
		if len(p.speaker.vips) == 0 || len(want) != len(p.speaker.vips) {
			t.Fatalf("the drill knows of %d addresses, the node of %d", len(want), len(p.speaker.vips))
		}
		for _, vip := range p.speaker.vips {
			v, ok := want[vip]
			switch {
			case !ok || v.Reachable != (width > 0) || v.ToRs.Left != width:
				t.Errorf("%s: of %s the drill says %+v, and the lab has %d ways", failures, vip, v, width)
			case width > 0:
				onto(t, p.spine, vip, v.ToRs.Left, hops...)
			default:
				p.spine.Wait("no route to "+vip.String(), "gone", func() string {
					if p.spine.IP("-4", "route", "show", vip.String()) == "" {
						return "gone"
					}
					return ""
				}, "gone")
			}
		}
	}

	agree(absent, 2, "dev swp1", "dev swp2")
	p.a.KillAll()
	agree(absent+",tor=fra1-r1-tor-a", 1, "dev swp2")
	p.node.KillAll()
	agree(absent+",tor=fra1-r1-tor-a,node=fra1-r1-edge", 0)
}
