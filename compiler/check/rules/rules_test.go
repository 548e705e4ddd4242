package rules_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/verify"
)

// catalogue is every rule that a site can break, those of waivers included.
func catalogue() []*check.Rule { return append(slices.Clone(rules.All), check.WaiverRules...) }

var (
	idForm   = regexp.MustCompile(`^MG[0-9]\d{3}$`)
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
)

func TestRegistry(t *testing.T) {
	ids, names := map[string]bool{}, map[string]bool{}
	last := ""
	for _, r := range rules.All {
		if r.ID <= last {
			t.Errorf("%s stands after %s", r.ID, last)
		}
		last = r.ID
		if r.Run == nil {
			t.Errorf("%s does nothing", r.ID)
		}
	}
	for _, r := range catalogue() {
		if !idForm.MatchString(r.ID) || !nameForm.MatchString(r.Name) || ids[r.ID] || names[r.Name] {
			t.Errorf("%s %s: form, or used twice", r.ID, r.Name)
		}
		ids[r.ID], names[r.Name] = true, true
		title, body, ok := strings.Cut(r.Doc, "\n\n")
		if !ok || len(title) > 100 || strings.HasSuffix(title, ".") || len(body) < 20 {
			t.Errorf("%s: Doc is a title of at most 100 characters, a blank line, and the failure that it prevents", r.ID)
		}
	}
	for _, r := range load.Rules {
		if ids[r.ID] || names[r.Name] {
			t.Errorf("%s %s: loading has it already", r.ID, r.Name)
		}
	}
}

// TestRequirements holds the list of faults that the catalogue answers for: each names a rule, or says why there is none.
func TestRequirements(t *testing.T) {
	data, err := os.ReadFile("testdata/requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := severities()
	for _, r := range verify.Rules() {
		known[r.Name] = diag.Error
	}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fault, answer, _ := strings.Cut(strings.TrimSpace(line), " ")
		if why, ok := strings.CutPrefix(answer, "- "); ok {
			if len(why) < 20 {
				t.Errorf("%s: the reason says nothing", fault)
			}
			continue
		}
		names := strings.Fields(answer)
		if len(names) == 0 {
			t.Errorf("%s has no answer", fault)
		}
		for _, name := range names {
			if _, ok := known[name]; !ok {
				t.Errorf("%s: there is no rule %q", fault, name)
			}
		}
	}
}
