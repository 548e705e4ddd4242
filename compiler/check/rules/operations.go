package rules

import (
	"maps"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// WindowEmpty finds a window that has no length.
var WindowEmpty = &check.Rule{
	ID: "MG8215", Name: "window-empty", Severity: diag.Error, On: check.OnSite,
	Doc: `a maintenance window begins and ends at one time

It may be read as no time at all or as a whole day: changes would wait for ever, or come at noon.`,
	Run: func(p *check.Pass) {
		if p.Site.Maintenance == nil {
			return
		}
		for i, w := range p.Site.Maintenance.Windows {
			if w.From == w.To {
				path := "maintenance.windows." + site.Index(i)
				p.Reportf(path+".to", "the window begins and ends at %s", w.From).Related(path+".from", "its begin").
					Hintf("an end before %s is on the next day", w.From)
			}
		}
	},
}

// WindowDayTwice finds a day that a window names twice.
var WindowDayTwice = &check.Rule{
	ID: "MG8217", Name: "window-day-twice", Severity: diag.Warning, On: check.OnSite,
	Doc: `a maintenance window names a day twice

Another day was meant, and on that one no change happens.`,
	Run: func(p *check.Pass) {
		if p.Site.Maintenance == nil {
			return
		}
		for i, w := range p.Site.Maintenance.Windows {
			path := "maintenance.windows." + site.Index(i) + ".days."
			for j, d := range w.Days {
				if k := slices.Index(w.Days, d); k < j {
					p.Reportf(path+site.Index(j), "the window names %s twice", d).Related(path+site.Index(k), "first named here").
						Hintf("leave one of them out, or write the day that was meant")
				}
			}
		}
	},
}

// BudgetNothing finds a budget that no change fits in.
var BudgetNothing = &check.Rule{
	ID: "MG8218", Name: "budget-nothing", Severity: diag.Error, On: check.OnSite,
	Doc: `the change budget admits no change

With 0 percent of the nodes at a time, no node is ever updated: every change of host files is held back for ever.`,
	Run: func(p *check.Pass) {
		b, all := p.Site.ChangeBudget, nodeCount(p.Site)
		if b != nil && b.NodesPercent == 0 && all > 0 {
			p.Reportf("changeBudget.nodesPercent", "0 percent of %d nodes may change at a time, which is none", all).
				Hintf("nodesPercent: %d is one node", (100+all-1)/all)
		}
	},
}

// BudgetEverything finds a budget that bounds nothing.
var BudgetEverything = &check.Rule{
	ID: "MG8219", Name: "budget-everything", Severity: diag.Warning, On: check.OnSite,
	Doc: `the change budget lets one change touch the whole site

A budget is there so that a bad change is noticed while most of the site still works.
Source: Site Reliability Engineering, chapter 8, "Release Engineering": gradual rollouts.`,
	Run: func(p *check.Pass) {
		b := p.Site.ChangeBudget
		if b == nil || len(p.Site.Racks) < 2 {
			return
		}
		if b.RacksAtOnce >= len(p.Site.Racks) {
			p.Reportf("changeBudget.racksAtOnce", "one change may touch %d racks at once, and the site has %d", b.RacksAtOnce, len(p.Site.Racks)).
				Related("racks", "the racks").Hintf("racksAtOnce: 1").Fix("changeBudget.racksAtOnce", "1", "write 1")
		}
		if b.NodesPercent == 100 {
			p.Reportf("changeBudget.nodesPercent", "one change may touch all %d nodes at once, 100 percent", nodeCount(p.Site)).
				Hintf("nodesPercent: 20").Fix("changeBudget.nodesPercent", "20", "write 20")
		}
	},
}

func nodeCount(s *site.Site) int {
	n := 0
	for _, r := range s.Racks {
		n += len(r.Nodes)
	}
	return n
}

// survives returns the path of a promise, or "".
func survives(s *site.Site, loss string) string {
	if s.Resilience == nil {
		return ""
	}
	if i := slices.Index(s.Resilience.Survive, loss); i >= 0 {
		return "resilience.survive." + site.Index(i)
	}
	return ""
}

// SurviveControlPlane finds a promise that the control plane cannot keep.
var SurviveControlPlane = &check.Rule{
	ID: "MG8220", Name: "survive-control-plane", Severity: diag.Error, On: check.OnSite,
	Doc: `the loss that the site must survive takes the majority of the control plane

etcd needs more than half of its members: without them the API answers nothing, no pod is moved away from what failed,
and the site does not mend itself.
Source: etcd.io, FAQ, "What is failure tolerance?".`,
	Run: func(p *check.Pass) {
		// What fails together with a rack is its failure domain: racks that share one are lost together.
		all, domains := 0, map[string]int{}
		where := map[string]string{}
		for rn, r := range byKey(p.Site.Racks) {
			for _, n := range r.Nodes {
				if c := p.Site.NodeClasses[n.Class]; c != nil && c.ControlPlane {
					all++
					domains[r.FailureDomain]++
					where[r.FailureDomain] = site.Join("racks", rn)
				}
			}
		}
		if all == 0 {
			return
		}
		if path := survives(p.Site, "node"); path != "" && all < 3 {
			p.Reportf(path, "the site must survive the loss of a node, and has %d of the control plane: the other is no majority", all).
				Hintf("3 nodes of the control plane")
			return
		}
		path := survives(p.Site, "rack")
		if path == "" {
			return
		}
		for name, n := range byKey(domains) {
			if 2*(all-n) <= all {
				p.Reportf(path, "the site must survive the loss of a rack, and failure domain %q has %d of %d nodes of the control plane: the other %d are no majority", name, n, all, all-n).
					Related(where[name], "in this domain").Hintf("3 nodes of the control plane in 3 failure domains")
				return
			}
		}
	},
}

// SurviveToR finds a promise that a rack with one switch cannot keep.
var SurviveToR = &check.Rule{
	ID: "MG8221", Name: "survive-tor", Severity: diag.Error, On: check.OnSite,
	Doc: `the site must survive the loss of a top-of-rack switch, and a rack has only one

The whole rack goes with it, and the loss of a rack is not among those that the site must survive.`,
	Run: func(p *check.Pass) {
		path := survives(p.Site, "tor")
		if path == "" || survives(p.Site, "rack") != "" {
			return
		}
		for rn, r := range byKey(p.Site.Racks) {
			if len(r.Nodes) == 0 || len(r.ToRs) > 1 && r.Homing != "single" {
				continue
			}
			p.Reportf(path, "the site must survive the loss of a top-of-rack switch, and rack %q is attached to one: homing %s, %d switches", rn, r.Homing, len(r.ToRs)).
				Related(site.Join("racks", rn, "homing"), "its homing").Hintf(`two switches and homing: "mlag", "active-backup" or "unnumbered", or survive "rack" as well`)
		}
	},
}

// SurviveSpine finds a promise that the switches above the racks cannot keep.
var SurviveSpine = &check.Rule{
	ID: "MG8222", Name: "survive-spine", Severity: diag.Error, On: check.OnSite,
	Doc: `the site must survive the loss of a spine, and a rack hangs on only one

With it gone the rack is cut off: its nodes are up, and nobody reaches them.`,
	Run: func(p *check.Pass) {
		path := survives(p.Site, "spine")
		if path == "" {
			return
		}
		var racks []string
		up := map[string]bool{}
		for rn, r := range byKey(p.Site.Racks) {
			spines := map[string]bool{}
			for _, t := range r.ToRs {
				for _, u := range t.Uplinks {
					spines[u.Spine] = true
				}
			}
			// Without uplinks the site says nothing of the way up, and another rule asks for them.
			if len(spines) == 1 {
				racks = append(racks, rn)
				maps.Copy(up, spines)
			}
		}
		if len(racks) > 0 {
			p.Reportf(path, "the site must survive the loss of a spine, and the switches of rack %s lead to one alone, of %s", strings.Join(racks, ", "), keys(up)).
				Related(site.Join("racks", racks[0], "tors"), "the switches of %q", racks[0]).Hintf("uplinks to a second spine")
		}
	},
}
