package verify

import (
	"encoding/json"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// readDashboard is the verifier of plain files with dashboards.
func readDashboard(f *artifact.File, p *pass) {
	p.checkDashboard(string(f.Bytes()), func(format string, args ...any) { p.report(f, 0, ruleAlerts, format, args...) })
}

// checkDashboards reads the dashboards that ConfigMaps carry for Grafana.
func (p *pass) checkDashboards(o *object) {
	if str(o.value, "metadata", "labels", "grafana_dashboard") == "" {
		return
	}
	for _, key := range sortedKeys(dict(o.value, "data")) {
		p.checkDashboard(str(o.value, "data", key), func(format string, args ...any) {
			o.report(p, ruleAlerts, fieldPath{"data", key}, format, args...)
		})
		if !strings.HasSuffix(key, ".json") {
			o.report(p, ruleAlerts, fieldPath{"data", key}, "Grafana's sidecar reads files with the ending .json")
		}
	}
}

// checkDashboard checks one dashboard: a name of its own, panels that do not lie on each other, and expressions over
// series that are known.
func (p *pass) checkDashboard(text string, report func(format string, args ...any)) {
	var d struct {
		UID, Title string
		Panels     []struct {
			ID      int
			Title   string
			Type    string
			GridPos struct{ H, W, X, Y int }
			Targets []struct{ RefID, Expr string }
		}
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		report("not JSON: %v", err)
		return
	}
	if d.UID == "" || len(d.UID) > 40 || d.Title == "" || len(d.Panels) == 0 {
		report("a dashboard has a uid of at most 40 characters, a title and panels")
	}
	ids, places := map[int]bool{}, map[[2]int]bool{}
	for _, x := range d.Panels {
		at := [2]int{x.GridPos.X, x.GridPos.Y}
		if x.ID == 0 || ids[x.ID] || places[at] || x.GridPos.X+x.GridPos.W > 24 || x.GridPos.W == 0 || x.GridPos.H == 0 {
			report("panel %q has no place or number of its own", x.Title)
		}
		ids[x.ID], places[at] = true, true
		if x.Type != "timeseries" || len(x.Targets) == 0 {
			report("panel %q shows nothing", x.Title)
		}
		for _, t := range x.Targets {
			e := parseExpr(t.Expr)
			for _, fault := range e.faults {
				report("panel %q: %s", x.Title, fault)
			}
			for _, s := range e.series {
				if metricLabels[s.metric] == nil {
					report("panel %q reads %s, which nothing known has", x.Title, s.metric)
				}
			}
		}
	}
}
