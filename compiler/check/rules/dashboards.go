package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// dashboardRules are the rules about dashboards.
var dashboardRules = []*check.Rule{
	DashboardsWithoutMetrics,
}

// DashboardsWithoutMetrics tells that nothing would be shown.
var DashboardsWithoutMetrics = &check.Rule{
	ID: "MG8302", Name: "dashboards-without-metrics", Severity: diag.Warning, On: check.OnSite,
	Doc: `dashboards are asked for, and nobody collects metrics

A dashboard has panels for series that alerts of the site read. Without a scraper, and without alerts as plain files for
one that the site does not describe, there are none, and no dashboard is written.`,
	Run: func(p *check.Pass) {
		o := p.Site.Observability
		if o.Dashboards && o.Scraper == nil && o.Rules != "files" {
			p.Reportf("observability.dashboards", "no dashboard is written: the site names no scraper, and its alerts are no files").
				Hintf(`observability: scraper: {namespace: "monitoring", serviceAccount: "prometheus-k8s"}`)
		}
	},
}
