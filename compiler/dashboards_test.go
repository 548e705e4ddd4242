package compiler

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// panelExpressions are those of every dashboard that the examples have once they ask for them, each once.
func panelExpressions(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, name := range exampleNames(t) {
		text := read(t, filepath.Join(examplesDir, name, "site.cue"))
		for _, d := range compileText(t, name, text+"\nobservability: dashboards: true\n").Plan.Watch.Dashboards {
			for _, p := range d.Panels {
				out = append(out, p.Expr)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestRealPanels has Prometheus read the expression of each panel.
func TestRealPanels(t *testing.T) {
	promtool := real(t, "promtool")
	var rules []any
	for i, e := range panelExpressions(t) {
		rules = append(rules, map[string]any{"record": fmt.Sprintf("panel:%d", i), "expr": e})
	}
	if len(rules) < 12 {
		t.Errorf("%d panels in all examples", len(rules))
	}
	file := filepath.Join(t.TempDir(), "rules.yaml")
	writeYAML(t, file, map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": rules}}})
	if text := runs(t, promtool, "check", "rules", file); !strings.Contains(text, "SUCCESS") {
		t.Error(text)
	}
}

// TestDashboardFiles: where rules are files, dashboards are, too, and they are JSON.
func TestDashboardFiles(t *testing.T) {
	text := read(t, filepath.Join(examplesDir, "rix1", "site.cue"))
	tree := compileText(t, "site.cue", text+"\nobservability: rules: \"files\"\n").Tree
	n := 0
	for _, f := range tree.Files() {
		if strings.HasSuffix(f.Path(), ".dashboard.json") {
			n++
			if !json.Valid(f.Bytes()) {
				t.Errorf("%s is not JSON", f.Path())
			}
		}
	}
	if n < 2 {
		t.Errorf("%d dashboards as files", n)
	}
}
