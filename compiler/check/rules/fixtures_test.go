package rules_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/diag/format"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/profiles"
)

// A fixture is a file testdata/fixtures/RULE.txtar or RULE.CASE.txtar:
//
//	site: fra1
//	line: holdTime:
//	against: before
//	-- old --
//	text that the site has exactly once
//	-- new --
//	text that takes its place
//	-- findings --
//	all that is found then, in text form
//
// "against: before" judges the change as well, from the site as it was. The rule must fire on the first line that has the text after "line:" or, without one, where new begins; and what
// is found in all must be what the file says. Run with MESHGEN_UPDATE=1 to write the findings down.
type fixture struct {
	file, rule, site, line string
	against                bool
	old, new, findings     []string
}

// today is the day on which the tests run.
var today = time.Date(2026, time.December, 1, 0, 0, 0, 0, time.UTC)

func TestFixtures(t *testing.T) {
	fired := map[string]bool{}
	for _, fx := range readFixtures(t, "testdata/fixtures") {
		t.Run(filepath.Base(fx.file), func(t *testing.T) {
			if len(fx.old) != 1 {
				t.Fatalf("a fixture changes one hunk, this one %d", len(fx.old))
			}
			fired[fx.rule] = fx.run(t) || fired[fx.rule]
		})
	}
	// What a text in CUE cannot show: files that cannot be read, files of 16 MiB, keys that
	// stand twice in YAML, and our own faults.
	for _, r := range []load.Rule{load.CannotRead, load.TooLarge, load.Duplicate, load.Internal} {
		fired[r.Name] = true
	}
	for _, r := range rules.All { // TestFleets has theirs
		fired[r.Name] = fired[r.Name] || r.On == check.OnFleet
	}
	for name := range severities() {
		if !fired[name] {
			t.Errorf("no fixture makes %s fire", name)
		}
	}
}

// TestMixtures is for files with several faults: each must be found in one run.
func TestMixtures(t *testing.T) {
	for _, fx := range readFixtures(t, "testdata/mixtures") {
		t.Run(filepath.Base(fx.file), func(t *testing.T) {
			text := fx.change(t)
			fx.compare(t, text, vet(t, text, false))
		})
	}
}

// TestSitesAreSilent holds the sites that fixtures begin with to finding nothing; what is left out does not count, nor
// does advice.
func TestSitesAreSilent(t *testing.T) {
	for _, name := range siteNames(t) {
		for _, f := range vet(t, siteText(t, name), false) {
			if f.Waived == "" && !leftOut(f) {
				t.Errorf("%s: %s %s %s", name, f.Pos, f.Name, f.Message)
			}
		}
	}
}

// leftOut reports what a site declares and does not get: no backend prints it yet, its system has no place for it, or what
// delivers it needs an option for it.
func leftOut(f diag.Finding) bool {
	unfit := []string{rules.TimeServerDaemon.Name, rules.ClockHardwareDaemon.Name, rules.TalosClock.Name, rules.PatchBuildOption.Name}
	return strings.HasPrefix(f.Message, "not supported yet") || f.Severity == diag.Warning && slices.Contains(unfit, f.Name)
}

// run reports whether the rule fires where it should.
func (fx *fixture) run(t *testing.T) bool {
	text := fx.change(t)
	severity, known := severities()[fx.rule]
	if !known {
		t.Fatalf("there is no rule %q", fx.rule)
	}
	before, _, _ := strings.Cut(siteText(t, fx.site), fx.old[0])
	if fx.line != "" {
		var ok bool
		if before, _, ok = strings.Cut(text, fx.line); !ok {
			t.Fatalf("no line has %q", fx.line)
		}
	}
	want := 1 + strings.Count(before, "\n")
	got := vetAfter(t, fx.before(t), text, severity == diag.Note)
	got = slices.DeleteFunc(got, func(f diag.Finding) bool { return f.Name != fx.rule && leftOut(f) })
	// Advice of other rules says nothing about this one.
	got = slices.DeleteFunc(got, func(f diag.Finding) bool { return f.Name != fx.rule && f.Severity == diag.Note })
	fx.compare(t, text, got)
	fired := false
	for _, f := range got {
		if f.Name != fx.rule || f.Waived != "" || f.Pos.Line != want {
			continue
		}
		fired = true
		if f.Message == "" || strings.HasSuffix(f.Message, ".") || strings.Contains(f.Message, "invalid") {
			t.Errorf("message %q", f.Message)
		}
		if f.Fix != nil {
			checkFix(t, text, f)
		}
	}
	if !fired {
		t.Errorf("%s does not fire on line %d", fx.rule, want)
	}
	return fired
}

// checkFix makes the edit that a finding offers: the finding must go, and no other error come.
func checkFix(t *testing.T, text string, f diag.Finding) {
	t.Helper()
	mended := text[:f.Fix.Edit.Start] + f.Fix.Edit.New + text[f.Fix.Edit.End:]
	before, after := vet(t, text, false), vet(t, mended, false)
	for _, g := range after {
		if g.Rule == f.Rule && g.Path == f.Path && g.Message == f.Message {
			t.Errorf("the fix %q leaves the finding: %s", f.Fix.Message, g.Message)
		}
	}
	if after.Count(diag.Error) > before.Count(diag.Error) {
		t.Errorf("the fix %q brings an error", f.Fix.Message)
	}
}

// change makes the fixture's hunks.
func (fx *fixture) change(t *testing.T) string {
	t.Helper()
	text := siteText(t, fx.site)
	for i, old := range fx.old {
		if n := strings.Count(text, old); n != 1 {
			t.Fatalf("the site has %q %d times", old, n)
		}
		text = strings.Replace(text, old, fx.new[i], 1)
	}
	return text
}

// withoutHint are the findings of what cannot be read or computed as CUE: nobody knows what it was to say.
var withoutHint = []string{load.Syntax.ID, load.Evaluation.ID}

// compare holds what is found to what the fixture says, and each error to a hint.
func (fx *fixture) compare(t *testing.T, text string, found diag.List) {
	t.Helper()
	for _, f := range found {
		if f.Severity == diag.Error && f.Hint == "" && !slices.Contains(withoutHint, f.Rule) {
			t.Errorf("%s says %q, and not what to write instead", f.Rule, f.Message)
		}
	}
	var out strings.Builder
	err := format.Text(&out, found, format.TextOptions{Source: func(string) []byte { return []byte(text) }})
	if err != nil {
		t.Fatal(err)
	}
	got := strings.TrimRight(out.String(), "\n")
	if os.Getenv("MESHGEN_UPDATE") != "" {
		fx.findings = []string{got}
		fx.write(t)
		return
	}
	if len(fx.findings) != 1 || got != fx.findings[0] {
		t.Errorf("found:\n%s\nthe file says:\n%s", got, strings.Join(fx.findings, "\n"))
	}
}

func readFixtures(t *testing.T, dir string) []*fixture {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures in %s: %v", dir, err)
	}
	var out []*fixture
	for _, file := range files {
		a, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		fx := &fixture{file: file}
		fx.rule, _, _ = strings.Cut(filepath.Base(file), ".")
		for line := range strings.Lines(string(a.Comment)) {
			key, value, _ := strings.Cut(strings.TrimRight(line, "\n"), ": ")
			switch key {
			case "site":
				fx.site = value
			case "line":
				fx.line = value
			case "against":
				fx.against = true
			default:
				t.Fatalf("%s: unknown key %q", file, key)
			}
		}
		for _, f := range a.Files {
			into := map[string]*[]string{"old": &fx.old, "new": &fx.new, "findings": &fx.findings}[f.Name]
			if into == nil {
				t.Fatalf("%s: unknown section %q", file, f.Name)
			}
			*into = append(*into, strings.TrimRight(string(f.Data), "\n"))
		}
		if len(fx.old) != len(fx.new) {
			t.Fatalf("%s: %d old and %d new", file, len(fx.old), len(fx.new))
		}
		out = append(out, fx)
	}
	return out
}

func (fx *fixture) write(t *testing.T) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "site: %s\n", fx.site)
	if fx.line != "" {
		fmt.Fprintf(&b, "line: %s\n", fx.line)
	}
	if fx.against {
		b.WriteString("against: before\n")
	}
	section := func(name, text string) { fmt.Fprintf(&b, "-- %s --\n%s\n", name, text) }
	for i := range fx.old {
		section("old", fx.old[i])
		section("new", fx.new[i])
	}
	section("findings", fx.findings[0])
	if err := os.WriteFile(fx.file, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// severities are those of all rules by name, loading's included.
func severities() map[string]diag.Severity {
	out := map[string]diag.Severity{}
	for _, r := range catalogue() {
		out[r.Name] = r.Severity
	}
	for _, r := range load.Rules {
		out[r.Name] = diag.Error
	}
	return out
}

// sitePlaces are where the sites of fixtures are; %s is a name.
var sitePlaces = []string{"../../../examples/%s/site.cue", "../../load/testdata/sites/%s.cue", "testdata/sites/%s.cue"}

func siteText(t *testing.T, name string) string {
	t.Helper()
	for _, place := range sitePlaces {
		if text, err := os.ReadFile(fmt.Sprintf(place, name)); err == nil {
			return string(text)
		}
	}
	t.Fatalf("there is no site %q", name)
	return ""
}

func siteNames(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, place := range sitePlaces {
		files, err := filepath.Glob(fmt.Sprintf(place, "*"))
		if err != nil {
			t.Fatal(err)
		}
		before, after, _ := strings.Cut(place, "%s")
		for _, f := range files {
			out = append(out, strings.TrimSuffix(strings.TrimPrefix(f, before), after))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// vet runs all rules on the site, those of both stages, and the waivers. Where the text is no site, its faults of
// structure are what is found. Sites that no backend prints yet pass to the second stage as well: its rules may not
// depend on more than lowering does.
func vet(t *testing.T, text string, advice bool) diag.List { return vetAfter(t, nil, text, advice) }

// before is the plan of the site without the fixture's hunks, where the change is judged.
func (fx *fixture) before(t *testing.T) *ir.Plan {
	if !fx.against {
		return nil
	}
	src, found := load.Bytes("site.cue", []byte(siteText(t, fx.site)))
	if src == nil {
		t.Fatal(found)
	}
	set, err := profile.Read(profiles.FS)
	if err != nil {
		t.Fatal(err)
	}
	return lower.Lower(src.Site, set)
}

// vetAfter is vet for a change: before is nil where none is judged.
func vetAfter(t *testing.T, before *ir.Plan, text string, advice bool) diag.List {
	t.Helper()
	src, found := load.Bytes("site.cue", []byte(text))
	if src == nil {
		return found
	}
	set, err := profile.Read(profiles.FS)
	if err != nil {
		t.Fatal(err)
	}
	in := check.Input{Site: src.Site, Profiles: set, Now: today, Before: before}
	if err := json.Unmarshal(src.Resolved(), &in.Values); err != nil {
		t.Fatal(err)
	}
	run := slices.DeleteFunc(slices.Clone(rules.All), func(r *check.Rule) bool {
		return r.Severity == diag.Note && !advice || r.Against && before == nil
	})
	list, _ := check.Run(run, check.OnSite, in)
	last := check.OnSite
	settled := check.Waive(list, src.Site, catalogue(), check.Terms{Now: today})
	if !settled.HasErrors() {
		in.Plan = lower.Lower(src.Site, set)
		more, _ := check.Run(run, check.OnPlan, in)
		list, last = append(list, more...), check.OnPlan
		if len(in.Plan.Patches) > 0 && !check.Waive(list, src.Site, catalogue(), check.Terms{Now: today}).HasErrors() {
			if in.Patched, err = compiler.Patched(in.Plan, src); err != nil {
				t.Fatal(err)
			}
			more, _ := check.Run(run, check.OnTree, in)
			list, last = append(list, more...), check.OnTree
		}
	}
	hasRun := func(r *check.Rule) bool { return r.On <= last && slices.Contains(run, r) }
	list = check.Waive(list, src.Site, catalogue(), check.Terms{Now: today, Ran: hasRun})
	if !advice {
		list = slices.DeleteFunc(list, func(f diag.Finding) bool { return f.Severity == diag.Note })
	}
	list.Locate(src.PosOf)
	list.Mend(src.EditOf)
	return list.Sorted()
}
