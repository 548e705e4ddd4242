package compiler

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/verify"
)

const ciliumSPIRE = `ca: {kind: "spire", spire: storageClass: "local-ssd"}` + "\n\t"

// TestCiliumSPIRE compiles other sites of mesh cilium with SPIRE: listeners, shares and machines with WireGuard, and IPsec.
// Callees ask, pods of services are asked, and nobody else is.
func TestCiliumSPIRE(t *testing.T) {
	for _, name := range []string{"wro1", "szz1"} {
		text := strings.Replace(read(t, filepath.Join(examplesDir, name, "site.cue")), "mtls: \"strict\"", ciliumSPIRE+"mtls: \"strict\"", 1)
		out := compileText(t, "site.cue", text)
		if _, found := verify.Tree(out.Tree, releases(out.Plan)); found.HasErrors() {
			t.Fatal(name, found)
		}
		asked, past := 0, 0
		for _, p := range out.Plan.CiliumMesh.Policies {
			for _, r := range p.Ingress {
				service := strings.HasPrefix(r.Reason, "from service ") && len(r.Labels) > 0
				if r.Proves != service {
					t.Errorf("%s: %s/%s, %s: authenticated: %v", name, p.Namespace, p.Name, r.Reason, r.Proves)
				}
				if r.Proves {
					asked++
				} else {
					past++
				}
			}
			for _, r := range p.Egress {
				if r.Proves {
					t.Errorf("%s: %s/%s asks %s, which asks itself", name, p.Namespace, p.Name, r.Reason)
				}
			}
		}
		if asked == 0 || past == 0 {
			t.Errorf("%s: %d rules ask, %d do not", name, asked, past)
		}
	}
}

// TestCiliumAuthorities: of all kinds of authority mesh cilium has one; of each other a finding says which meshes have it.
func TestCiliumAuthorities(t *testing.T) {
	text := read(t, filepath.Join(examplesDir, "wro1", "site.cue"))
	for kind, meshes := range map[string]string{"builtin": "consul, istio-ambient, istio-sidecar, linkerd", "plugin": "istio-ambient, istio-sidecar, linkerd",
		"cert-manager": "istio-ambient, istio-sidecar, linkerd", "vault": "consul"} {
		src, found := load.Bytes("site.cue", []byte(strings.Replace(text, "mtls: \"strict\"", `ca: kind: "`+kind+`"`+"\n\tmtls: \"strict\"", 1)))
		if src == nil {
			t.Fatal(found)
		}
		out, err := vet(src, Options{Now: today}, true)
		if err != nil {
			t.Fatal(err)
		}
		said := false
		for _, f := range out.Findings {
			said = said || f.Rule == "MG5589" && strings.HasSuffix(f.Hint, "what can: "+meshes)
		}
		if out.Plan != nil || !said {
			t.Errorf("%s: nobody says that %s can", kind, meshes)
		}
	}
}

// TestPolicyCiliumSPIRE: without what shakes hands the calls between services to strict namespaces are closed, and nothing
// else is.
func TestPolicyCiliumSPIRE(t *testing.T) {
	q := newInquiry(t, "bgy1")
	open := func() []string {
		if err := q.read(q.tree); err != nil {
			t.Fatal(err)
		}
		var out []string
		for i := range q.callers {
			a := &q.callers[i]
			for _, w := range q.world.Workloads[:q.own] {
				for _, port := range w.Ports {
					for _, path := range q.paths {
						to := policy.Target{Namespace: w.Namespace, Name: w.Name}
						if q.model.Reach(a.from, to, policy.Request{Port: port.Port, Method: "GET", Path: path, Host: "shop.example.org"}).Allowed {
							out = append(out, a.name+" to "+w.Namespace+"/"+w.Name)
						}
					}
				}
			}
		}
		slices.Sort(out)
		return slices.Compact(out)
	}
	before := open()
	tree, ok := mutate(q.tree, mutant{"cilium", "bgy1", "charts/*/cilium/values.yaml", `(authentication:\n +enabled: )true`, `${1}false`})
	if !ok {
		t.Fatal("nothing to take away")
	}
	q.tree = tree
	after := open()
	var closed []string
	for _, c := range before {
		if !slices.Contains(after, c) {
			closed = append(closed, c)
		}
	}
	for _, c := range before {
		want := strings.HasSuffix(c, " to shop/orders") && !strings.HasPrefix(c, "kubelet") // which probes a port of it
		if slices.Contains(closed, c) != want {
			t.Errorf("%s: closed without SPIRE: %v", c, !want)
		}
	}
	if len(closed) == 0 || len(closed) == len(before) || len(after) != len(before)-len(closed) {
		t.Errorf("open with SPIRE: %v; without: %v", before, after)
	}
}
