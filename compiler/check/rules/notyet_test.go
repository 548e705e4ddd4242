package rules

import (
	"slices"
	"testing"
)

// left are the places of the language of which some value or some mesh has no output yet. The list only gets shorter.
var left = []string{
	"federation",
	"gateways.*.implementation",
	"gateways.*.listeners.*.protocol",
	"gateways.*.purpose",
	"kubernetes.distribution",
	"namespaces.*.services.*.egress",
}

// TestNotYetShrinks: what has an output does not lose it again, and nothing new is offered without one.
func TestNotYetShrinks(t *testing.T) {
	for _, u := range notYet {
		if !slices.Contains(left, u.path) {
			t.Errorf("%s is refused as not supported yet, and is not among what was left", u.path)
		}
	}
}
