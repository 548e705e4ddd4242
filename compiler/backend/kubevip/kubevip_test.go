package kubevip

import (
	"net/netip"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/backend/backendtest"
	"meshgen.dev/meshgen/compiler/ir"
)

// lab is a site with a rack that speaks BGP to both families.
func lab() *ir.Plan {
	return &ir.Plan{
		Name: "lab", From: ir.From{"name"},
		LoadBalancer: ir.LoadBalancer{Kind: "kube-vip", Namespace: "kube-vip"},
		KubeVIP: &ir.KubeVIP{
			Image: "example.net/kube-vip/kube-vip:v1.2.3", Class: "kube-vip.io/kube-vip-class", From: ir.From{"loadBalancer"},
			Speakers: []ir.KubeVIPSpeaker{{
				Name: "kube-vip-r1", BGP: true, NodeASN: 65001, HoldSecs: 9, KeepaliveSecs: 3, Password: "session",
				Peers: []ir.KubeVIPPeer{
					{Address: netip.MustParseAddr("192.0.2.2"), ASN: 65011, BFD: &ir.BFD{IntervalMS: 250, Multiplier: 4}},
					{Address: netip.MustParseAddr("2001:db8::2"), ASN: 65011},
				},
				Pools: []ir.KubeVIPPool{{Name: "a", Addresses: []string{"203.0.113.0/28", "2001:db8:f::/120"}}, {Name: "b", Addresses: []string{"198.51.100.1-198.51.100.3"}}},
			}},
		},
	}
}

func text(t *testing.T, p *ir.Plan, path string) string {
	t.Helper()
	f := backendtest.Emit(t, Backend, p).Lookup(path)
	if f == nil {
		t.Fatalf("%s is not written", path)
	}
	return string(f.Bytes())
}

const daemonSets = "kubernetes/overlays/lab/10-load-balancer/daemonset.yaml"

// Intervals of BFD are written in microseconds, IPv6 addresses in brackets.
func TestPeers(t *testing.T) {
	got := text(t, lab(), daemonSets)
	want := "192.0.2.2:65011:$(MESHGEN_BGP_PASSWORD):false:179::true;250000;250000;4,[2001:db8::2]:65011:$(MESHGEN_BGP_PASSWORD):false"
	if !strings.Contains(got, want) {
		t.Errorf("no %s in\n%s", want, got)
	}
	if !strings.Contains(got, `meshgen.dev/pools: "a: 203.0.113.0/28 2001:db8:f::/120; b: 198.51.100.1-198.51.100.3"`) {
		t.Error("the pools are not in the annotation:\n", got)
	}
}

// The kubelet puts the password into the list only when its variable stands before it.
func TestPasswordFirst(t *testing.T) {
	got := text(t, lab(), daemonSets)
	if v, l := strings.Index(got, "name: MESHGEN_BGP_PASSWORD"), strings.Index(got, "name: bgp_peers"); v < 0 || l < v {
		t.Errorf("the variable stands at %d, the list at %d", v, l)
	}
	p := lab()
	p.KubeVIP.Speakers[0].Password = ""
	if got := text(t, p, daemonSets); strings.Contains(got, "PASSWORD") || !strings.Contains(got, "192.0.2.2:65011::false") {
		t.Error("a site without a password:\n", got)
	}
}

func TestModes(t *testing.T) {
	p := lab()
	p.KubeVIP.Speakers[0].BGP = false
	got := text(t, p, daemonSets)
	for _, s := range []string{"name: vip_arp", "name: svc_election", "name: vip_servicesinterface"} {
		if !strings.Contains(got, s) {
			t.Errorf("layer 2 without %s", s)
		}
	}
	if strings.Contains(got, "bgp_") {
		t.Error("layer 2 with BGP")
	}
}

// Another load balancer's plan gets nothing.
func TestNothing(t *testing.T) {
	if files := backendtest.Emit(t, Backend, &ir.Plan{Name: "lab"}).Files(); len(files) != 0 {
		t.Error(files)
	}
}

// A registry that asks for credentials is shown them by each DaemonSet, and by none without.
func TestPullSecret(t *testing.T) {
	p := lab()
	if got := text(t, p, daemonSets); strings.Contains(got, "imagePullSecrets") {
		t.Error("a Secret that the site does not name:\n", got)
	}
	p.KubeVIP.PullSecret = "registry"
	if got := text(t, p, daemonSets); !strings.Contains(got, "imagePullSecrets:\n        - name: registry\n") {
		t.Error("no Secret in\n", got)
	}
}
