package lower

import (
	"slices"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
	"meshgen.dev/meshgen/profiles"
)

// The list of streams has the site's own ports, and of the chart's those that carry no requests in the site.
func TestLinkerdOpaque(t *testing.T) {
	l := &lowering{p: &ir.Plan{Linkerd: &ir.Linkerd{}}}
	l.p.Services = []ir.Service{
		{Ports: []ir.Port{{Port: 80, TargetPort: 9300, Protocol: "http"}, {Port: 4444, TargetPort: 4444, Protocol: "grpc"}}},
		{Ports: []ir.Port{{Port: 7000, TargetPort: 7001, Protocol: "tcp"}, {Port: 53, TargetPort: 53, Protocol: "udp"}}},
	}
	l.p.Externals = []ir.External{{Ports: []ir.Port{{Port: 1521, Protocol: "tcp"}}}}
	l.linkerdOpaque()
	if want := []uint16{25, 587, 1521, 3306, 5432, 6379, 7000, 7001, 11211}; !slices.Equal(l.p.Linkerd.OpaquePorts, want) {
		t.Errorf("%v and not %v", l.p.Linkerd.OpaquePorts, want)
	}
}

// Requests and calls of gRPC have annotations of their own, with words of their own.
func TestLinkerdRetries(t *testing.T) {
	set, err := profile.Read(profiles.FS)
	if err != nil {
		t.Fatal(err)
	}
	l := &lowering{s: &site.Site{Mesh: site.Mesh{Kind: "linkerd"}}, set: set, p: &ir.Plan{}}
	for _, c := range []struct {
		on   []string
		grpc bool
		want ir.KV
	}{
		{nil, false, ir.KV{Key: "retry.linkerd.io/http", Value: "gateway-error"}},
		{nil, true, ir.KV{Key: "retry.linkerd.io/grpc", Value: "unavailable"}},
		{[]string{"5xx", "gateway-error"}, false, ir.KV{Key: "retry.linkerd.io/http", Value: "5xx,gateway-error"}},
		{[]string{"gateway-error", "5xx"}, true, ir.KV{Key: "retry.linkerd.io/grpc", Value: "unavailable,internal"}},
	} {
		if got := l.linkerdRetries(&ir.Retries{Attempts: 1, On: c.on}, c.grpc); got[0] != c.want {
			t.Errorf("%v: %v and not %v", c.on, got[0], c.want)
		}
	}
}

// TestCloseAnonymous: in stage strict who had no certificate needs that of somebody who is admitted to the same, and where
// there is nobody, the service's own.
func TestCloseAnonymous(t *testing.T) {
	target := func(name string) ir.LinkerdTarget { return ir.LinkerdTarget{Kind: "Server", Name: name} }
	own, web, cart := ir.LinkerdAccount{Name: "own"}, ir.LinkerdAccount{Name: "web"}, ir.LinkerdAccount{Name: "cart"}
	for _, c := range []struct {
		step ir.MigrationStep
		want [][]ir.LinkerdAccount
	}{
		{ir.MigrationStep{Permissive: true, Unproxied: true}, [][]ir.LinkerdAccount{{web}, nil, {cart}, nil, nil}},
		{ir.MigrationStep{Permissive: true}, [][]ir.LinkerdAccount{{web}, {web}, {cart}, nil, nil}}, // the last, where it is
		{ir.MigrationStep{}, [][]ir.LinkerdAccount{{web}, {web}, {cart}, nil, {own}}},
	} {
		grants := []ir.LinkerdGrant{
			{Name: "a", Target: target("a"), Accounts: []ir.LinkerdAccount{web}},
			{Name: "a-permissive", Target: target("a"), Networks: everywhere, Anonymous: true, Unproxied: true, Own: own},
			{Name: "b", Target: target("b"), Accounts: []ir.LinkerdAccount{cart}},
			{Name: "b-probes", Target: target("b"), Networks: everywhere},
			{Name: "c-permissive", Target: target("c"), Networks: everywhere, Anonymous: true, Own: own},
		}
		closeAnonymous(grants, c.step)
		for i, want := range c.want {
			if g := grants[i]; !slices.Equal(g.Accounts, want) {
				t.Errorf("%+v: %s admits %v, not %v", c.step, g.Name, g.Accounts, want)
			}
		}
	}
}
