package compiler

import (
	"path"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/verify"
)

// TestValuesKeys holds the values of each chart of each example to the keys that the chart reads: verify knows the chart
// and finds nothing, and finds a key that nobody reads, at the top and one level below.
func TestValuesKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range exampleNames(t) {
		out := compileExample(t, name)
		for _, f := range out.Tree.Files() {
			dir, file := path.Split(f.Path())
			if file != "values.yaml" || !strings.HasPrefix(dir, "charts/") {
				continue
			}
			declared := releases(out.Plan)
			chart := declared.Charts[path.Base(dir)]
			if strings.Contains(dir, "/upgrade/") {
				chart = declared.Upgrade.Values[path.Base(dir)]
			}
			if chart.Name == "" {
				t.Errorf("%s is of no release of the plan", f.Path())
				continue
			}
			key := chart.Name + " " + chart.Version
			if strings.Contains(dir, "/upgrade/") {
				key += " " + path.Base(dir)
			}
			if seen[key] { // TestGolden builds, and verify looks at every file
				continue
			}
			seen[key] = true
			for _, m := range []mutant{
				{"", name, f.Path(), `\A((?:#.*\n)*)`, "${1}meshgenUnknown: true\n"},
				{"", name, f.Path(), `(?m)^(global|base|identity|proxy|config|speaker|connectInject|server|operator|hubble|crds|autoscaling|multiCluster|service|manager):\n`, "${1}:\n  meshgenUnknown: true\n"},
			} {
				tree, ok := mutate(out.Tree, m)
				if !ok {
					t.Logf("%s: nothing is nested in %s", key, f.Path())
					continue
				}
				if _, found := verify.Tree(tree, releases(out.Plan)); !reports(found, "meshgenUnknown") {
					t.Errorf("%s: a key that nobody reads is not found in %s (%s)", key, f.Path(), m.new)
				}
			}
		}
	}
	t.Logf("%d charts", len(seen))
}

// reports reports whether an error speaks of something.
func reports(found diag.List, what string) bool {
	for _, f := range found {
		if f.Severity == diag.Error && (strings.Contains(f.Message, what) || strings.Contains(f.Path, what)) {
			return true
		}
	}
	return false
}
