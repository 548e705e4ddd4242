package compiler

import (
	"path"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
)

// TestPolicyOrder applies the phases one after the other to a mesh that carries traffic: at no time may a call be refused
// that the site declares. What admits must come before what refuses.
func TestPolicyOrder(t *testing.T) {
	total := 0
	for _, name := range exampleNames(t) {
		q := newInquiry(t, name)
		if q.linkerd() || q.consul() {
			continue // its pods refuse from their start, and are restarted when all of it is there
		}
		for _, last := range []backend.Phase{backend.Namespaces, backend.LoadBalancer, backend.Mesh, backend.Gateways, backend.Policy, backend.Enforcement} {
			if err := q.read(upTo(q.tree, last)); err != nil {
				t.Fatal(err)
			}
			asked, refused := q.declaredCalls()
			total += asked
			if len(refused) > 0 {
				t.Errorf("%s: after %s %d of %d declared calls are refused, as %s", name, last, len(refused), asked, refused[0])
			}
		}
	}
	if total == 0 {
		t.Error("nothing asked")
	}
}

// upTo is the tree as the cluster has it after a phase.
func upTo(t *artifact.Tree, last backend.Phase) *artifact.Tree {
	out := artifact.NewTree()
	for _, f := range t.Files() {
		if strings.HasPrefix(f.Path(), artifact.ManifestDir+"/") {
			continue
		}
		if phase := path.Base(path.Dir(f.Path())); strings.HasPrefix(f.Path(), "kubernetes/overlays/") && phase[0] >= '0' && phase[0] <= '9' && phase > string(last) {
			continue
		}
		if g := out.File(f.Path()); len(f.Bytes()) > 0 {
			g.Line(strings.TrimSuffix(string(f.Bytes()), "\n"))
		}
	}
	return out
}

// declaredCalls asks for every call between services that the site declares.
func (q *inquiry) declaredCalls() (asked int, refused []string) {
	for i := range q.callers {
		a := &q.callers[i]
		if w := a.from.Workload; w == nil || w.Gateway {
			continue
		}
		for _, w := range q.world.Workloads[:q.own] {
			if w.Machine {
				continue // its name comes with the tree: nobody has called it before
			}
			callee := w.Namespace + "/" + w.Name
			for _, port := range w.Ports {
				q.requests(a, callee, int(port.Port), func(c call) {
					ends := map[string]int{callee: 100}
					if q.ambient() {
						if open, _ := q.expectAmbient(a, callee, c); !open {
							return
						}
						ends = nil
					} else if q.ciliumMeshed() {
						if open, _ := q.expectCilium(a, callee, c); !open {
							return
						}
						ends = nil
					} else if q.sidecar(a) {
						if !q.inScope(a.from.Workload.Namespace, callee) {
							return
						}
						ends = q.ends(callee, q.http(callee, c.port))
					}
					for end := range ends {
						if !q.expect(a, end, c).open() {
							return
						}
					}
					asked++
					v := q.model.Reach(a.from, policy.Target{Namespace: w.Namespace, Name: w.Name}, policy.Request{Port: port.Port, Method: c.method, Path: c.path, Host: c.host, Token: c.token})
					if !v.Allowed {
						refused = append(refused, a.name+" to "+callee+" "+c.path)
					}
				})
			}
		}
	}
	return asked, refused
}
