package compiler

import (
	"cmp"
	"fmt"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
)

// consul reports whether the policies of a site are Consul's.
func (q *inquiry) consul() bool { return q.s.Mesh.Kind == "consul" }

// TestPolicyConsul asks intentions and network policies together: each pod at each service of the mesh, with each method
// and path. Open is what the site declares, and nothing else. A pod is called as its account is, in whatever namespace:
// that of another namespace is refused by the network alone.
func TestPolicyConsul(t *testing.T) {
	ask := oracle((*inquiry).askConsul)
	for _, name := range exampleNames(t) {
		q := newInquiry(t, name)
		if !q.consul() {
			continue
		}
		ask.agrees(t, name, q)
		if name != "dus1" {
			continue
		}
		// Each is noticed.
		ask.notices(t, q, []mutant{
			{"consul", name, "**/40-policy/serviceintentions.yaml", `pathPrefix: /v1/`, `pathPrefix: /v1`},
			{"consul", name, "**/40-policy/serviceintentions.yaml", `pathExact: /v1/totals`, `pathPrefix: /v1/totals`},
			{"consul", name, "**/40-policy/serviceintentions.yaml", `- POST`, `- PUT`},
			{"consul", name, "**/40-policy/serviceintentions.yaml", `name: cards-next\n      action`, "name: report\n      action"},
			{"consul", name, "**/40-policy/serviceintentions.yaml", `\n  jwt:\n    providers:\n      - name: web\n`, "\n"},
			{"consul", name, "**/40-policy/servicedefaults.yaml", `(?s)(name: cards\n.*?protocol: )http`, `${1}tcp`},
			{"consul", name, "**/40-policy/networkpolicy.yaml", `(?s)(name: service-vault\n.*?port: )20000`, `${1}5432`},
			{"consul", name, "**/40-policy/networkpolicy.yaml", `(?s)(name: service-sessions\n.*?port: )6380`, `${1}20000`},
		})
	}
}

func (q *inquiry) askConsul(t *testing.T) (wrong []string, open, closed int) {
	t.Helper()
	const inbound = 20000 // where a proxy takes everything
	mesh, err := policy.ReadConsul(q.tree, "charts/"+q.plan.Name+"/consul/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := q.read(q.tree); err != nil {
		t.Fatal(err)
	}
	for i := range q.callers {
		a := &q.callers[i]
		w := a.from.Workload
		if w == nil {
			continue
		}
		identity := ""
		if w.Gateway {
			identity = w.Name
		} else if q.sidecar(a) {
			identity = cmp.Or(w.ServiceAccount, "default")
		}
		for k := range q.world.Workloads[:q.own] {
			to := &q.world.Workloads[k]
			callee := to.Namespace + "/" + to.Name
			if to.Gateway || to.Machine || !q.meshed(callee) || q.ours(a) && w.Opted && !q.migrates(callee) { // else a pod of a meshed namespace has a proxy
				continue
			}
			network := q.model.Reach(a.from, policy.Target{Namespace: to.Namespace, Name: to.Name}, policy.Request{Port: inbound, Direct: true})
			for _, port := range to.Ports {
				plain := q.model.Reach(a.from, policy.Target{Namespace: to.Namespace, Name: to.Name}, policy.Request{Port: port.Target, Direct: true})
				at := network
				if q.service(callee).Headless && !w.Gateway { // it is dialed at the pod, whose every port is the proxy's
					at = plain
				}
				switch {
				case q.service(callee).Headless && !w.Gateway && identity != "":
				case identity == "" && q.permissive(callee):
					at = plain // it has no proxy, and that of the callee takes plain text
				case plain.Allowed && !(q.migrates(callee) && q.admits(a.place, callee, call{port: int(port.Port)}, true)): // nor has one, maybe
					wrong = append(wrong, fmt.Sprintf("%s to %s: the network is open at port %d, past the proxy", a.name, callee, port.Target))
				}
				q.requests(a, callee, int(port.Port), func(c call) {
					admitted, by := mesh.Admits(policy.ConsulRequest{From: identity, To: to.Name, Method: c.method, Path: c.path, Token: c.token})
					got, want := admitted && at.Allowed, q.expect(a, callee, c).open()
					if w.Gateway { // nobody holds it to its routes but itself
						want = got && q.admits(a.place, callee, c, true) && q.welcome(callee, c)
					}
					if got != want {
						wrong = append(wrong, fmt.Sprintf("%s to %s:%d %s %s: open is %v by %s, declared %v\n%s", a.name, callee, c.port, c.method, c.path, got, by, want, steps(at)))
					}
					if want {
						open++
					} else {
						closed++
					}
				})
			}
		}
	}
	return wrong, open, closed
}
