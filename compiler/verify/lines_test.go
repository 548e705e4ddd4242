package verify

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"meshgen.dev/meshgen/compiler/artifact"
)

// lab reads the sample site, after replacing old by new in one file.
func lab(t testing.TB, file, old, new string) *artifact.Tree {
	t.Helper()
	return labWith(t, file, func(text string) string {
		if strings.Count(text, old) != 1 {
			t.Fatalf("%q stands %d times in %s, want once", old, strings.Count(text, old), file)
		}
		return strings.Replace(text, old, new, 1)
	})
}

// labWith reads the sample site, with one file changed by edit.
func labWith(t testing.TB, file string, edit func(string) string) *artifact.Tree {
	t.Helper()
	data, err := os.ReadFile("testdata/lines/lab.txtar")
	if err != nil {
		t.Fatal(err)
	}
	tree := artifact.NewTree()
	for _, f := range txtar.Parse(data).Files {
		text := string(f.Data)
		if f.Name == file {
			text = edit(text)
		}
		out := tree.File(f.Name, "name")
		for line := range strings.Lines(text) {
			out.Line(strings.TrimSuffix(line, "\n"))
		}
	}
	if err := tree.Err(); err != nil {
		t.Fatal(err)
	}
	return tree
}

// lineFindings runs the readers of lines and their checks over a tree.
func lineFindings(tree *artifact.Tree, site string) []string {
	p := &pass{tree: tree, releases: Releases{Site: site}}
	p.counts, p.values = map[string]*Count{}, map[string]*values{}
	for _, f := range tree.Files() {
		if inOverlay(f.Path(), site) {
			readObjects(f, p)
		}
		for _, v := range lineVerifiers {
			if match(v.glob, f.Path()) {
				v.check(f, p)
			}
		}
	}
	for _, check := range lineTreeChecks {
		check(p)
	}
	var out []string
	for _, f := range p.found {
		out = append(out, f.Rule+" "+f.Message)
	}
	return out
}

func TestLabIsSilent(t *testing.T) {
	for _, f := range lineFindings(lab(t, "", "", ""), "lab-1") {
		t.Error(f)
	}
}
