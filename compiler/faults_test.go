package compiler

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/verify"
)

// faulty is the text of a site with a fault.
type faulty struct{ file, text string }

// faultySites are the fixtures of the rules, on the examples: those compile, but for their fault.
func faultySites(t testing.TB) []faulty {
	t.Helper()
	files, err := filepath.Glob("check/rules/testdata/fixtures/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no fixtures", err)
	}
	var out []faulty
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := ""
		for line := range strings.Lines(string(a.Comment)) {
			if v, ok := strings.CutPrefix(strings.TrimSpace(line), "site: "); ok {
				name = v
			}
		}
		example, err := os.ReadFile(filepath.Join(examplesDir, name, "site.cue"))
		if err != nil {
			continue // a sample that no backend prints yet
		}
		hunk := map[string]string{}
		for _, f := range a.Files {
			hunk[f.Name] = strings.TrimRight(string(f.Data), "\n")
		}
		out = append(out, faulty{filepath.Base(file), strings.Replace(string(example), hunk["old"], hunk["new"], 1)})
	}
	return out
}

// TestWaiveEverything waives what each fixture's rules find. What can be waived is no matter for the compiler: the site
// must then build, and what it builds must verify. Where it does not, the rule is a guard.
func TestWaiveEverything(t *testing.T) {
	guards := map[string]bool{}
	for _, r := range append(slices.Clone(rules.All), check.WaiverRules...) {
		guards[r.ID] = r.Guard
	}
	waivedRules := map[string]bool{}
	for _, site := range faultySites(t) {
		t.Run(site.file, func(t *testing.T) {
			for round := 0; round < 3; round++ { // rules on the plan speak when those on the site are silent
				src, _ := load.Bytes("site.cue", []byte(site.text))
				if src == nil {
					return // a fault of structure
				}
				out, err := vet(src, Options{Now: today}, true)
				if err != nil {
					t.Fatal(err)
				}
				var more []map[string]string
				for _, f := range out.Findings {
					switch {
					case f.Severity != diag.Error || f.Waived != "":
					case guards[f.Rule]:
						return
					default:
						more = append(more, map[string]string{"rule": f.Rule, "at": f.Path, "reason": "a test", "until": "2027-01-01"})
					}
				}
				if len(more) == 0 {
					mustVerify(t, src, out)
					return
				}
				for _, w := range more {
					waivedRules[w["rule"]] = true
				}
				site.text = withWaivers(t, src, more)
			}
			t.Error("the findings never end")
		})
	}
	if len(waivedRules) < 10 {
		t.Errorf("only %d rules were waived", len(waivedRules))
	}
}

// withWaivers is the site as JSON, with more waivers.
func withWaivers(t *testing.T, src *load.Source, more []map[string]string) string {
	t.Helper()
	root, err := src.Values()
	if err != nil {
		t.Fatal(err)
	}
	s := root.(map[string]any)
	list, _ := s["waivers"].([]any)
	for _, w := range more {
		list = append(list, w)
	}
	s["waivers"] = list
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func mustVerify(t *testing.T, src *load.Source, out *Output) {
	t.Helper()
	tree, err := emit(out.Plan, src.Resolved())
	if err != nil {
		t.Fatal(err)
	}
	rel := releases(out.Plan)
	rel.SkipBuild = true // the structure of kustomizations is checked all the same
	if _, found := verify.Tree(tree, rel); found.HasErrors() {
		for _, f := range found {
			t.Errorf("%s %s", f.Name, f.Message)
		}
	}
}

// TestOrderOfDeclarations shuffles faulty sites: what is found must not depend on the order in which they are written.
func TestOrderOfDeclarations(t *testing.T) {
	for i, site := range faultySites(t) {
		src, found := load.Bytes("site.cue", []byte(site.text))
		if src == nil {
			continue // the order of declarations decides where a fault of structure is seen
		}
		want := said(t, src, found)
		src, found = load.Bytes("site.cue", []byte(shuffle(t, site.text, uint64(i))))
		if got := said(t, src, found); !slices.Equal(got, want) {
			t.Errorf("%s: found\n%s\nand shuffled\n%s", site.file, strings.Join(want, "\n"), strings.Join(got, "\n"))
		}
	}
}

// said is what is found in a site that was read, without positions.
func said(t *testing.T, src *load.Source, found diag.List) []string {
	t.Helper()
	if src != nil {
		out, err := Vet(src, Options{Now: today, Advice: true})
		if err != nil {
			t.Fatal(err)
		}
		found = out.Findings
	}
	var lines []string
	for _, f := range found {
		lines = append(lines, fmt.Sprint(f.Severity, " ", f.Rule, " ", f.Message))
	}
	slices.Sort(lines)
	return lines
}

// FuzzVet reads any bytes. Nothing may panic, every position must exist, and every edit that is offered must be one that
// can be made.
func FuzzVet(f *testing.F) {
	for _, site := range faultySites(f) {
		f.Add([]byte(site.text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		src, found := load.Bytes("site.cue", data)
		if src != nil {
			out, err := Vet(src, Options{Now: today, Advice: true})
			if err != nil {
				t.Fatal(err)
			}
			found = out.Findings
		}
		lines := strings.Split(string(data), "\n")
		exists := func(p diag.Pos) {
			if !p.IsValid() || p.Line == 0 {
				return
			}
			if p.File != "site.cue" || p.Line > len(lines) || p.Column > len(lines[p.Line-1])+1 {
				t.Errorf("there is no %s", p)
			}
		}
		for _, g := range found {
			exists(g.Pos)
			for _, r := range g.Related {
				exists(r.Pos)
			}
			if g.Message == "" || strings.Contains(g.Message, "\n") {
				t.Errorf("%s: message %q", g.Rule, g.Message)
			}
			if g.Fix != nil && (g.Fix.Edit.Start > g.Fix.Edit.End || g.Fix.Edit.End > len(data)) {
				t.Errorf("%s: edit %v of %d bytes", g.Rule, g.Fix.Edit, len(data))
			}
		}
	})
}
