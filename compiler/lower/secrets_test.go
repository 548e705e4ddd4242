package lower

import (
	"slices"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// One Secret that two parts read is listed once, with the keys and readers of both.
func TestSecretsMerge(t *testing.T) {
	tls := func(mode, secret, ca, issuer string) *ir.TLS {
		return &ir.TLS{Mode: mode, Secret: secret, ClientCA: ca, Issuer: issuer, From: ir.From{"gateways.a.listeners"}}
	}
	hosts := []ir.ListenerHost{{Host: "a.example.com"}}
	plan := func() *ir.Plan {
		return &ir.Plan{
			LoadBalancer: ir.LoadBalancer{Namespace: "lb", Peerings: []ir.Peering{{Name: "x", PasswordSecret: "bgp"}, {Name: "y"}}},
			Switches:     []ir.Switch{{Hostname: "s1", Peerings: []ir.Peering{{PasswordSecret: "bgp"}}}, {Hostname: "s2"}},
			Gateways: []ir.Gateway{{Name: "a", Namespace: "gateway-a", Frontend: "istio", Listeners: []ir.Listener{
				{Name: "one", TLS: tls("mutual", "both", "both", ""), Hosts: hosts},
				{Name: "two", TLS: tls("terminate", "made", "", "corporate"), Hosts: hosts},
				{Name: "unused", TLS: tls("terminate", "unused", "", "")},
				{Name: "plain", Hosts: hosts},
			}}},
		}
	}
	for _, c := range []struct {
		store   *site.Secrets
		creator string
		key     string
	}{
		{nil, ir.ByHand, ""},
		{&site.Secrets{Provider: "external-secrets", Store: "vault", Prefix: "p/"}, ir.ExternalSecrets, "p/gateway-a/both"},
	} {
		l := &lowering{s: &site.Site{Secrets: c.store}, p: plan()}
		l.secrets()
		var names []string
		for _, s := range l.p.Secrets {
			names = append(names, s.Namespace+"/"+s.Name+" "+s.Type)
		}
		want := []string{"gateway-a/both kubernetes.io/tls", "gateway-a/made kubernetes.io/tls", "lb/bgp kubernetes.io/basic-auth"}
		if !slices.Equal(names, want) {
			t.Fatalf("got %v, want %v", names, want)
		}
		both, made, bgp := l.p.Secrets[0], l.p.Secrets[1], l.p.Secrets[2]
		if !slices.Equal(both.Keys, []string{"ca.crt", "tls.crt", "tls.key"}) || len(both.Consumers) != 1 || both.Creator != c.creator || both.RemoteKey != c.key {
			t.Errorf("both: %+v", both)
		}
		if made.Creator != ir.CertManager || made.Issuer != "corporate" || made.Store != "" {
			t.Errorf("made: %+v", made)
		}
		if !slices.Equal(bgp.Consumers, []string{"BGPPeer lb/x", "switch s1"}) {
			t.Errorf("bgp: %+v", bgp)
		}
	}
}
