package verify

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// ruleAlerts is the error of rule files and of the objects that tell a scraper what to watch.
const (
	ruleAlerts   = "MG9111"
	ruleMonitors = "MG9112"
)

// readRuleFile is the verifier of plain rule files: one document with groups.
func readRuleFile(f *artifact.File, p *pass) {
	var fs faults
	checkHeader(f.Bytes(), "#", strings.Split(f.Path(), "/")[1], &fs)
	for _, fault := range fs {
		p.report(f, fault.line, ruleAlerts, "%s", fault.text)
	}
	docs := p.documents(f)
	if len(docs) != 1 {
		p.report(f, 0, ruleAlerts, "a rule file is one document, not %d", len(docs))
		return
	}
	p.checkRules(f, docs[0], value(docs[0]), nil)
}

// checkObservability checks what needs the whole tree: objects with rules, and monitors.
func (p *pass) checkObservability() {
	for _, o := range p.objects {
		switch {
		case o.is("monitoring.coreos.com", "PrometheusRule"):
			p.checkRules(o.file, o.node, o.value, fieldPath{"spec"})
		case o.is("monitoring.coreos.com", "PodMonitor"), o.is("monitoring.coreos.com", "ServiceMonitor"):
			p.checkMonitor(o)
		case o.is("", "ConfigMap"):
			p.checkDashboards(o)
		}
	}
}

// checkRules checks the groups at a path: what Prometheus would refuse, what would leave an alert without an effect, and
// what would leave a reader without help.
func (p *pass) checkRules(f *artifact.File, root *yaml.Node, doc any, at fieldPath) {
	report := func(path fieldPath, format string, args ...any) {
		p.report(f, lineOf(root, path), ruleAlerts, path.String()+": "+format, args...)
	}
	groups := list(doc, append(at[:len(at):len(at)], "groups")...)
	if len(groups) == 0 {
		report(at.to("groups"), "no group")
	}
	c := ruleCheck{site: p.releases.Site, recorded: map[string]bool{}, seen: map[string]bool{}, report: report}
	names := map[string]bool{}
	for i, g := range groups {
		path := at.to("groups").at(i)
		if name := str(g, "name"); name == "" || names[name] {
			report(path.to("name"), "a group needs a name of its own")
		} else {
			names[name] = true
		}
		if len(list(g, "rules")) == 0 {
			report(path.to("rules"), "a group without rules")
		}
		for j, r := range list(g, "rules") {
			c.check(r, path.to("rules").at(j))
		}
	}
}

// ruleCheck is the check of the rules of one file.
type ruleCheck struct {
	site     string
	recorded map[string]bool // series that rules before this one make
	seen     map[string]bool // alerts and their labels
	report   func(path fieldPath, format string, args ...any)
}

var (
	alertName    = regexp.MustCompile(`^[A-Z][A-Za-z0-9]+$`)
	recordName   = regexp.MustCompile(`^[a-z_]+:[a-z][a-z0-9_]*(:[a-z0-9_]+)?$`)
	promDuration = regexp.MustCompile(`^(\d+d)?(\d+h)?(\d+m)?(\d+s)?$`)
	template     = regexp.MustCompile(`\{\{ \$labels\.([a-z_]+) \}\}`)
	// runbookAnchors are the chapters of the runbook that alerts lead to.
	runbookAnchors = []string{"bgp-sessions", "configuration-push", "conntrack-and-ports", "metrics", "time-and-certificates", "vip-path"}
)

func (c *ruleCheck) check(r any, at fieldPath) {
	alert, record := str(r, "alert"), str(r, "record")
	expr := str(r, "expr")
	q := parseExpr(expr)
	for _, fault := range q.faults {
		c.report(at.to("expr"), "%s", fault)
	}
	for _, s := range q.series {
		c.checkSeries(s, at.to("expr"))
	}
	switch {
	case record != "" && alert == "":
		if !recordName.MatchString(record) {
			c.report(at.to("record"), "%q is no name of the form level:metric", record)
		}
		c.recorded[record] = true
	case record == "" && alertName.MatchString(alert):
		c.checkAlert(r, at)
	default:
		c.report(at, "a rule is either an alert, with a name in camel case, or a record")
	}
}

// checkSeries checks that a series is one that some exporter has, with labels that it has: a misspelt name or label
// selects nothing, and the alert never fires.
func (c *ruleCheck) checkSeries(s exprSeries, at fieldPath) {
	labels, known := metricLabels[s.metric]
	if c.recorded[s.metric] {
		return
	}
	if !known {
		c.report(at, "no exporter that rules rely on has the metric %q", s.metric)
		return
	}
	for _, l := range s.labels {
		if !slices.Contains(labels, l) && l != "job" {
			c.report(at, "%s has no label %q", s.metric, l)
		}
	}
}

func (c *ruleCheck) checkAlert(r any, at fieldPath) {
	if d := str(r, "for"); d == "" || !promDuration.MatchString(d) {
		c.report(at.to("for"), "%q is no duration", d)
	}
	labels := dict(r, "labels")
	if s := str(labels, "severity"); s != "critical" && s != "warning" {
		c.report(at.to("labels", "severity"), "%q is neither critical nor warning", s)
	}
	if s := str(labels, "site"); s != c.site {
		c.report(at.to("labels", "site"), "%q is not the site", s)
	}
	key := str(r, "alert") + " " + pairs(labels)
	if c.seen[key] {
		c.report(at, "an alert with the same name and labels stands before")
	}
	c.seen[key] = true
	for _, a := range []string{"summary", "description"} {
		text := str(r, "annotations", a)
		if text == "" {
			c.report(at.to("annotations"), "no %s", a)
		}
		if strings.Contains(template.ReplaceAllString(text, ""), "{{") || strings.Contains(template.ReplaceAllString(text, ""), "}}") {
			c.report(at.to("annotations", a), "a template that is not of the form {{ $labels.name }}")
		}
	}
	anchor, ok := strings.CutPrefix(str(r, "annotations", "runbook_url"), "docs/"+c.site+"/RUNBOOK.md#")
	if !ok || !slices.Contains(runbookAnchors, anchor) {
		c.report(at.to("annotations", "runbook_url"), "%q leads to no chapter of the site's runbook: %s",
			str(r, "annotations", "runbook_url"), strings.Join(runbookAnchors, ", "))
	}
}
