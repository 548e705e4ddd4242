package compiler

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/drill"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
)

// promiseRules refuse a site that does not keep what resilience promises.
var promiseRules = []string{"MG6106", "MG8220", "MG8221", "MG8222"}

// TestDrillAgreesWithRules holds the two to each other: a promise that a drill finds broken is one that a rule refuses, and
// where the rules find nothing no single loss breaks it.
func TestDrillAgreesWithRules(t *testing.T) {
	text := read(t, filepath.Join(examplesDir, "zrh1", "site.cue"))
	const kept = `survive: ["node", "tor", "rack"], minimumCapacity: "50%"`
	for promise, want := range map[string]bool{
		kept: false,
		`survive: ["node", "tor", "rack"], minimumCapacity: "60%"`: true,
		`survive: ["node"], minimumCapacity: "50%"`:                false,
		`survive: ["node"], minimumCapacity: "80%"`:                true,
		`survive: ["rack"], minimumCapacity: "51%"`:                true,
		`survive: ["tor"], minimumCapacity: "100%"`:                false, // the others of each pair carry on
	} {
		changed := strings.Replace(text, kept, promise, 1)
		src, found := load.Bytes("site.cue", []byte(changed))
		if src == nil {
			t.Fatal(found)
		}
		ruled, err := vet(src, Options{Now: today}, true)
		if err != nil {
			t.Fatal(err)
		}
		refused := slices.ContainsFunc(ruled.Findings, func(f diag.Finding) bool { return slices.Contains(promiseRules, f.Rule) })
		out, err := vet(src, Options{Now: today, Skip: promiseRules}, true)
		if err != nil || out.Plan == nil {
			t.Fatal(promise, err, out.Findings)
		}
		breaks := drill.New(out.Plan).Breaks(out.Plan.Resilience)
		if refused != want || (len(breaks) > 0) != want {
			t.Errorf("%s: refused by rules: %v, broken in drills: %+v, want %v", promise, refused, breaks, want)
		}
	}
}
