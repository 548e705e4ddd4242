package compiler

import (
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/verify/schemas"
)

// TestPrinted holds the releases that a site may declare to those whose objects can be checked.
func TestPrinted(t *testing.T) {
	sets, err := schemas.Index()
	if err != nil {
		t.Fatal(err)
	}
	have := map[string][]string{}
	for _, s := range sets {
		line := strings.Join(strings.SplitN(s.Release, ".", 3)[:2], ".")
		component := s.Component
		if s.Channel == "experimental" {
			component += " experimental"
		}
		if !slices.Contains(have[component], line) {
			have[component] = append(have[component], line)
		}
	}
	for component, lines := range rules.Printed {
		slices.Sort(have[component])
		if !slices.Equal(have[component], lines) {
			t.Errorf("%s: the rule admits %v, there are schemas for %v", component, lines, have[component])
		}
	}
}
