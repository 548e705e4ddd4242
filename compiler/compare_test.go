package compiler

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
)

// TestCompare puts the meshes side by side for every example. The site's own can do all that it asks for, since it compiles;
// of another one, what the rule about unmet intents refuses is among what is missing, at the same place.
func TestCompare(t *testing.T) {
	set, err := profileSet()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range exampleNames(t) {
		src, all := alternatives(t, read(t, filepath.Join(examplesDir, name, "site.cue")))
		if len(all) != len(set.Meshes())+1 {
			t.Errorf("%s: %d meshes of %d", name, len(all), len(set.Meshes()))
		}
		for i := range all {
			a := &all[i]
			if a.Chosen != (a.Kind == src.Site.Mesh.Kind) || a.Chosen && len(a.Missing)+len(a.Changes) > 0 {
				t.Errorf("%s: %s is chosen: %v, missing %+v", name, a.Kind, a.Chosen, a.Missing)
			}
			for _, m := range a.Missing {
				if !src.PosOf(m.Path).IsValid() || m.Why == "" {
					t.Errorf("%s: %s: %+v has no place or reason", name, a.Kind, m)
				}
			}
			for _, f := range a.Changes {
				if !f.Pos.IsValid() || f.Pos.File != "site.cue" || f.Hint == "" || f.Severity != diag.Error {
					t.Errorf("%s: %s: %+v has no place in the site, or no hint", name, a.Kind, f)
				}
			}
			other := *src.Site
			other.Mesh.Kind = a.Kind
			unmet, _ := check.Run([]*check.Rule{rules.IntentUnmet}, check.OnSite, check.Input{Site: &other, Profiles: set})
			for _, f := range unmet {
				if strings.Contains(f.Message, "which gateway") {
					continue // APIs of gateways are cells of their own
				}
				_, what, _ := strings.Cut(f.Message, " asks for ")
				what, _, _ = strings.Cut(what, ",")
				if strings.Contains(f.Message, "repeats after") {
					what = "retries.on"
				}
				if !slices.ContainsFunc(a.Missing, func(m Missing) bool { return m.What == what }) {
					t.Errorf("%s: %s: %s is not among what is missing: %+v", name, a.Kind, f.Message, a.Missing)
				}
			}
		}
	}
}

// alternatives are a site, and the kinds of mesh side by side for it.
func alternatives(t *testing.T, text string) (*load.Source, []Alternative) {
	t.Helper()
	src, found := load.Bytes("site.cue", []byte(text))
	if src == nil {
		t.Fatal(found)
	}
	out, err := vet(src, Options{Now: today}, true)
	if err != nil || out.Plan == nil {
		t.Fatal(src.Site.Name, err)
	}
	all, err := Compare(src, out.Plan, Options{Now: today})
	if err != nil {
		t.Fatal(err)
	}
	return src, all
}

// TestCompareMemory holds the sums to the formula: pods or machines by what the site, or else the chart, gives one proxy.
func TestCompareMemory(t *testing.T) {
	_, all := alternatives(t, read(t, filepath.Join(examplesDir, "fra1", "site.cue")))
	for _, a := range all {
		want := [2]int{18 * 60 * 128, 18 * 60 * 512} // what mesh.proxy.resources says of each pod
		switch a.Kind {
		case "istio-ambient":
			want = [2]int{18 * 512, 0}
		case "cilium", noMesh:
			want = [2]int{0, 0}
		}
		if got := [2]int{a.RequestMiB, a.LimitMiB}; got != want {
			t.Errorf("%s: %v, want %v", a.Kind, got, want)
		}
	}
}

// TestCompareChanges makes the changes that compare names: the site with another kind is without errors then.
func TestCompareChanges(t *testing.T) {
	type edit struct{ old, new string }
	for _, tt := range []struct {
		site, kind string
		want       []string // rules of what is to change
		edits      []edit   // beside the kind and its release
	}{
		{"cell-0417", "istio-sidecar", []string{"MG6122"}, []edit{{"implementation: {", "// {"}}},
		{"cell-0417", "istio-ambient", []string{"MG6122", "MG5110"}, []edit{{"implementation: {", "// {"}, {"namespaces: ran: {", "namespaces: ran: {\n\twaypoint: true"}}},
		{"waw3", "istio-sidecar", []string{"MG5111", "MG5111", "MG5111"}, []edit{{"waypoint: true", ""}, {"waypoint: true", ""}, {"waypoint:    true", ""}}},
		{"fra1", "istio-ambient", []string{"MG5110"}, []edit{{"namespaces: {", "namespaces: payments: waypoint: true\nnamespaces: {"}}},
	} {
		t.Run(tt.site+" "+tt.kind, func(t *testing.T) {
			text := read(t, filepath.Join(examplesDir, tt.site, "site.cue"))
			src, all := alternatives(t, text)
			var got []string
			for _, a := range all {
				for _, f := range a.Changes {
					if a.Kind == tt.kind {
						got = append(got, f.Rule)
					}
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("to change: %v, want %v", got, tt.want)
			}
			for _, e := range append(tt.edits, edit{`"` + src.Site.Mesh.Kind + `"`, `"` + tt.kind + `"`}, edit{`"` + src.Site.Mesh.Version + `"`, `"1.31.1"`}) {
				if !strings.Contains(text, e.old) {
					t.Fatalf("the example has no %q", e.old)
				}
				text = strings.Replace(text, e.old, e.new, 1)
			}
			src, found := load.Bytes("site.cue", []byte(text))
			if src == nil {
				t.Fatal(found)
			}
			if out, err := vet(src, Options{Now: today}, true); err != nil || out.Findings.HasErrors() {
				t.Error(err, out.Findings)
			}
		})
	}
}
