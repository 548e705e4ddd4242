package capacity

import (
	"slices"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
)

// plan has two racks of one group each: the first has little memory and the gateway of the federation.
func plan() *ir.Plan {
	group := func(name, rack, class string, max int) ir.HostGroup {
		return ir.HostGroup{Name: name, Rack: rack, Class: class, Nodes: []string{name + "-1", name + "-2"}, Kubelet: ir.Kubelet{MaxPods: max},
			Conntrack: ir.Conntrack{Pods: 40, ConnsPerPod: 100, ClosesPerSec: 10, TimeWaitSecs: 60, Entries: 4600, PodEntries: 200, Max: 8192}}
	}
	p := &ir.Plan{
		Cluster: ir.Cluster{NodePorts: ir.PortRange{First: 30000, Last: 30009}},
		Groups:  []ir.HostGroup{group("a-edge", "a", "edge", 110), group("b-big", "b", "big", 60)},
		Gateways: []ir.Gateway{
			{Name: "in", Class: "edge", Racks: []string{"a"}, Local: true, Connections: 20000, Listeners: make([]ir.Listener, 2)},
			{Name: "east", Class: "edge", Racks: []string{"a"}, Connections: 6000, Listeners: make([]ir.Listener, 1)},
		},
		Exposures:  []ir.Exposure{{Local: true, Ports: make([]ir.Port, 3)}},
		Federation: &ir.Federation{Gateway: "east"},
		Mesh:       ir.Mesh{Kind: "istio-sidecar", AccessLogs: "all", Waypoint: &ir.Waypoint{Replicas: 2}},
		Namespaces: []ir.Namespace{{Name: "shop", Meshed: true, Waypoint: true}, {Name: "plain"}},
		Capacity: ir.Capacity{
			Nodes: []ir.NodeLoad{
				{Group: "a-edge", Nodes: 2, Pods: 40, Proxies: 40, RequestMiB: 4000, LimitMiB: 9000, MemoryMiB: 6000, RequestMilli: 1000, Cores: 4},
				{Group: "b-big", Nodes: 2, Pods: 40, Proxies: 40, RequestMiB: 4000, LimitMiB: 9000, MemoryMiB: 60000, RequestMilli: 1000, Cores: 4},
			},
			Pools: []ir.PoolUse{{Pool: "p", Total: 4, Used: 2, Free: 2}, {Pool: "six", Total: -1, Used: 1, Free: -1}},
			Ports: []ir.PortUse{{Who: "a pod", Ports: 28000}, {Who: "a pod of gateway in", Ports: 49000}},
		},
	}
	return p
}

func TestOf(t *testing.T) {
	r := Of(plan())
	if want := []Rack{{"a", 2, 80, 80, 8000, 18000, 12000, 50}, {"b", 2, 80, 80, 8000, 18000, 120000, 50}}; !slices.Equal(r.Racks, want) {
		t.Errorf("racks %+v", r.Racks)
	}
	if want := []Use{{"the proxy of a pod", 200, 1048576}, {"a pod of gateway in", 40000, 1048576}, {"a pod of gateway east", 12000, 1048576}}; !slices.Equal(r.Descriptors, want) {
		t.Errorf("descriptors %+v", r.Descriptors)
	}
	if want := (Use{"30000-30009", 3 + 1 + 4, 10}); r.NodePorts != want { // two listeners and a check, one listener, three ports and a check
		t.Errorf("node ports %+v", r.NodePorts)
	}
	if want := (Logs{"all", 40, 40 * 400 * 86400 >> 20}); r.Logs != want {
		t.Errorf("logs %+v", r.Logs)
	}
	if len(r.Waypoints) != 1 || r.Waypoints[0].Namespace != "shop" || r.Waypoints[0].Replicas != 2 {
		t.Errorf("waypoints %+v", r.Waypoints)
	}
}

func TestSizes(t *testing.T) {
	p := plan()
	p.Capacity.Proxy = ir.ProxySize{RequestMiB: 100, LimitMiB: 225, MeasuredMB: 25, Services: 2, WaypointMB: 60, Envoy: true}
	p.Services = []ir.Service{{Namespace: "shop", Callees: []ir.Callee{{Namespace: "x", Name: "a"}, {Namespace: "x", Name: "b"}}}, {Namespace: "shop", Callees: []ir.Callee{{Namespace: "x", Name: "a"}}}, {Namespace: "x", Name: "a"}}
	p.Mesh.Waypoint.Resources.MemoryRequest = "32Mi"
	p.Gateways[1].Program.Kind, p.Gateways[1].Replicas = "envoy-gateway", 3
	got := Of(p).Sizes
	want := []Size{
		{"the proxy of a pod", 2, 100, 100, 225, 25, 2, 200}, // x/a and x/b: two services of one namespace share a view
		{"a waypoint", 3, 0, 32, 0, 60, 2, 0},
		{"a pod of gateway in", 3, 20000, 0, 0, 0, 0, 40000},
		{"a pod of gateway east", 3, 2000, 0, 0, 0, 0, 125},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v", got)
	}
	for i, want := range []string{"", "requests less than was measured", "", ""} {
		if short := got[i].Short(); short != want {
			t.Errorf("%s: %q", got[i].Who, short)
		}
	}
	got[0].LimitMiB = 125
	if short := got[0].Short(); short != "slow readers of 50 % of the connections reach its limit" {
		t.Error(short)
	}
	p.Mesh.Kind = "linkerd"
	if s := Of(p).Sizes[0]; s.InView != 3 || s.Short() != "more services in view than were measured" {
		t.Errorf("%+v %s", s, s.Short())
	}
}

func TestGrowth(t *testing.T) {
	r := Of(plan())
	for l, want := range map[Load]string{
		Pods:        "memory up to the proxies' limits (MiB) of a-edge, 300 % of the limit: the kernel ends processes",
		Connections: "connection table of a-edge, 112 % of the limit: new connections are dropped",
		Sites:       "connection table of a-edge, 129 % of the limit: new connections are dropped",
	} {
		if got := r.First(l); got != want {
			t.Errorf("%s: %s", l, got)
		}
	}
	if top := r.Growth[0]; top.What != Overcommitted || top.Where != "a-edge" || top.Percent("") != 150 {
		t.Errorf("the fullest is %+v", top)
	}
	p := plan()
	p.Federation = nil
	if got := Of(p).First(Sites); got != "nothing of this site grows" {
		t.Errorf("alone: %s", got)
	}
	// A proxy of a node does not multiply with its pods.
	p.Capacity.Shared = true
	for _, g := range Of(p).Growth {
		if g.What == Overcommitted && g.Doubled[Pods] != g.Now {
			t.Errorf("shared: %+v", g)
		}
	}
}

// TestFold holds equal groups to one line.
func TestFold(t *testing.T) {
	p := plan()
	p.Capacity.Nodes[1].MemoryMiB, p.Groups[1].Kubelet.MaxPods, p.Groups[1].Class = 6000, 110, "edge"
	p.Federation = nil
	n := 0
	for _, g := range Of(p).Growth {
		if g.Where == "a-edge and 1 more" {
			n++
		}
	}
	if n != 6 {
		t.Errorf("%d lines of both groups, want 6", n)
	}
}
