package compiler

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/profile"
)

// acrossSite is added to the neutral site. Names differ across namespaces and each service has one port, which is what
// the narrowest of the meshes takes; %s is what limits the requests that stock/api admits.
const acrossSite = `
namespaces: {
	shop: services: {
		web: calls: ["shop/cart", "stock/api"]
		cart: {ports: http: {port: 8080, protocol: "http"}, calls: ["stock/store"]}
	}
	stock: services: {
		api: {ports: http: {port: 8080, protocol: "http"}, allow: [{from: ["shop/web"]%s}]}
		store: {workload: "StatefulSet", ports: db: {port: 5432, protocol: "tcp"}}
		idle: ports: http: {port: 8080, protocol: "http"}
		report: {ports: http: {port: 8080, protocol: "http"}, calls: ["stock/store"]}
	}
	plant: {mesh: false, services: poller: ports: http: {port: 7000, protocol: "http"}}
}
`

// acrossLimits are the conditions on requests, left out where the matrix of capabilities has nothing for them.
const acrossLimits = `, methods: ["GET"], paths: ["/v1"]`

// acrossOpen are the questions that are answered with yes, in every kind of mesh: "caller > service:port method path",
// where "*" stands for any rest. All others are answered with no.
var acrossOpen = []string{
	"gateway:public > shop/web:8080 *",
	"shop/web > shop/cart:8080 *",
	"shop/web > stock/api:8080 GET /v1",
	"shop/web > stock/api:8080 GET /v1/x",
	"shop/cart > stock/store:5432",
	"stock/report > stock/store:5432",
}

// acrossDiffers are the answers that differ in one kind of mesh, with the reason.
var acrossDiffers = []struct{ kind, question, why string }{
	{"none", "shop/web > stock/api:8080 *", "allow.methods and allow.paths: nobody sees requests, and the site must leave the limits out"},
	{"none", "shop/web with another account > shop/cart:8080 *", "callers are known by namespace and labels; accounts are in certificates, and there are none"},
	{"none", "shop/web with another account > stock/api:8080 *", "callers are known by namespace and labels; accounts are in certificates, and there are none"},
}

// acrossCallers are the callers that are asked for, besides the workloads of the site.
var acrossCallers = []string{
	"gateway:public", "stranger in shop", "stranger in stock", "stranger in plant", "stranger in elsewhere", "client 233.252.0.9",
	"shop/web with another account", "shop/web with other labels", "shop/web in another namespace", "shop/web in another namespace, meshed",
}

// TestPolicyAcross compiles one site for each kind of mesh and asks its oracle the same questions. Which mesh a site has
// must not decide who reaches whom: the answers are the same, but for what the list above gives a reason for.
func TestPolicyAcross(t *testing.T) {
	set, err := profileSet()
	if err != nil {
		t.Fatal(err)
	}
	used, asked := map[int]bool{}, map[string]bool{}
	for _, kind := range load.Language().Lookup("mesh", "kind").Scalar.Enum {
		t.Run(kind, func(t *testing.T) {
			asked[kind] = true
			limits := ""
			if m := set.Mesh(kind); m != nil && m.Capability("allow.methods").Support != profile.None && m.Capability("allow.paths").Support != profile.None {
				limits = acrossLimits
			}
			text := neutralSite(t, kind, nil) + fmt.Sprintf(acrossSite, limits)
			if kind == "istio-ambient" {
				text += "namespaces: stock: waypoint: true\n"
			}
			open := map[string]bool{}
			questions := 0
			for question, answer := range inquire(t, text).across(t) {
				questions++
				want := matchesAny(acrossOpen, question)
				for i, d := range acrossDiffers {
					if d.kind == kind && matchesAny([]string{d.question}, question) {
						want, used[i] = true, true
					}
				}
				if answer.open != want {
					t.Errorf("%s: open is %v, and is %v elsewhere\n%s", question, answer.open, want, answer.by)
				}
				if answer.open {
					open[question] = true
				}
			}
			for _, pattern := range acrossOpen {
				if !slices.ContainsFunc(slices.Collect(maps.Keys(open)), func(q string) bool { return matchesAny([]string{pattern}, q) }) {
					t.Errorf("nothing open answers to %q", pattern)
				}
			}
			t.Logf("%d questions, %d open", questions, len(open))
		})
	}
	for i, d := range acrossDiffers {
		if asked[d.kind] && !used[i] {
			t.Errorf("%s: no answer to %q differs", d.kind, d.question)
		}
	}
}

// matchesAny reports whether a question is one of the patterns.
func matchesAny(patterns []string, question string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		if start, ok := strings.CutSuffix(p, "*"); ok {
			return strings.HasPrefix(question+" ", start)
		}
		return p == question
	})
}

// ruling is an answer, and who gave it.
type ruling struct {
	open bool
	by   string
}

// across asks for every caller of the list and of the site, at every port of every service, with methods and paths.
func (q *inquiry) across(t *testing.T) map[string]ruling {
	t.Helper()
	if err := q.read(q.tree); err != nil {
		t.Fatal(err)
	}
	q.paths = []string{"/", "/v1", "/v1/x", "/v1beta"}
	q.hosts = []string{"www.example.net"}
	ask := q.oracle(t)
	out := map[string]ruling{}
	for i := range q.callers {
		a := &q.callers[i]
		if !slices.Contains(acrossCallers, a.name) && q.service(a.name) == nil {
			continue
		}
		for k := range q.world.Workloads[:q.own] {
			to := &q.world.Workloads[k]
			if to.Gateway || string(a.place) == to.Namespace+"/"+to.Name {
				continue
			}
			for _, port := range to.Ports {
				q.requests(a, to.Namespace+"/"+to.Name, int(port.Port), func(c call) {
					question := strings.TrimSpace(fmt.Sprintf("%s > %s/%s:%d %s %s", a.name, to.Namespace, to.Name, c.port, c.method, c.path))
					out[question] = ask(a, to, port, c)
				})
			}
		}
	}
	return out
}

// judge returns the policies of the network and of the site's mesh together.
func (q *inquiry) judge(t *testing.T) *policy.Model {
	t.Helper()
	world := q.world
	switch charts := "charts/" + q.plan.Name; q.s.Mesh.Kind {
	case "linkerd":
		world.Linkerd = charts + "/linkerd-control-plane/values.yaml"
	case "consul":
		world.Consul = charts + "/consul/values.yaml"
	}
	model, err := policy.Read(q.tree, world)
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// oracle returns what answers for the mesh of the site: its policies and those of the network together.
func (q *inquiry) oracle(t *testing.T) func(a *asker, to *policy.Workload, port policy.Port, c call) ruling {
	t.Helper()
	model := q.judge(t)
	return func(a *asker, to *policy.Workload, port policy.Port, c call) ruling {
		v := model.Reach(a.from, policy.Target{Namespace: to.Namespace, Name: to.Name}, policy.Request{Port: port.Port, Method: c.method, Path: c.path, Host: c.host})
		return ruling{v.Allowed, steps(v)}
	}
}

// network is what the network alone says of a port of a pod.
func (q *inquiry) network(a *asker, to *policy.Workload, port uint16) ruling {
	v := q.model.Reach(a.from, policy.Target{Namespace: to.Namespace, Name: to.Name}, policy.Request{Port: port, Direct: true})
	return ruling{v.Allowed, steps(v)}
}
