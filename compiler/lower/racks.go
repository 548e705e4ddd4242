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
}
