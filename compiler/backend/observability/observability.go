// Package observability prints what watches a site: alert rules, the monitors of what meshgen installs, and the rights
// that reading metrics needs.
//
// In comes the plan's Observability. Out go objects of the phase 50-observability: a PrometheusRule, PodMonitors,
// ServiceMonitors with their Services, and the scraper's roles; or, where the site asks for files, the same rules as
// observability/<site>/<group>.rules.yaml. What the rules say is decided in the plan.
package observability

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes rules, monitors and the scraper's roles.
var Backend = backend.Backend{
	Name: "observability",
	Kind: "observability",
	Doc:  "alert rules, monitors of what is installed, and the scraper's rights",
	Emit: emit,
}

const monitoringV1 = "monitoring.coreos.com/v1"

// ruleObject is the name of the PrometheusRule: its namespace is somebody else's.
const ruleObject = "meshgen"

func emit(p *ir.Plan, t *artifact.Tree) {
	w := &p.Watch
	if !w.Active {
		return
	}
	if w.Files {
		ruleFiles(p, t)
	} else {
		ruleObjects(p, t)
	}
	monitors(p, t)
	access(p, t)
	dashboards(p, t)
}

// labels are on every object of the operator's kinds: ours, then those by which it finds them.
func labels(p *ir.Plan) []ir.KV { return append(backend.ManagedBy(p), p.Watch.Labels...) }

func ruleObjects(p *ir.Plan, t *artifact.Tree) {
	w := &p.Watch
	y := backend.Objects(p, t, backend.Watch, "PrometheusRule")
	m := backend.Meta{APIVersion: monitoringV1, Kind: "PrometheusRule", Namespace: w.Namespace, Name: ruleObject, Labels: labels(p), From: w.From}
	backend.Object(y, m, func() {
		y.Map("spec", func() { groups(p, y, w.Groups) })
	})
}

// ruleFiles writes each group into a file of its own, as "rule_files" of Prometheus takes them.
func ruleFiles(p *ir.Plan, t *artifact.Tree) {
	for i := range p.Watch.Groups {
		g := p.Watch.Groups[i : i+1]
		f := t.File("observability/"+p.Name+"/"+g[0].Name+".rules.yaml", p.From...)
		f.Header("#", p.Name)
		f.Begin(p.Watch.From...)
		groups(p, f.YAML(), g)
	}
}

func groups(p *ir.Plan, y *artifact.YAML, list []ir.RuleGroup) {
	y.Seq("groups", func() {
		for _, g := range list {
			y.Item(func() {
				y.From("", g.From...)
				y.KV("name", g.Name)
				y.Seq("rules", func() {
					for i := range g.Rules {
						rule(p, y, &g.Rules[i])
					}
				})
				y.Fixed()
			})
		}
	})
}

func rule(p *ir.Plan, y *artifact.YAML, r *ir.Rule) {
	y.From(r.Why, r.From...)
	y.Item(func() {
		if r.Record != "" {
			y.KV("record", r.Record)
			y.KV("expr", r.Expr)
			return
		}
		y.KV("alert", r.Alert)
		y.KV("expr", r.Expr)
		y.KV("for", r.For)
		y.Map("labels", func() {
			y.KV("severity", r.Severity)
			y.KV("site", p.Name)
			for _, l := range r.Labels {
				y.KV(l.Key, l.Value)
			}
		})
		y.Map("annotations", func() {
			y.KV("summary", r.Summary)
			y.KV("description", r.Description)
			y.KV("runbook_url", "docs/"+p.Name+"/RUNBOOK.md#"+r.Runbook)
		})
	})
	y.Fixed()
}
