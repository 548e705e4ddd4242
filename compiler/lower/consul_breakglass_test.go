package lower

import (
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// Who is called through a gateway or in a circle stays, and whom those call; the others leave, callers first.
func TestConsulLeaves(t *testing.T) {
	for _, c := range []struct {
		calls   string // caller>callee, by service
		exposed string
		want    string
	}{
		{"b/x>a/y a/y>a/z", "", "b/x a/y a/z"},
		{"a/x>a/y b/z>a/x", "", "b/z a/x a/y"},
		{"a/x>b/y", "a/x", ""},
		{"a/x>b/y c/z>a/x", "a/x", "c/z"},
		{"a/x>b/y b/y>a/x b/y>c/z d/w>c/z", "", "d/w"},
		{"a/x>a/y a/y>a/x b/z>a/x", "", "b/z"},
		{"a/x>a/x", "", "a/x"},
	} {
		l := &lowering{s: &site.Site{Mesh: site.Mesh{Kind: "consul"}}, p: &ir.Plan{}}
		at := map[string]int{}
		var names []string
		for _, f := range strings.FieldsFunc(c.calls, func(r rune) bool { return r == ' ' || r == '>' }) {
			if _, seen := at[f]; !seen {
				names = append(names, f)
				at[f] = 0
			}
		}
		slices.Sort(names)
		g := &ir.BreakGlass{}
		for i, n := range names {
			at[n] = i
			ns, name, _ := strings.Cut(n, "/")
			l.p.Services = append(l.p.Services, ir.Service{Namespace: ns, Name: name, Meshed: true, Workload: "Deployment"})
			if !slices.ContainsFunc(g.Open, func(o ir.Namespace) bool { return o.Name == ns }) {
				g.Open = append(g.Open, ir.Namespace{Name: ns, Meshed: true})
			}
		}
		g.Out = slices.Clone(g.Open)
		for _, call := range strings.Fields(c.calls) {
			from, to, _ := strings.Cut(call, ">")
			a, b := &l.p.Services[at[from]], &l.p.Services[at[to]]
			a.Callees = append(a.Callees, ir.Callee{Namespace: b.Namespace, Name: b.Name, Tunnel: true})
			b.Callers = append(b.Callers, ir.Caller{Kind: "service", Namespace: a.Namespace, Name: a.Name, Tunnel: true})
		}
		if c.exposed != "" {
			s := &l.p.Services[at[c.exposed]]
			s.Callers = append(s.Callers, ir.Caller{Kind: "gateway", Name: "public", Tunnel: true})
		}
		l.serviceAt = at
		l.consulLeaves(g)
		var got []string
		for _, r := range g.Restarts {
			got = append(got, r.Namespace+"/"+r.Service)
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("%s exposed %q: %q leave, and not %q", c.calls, c.exposed, s, c.want)
		}
	}
}
