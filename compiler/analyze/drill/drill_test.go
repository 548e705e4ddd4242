package drill

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
)

// plan is a site of two racks: two ToRs and three machines each, one spine, a gateway of three pods.
func plan() *ir.Plan {
	p := &ir.Plan{
		Racks: []ir.Rack{{Name: "a", Zone: "hall", ToRs: []string{"a1", "a2"}}, {Name: "b", Zone: "cellar", ToRs: []string{"b1"}}},
		Pools: []ir.Pool{{Name: "public", Protocol: "bgp", Announcers: []string{"a-e1", "a-e2", "b-e1"}}},
		Gateways: []ir.Gateway{{Name: "web", Pool: "public", Local: true, Class: "edge", Racks: []string{"a", "b"}, SpreadKey: "rack",
			Replicas: 3, Connections: 9000, VIPs: []netip.Addr{netip.MustParseAddr("192.0.2.1")}}},
		Groups: []ir.HostGroup{{Name: "a-edge", Class: "edge", Nodes: []string{"a-e1", "a-e2"}, Kubelet: ir.Kubelet{MaxPods: 100}, Conntrack: ir.Conntrack{Pods: 60},
			Time: ir.TimeDaemon{MinSources: 2, Sources: []ir.TimeSource{{Name: "x"}, {Name: "y"}, {Name: "b-cp"}}}},
			{Name: "b-edge", Class: "edge", Nodes: []string{"b-e1"}, Kubelet: ir.Kubelet{MaxPods: 100}, Conntrack: ir.Conntrack{Pods: 60}}},
	}
	for _, n := range []struct{ name, rack, class string }{{"a-cp", "a", "cp"}, {"a-e1", "a", "edge"}, {"a-e2", "a", "edge"}, {"b-cp", "b", "cp"}, {"b-cp2", "b", "cp"}, {"b-e1", "b", "edge"}} {
		p.Nodes = append(p.Nodes, ir.Node{Name: n.name, Rack: n.rack, Class: n.class, ControlPlane: n.class == "cp"})
	}
	for _, tor := range []string{"a1", "a2", "b1"} {
		p.Switches = append(p.Switches, ir.Switch{Hostname: tor, Role: "tor", Uplinks: []ir.Uplink{{Switch: tor, Spine: "s1"}}})
	}
	p.Switches = append(p.Switches, ir.Switch{Hostname: "s1", Role: "spine"})
	return p
}

func TestFail(t *testing.T) {
	s := New(plan())
	for _, tt := range []struct {
		fails                            string
		machines, pods, announcers, tors int
		majority, reachable, time        bool
		connections, podsOnEdge, waiting int
	}{
		{"tor=a1", 6, 3, 3, 2, true, true, true, 3000, 60, 0},
		{"tor=b1", 3, 2, 2, 2, false, true, true, 4500, 90, 0}, // the only switch of its rack
		{"node=a-e1", 5, 2, 2, 3, true, true, true, 4500, 90, 0},
		{"rack=a", 3, 1, 1, 1, true, true, true, 9000, 100, 80}, // two pods stand in a, and wait for it
		{"failure-domain=hall,node=b-e1", 2, 0, 0, 0, true, false, true, 0, 0, 0},
		{"spine=s1", 0, 0, 0, 0, false, false, true, 0, 0, 0},
		{"time-source=x", 6, 3, 3, 3, true, true, true, 3000, 60, 0},
		{"time-source=x,node=b-cp", 5, 3, 3, 3, true, true, false, 3000, 60, 0},
		{"gateway-pod=web", 6, 2, 2, 3, true, true, true, 4500, 60, 0},
	} {
		f, err := s.Parse(tt.fails)
		if err != nil {
			t.Fatal(err)
		}
		r := s.Fail(f...)
		g := r.Gateways[0]
		v := g.VIPs[0]
		kept := !slices.ContainsFunc(r.Time, func(x Time) bool { return !x.Kept })
		pods, waiting := 0, 0
		for _, d := range r.Density {
			pods, waiting = d.Pods, d.Waiting
		}
		got := []any{r.Nodes.Left, g.Pods.Left, v.Announcers.Left, v.ToRs.Left, r.ControlPlane.Kept, v.Reachable, kept, g.Connections, pods, waiting}
		want := []any{tt.machines, tt.pods, tt.announcers, tt.tors, tt.majority, tt.reachable, tt.time, tt.connections, tt.podsOnEdge, tt.waiting}
		if !slices.Equal(got, want) {
			t.Errorf("%s: machines, pods, announcers, ToRs, majority, reachable, time, connections, density, waiting\n got %v\nwant %v", tt.fails, got, want)
		}
	}
}

func TestBreaks(t *testing.T) {
	s := New(plan())
	var got []string
	for _, b := range s.Breaks(&ir.Resilience{Survive: []string{"node", "rack"}, MinimumCapacity: 50}) {
		got = append(got, b.Failure.Kind+" "+b.Failure.Name+": "+b.Text)
	}
	want := []string{"rack a: gateway web keeps 1 of 3 pods, 33 %", "rack b: the control plane keeps 1 of 3 nodes, which is no majority"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if s.Breaks(nil) != nil {
		t.Error("a break of no promise")
	}
}

func TestPairs(t *testing.T) {
	s := New(plan())
	var got []string
	for _, kinds := range [][2]string{{"tor", "tor"}, {"rack", "spine"}} {
		pairs, err := s.Pairs(kinds[0], kinds[1])
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range pairs {
			r := s.Fail(p...)
			got = append(got, fmt.Sprintf("%s+%s %d of %d: %d short", p[0].Name, p[1].Name, r.Gateways[0].Pods.Left, r.Gateways[0].Pods.Of, len(r.Short(&ir.Resilience{MinimumCapacity: 50}))))
		}
	}
	want := []string{"a1+a2 1 of 3: 1 short", "a1+b1 2 of 3: 1 short", "a2+b1 2 of 3: 1 short", "a+s1 0 of 3: 2 short", "b+s1 0 of 3: 2 short"}
	if !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if _, err := s.Pairs("tor", "disk"); err == nil || s.Fail(Failure{ToR, "a1"}).Short(nil) != nil {
		t.Error("a kind that there is not, or a promise that is not made")
	}
}

func TestParse(t *testing.T) {
	s := New(plan())
	for text, want := range map[string]string{
		"rack":      `"rack": a failure is KIND=NAME, as in rack=r1`,
		"rack=c":    `"rack=c": the site has no such rack, but a, b`,
		"disk=sda":  `"disk=sda": kinds are node, tor, spine, rack, failure-domain, time-source, gateway-pod`,
		"node=a-cp": "",
	} {
		_, err := s.Parse(text)
		if got := ""; err != nil {
			got = err.Error()
			if got != want {
				t.Errorf("%s: %s", text, got)
			}
		} else if want != "" {
			t.Errorf("%s is taken", text)
		}
	}
}
