package documents

import (
	"net/netip"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// What one load balancer has objects for, another has logs for, or nothing.
func TestOtherBalancers(t *testing.T) {
	for _, c := range []struct {
		name       string
		change     func(*ir.Plan)
		file       string
		has, lacks []string
	}{
		{"metallb", func(*ir.Plan) {}, "RUNBOOK.md", []string{"servicebgpstatuses", "exclude-from-external-load-balancers=true", "deployment/metallb-controller"},
			[]string{"The sessions wait for", "OpenELB", "Balancer maintenance"}},
		{"openelb", openELB, "RUNBOOK.md", []string{"label node \"$N\" example.com/rack-\n", "label node \"$N\" example.com/rack=\"$N\"", "gobgp -p 50051 neighbor", "June 2024", "deployment/openelb-controller"},
			[]string{"exclude-from-external", "servicebgpstatuses", "configurationstates", "metallb"}},
		{"openelb at layer 2", func(p *ir.Plan) {
			openELB(p)
			p.LoadBalancer.Peerings, p.Pools[0].Protocol = nil, "l2"
		}, "RUNBOOK.md", []string{"announce the IP address 2001:db8::10"}, []string{"servicel2statuses"}},
		{"openelb's objects", openELB, "SESSIONS.md", []string{"| BgpPeer |"}, []string{"BGPPeer"}},
		{"cilium", func(p *ir.Plan) { p.LoadBalancer.Kind = "cilium" }, "SESSIONS.md", []string{"| peer in CiliumBGPClusterConfig |"}, []string{"BGPPeer"}},
		{"kube-vip", func(p *ir.Plan) { p.LoadBalancer.Kind = "kube-vip" }, "SESSIONS.md", []string{"| session |"}, []string{"BGPPeer"}},
		{"deadlock", func(p *ir.Plan) {
			pe := &p.LoadBalancer.Peerings[0]
			pe.PasswordSecret, pe.Pods = "bgp", []ir.PodRange{{Prefix: netip.MustParsePrefix("198.51.100.0/24"), Bits: 26}}
			p.Secrets = []ir.Secret{{Namespace: "metallb-system", Name: "bgp", Type: "kubernetes.io/basic-auth", Keys: []string{"password"}, Creator: ir.ExternalSecrets}}
		}, "RUNBOOK.md", []string{"create secret generic bgp --type=kubernetes.io/basic-auth --from-file=password"}, nil},
		{"balancers", func(p *ir.Plan) {
			p.LoadBalancer = ir.LoadBalancer{Kind: "external"}
			p.Balancers = &ir.Balancers{Members: []ir.Balancer{{Name: "lb1", Address: netip.MustParseAddr("192.0.2.61")}}, Fronts: []ir.Front{{Name: "in-tls"}}}
		}, "RUNBOOK.md", []string{"balancers='192.0.2.61'", "systemctl stop keepalived", "state in-tls \"$N\" drain"}, []string{"kubectl -n  get servicebgp", "Pending:"}},
	} {
		p := lab()
		c.change(p)
		tree := artifact.NewTree()
		Backend.Emit(p, tree)
		if err := tree.Err(); err != nil {
			t.Fatal(err)
		}
		text := string(tree.Lookup("docs/lab/" + c.file).Bytes())
		for _, want := range c.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q", c.name, want)
			}
		}
		for _, not := range c.lacks {
			if strings.Contains(text, not) {
				t.Errorf("%s: %q", c.name, not)
			}
		}
	}
}

func openELB(p *ir.Plan) {
	p.LoadBalancer.Kind, p.LoadBalancer.Namespace, p.LoadBalancer.Backend = "openelb", "openelb-system", "gobgp"
	p.OpenELB = &ir.OpenELB{RackLabel: "example.com/rack"}
}
