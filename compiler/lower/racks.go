package lower

import (
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// racks lists what fails together, and what the site promises to survive.
func (l *lowering) racks() {
	for name, r := range byKey(l.s.Racks) {
		out := ir.Rack{Name: name, Zone: r.FailureDomain, From: ir.From{site.Join("racks", name)}}
		for _, t := range byKey(r.ToRs) {
			out.ToRs = append(out.ToRs, t.Hostname)
		}
		slices.Sort(out.ToRs)
		l.p.Racks = append(l.p.Racks, out)
	}
	if b := l.s.ChangeBudget; b != nil {
		l.p.Changes = ir.Changes{RacksAtOnce: b.RacksAtOnce, NodesPercent: b.NodesPercent, From: under("changeBudget", "racksAtOnce", "nodesPercent")}
	}
	if m := l.s.Maintenance; m != nil {
		for i, w := range m.Windows {
			path := site.Join("maintenance", "windows", site.Index(i))
			l.p.Changes.Windows = append(l.p.Changes.Windows, ir.Window{Days: w.Days, From: w.From, To: w.To, TimeZone: w.TimeZone, Origin: ir.From{path}})
			l.p.Changes.From = append(l.p.Changes.From, path)
		}
	}
	if r := l.s.Resilience; r != nil {
		least, _ := strconv.Atoi(strings.TrimSuffix(r.MinimumCapacity, "%"))
		l.p.Resilience = &ir.Resilience{Survive: slices.Sorted(slices.Values(r.Survive)), MinimumCapacity: least,
			From: under("resilience", "survive", "minimumCapacity")}
	}
	for i, w := range l.s.Waivers {
		l.p.Waivers = append(l.p.Waivers, ir.Waiver{Rule: w.Rule, At: w.At, Reason: w.Reason, Until: w.Until, From: ir.From{site.Join("waivers", site.Index(i))}})
	}
}

// waves divides the racks as the budget of changes says: one rack at a time where it says nothing.
func (l *lowering) waves() {
	machines := map[string]int{}
	for i := range l.p.Nodes {
		machines[l.p.Nodes[i].Rack]++
	}
	most := len(l.p.Nodes)
	if l.p.Changes.NodesPercent > 0 {
		most = max(1, most*l.p.Changes.NodesPercent/100)
	}
	for racks := range slices.Chunk(l.p.Racks, max(1, l.p.Changes.RacksAtOnce)) {
		w := ir.Wave{From: slices.Clone(l.p.Changes.From)}
		for _, r := range racks {
			w.Racks, w.Switches, w.Nodes, w.From = append(w.Racks, r.Name), w.Switches+len(r.ToRs), w.Nodes+machines[r.Name], append(w.From, r.From...)
		}
		w.Steps = max(1, (w.Nodes+most-1)/max(most, 1))
		l.p.Waves = append(l.p.Waves, w)
	}
}
