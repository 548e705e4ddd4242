package lower

import (
	"net/netip"
	"slices"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
	"meshgen.dev/meshgen/profiles"
)

func TestCapacity(t *testing.T) {
	set, err := profile.Read(profiles.FS)
	if err != nil {
		t.Fatal(err)
	}
	l := &lowering{
		s:   &site.Site{Mesh: site.Mesh{Kind: "istio-sidecar"}, NodeClasses: map[string]*site.NodeClass{"edge": {Memory: "16Gi", Cores: 16}}},
		set: set,
		p: &ir.Plan{
			Mesh:   ir.Mesh{Proxy: ir.Resources{MemoryLimit: "512Mi"}}, // the request is the chart's
			Groups: []ir.HostGroup{{Name: "g", Class: "edge", Nodes: []string{"a", "b"}, Conntrack: ir.Conntrack{Pods: 40}}},
			Pools: []ir.Pool{
				{Name: "four", Prefixes: cover([]string{"192.0.2.0/27", "198.51.100.16-198.51.100.18"}), VIPs: []ir.VIP{{}}},
				{Name: "six", Prefixes: []netip.Prefix{netip.MustParsePrefix("2001:db8::/64")}, VIPs: []ir.VIP{{}}},
			},
			Gateways: []ir.Gateway{{Name: "in", PodSysctls: []ir.Sysctl{{Key: "net.ipv4.ip_local_port_range", Value: "16384 65535"}}}},
		},
	}
	l.capacity()
	c := l.p.Capacity
	if want := (ir.NodeLoad{Group: "g", Nodes: 2, Pods: 40, Proxies: 40, RequestMiB: 5120, LimitMiB: 20480, MemoryMiB: 16384, LimitPercent: 125, RequestMilli: 4000, Cores: 16, RequestPercent: 25}); c.Nodes[0] != want {
		t.Errorf("got %+v, want %+v", c.Nodes[0], want)
	}
	if want := []ir.PoolUse{{Pool: "four", Total: 35, Used: 1, Free: 34}, {Pool: "six", Total: -1, Used: 1, Free: -1}}; !slices.Equal(c.Pools, want) {
		t.Errorf("got %+v, want %+v", c.Pools, want)
	}
	if want := []ir.PortUse{{Who: "a pod", Range: "32768 60999", Ports: 28232, Rate: 470}, {Who: "a pod of gateway in", Range: "16384 65535", Ports: 49152, Rate: 819}}; !slices.Equal(c.Ports, want) {
		t.Errorf("got %+v, want %+v", c.Ports, want)
	}
}
