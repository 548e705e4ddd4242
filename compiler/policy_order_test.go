package compiler

import (
	"fmt"
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
			total += q.restarted(t, name)
			continue
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

// restarted applies the phases to a site whose proxies refuse from their start whom no policy admits. Its pods run without
// proxies until the policies are there, and are restarted then. With Consul the network admits the proxies' port alone, so
// that the restart belongs to the phase.
func (q *inquiry) restarted(t *testing.T, name string) (total int) {
	t.Helper()
	whole := q.tree
	for _, last := range []backend.Phase{backend.Namespaces, backend.LoadBalancer, backend.Mesh, backend.Gateways, backend.Policy, backend.Enforcement} {
		q.tree = upTo(whole, last)
		if err := q.read(q.tree); err != nil {
			t.Fatal(err)
		}
		ways := map[string]func(a *asker, to *policy.Workload, port policy.Port, c call) ruling{}
		if last < backend.Policy || q.linkerd() {
			ways["without proxies"] = func(a *asker, to *policy.Workload, port policy.Port, _ call) ruling {
				return q.network(a, to, port.Target)
			}
		}
		if last >= backend.Policy {
			ways["with proxies"] = q.oracle(t)
		}
		for way, ask := range ways {
			asked, refused := q.declaredTo(ask)
			total += asked
			if len(refused) > 0 {
				t.Errorf("%s: after %s, %s, %d of %d declared calls are refused, as %s", name, last, way, len(refused), asked, refused[0])
			}
		}
	}
	return total
}

// declaredTo asks for every call between services that the site declares.
func (q *inquiry) declaredTo(ask func(a *asker, to *policy.Workload, port policy.Port, c call) ruling) (asked int, refused []string) {
	for i := range q.callers {
		a := &q.callers[i]
		if q.service(a.name) == nil {
			continue
		}
		for k := range q.world.Workloads[:q.own] {
			to := &q.world.Workloads[k]
			callee := to.Namespace + "/" + to.Name
			if to.Gateway || to.Machine {
				continue
			}
			for _, port := range to.Ports {
				q.requests(a, callee, int(port.Port), func(c call) {
					if port.Protocol == "udp" || !q.expect(a, callee, c).open() {
						return
					}
					asked++
					if r := ask(a, to, port, c); !r.open {
						refused = append(refused, fmt.Sprintf("%s to %s:%d %s %s\n%s", a.name, callee, c.port, c.method, c.path, r.by))
					}
				})
			}
		}
	}
	return asked, refused
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
			if q.consul() && q.ours(a) && a.from.Workload.Opted && !q.migrates(callee) { // the network admits proxies
				continue
			}
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
