package compiler

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/site"
)

// TestPolicyDatacenters asks for each service of two datacenters of a federation, from each service of both, with each
// method and path. Open is what both sites declare, and nothing else.
func TestPolicyDatacenters(t *testing.T) {
	sites, trees := map[string]*site.Site{}, map[string]*artifact.Tree{}
	for _, name := range []string{"lul1", "lul2"} {
		q := newInquiry(t, name)
		sites[name], trees[name] = q.s, q.tree
	}
	wrong, open, closed := askDatacenters(sites, trees)
	for _, w := range wrong {
		t.Error(w)
	}
	if open == 0 || closed == 0 {
		t.Errorf("%d answers are open and %d closed", open, closed)
	}
	for _, m := range []mutant{
		{"consul", "lul1", "**/40-policy/serviceresolver.yaml", `datacenter: lul2`, `datacenter: lul1`},
		{"consul", "lul2", "**/40-policy/serviceresolver.yaml", `(?s)name: orders(.*?)datacenter: lul1`, `name: order${1}datacenter: lul1`},
		{"consul", "lul2", "**/40-policy/serviceresolver.yaml", `datacenter: lul2`, `datacenter: lul3`},
		{"consul", "lul1", "**/30-gateways/service.yaml", `name: api`, `name: apis`},
		{"consul", "lul1", "**/40-policy/proxydefaults.yaml", `mode: remote`, `mode: none`},
		{"consul", "lul1", "**/40-policy/mesh.yaml", `allowEnablingPermissiveMutualTLS: true`, `allowEnablingPermissiveMutualTLS: false`},
		{"consul", "lul2", "**/40-policy/serviceintentions.yaml", `name: web`, `name: orders`},
		{"consul", "lul1", "**/40-policy/serviceintentions.yaml", `pathPrefix: /orders/`, `pathPrefix: /orders`},
		{"consul", "lul2", "**/45-enforcement/serviceintentions.yaml", `action: deny`, `action: allow`},
		{"consul", "lul2", "**/40-policy/serviceintentions.yaml", `name: partners`, `name: public`},
		{"consul", "lul2", "**/40-policy/serviceintentions.yaml", `jwt:`, `jwts:`},
		{"consul", "lul2", "**/40-policy/jwtprovider.yaml", `issuer: \S+`, `issuer: https://other.example.net`},
	} {
		broken := maps.Clone(trees)
		tree, ok := mutate(trees[m.example], m)
		if !ok {
			t.Errorf("nothing in %s matches %s", m.file, m.old)
			continue
		}
		broken[m.example] = tree
		if wrong, _, _ := askDatacenters(sites, broken); len(wrong) == 0 {
			t.Errorf("the oracle does not notice %q become %q in %s of %s", m.old, m.new, m.file, m.example)
		}
	}
}

// TestPolicyDatacentersLeave asks, for the services of each of two datacenters, what leaves the mesh there: by the entries of
// both, and the gateways of the one. Both have a destination of one name, which are two.
func TestPolicyDatacentersLeave(t *testing.T) {
	sites, trees := map[string]*inquiry{}, map[string]*artifact.Tree{}
	for _, name := range []string{"lul1", "lul2"} {
		sites[name] = newInquiry(t, name)
		trees[name] = sites[name].tree
	}
	ask := func(trees map[string]*artifact.Tree) (wrong []string, open, closed int) {
		all, err := policy.ReadConsulFederation(trees)
		if err != nil {
			return []string{err.Error()}, 0, 0
		}
		for _, name := range slices.Sorted(maps.Keys(sites)) {
			q := *sites[name]
			q.tree = trees[name]
			w, o, c := q.askConsulEgressBy(t, all.At(name))
			wrong, open, closed = append(wrong, w...), open+o, closed+c
		}
		return wrong, open, closed
	}
	wrong, open, closed := ask(trees)
	for _, w := range wrong {
		t.Error(w)
	}
	if open == 0 || closed == 0 {
		t.Errorf("%d answers are open and %d closed", open, closed)
	}
	for _, m := range []mutant{
		{"consul", "lul1", "**/40-policy/terminatinggateway.yaml", `- name: rates-http-lul1`, `- name: rates-http-lul2`},
		{"consul", "lul2", "**/40-policy/terminatinggateway.yaml", `- name: archive-pg-lul2`, `- name: archive-pg-lul1`},
		{"consul", "lul2", "**/40-policy/servicedefaults.yaml", `name: rates-http-lul2`, `name: rates-http-lul1`},
		{"consul", "lul2", "**/40-policy/serviceintentions.yaml", `(?s)(name: rates-http-lul2\n  sources:\n    - name: )api`, `${1}ledger`},
		{"consul", "lul1", "**/40-policy/serviceintentions.yaml", `(?s)(name: rates-http-lul1\n  sources:\n    - name: )web`, `${1}api`},
		{"consul", "lul1", "**/40-policy/mesh.yaml", `meshDestinationsOnly: true`, `meshDestinationsOnly: false`},
		{"consul", "lul2", "**/40-policy/registration.yaml", `port: 9443`, `port: 9000`},
		{"consul", "lul2", "**/40-policy/networkpolicy.yaml", `(?s)(name: terminating-gateway-lul2\n.*?port: )8443`, `${1}8444`},
	} {
		broken := maps.Clone(trees)
		tree, ok := mutate(trees[m.example], m)
		if !ok {
			t.Errorf("nothing in %s of %s matches %s", m.file, m.example, m.old)
			continue
		}
		broken[m.example] = tree
		if wrong, _, _ := ask(broken); len(wrong) == 0 {
			t.Errorf("the oracle does not notice %q become %q in %s of %s", m.old, m.new, m.file, m.example)
		}
	}
}

func askDatacenters(sites map[string]*site.Site, trees map[string]*artifact.Tree) (wrong []string, open, closed int) {
	all, err := policy.ReadConsulFederation(trees)
	if err != nil {
		return []string{err.Error()}, 0, 0
	}
	type service struct {
		site, ref string
		namespace *site.Namespace
		*site.Service
	}
	var services []service
	for name, s := range sites {
		for nn, n := range s.Namespaces {
			for sn := range n.Services {
				services = append(services, service{name, nn + "/" + sn, n, n.Services[sn]})
			}
		}
	}
	for _, from := range services {
		for _, to := range services {
			caller, callee := from.ref, to.ref // as the other one knows it
			if from.site != to.site {
				caller, callee = from.site+":"+caller, to.site+":"+callee
			}
			if from == to {
				continue
			}
			for _, method := range []string{"GET", "POST"} {
				for _, p := range []string{"/", "/orders", "/orders/1", "/ordersx"} {
					want := slices.Contains(from.Calls, callee) && (to.Allow == nil || slices.ContainsFunc(to.Allow, func(a site.Allow) bool {
						return slices.Contains(a.From, caller) && asked(a, method, p)
					}))
					_, sn, _ := strings.Cut(from.ref, "/")
					_, tn, _ := strings.Cut(to.ref, "/")
					if !from.namespace.Mesh { // it has no name: who sends plain text the network tells
						sn, want = "", from.site == to.site && to.namespace.MTLS == "permissive"
					}
					got, by := all.Admits(from.site, policy.ConsulRequest{From: sn, To: tn, Method: method, Path: p, Token: tokenOf(to.Service)})
					if to.JWT != nil {
						if without, _ := all.Admits(from.site, policy.ConsulRequest{From: sn, To: tn, Method: method, Path: p}); without {
							wrong = append(wrong, fmt.Sprintf("%s:%s to %s:%s is open without a token", from.site, from.ref, to.site, to.ref))
						}
					}
					if got != want {
						wrong = append(wrong, fmt.Sprintf("%s:%s to %s:%s %s %s: open is %v by %s, declared %v", from.site, from.ref, to.site, to.ref, method, p, got, by, want))
					}
					if want {
						open++
					} else {
						closed++
					}
				}
			}
		}
	}
	// A gateway reaches what it exposes, of its own site, and whoever comes by it needs the token too.
	for name, s := range sites {
		for gn, g := range s.Gateways {
			for _, to := range services {
				if g.Purpose == "federation" {
					continue
				}
				want := to.site == name && slices.ContainsFunc(to.Expose, func(x site.Expose) bool { return x.Gateway == gn })
				_, tn, _ := strings.Cut(to.ref, "/")
				got, by := all.Admits(name, policy.ConsulRequest{From: gn, To: tn, Method: "GET", Path: "/", Token: tokenOf(to.Service)})
				if got != want {
					wrong = append(wrong, fmt.Sprintf("gateway %s:%s to %s:%s: open is %v by %s, declared %v", name, gn, to.site, to.ref, got, by, want))
				}
			}
		}
	}
	return wrong, open, closed
}

// tokenOf is a token that a service takes; nil where it asks for none.
func tokenOf(s *site.Service) *policy.Token {
	if s.JWT == nil {
		return nil
	}
	t := &policy.Token{Issuer: s.JWT.Issuer}
	if len(s.JWT.Audiences) > 0 {
		t.Audience = s.JWT.Audiences[0]
	}
	return t
}
