package compiler

import (
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
)

// TestPolicyCiliumGlass: with the overlay that takes the proxies out of the way a caller who was admitted at a port with
// some requests is admitted with any, and nobody is admitted at a port that was closed to him.
func TestPolicyCiliumGlass(t *testing.T) {
	freed, closed := 0, 0
	for _, name := range []string{"wro1", "poz1"} { // what poz1 holds to requests comes from its peer alone
		q := newInquiry(t, name)
		dir := "kubernetes/overlays/" + name + "/break-glass/open"
		type question struct{ caller, callee, port int }
		admitted := func(each func(question) bool) map[question]bool {
			out := map[question]bool{}
			for i := range q.callers {
				for j := range q.world.Workloads[:q.own] {
					for k := range q.world.Workloads[j].Ports {
						at := question{i, j, k}
						out[at] = each(at)
					}
				}
			}
			return out
		}
		reach := func(at question, method, path, host string) bool {
			w := q.world.Workloads[at.callee]
			return q.model.Reach(q.callers[at.caller].from, policy.Target{Namespace: w.Namespace, Name: w.Name},
				policy.Request{Port: w.Ports[at.port].Port, Method: method, Path: path, Host: host}).Allowed
		}
		some := func(at question) bool { // of all requests that anybody may make
			for _, host := range q.hosts {
				for _, path := range q.paths {
					for _, method := range []string{"GET", "POST"} {
						if reach(at, method, path, host) {
							return true
						}
					}
				}
			}
			return false
		}
		odd := func(at question) bool { return reach(at, "PATCH", "/nobody/asks/for/this", "nobody.example.invalid") }
		if err := q.read(q.tree); err != nil {
			t.Fatal(err)
		}
		before, oddBefore := admitted(some), admitted(odd)
		if err := q.read(staged(q.tree, dir)); err != nil {
			t.Fatal(err)
		}
		after, oddAfter := admitted(some), admitted(odd)
		for at, was := range before {
			w := q.world.Workloads[at.callee]
			what := q.callers[at.caller].name + " to " + w.Namespace + "/" + w.Name
			if w.Gateway {
				continue // its routes stay
			}
			switch now := after[at]; {
			case now && !was:
				t.Errorf("%s: %s is open", name, what)
			case !now && was:
				t.Errorf("%s: %s is closed", name, what)
			case !now:
				closed++
			case oddAfter[at] && !oddBefore[at]:
				freed++
			case !oddAfter[at]:
				t.Errorf("%s: %s is held to requests yet", name, what)
			}
		}
	}
	if freed == 0 || closed == 0 {
		t.Errorf("%d callers are freed, %d have nothing to do there", freed, closed)
	}
}
