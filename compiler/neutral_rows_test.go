package compiler

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/profile"
)

// TestNeutralRows: what a mesh can do by the matrix of capabilities is asked of it somewhere. A row is about an intent of
// the neutral site, which TestNeutral looks for in the output of every kind, or some example of the kind says it, whose
// output is a golden tree.
func TestNeutralRows(t *testing.T) {
	set, err := profileSet()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]any{} // of examples, by kind of mesh
	for _, name := range exampleNames(t) {
		src, found := load.Bytes("site.cue", []byte(read(t, filepath.Join(examplesDir, name, "site.cue"))))
		if src == nil {
			t.Fatal(found)
		}
		v, err := src.Values()
		if err != nil {
			t.Fatal(err)
		}
		values[src.Site.Mesh.Kind] = append(values[src.Site.Mesh.Kind], v)
	}
	for _, row := range capabilityRows(set) {
		pattern, value := capabilityPlace(row)
		asked := slices.ContainsFunc(intentProbes, func(p intentProbe) bool { return slices.Contains(p.needs, row) })
		if pattern == "" || asked {
			continue
		}
		for _, kind := range set.Meshes() {
			if set.Mesh(kind).Capability(row).Support == profile.None {
				continue
			}
			said := slices.ContainsFunc(values[kind], func(v any) bool { return saysAt(v, pattern, value) })
			switch reason := unsaid[kind+" "+row]; {
			case !said && reason == "":
				t.Errorf("%s is said to have %s, and no example of it says %s", kind, row, pattern)
			case said && reason != "":
				t.Errorf("an example of %s says %s by now: %q holds no longer", kind, pattern, reason)
			}
		}
	}
}

// unsaid are cells of the matrix that no example shows, with the reason.
var unsaid = map[string]string{
	"linkerd ca":                       "mesh.ca.trustAnchor and issuer say it, which every example of Linkerd has",
	"cilium egress.via":                "ham1 has the gateway's own part, under another mesh",
	"consul holdApplicationUntilReady": "its proxy starts first whatever is said",
}

// saysAt reports whether a site says something at a place: the value, or with "x" anything that is not the language's default.
func saysAt(v any, pattern, value string) bool {
	found := false
	rules.Visit(v, strings.Split(pattern, "."), func(_ string, at any) {
		switch at := at.(type) {
		case string:
			found = found || value == "x" && at != "" || at == value
		case bool:
			found = found || value == "true" && at
		case float64:
			found = found || value == "x" && at != 0
		case []any:
			found = found || value == "x" && len(at) > 0
		case map[string]any:
			found = found || value == "x" && len(at) > 0
		}
	})
	return found
}
