package lower

import (
	"slices"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

func TestCover(t *testing.T) {
	for _, c := range []struct{ in, want []string }{
		{[]string{"192.0.2.0/27"}, []string{"192.0.2.0/27"}},
		{[]string{"192.0.2.16-192.0.2.23"}, []string{"192.0.2.16/29"}},
		{[]string{"192.0.2.1-192.0.2.4"}, []string{"192.0.2.1/32", "192.0.2.2/31", "192.0.2.4/32"}},
		{[]string{"192.0.2.0/25", "192.0.2.128/25"}, []string{"192.0.2.0/24"}},
		{[]string{"2001:db8::1", "192.0.2.9"}, []string{"192.0.2.9/32", "2001:db8::1/128"}},
	} {
		if got := ir.Prefixes(cover(c.in)); !slices.Equal(got, c.want) {
			t.Errorf("cover(%v) = %v, want %v", c.in, got, c.want)
		}
	}
}

// TestConntrack holds the sizing to examples worked by hand from the formula.
func TestConntrack(t *testing.T) {
	for _, c := range []struct {
		name                 string
		pods, conns, closes  int
		gateways             []ir.Gateway
		entries, pod, max, b int
	}{
		{"idle", 10, 10, 0, nil, 100, 20, 262144, 131072},
		{"busy", 110, 500, 2000, nil, 55000 + 120000, 1000, 524288, 262144},
		{"gateway here", 60, 400, 2000, []ir.Gateway{{Class: "edge", Racks: []string{"r"}, Local: true, Connections: 20000}}, 164000, 40000, 524288, 262144},
		{"gateway with a second hop", 60, 400, 2000, []ir.Gateway{{Class: "edge", Racks: []string{"r"}, Connections: 20000}}, 184000, 40000, 524288, 262144},
		{"gateway elsewhere", 60, 400, 2000, []ir.Gateway{{Class: "edge", Racks: []string{"q"}, Local: true, Connections: 20000}}, 144000, 800, 524288, 262144},
		{"one huge pod", 1, 1, 0, []ir.Gateway{{Class: "edge", Racks: []string{"r"}, Local: true, Connections: 300000}}, 300001, 600000, 2097152, 1048576},
	} {
		l := &lowering{p: &ir.Plan{Gateways: c.gateways}, s: &site.Site{Capacity: site.Capacity{
			PodsPerNode: c.pods, ConnectionsPerPod: c.conns, ClosesPerSecond: c.closes}}}
		got := l.conntrack(ir.Node{Rack: "r", Class: "edge"}, &site.NodeClass{Memory: "128Gi"})
		if got.Entries != c.entries || got.PodEntries != c.pod || got.Max != c.max || got.Buckets != c.b {
			t.Errorf("%s: %d entries, %d in a pod, max %d, %d buckets; want %d %d %d %d",
				c.name, got.Entries, got.PodEntries, got.Max, got.Buckets, c.entries, c.pod, c.max, c.b)
		}
		if got.Buckets*8 < got.Max || got.Buckets*4 < got.Max {
			t.Errorf("%s: %d buckets for %d entries: the module or kube-proxy would change one of them", c.name, got.Buckets, got.Max)
		}
	}
}

// TestKubeletMaySet follows the NodeRestriction admission plug-in.
func TestKubeletMaySet(t *testing.T) {
	for key, want := range map[string]bool{
		"meshgen.dev/rack":                  true,
		"topology.kubernetes.io/zone":       true,
		"topology.kubernetes.io/rack":       false,
		"node-role.kubernetes.io/edge":      false,
		"node.kubernetes.io/instance-type":  true,
		"node-restriction.kubernetes.io/x":  false,
		"example.k8s.io/x":                  false,
		"notkubernetes.io/x":                true,
		"plain":                             true,
		"kubernetes.io/something-of-theirs": false,
	} {
		if got := kubeletMaySet(key); got != want {
			t.Errorf("%s: %v", key, got)
		}
	}
}

func TestTaints(t *testing.T) {
	got := taints([]string{"dedicated=edge:NoSchedule", "spot:NoExecute"})
	want := []ir.Taint{{Key: "dedicated", Value: "edge", Effect: "NoSchedule"}, {Key: "spot", Effect: "NoExecute"}}
	if !slices.Equal(got, want) {
		t.Errorf("%v", got)
	}
}
