package metallb

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

// lab is a site with a dual-stack pool that two racks announce, and one that somebody else routes.
func lab() *ir.Plan {
	edge := ir.Term{Key: "meshgen.dev/class", Values: []string{"edge"}}
	nodes := func(racks ...string) ir.Selector {
		return ir.Selector{Terms: []ir.Term{{Key: "meshgen.dev/rack", Values: racks}, edge}, From: ir.From{"fabric.bgp.speakers.classes"}}
	}
	bfd := &ir.BFD{Name: "lab", IntervalMS: 300, Multiplier: 3, From: ir.From{"fabric.bgp.bfd.interval", "fabric.bgp.bfd.multiplier"}}
	return &ir.Plan{
		Name: "lab", From: ir.From{"name"},
		Pools: []ir.Pool{
			{Name: "elsewhere", Addresses: []string{"198.51.100.0/29"}, Prefixes: []netip.Prefix{netip.MustParsePrefix("198.51.100.0/29")},
				From: ir.From{"pools.elsewhere.addresses"}},
			{Name: "near", Addresses: []string{"192.0.2.200/30"}, Prefixes: []netip.Prefix{netip.MustParsePrefix("192.0.2.200/30")},
				Protocol: "l2", Interfaces: []string{"bond0"}, Racks: []string{"a1"}, Namespaces: []string{"gateway-near"}, NodeSelector: nodes("a1"),
				From: ir.From{"pools.near.addresses", "pools.near.announce", "gateways.near.pool"}},
			{Name: "public", Addresses: []string{"203.0.113.8-203.0.113.11", "2001:db8:f::/120"},
				Prefixes: []netip.Prefix{netip.MustParsePrefix("203.0.113.8/30"), netip.MustParsePrefix("2001:db8:f::/120")},
				Protocol: "bgp", Communities: []string{"65000:100", "65000:1:100"}, Racks: []string{"a1", "a2"}, Peers: []string{"a1-left", "a2-left-v6"},
				NodeSelector: nodes("a1", "a2"), From: ir.From{"pools.public.addresses", "pools.public.announce"}},
		},
		LoadBalancer: ir.LoadBalancer{
			Kind: "metallb", Version: "0.16.2", Backend: "frr-k8s", Namespace: "metallb-system", Class: "metallb",
			SpeakerLabels: []ir.Selector{{Terms: []ir.Term{edge}, From: ir.From{"fabric.bgp.speakers.classes"}}},
			Tolerations:   []ir.Taint{{Key: "dedicated", Value: "edge", Effect: "NoSchedule"}, {Key: "bare", Effect: "NoExecute"}},
			BFD:           bfd,
			Peerings: []ir.Peering{
				{Name: "a1-left", SwitchASN: 4200000011, SwitchAddress: netip.MustParseAddr("192.0.2.2"), NodeASN: 4200000100,
					NodeSelector: nodes("a1"), HoldSecs: 9, KeepaliveSecs: 3, ConnectSecs: 10, BFD: bfd, PasswordSecret: "bgp-session",
					From: ir.From{"racks.a1.tors.left.asn", "racks.a1.tors.left.address", "fabric.bgp.nodeASN", "fabric.bgp.holdTime"}},
				{Name: "a2-left-v6", SwitchASN: 65012, SwitchAddress: netip.MustParseAddr("2001:db8:2::2"), NodeASN: 65100,
					NodeSelector: nodes("a2"), HoldSecs: 90, KeepaliveSecs: 30, From: ir.From{"racks.a2.tors.left.asn"}},
			},
		},
		Releases: []ir.Release{{Name: "metallb", Component: "metallb", From: ir.From{"loadBalancer"}}, {Name: "istiod", Component: "istio"}},
	}
}

func TestGolden(t *testing.T) {
	got := backendtest.Text(backendtest.Emit(t, Backend, lab()))
	backendtest.Golden(t, filepath.Join("testdata", "lab.golden"), got, os.Getenv("MESHGEN_UPDATE") != "")
}

// Another program has other values, and other fields in its peers.
func TestPrograms(t *testing.T) {
	for _, c := range []struct {
		backend    string
		own        bool
		has, lacks []string
	}{
		{"native", true, []string{"  frr:\n    enabled: false\nfrrk8s:\n  enabled: false\n"}, []string{"frr-k8s:", "keepaliveTime"}},
		{"frr", false, []string{"  frr:\n    enabled: true\nfrrk8s:\n  enabled: false\n", "keepaliveTime: 3s"}, []string{"frr-k8s:"}},
		{"", false, []string{"  memberlist:\n    enabled: true\n  frr:\n    enabled: false\nfrrk8s:\n  enabled: false\n"}, []string{"frr-k8s:"}},
	} {
		p := lab()
		p.LoadBalancer.Backend, p.LoadBalancer.OwnKeepalive, p.LoadBalancer.Members = c.backend, c.own, c.backend == ""
		text := backendtest.Text(backendtest.Emit(t, Backend, p))
		for _, want := range c.has {
			if !strings.Contains(text, want) {
				t.Errorf("%q: no %q", c.backend, want)
			}
		}
		for _, not := range c.lacks {
			if strings.Contains(text, not) {
				t.Errorf("%q: %q", c.backend, not)
			}
		}
	}
}

// What the site does not declare has neither a file nor a field.
func TestLeftOut(t *testing.T) {
	p := lab()
	p.Pools = p.Pools[:1] // routed by somebody else
	p.LoadBalancer.BFD = nil
	p.LoadBalancer.Peerings = p.LoadBalancer.Peerings[1:] // no BFD, no password
	tree := backendtest.Emit(t, Backend, p)
	dir := "kubernetes/overlays/lab/10-load-balancer/"
	for _, name := range []string{"bgpadvertisement.yaml", "bfdprofile.yaml"} {
		if tree.Lookup(dir+name) != nil {
			t.Errorf("%s is written", name)
		}
	}
	peer := string(tree.Lookup(dir + "bgppeer.yaml").Bytes())
	for _, field := range []string{"bfdProfile", "passwordSecret", "connectTime"} {
		if strings.Contains(peer, field) {
			t.Errorf("the peer has %s", field)
		}
	}
	if strings.Contains(string(tree.Lookup("charts/lab/metallb/values.yaml").Bytes()), "prometheus") {
		t.Error("the values name a scraper")
	}
}

func TestOrigins(t *testing.T) {
	tree := backendtest.Emit(t, Backend, lab())
	for _, c := range []struct{ file, line, path string }{
		{"bgppeer.yaml", "  peerASN: 4200000011", "racks.a1.tors.left.asn"},
		{"bgppeer.yaml", "  myASN: 4200000100", "fabric.bgp.nodeASN"},
		{"bgppeer.yaml", "  bfdProfile: lab", "fabric.bgp.bfd.interval"},
		{"bfdprofile.yaml", "  detectMultiplier: 3", "fabric.bgp.bfd.multiplier"},
		{"ipaddresspool.yaml", "    - \"203.0.113.8-203.0.113.11\"", "pools.public.addresses"},
		{"l2advertisement.yaml", "  interfaces:", "pools.near.announce"},
		{"ipaddresspool.yaml", "  serviceAllocation:", "gateways.near.pool"},
		{"bgpadvertisement.yaml", "  nodeSelectors:", "fabric.bgp.speakers.classes"},
	} {
		f := tree.Lookup("kubernetes/overlays/lab/10-load-balancer/" + c.file)
		n := slices.Index(strings.Split(string(f.Bytes()), "\n"), c.line)
		if o, found := f.Origin(n + 1); n < 0 || !found || len(o.Paths) == 0 || o.Paths[0] != c.path {
			t.Errorf("%s: %q comes from %v, want %s first", c.file, c.line, o.Paths, c.path)
		}
	}
}
