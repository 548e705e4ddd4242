package rules_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/diag/format"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/site"
)

// A fixture of a rule across sites is a file testdata/fleets/RULE.txtar or RULE.CASE.txtar. Its comment names a site of
// testdata/sites or the examples; a file "first" or "second" holds lines "old => new", replacements that make one of two
// sites of it; "findings" is what the rules across sites find then. In a case "silent" the rule must find nothing.
func TestFleets(t *testing.T) {
	fired := map[string]bool{}
	files, err := filepath.Glob("testdata/fleets/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			text := siteText(t, strings.TrimSpace(strings.TrimPrefix(string(a.Comment), "site: ")))
			texts := map[string]string{"first": text, "second": text}
			want := ""
			for i, f := range a.Files {
				if f.Name == "findings" {
					want = strings.TrimRight(string(f.Data), "\n")
					a.Files = a.Files[:i]
					break
				}
				for line := range strings.Lines(string(f.Data)) {
					before, after, ok := strings.Cut(strings.TrimSuffix(line, "\n"), " => ")
					if !ok || !strings.Contains(texts[f.Name], before) {
						t.Fatalf("%s has no %q", f.Name, before)
					}
					texts[f.Name] = strings.ReplaceAll(texts[f.Name], before, after)
				}
			}
			found := acrossSites(t, texts["first"], texts["second"])
			for _, f := range found {
				fired[f.Name] = true
			}
			rule, kase, _ := strings.Cut(filepath.Base(file), ".")
			if silent := strings.HasPrefix(kase, "silent"); silent == fires(found, rule) {
				t.Errorf("%s fires: %v", rule, !silent)
			}
			var out strings.Builder
			err = format.Text(&out, found, format.TextOptions{Source: func(name string) []byte { return []byte(texts[strings.TrimSuffix(name, ".cue")]) }})
			if err != nil {
				t.Fatal(err)
			}
			got := strings.TrimRight(out.String(), "\n")
			if os.Getenv("MESHGEN_UPDATE") != "" {
				a.Files = append(a.Files, txtar.File{Name: "findings", Data: []byte(got + "\n")})
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if got != want {
				t.Errorf("found:\n%s\nthe file says:\n%s", got, want)
			}
		})
	}
	for _, r := range rules.All {
		if r.On == check.OnFleet && !fired[r.Name] {
			t.Errorf("no fixture makes %s fire", r.Name)
		}
	}
}

func fires(found diag.List, rule string) bool {
	for _, f := range found {
		if f.Name == rule {
			return true
		}
	}
	return false
}

// acrossSites runs the rules across two sites, each of which must be without fault.
func acrossSites(t *testing.T, texts ...string) diag.List {
	t.Helper()
	var fleet site.Fleet
	var sources []*load.Source
	for i, text := range texts {
		for _, f := range vet(t, text, false) {
			if f.Severity == diag.Error && f.Waived == "" && !strings.HasPrefix(f.Message, "not supported yet") {
				t.Errorf("site %d alone: %s %s", i, f.Pos, f.Message)
			}
		}
		src, found := load.Bytes([]string{"first.cue", "second.cue"}[i], []byte(text))
		if src == nil {
			t.Fatal(found)
		}
		fleet, sources = append(fleet, src.Site), append(sources, src)
	}
	found, _ := check.Run(rules.All, check.OnFleet, check.Input{Fleet: fleet})
	for i := range found {
		f := &found[i]
		f.Pos = sources[f.Site].PosOf(f.Path)
		for j := range f.Related {
			f.Related[j].Pos = sources[f.Related[j].Site].PosOf(f.Related[j].Path)
		}
	}
	return found.Sorted()
}
