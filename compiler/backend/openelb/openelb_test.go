package openelb

import (
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/backend/backendtest"
	"meshgen.dev/meshgen/compiler/ir"
)

// lab is a site with a pool by BGP and one at layer 2.
func lab() *ir.Plan {
	edge := ir.Selector{Terms: []ir.Term{{Key: "meshgen.dev/rack", Values: []string{"a1"}}}, From: ir.From{"racks.a1.nodes"}}
	return &ir.Plan{
		Name: "lab", From: ir.From{"name"},
		LoadBalancer: ir.LoadBalancer{Kind: "openelb", Namespace: "openelb-system", From: ir.From{"loadBalancer.kind"},
			Tolerations: []ir.Taint{{Key: "dedicated", Value: "edge", Effect: "NoSchedule"}},
			Peerings: []ir.Peering{{Name: "a1-left", SwitchASN: 65011, SwitchAddress: netip.MustParseAddr("192.0.2.2"), NodeASN: 65010, HoldSecs: 9, KeepaliveSecs: 3,
				ConnectSecs: 10, NodeSelector: edge, From: ir.From{"racks.a1.tors.left.asn", "racks.a1.tors.left.address", "fabric.bgp.holdTime", "fabric.bgp.keepaliveTime"}}}},
		OpenELB: &ir.OpenELB{RackLabel: "openelb.kubesphere.io/rack", Layer2: true, From: ir.From{"loadBalancer.kind"},
			Speakers: []ir.OpenELBSpeaker{{Node: "n1", ASN: 65010, From: ir.From{"fabric.bgp.nodeASN"}}},
			Eips: []ir.Eip{
				{Name: "near", Address: "192.0.2.200/30", Protocol: "layer2", Interface: "bond0", From: ir.From{"pools.near.addresses", "pools.near.announce"}},
				{Name: "public", Address: "203.0.113.8-203.0.113.11", Protocol: "bgp", From: ir.From{"pools.public.addresses", "pools.public.announce"}},
			}},
		Releases: []ir.Release{{Name: "openelb", Component: "openelb", From: ir.From{"loadBalancer"}}},
	}
}

func TestGolden(t *testing.T) {
	got := backendtest.Text(backendtest.Emit(t, Backend, lab()))
	backendtest.Golden(t, filepath.Join("testdata", "lab.golden"), got, os.Getenv("MESHGEN_UPDATE") != "")
}

// Without sessions there is nothing to say about BGP, and for another load balancer nothing at all.
func TestLeftOut(t *testing.T) {
	p := lab()
	p.LoadBalancer.Peerings = nil
	tree := backendtest.Emit(t, Backend, p)
	for _, name := range []string{"bgpconf.yaml", "bgppeer.yaml"} {
		if tree.Lookup("kubernetes/overlays/lab/10-load-balancer/"+name) != nil {
			t.Errorf("%s is written", name)
		}
	}
	p.OpenELB = nil
	if files := backendtest.Emit(t, Backend, p).Files(); len(files) != 0 {
		t.Errorf("%d files for another load balancer", len(files))
	}
}

func TestOrigins(t *testing.T) {
	tree := backendtest.Emit(t, Backend, lab())
	for _, c := range []struct{ file, line, path string }{
		{"bgppeer.yaml", "    peerAs: 65011", "racks.a1.tors.left.asn"},
		{"bgppeer.yaml", `      holdTime: "9"`, "fabric.bgp.holdTime"},
		{"bgpconf.yaml", "    n1: 65010", "fabric.bgp.nodeASN"},
		{"eip.yaml", "  address: 192.0.2.200/30", "pools.near.addresses"},
		{"eip.yaml", "  interface: bond0", "pools.near.announce"},
	} {
		f := tree.Lookup("kubernetes/overlays/lab/10-load-balancer/" + c.file)
		n := slices.Index(strings.Split(string(f.Bytes()), "\n"), c.line)
		if o, found := f.Origin(n + 1); n < 0 || !found || len(o.Paths) == 0 || o.Paths[0] != c.path {
			t.Errorf("%s: %q comes from %v, want %s first", c.file, c.line, o.Paths, c.path)
		}
	}
}
