package compiler

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"
	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// alertTests is the file of promtool's unit tests of fra1's alerts, written from healthy and alertCases by
// MESHGEN_UPDATE=1.
const alertTests = "testdata/alerts/fra1.test.yaml"

// ruleGroups returns the groups of a tree as one rule file, from the PrometheusRule or from the plain files.
func ruleGroups(t *testing.T, tree *artifact.Tree) []map[string]any {
	t.Helper()
	var groups []map[string]any
	for _, f := range tree.Files() {
		var doc struct {
			Groups []map[string]any
			Spec   struct{ Groups []map[string]any }
		}
		if !strings.HasSuffix(f.Path(), ".rules.yaml") && filepath.Base(f.Path()) != "prometheusrule.yaml" {
			continue
		}
		if err := yaml.Unmarshal(f.Bytes(), &doc); err != nil {
			t.Fatal(err)
		}
		groups = append(append(groups, doc.Groups...), doc.Spec.Groups...)
	}
	return groups
}

// ruleList returns every alert of the groups.
func alertList(groups []map[string]any) []map[string]any {
	var out []map[string]any
	for _, g := range groups {
		for _, r := range g["rules"].([]any) {
			if rule := r.(map[string]any); rule["alert"] != nil {
				out = append(out, rule)
			}
		}
	}
	return out
}

func writeYAML(t *testing.T, file string, v any) {
	t.Helper()
	data, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRealPromtoolCheck gives every rule set to the parser of Prometheus, in both forms.
func TestRealPromtoolCheck(t *testing.T) {
	promtool := real(t, "promtool")
	trees := map[string]*artifact.Tree{}
	for _, name := range exampleNames(t) {
		trees[name] = compileExample(t, name).Tree
		text := read(t, filepath.Join(examplesDir, name, "site.cue"))
		trees[name+" as files"] = compileText(t, name, text+"\nobservability: rules: \"files\"\n").Tree
	}
	sets := 0
	for name, tree := range trees {
		groups := ruleGroups(t, tree)
		if groups == nil {
			continue // nobody scrapes
		}
		sets++
		file := filepath.Join(t.TempDir(), "rules.yaml")
		writeYAML(t, file, map[string]any{"groups": groups})
		if text := runs(t, promtool, "check", "rules", "--lint=all", "--lint-fatal", file); !strings.Contains(text, "SUCCESS") {
			t.Errorf("%s: %s", name, text)
		}
	}
	if sets < 3 {
		t.Errorf("%d rule sets", sets)
	}
}

// TestRuleForms checks that both forms say the same.
func TestRuleForms(t *testing.T) {
	text := read(t, filepath.Join(examplesDir, "fra1", "site.cue"))
	objects := alertList(ruleGroups(t, compileText(t, "site.cue", text).Tree))
	files := alertList(ruleGroups(t, compileText(t, "site.cue", text+"\nobservability: rules: \"files\"\n").Tree))
	got := map[string]bool{}
	for _, a := range files {
		got[a["expr"].(string)] = true
	}
	for _, a := range objects {
		name := a["alert"].(string)
		ours := name == "MetricsTargetDown" || name == "MetricsBudgetExceeded" // of monitors, which are the operator's
		if got[a["expr"].(string)] == ours {
			t.Errorf("%s: in the files: %v", name, !ours)
		}
	}
}

// TestAlertCases holds the file of unit tests against the table, and the table against the alerts: each fires in a case.
func TestAlertCases(t *testing.T) {
	groups := ruleGroups(t, compileExample(t, "fra1").Tree)
	data, err := yaml.Marshal(alertSuite(t, groups))
	if err != nil {
		t.Fatal(err)
	}
	if update {
		if err := os.WriteFile(alertTests, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := read(t, alertTests); want != string(data) {
		t.Errorf("stale, run with MESHGEN_UPDATE=1:\n%s", diff.Diff(alertTests, []byte(want), "now", data))
	}
	for _, a := range alertList(groups) {
		if !slices.ContainsFunc(alertCases, func(c alertCase) bool { return c.alert == a["alert"] }) {
			t.Errorf("no case fires %s", a["alert"])
		}
	}
}

// TestRealPromtoolUnits runs the unit tests.
func TestRealPromtoolUnits(t *testing.T) {
	promtool := real(t, "promtool")
	dir := t.TempDir()
	writeYAML(t, filepath.Join(dir, "rules.yaml"), map[string]any{"groups": ruleGroups(t, compileExample(t, "fra1").Tree)})
	file := filepath.Join(dir, "fra1.test.yaml")
	if err := os.WriteFile(file, []byte(read(t, alertTests)), 0o644); err != nil {
		t.Fatal(err)
	}
	runs(t, promtool, "test", "rules", file)
}

// The forms of promtool's unit tests.
type (
	promSuite struct {
		RuleFiles          []string   `yaml:"rule_files"`
		EvaluationInterval string     `yaml:"evaluation_interval"`
		Tests              []promTest `yaml:"tests"`
	}
	promTest struct {
		Name     string       `yaml:"name"`
		Interval string       `yaml:"interval"`
		Input    []promSeries `yaml:"input_series"`
		Alerts   []promAlerts `yaml:"alert_rule_test"`
	}
	promSeries struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	}
	promAlerts struct {
		At     string         `yaml:"eval_time"`
		Name   string         `yaml:"alertname"`
		Expect []promExpected `yaml:"exp_alerts"`
	}
	promExpected struct {
		Labels      map[string]string `yaml:"exp_labels"`
		Annotations map[string]string `yaml:"exp_annotations"`
	}
)

// alertSuite makes the unit tests: a healthy site, on which no alert fires, and for each case the same site with what
// is wrong, on which exactly the alerts of the case fire under that name.
func alertSuite(t *testing.T, groups []map[string]any) promSuite {
	t.Helper()
	alerts := alertList(groups)
	suite := promSuite{RuleFiles: []string{"rules.yaml"}, EvaluationInterval: "1m"}
	quiet := promTest{Name: "healthy", Interval: "1m", Input: inputs(healthy)}
	var names []string
	for _, a := range alerts {
		names = append(names, a["alert"].(string))
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		quiet.Alerts = append(quiet.Alerts, promAlerts{At: alertsAt, Name: name, Expect: []promExpected{}})
	}
	suite.Tests = append(suite.Tests, quiet)
	for _, c := range alertCases {
		series := maps.Clone(healthy)
		for k, v := range c.wrong {
			if v == "" {
				delete(series, k)
			} else {
				series[k] = v
			}
		}
		test := promTest{Name: c.alert + ": " + c.name, Interval: "1m", Input: inputs(series)}
		fires := promAlerts{At: alertsAt, Name: c.alert}
		for _, labels := range c.fires {
			fires.Expect = append(fires.Expect, expected(t, alerts, c.alert, labels))
		}
		test.Alerts = []promAlerts{fires}
		suite.Tests = append(suite.Tests, test)
	}
	return suite
}

func inputs(series map[string]string) []promSeries {
	var out []promSeries
	for _, s := range slices.Sorted(maps.Keys(series)) {
		out = append(out, promSeries{s, series[s]})
	}
	return out
}

var labelTemplate = regexp.MustCompile(`\{\{ \$labels\.([a-z_]+) \}\}`)

// alertOf finds the rule whose own labels do not contradict those given.
func alertOf(t *testing.T, alerts []map[string]any, name string, labels map[string]string) map[string]any {
	t.Helper()
	for _, a := range alerts {
		own := texts(a["labels"])
		fits := a["alert"] == name
		for k, v := range labels {
			fits = fits && (own[k] == "" || own[k] == v)
		}
		for _, k := range []string{"switch", "rack", "gateway", "vip", "metric"} {
			fits = fits && (own[k] == "" || labels[k] != "")
		}
		if fits {
			return a
		}
	}
	t.Fatalf("no alert %s with %v", name, labels)
	return nil
}

// expected renders what promtool will see of the rule that fits the labels.
func expected(t *testing.T, alerts []map[string]any, name string, labels map[string]string) promExpected {
	t.Helper()
	a := alertOf(t, alerts, name, labels)
	own := texts(a["labels"])
	maps.Copy(own, labels)
	out := promExpected{Labels: own, Annotations: texts(a["annotations"])}
	for k, v := range out.Annotations {
		out.Annotations[k] = labelTemplate.ReplaceAllStringFunc(v, func(s string) string {
			return own[labelTemplate.FindStringSubmatch(s)[1]]
		})
	}
	return out
}

func texts(v any) map[string]string {
	out := map[string]string{}
	for k, s := range v.(map[string]any) {
		out[k] = s.(string)
	}
	return out
}
