// Package backendtest is what the tests of backends share: a tree from a plan, its comparison with a golden file, and
// plans of switches. It comes from plans made by hand and goes to no program.
package backendtest

import (
	"os"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Emit runs a backend.
func Emit(t testing.TB, b backend.Backend, p *ir.Plan) *artifact.Tree {
	t.Helper()
	tree := artifact.NewTree()
	b.Emit(p, tree)
	if err := tree.Err(); err != nil {
		t.Fatal(err)
	}
	return tree
}

// Text is a tree as one text, each file under its path.
func Text(tree *artifact.Tree) string {
	var b strings.Builder
	for _, f := range tree.Files() {
		b.WriteString("-- " + f.Path() + " --\n")
		b.Write(f.Bytes())
	}
	return b.String()
}

// Golden compares a text with a file, or rewrites the file.
func Golden(t testing.TB, file, got string, rewrite bool) {
	t.Helper()
	if rewrite {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("MESHGEN_UPDATE=1 rewrites it:\n%s", diff.Diff(file, want, "now", []byte(got)))
	}
}
