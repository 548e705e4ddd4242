package compiler

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"cuelang.org/go/cue/ast"
	cueformat "cuelang.org/go/cue/format"
	cueparser "cuelang.org/go/cue/parser"
	"github.com/rogpeppe/go-internal/diff"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/diag/format"
	"meshgen.dev/meshgen/compiler/load"
)

// update rewrites golden files instead of comparing them: MESHGEN_UPDATE=1.
var update = os.Getenv("MESHGEN_UPDATE") != ""

// today is the day of every test: waivers of the examples hold on it.
var today = time.Date(2026, time.December, 1, 0, 0, 0, 0, time.UTC)

const (
	examplesDir = "../examples"
	goldenDir   = "../golden"
)

// exampleNames lists the folders of examples.
func exampleNames(t testing.TB) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(examplesDir, "*", "site.cue"))
	if err != nil || len(found) == 0 {
		t.Fatal("no examples", err)
	}
	for i, f := range found {
		found[i] = filepath.Base(filepath.Dir(f))
	}
	return found
}

func read(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// compileText compiles a site given as text and fails on errors.
func compileText(t testing.TB, name, text string) *Output {
	t.Helper()
	src, found := load.Bytes(name, []byte(text))
	if src == nil {
		t.Fatalf("%s does not load: %v", name, found)
	}
	out, err := Compile(src, Options{Now: today})
	if err != nil {
		t.Fatal(err)
	}
	if out.Findings.HasErrors() {
		var b bytes.Buffer
		format.Text(&b, out.Findings, format.TextOptions{})
		t.Fatalf("%s does not compile:\n%s", name, b.String())
	}
	return out
}

func compileExample(t testing.TB, name string) *Output {
	t.Helper()
	file := filepath.Join(examplesDir, name, "site.cue")
	return compileText(t, "examples/"+name+"/site.cue", read(t, file))
}

// TestGolden compares each example's tree with golden/<name>, paths first, then bytes, and its findings with
// golden/<name>.findings.
func TestGolden(t *testing.T) {
	names := exampleNames(t)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			out := compileExample(t, name)
			dir := filepath.Join(goldenDir, name)
			var findings bytes.Buffer
			format.Text(&findings, out.Findings, format.TextOptions{})
			if update {
				if err := os.RemoveAll(dir); err != nil {
					t.Fatal(err)
				}
				if _, err := artifact.Write(dir, out.Tree); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(dir+".findings", findings.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			compareTree(t, dir, out.Tree)
			if want := read(t, dir+".findings"); want != findings.String() {
				t.Errorf("findings differ:\n%s", diff.Diff("golden", []byte(want), "now", findings.Bytes()))
			}
		})
	}
	entries, err := os.ReadDir(goldenDir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !slices.Contains(names, strings.TrimSuffix(e.Name(), filepath.Ext(e.Name()))) {
			t.Errorf("golden/%s has no example", e.Name())
		}
	}
}

// compareTree reports what a golden directory and a tree do not share.
func compareTree(t *testing.T, dir string, tree *artifact.Tree) {
	t.Helper()
	have := map[string]bool{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, p)
			have[filepath.ToSlash(rel)] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range tree.Files() {
		if !have[f.Path()] {
			t.Errorf("not in golden: %s", f.Path())
			continue
		}
		delete(have, f.Path())
		if want := read(t, filepath.Join(dir, f.Path())); want != string(f.Bytes()) {
			t.Errorf("%s", diff.Diff("golden/"+f.Path(), []byte(want), "now", f.Bytes()))
		}
	}
	for p := range have {
		t.Errorf("golden and no longer written: %s", p)
	}
}

// TestReproducible compiles each example again: the same text, its declarations in another order, comments added.
func TestReproducible(t *testing.T) {
	for _, name := range exampleNames(t) {
		t.Run(name, func(t *testing.T) {
			text := read(t, filepath.Join(examplesDir, name, "site.cue"))
			want := compileText(t, "site.cue", text).Tree
			same := func(what, text string) {
				t.Helper()
				got := compileText(t, "site.cue", text).Tree
				if len(got.Files()) != len(want.Files()) {
					t.Fatalf("%s: %d files, not %d", what, len(got.Files()), len(want.Files()))
				}
				for _, f := range want.Files() {
					g := got.Lookup(f.Path())
					if g == nil {
						t.Errorf("%s: no %s", what, f.Path())
					} else if !bytes.Equal(f.Bytes(), g.Bytes()) {
						t.Errorf("%s: %s", what, diff.Diff(f.Path(), f.Bytes(), "now", g.Bytes()))
					}
				}
			}
			same("again", text)
			for seed := range uint64(3) {
				same("shuffled", shuffle(t, text, seed))
			}
			same("commented", "// A comment.\n// Another one.\n"+strings.ReplaceAll(text, "\n\n", "\n\n// One more.\n\n"))
		})
	}
}

// shuffle reorders the declarations of every struct of a CUE file. Order means nothing in CUE but for imports, and for
// the scope of let clauses, whose structs are left alone.
func shuffle(t *testing.T, text string, seed uint64) string {
	t.Helper()
	f, err := cueparser.ParseFile("site.cue", text)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	mix := func(decls []ast.Decl) {
		if !slices.ContainsFunc(decls, func(d ast.Decl) bool { _, ok := d.(*ast.LetClause); return ok }) {
			rng.Shuffle(len(decls), func(i, j int) { decls[i], decls[j] = decls[j], decls[i] })
		}
	}
	first := slices.IndexFunc(f.Decls, func(d ast.Decl) bool { _, ok := d.(*ast.Field); return ok })
	mix(f.Decls[first:])
	ast.Walk(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.StructLit); ok {
			mix(s.Elts)
		}
		return true
	}, nil)
	out, err := cueformat.Node(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
