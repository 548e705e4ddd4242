package report

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/analyze/drill"
	"meshgen.dev/meshgen/compiler/ir"
)

// loss is what several single failures of one kind leave alike.
type loss struct {
	kind  string
	names []string
	cells []cell
}

// mostNames is how many names of a row are shown before the others are only counted.
const mostNames = 6

// losses is a heat map: what is left of the site after each single failure.
func losses(w *writer, p *ir.Plan) {
	w.section("losses", "Losses", append([]string{"time", "capacity", "resilience", "services", "namespaces", "mesh"}, shape...)...)
	promise := "The site promises nothing to hold against."
	if o := p.Resilience; o != nil {
		promise = fmt.Sprintf("Promised, for each single loss of %s: %d %% of the pods of every gateway.", strings.Join(o.Survive, ", "), o.MinimumCapacity)
	}
	w.text(esc("Worked out, not tried: one thing fails, and this is left. Failures of a kind that leave the same share a row. " + promise))
	w.put(`<ul class="legend"><li><i class="key ok"></i> all of it</li><li><i class="key part"></i> a part</li><li><i class="key bad"></i> nothing, no majority, or less than promised</li></ul>`)
	found := drills(p)
	columns := []column{heading("what fails"), heading("kind"), figure("machines"), figure("control plane")}
	for i := range p.Gateways {
		columns = append(columns, figure("pods of "+p.Gateways[i].Name))
		if announced(p, &p.Gateways[i]) {
			columns = append(columns, figure("announcers"))
		}
	}
	columns = append(columns, heading("clocks"))
	if p.Resilience != nil {
		columns = append(columns, heading("promise"))
	}
	end := w.table("What is left after a single failure", len(found), columns...)
	for i := range found {
		l := &found[i]
		shown := l.names[:min(len(l.names), mostNames)]
		text := codes(shown)
		if n := len(l.names) - len(shown); n > 0 {
			text += " <small>and " + number(n) + " more</small>"
		}
		w.row(append([]cell{{text, "long"}, shade("kind", esc(l.kind))}, l.cells...)...)
	}
	end()
	w.end()
}

// drills lets everything fail once, and puts together what leaves the same.
func drills(p *ir.Plan) []loss {
	s := drill.New(p)
	var out []loss
	rows := map[string]int{}
	idle := -1 // the row of machines that are one of many; they are worked out once
	for _, f := range s.Singles() {
		if idle >= 0 && s.Idle(f) {
			out[idle].names = append(out[idle].names, f.Name)
			continue
		}
		cells := left(p, s.Fail(f))
		key := f.Kind + fmt.Sprint(cells)
		at, ok := rows[key]
		if !ok {
			at = len(out)
			rows[key] = at
			out = append(out, loss{kind: f.Kind, cells: cells})
		}
		out[at].names = append(out[at].names, f.Name)
		if s.Idle(f) {
			idle = at
		}
	}
	return out
}

// left is a result as cells.
func left(p *ir.Plan, r drill.Result) []cell {
	broken := r.Broken(p.Resilience)
	control := heat(r.ControlPlane.Count)
	if r.ControlPlane.Of > 0 && !r.ControlPlane.Kept {
		control = shade("n bad", control.text+" no majority")
	}
	out := []cell{heat(r.Nodes), control}
	for i, g := range r.Gateways {
		pods := heat(g.Pods)
		for _, b := range broken {
			if b.Gateway == g.Name {
				pods.class = "n bad"
			}
		}
		out = append(out, pods)
		if announced(p, &p.Gateways[i]) {
			out = append(out, announcers(g.VIPs))
		}
	}
	clocks := shade("ok", "kept")
	for _, t := range r.Time {
		if !t.Kept {
			clocks = shade("bad", "lost")
		}
	}
	if p.Resilience == nil {
		return append(out, clocks)
	}
	promise := plain("")
	switch {
	case len(broken) > 0:
		promise = shade("bad long", esc("not kept: "+broken[0].Text))
	case drill.Promised(p.Resilience, r.Failures[0].Kind):
		promise = shade("ok", "kept")
	}
	return append(out, clocks, promise)
}

// announced reports whether machines of the site announce the addresses of a gateway.
func announced(p *ir.Plan, g *ir.Gateway) bool {
	return slices.ContainsFunc(p.Pools, func(pool ir.Pool) bool { return pool.Name == g.Pool && len(pool.Announcers) > 0 }) && len(g.VIPs) > 0
}

// announcers are those of the address that has the fewest left.
func announcers(vips []drill.VIP) cell {
	out, least := cell{class: "n"}, -1
	for _, v := range vips {
		if v.Announcers.Of > 0 && (least < 0 || v.Announcers.Left < least) {
			least = v.Announcers.Left
			if out = heat(v.Announcers); !v.Reachable {
				out.class = "n bad"
			}
		}
	}
	return out
}

// heat colours what is left of what there was, which it says in words too.
func heat(c drill.Count) cell {
	level := "part"
	switch {
	case c.Left == c.Of:
		level = "ok"
	case c.Left == 0:
		level = "bad"
	}
	return shade("n "+level, number(c.Left)+" of "+number(c.Of))
}
