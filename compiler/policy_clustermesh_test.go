package compiler

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
)

// TestPolicyClusterMesh asks the trees of two sites that are one Cluster Mesh about every call between them: the caller's
// for the way out, the callee's for the way in. Open is what both sites declare, and nothing else.
func TestPolicyClusterMesh(t *testing.T) {
	names := []string{"poz1", "poz2"}
	sites := map[string]*inquiry{}
	for _, name := range names {
		q := newInquiry(t, name)
		sites[name] = q
	}
	for i, name := range names {
		here, there := sites[name], sites[names[1-i]]
		remote := func(q *inquiry, cluster string) (out []policy.Workload) {
			for _, w := range q.world.Workloads[:q.own] {
				if !w.Gateway {
					w.Cluster = cluster
					out = append(out, w)
				}
			}
			return out
		}
		away := remote(there, there.s.Name)
		here.world.Workloads = append(here.world.Workloads, away...)
		if err := here.read(here.tree); err != nil {
			t.Fatal(err)
		}
		out, in := here.askOut(t, away), here.askIn(t, there, away)
		if out == 0 || in == 0 {
			t.Errorf("%s: %d calls out are open and %d in: one kind is missing", name, out, in)
		}
	}
}

// askOut asks for the way out of every workload to every one of the other site.
func (q *inquiry) askOut(t *testing.T, away []policy.Workload) (open int) {
	for i := range q.callers {
		a := &q.callers[i]
		if a.from.Workload == nil || a.from.Workload.Gateway || a.from.Workload.Namespace == "kube-system" {
			continue
		}
		for _, to := range away {
			name := to.Cluster + ":" + to.Namespace + "/" + to.Name
			want := true // nothing holds strangers in namespaces of others
			if s := q.service(string(a.place)); s != nil {
				want = slices.Contains(s.Calls, name)
			} else if q.s.Namespaces[a.from.Workload.Namespace] != nil {
				want = false
			}
			for _, port := range to.Ports {
				v := q.model.Reach(a.from, policy.Target{Namespace: to.Namespace, Name: to.Name}, policy.Request{Port: port.Port, Method: "GET", Path: "/orders"})
				if v.Allowed != want {
					t.Errorf("%s to %s:%d: %v, want %v: %+v", a.name, name, port.Port, v.Allowed, want, v.Steps)
				}
				if v.Allowed {
					open++
				}
			}
		}
	}
	return open
}

// askIn asks for the way in of every workload of the other site, of impostors of it, and of its namesakes of a third.
func (q *inquiry) askIn(t *testing.T, there *inquiry, away []policy.Workload) (open int) {
	for _, from := range away {
		for _, like := range []struct {
			what   string
			change func(*policy.Workload)
			same   bool
		}{
			{"", func(*policy.Workload) {}, true},
			{" with another account", func(w *policy.Workload) { w.ServiceAccount = "stranger" }, false},
			{" with other labels", func(w *policy.Workload) { w.Labels = nil }, false},
			{" of a third site", func(w *policy.Workload) { w.Cluster = "third" }, false},
			{" in another namespace", func(w *policy.Workload) { w.Namespace = "elsewhere" }, false},
		} {
			w := from
			w.Name = "impostor"
			like.change(&w)
			caller := there.s.Name + ":" + from.Namespace + "/" + from.Name
			for _, to := range q.world.Workloads[:q.own] {
				s := q.service(to.Namespace + "/" + to.Name)
				if s == nil {
					continue
				}
				for _, port := range to.Ports {
					for _, ask := range []struct{ method, path string }{{"GET", "/orders"}, {"GET", "/ordersbeta"}, {"POST", "/orders"}} {
						want := false
						for _, a := range s.Allow {
							held := port.Protocol == "http" && (len(a.Methods) > 0 && !slices.Contains(a.Methods, ask.method) ||
								len(a.Paths) > 0 && !strings.HasPrefix(ask.path+"/", "/orders/"))
							want = want || like.same && slices.Contains(a.From, caller) && !held
						}
						v := q.model.Reach(policy.Caller{Workload: &w}, policy.Target{Namespace: to.Namespace, Name: to.Name},
							policy.Request{Port: port.Port, Method: ask.method, Path: ask.path})
						if v.Allowed != want {
							t.Errorf("%s to %s/%s:%d %s: %v, want %v: %+v", caller+like.what, to.Namespace, to.Name, port.Port, fmt.Sprint(ask), v.Allowed, want, v.Steps)
						}
						if v.Allowed {
							open++
						}
					}
				}
			}
		}
	}
	return open
}
