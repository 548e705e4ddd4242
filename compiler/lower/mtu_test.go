package lower

import (
	"reflect"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// TestPaths holds the ways between racks of different packet sizes to cases worked by hand.
func TestPaths(t *testing.T) {
	for _, c := range []struct {
		name   string
		fabric int
		racks  map[string]int
		want   []ir.PacketPath
		least  int
	}{
		{"one size", 9000, map[string]int{"a": 0, "b": 9000}, []ir.PacketPath{
			{Between: []string{"a", "b"}, And: []string{"a", "b"}, Nodes: 9000, Pods: 8950},
		}, 9000},
		{"one rack is behind", 9000, map[string]int{"a": 0, "b": 1500, "c": 0}, []ir.PacketPath{
			{Between: []string{"a", "c"}, And: []string{"a", "c"}, Nodes: 9000, Pods: 8950},
			{Between: []string{"a", "c"}, And: []string{"b"}, Nodes: 1500, Pods: 1450},
			{Between: []string{"b"}, And: []string{"b"}, Nodes: 1500, Pods: 1450},
		}, 1500},
		{"racks are ahead of the fabric", 1500, map[string]int{"a": 9000, "b": 9000}, []ir.PacketPath{
			{Between: []string{"a"}, And: []string{"a"}, Nodes: 9000, Pods: 8950},
			{Between: []string{"b"}, And: []string{"b"}, Nodes: 9000, Pods: 8950},
			{Between: []string{"a", "b"}, And: []string{"a", "b"}, Nodes: 1500, Pods: 1450},
		}, 1500},
	} {
		s := &site.Site{Racks: map[string]*site.Rack{}}
		s.Fabric.MTU = c.fabric
		for name, mtu := range c.racks {
			s.Racks[name] = &site.Rack{MTU: mtu}
		}
		l := &lowering{s: s, p: &ir.Plan{Packets: ir.Packets{Overhead: 50}}}
		if least := l.paths(); least != c.least || !reflect.DeepEqual(l.p.Packets.Paths, c.want) {
			t.Errorf("%s: %d, %v; want %d, %v", c.name, least, l.p.Packets.Paths, c.least, c.want)
		}
	}
}

func TestOverhead(t *testing.T) {
	cni := &profile.CNI{Overhead: map[string]profile.Overhead{"vxlan": {IPv4: 50, IPv6: 70}}}
	for _, c := range []struct {
		nodes, pods []string
		want        int
		outer       ir.Family
	}{
		{[]string{"10.0.0.1"}, []string{"10.1.0.0/16"}, 50, ir.IPv4},
		{[]string{"10.0.0.1"}, []string{"10.1.0.0/16", "fd00::/56"}, 50, ir.IPv4},
		{[]string{"10.0.0.1", "fd01::1"}, []string{"10.1.0.0/16"}, 50, ir.IPv4},
		{[]string{"10.0.0.1", "fd01::1"}, []string{"10.1.0.0/16", "fd00::/56"}, 70, ir.IPv6},
		{[]string{"fd01::1"}, []string{"10.1.0.0/16"}, 70, ir.IPv6},
	} {
		s := &site.Site{Racks: map[string]*site.Rack{"r": {Nodes: map[string]*site.Node{"n": {Address: c.nodes}}}}}
		s.Kubernetes.PodCIDRs, s.Kubernetes.CNI.Encapsulation = c.pods, "vxlan"
		if n, outer := Overhead(s, cni); n != c.want || outer != c.outer {
			t.Errorf("nodes %v, pods %v: %d over %s, want %d over %s", c.nodes, c.pods, n, outer, c.want, c.outer)
		}
	}
}

// TestOverheadEncrypted: what encrypts between nodes is outside of the tunnel.
func TestOverheadEncrypted(t *testing.T) {
	cni := &profile.CNI{Overhead: map[string]profile.Overhead{"vxlan": {IPv4: 50}, "none": {}, "wireguard": {IPv4: 95}, "ipsec": {IPv4: 77}}}
	for _, c := range []struct {
		mesh          site.Mesh
		encapsulation string
		want          int
	}{
		{site.Mesh{Kind: "linkerd"}, "vxlan", 50},
		{site.Mesh{Kind: "cilium"}, "vxlan", 145},
		{site.Mesh{Kind: "cilium", Encryption: &site.Encryption{Kind: "wireguard"}}, "none", 95},
		{site.Mesh{Kind: "cilium", Encryption: &site.Encryption{Kind: "ipsec"}}, "vxlan", 127},
		{site.Mesh{Kind: "cilium", Encryption: &site.Encryption{Kind: "ipsec"}}, "none", 77},
	} {
		s := &site.Site{Mesh: c.mesh, Racks: map[string]*site.Rack{"r": {Nodes: map[string]*site.Node{"n": {Address: []string{"10.0.0.1"}}}}}}
		s.Kubernetes.CNI.Encapsulation = c.encapsulation
		if n, _ := Overhead(s, cni); n != c.want {
			t.Errorf("%s, %v: %d, want %d", c.encapsulation, c.mesh.Encryption, n, c.want)
		}
	}
}
