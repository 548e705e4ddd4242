package compiler

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// floors says which floor a package stands on. A package imports packages of lower floors only; the floor of a folder
// that is not listed is that of the nearest listed one above it, one lower for data and generators.
var floors = map[string]int{
	"compiler/diag":               0,
	"compiler/artifact":           0,
	"compiler/parallel":           0,
	"compiler/site":               1,
	"compiler/ir":                 1,
	"compiler/profile":            1,
	"schema":                      1,
	"profiles":                    1,
	"examples":                    1,
	"compiler/diag/format":        1,
	"compiler/load":               2,
	"compiler/lower":              2,
	"compiler/check":              2,
	"compiler/analyze":            2,
	"compiler/analyze/policy":     2,
	"compiler/analyze/drill":      2,
	"compiler/analyze/capacity":   2,
	"compiler/analyze/trace":      3,
	"compiler/lab":                3,
	"compiler/backend":            2,
	"compiler/check/rules":        3,
	"compiler/verify":             3,
	"compiler/analyze/plan":       3,
	"compiler/diff":               2,
	"compiler":                    4,
	"cmd/meshgen":                 5,
	"profiles/gen":                5,
	"compiler/verify/schemas/gen": 5,
}

// backendFloor is that of every package below compiler/backend.
const backendFloor = 3

// bans are imports that only some may have, with the reason.
var bans = []struct {
	imported string // prefix of the import path
	allowed  []string
	reason   string
}{
	{"cuelang.org/go", []string{"compiler/load", "profiles/gen", "cmd/meshgen"}, "CUE is a way in; what follows works on types"},
	{"sigs.k8s.io/kustomize", []string{"compiler/verify"}, "the compiler writes plain kustomize; only its proof runs it"},
	{"os/exec", []string{"cmd/meshgen", "compiler/verify/schemas/gen", "compiler/backend/frr/frrtest"}, "the compiler starts no program; the command starts git where an argument asks for it"},
	{"net/http", []string{}, "the compiler asks no network"},
}

const module = "meshgen.dev/meshgen/"

func TestFloors(t *testing.T) {
	seen := map[string]bool{}
	eachFile(t, func(pkg, file string, imports []string) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		seen[pkg] = true
		for _, imp := range imports {
			for _, b := range bans {
				if strings.HasPrefix(imp, b.imported) && !listed(b.allowed, pkg) {
					t.Errorf("%s imports %s: %s", file, imp, b.reason)
				}
			}
			own, ok := strings.CutPrefix(imp, module)
			if !ok {
				if floor(pkg) == 0 && strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") && !strings.HasPrefix(imp, "golang.org/x/sys") {
					t.Errorf("%s imports %s: floor 0 stands on the standard library", file, imp)
				}
				continue
			}
			if floor(own) >= floor(pkg) {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go downwards only", file, floor(pkg), own, floor(own))
			}
		}
	})
	for pkg := range floors {
		if !seen[pkg] && pkg != "compiler/analyze" {
			t.Errorf("no package %s: the table of floors is out of date", pkg)
		}
	}
}

// TestNoOutside holds the compiler to its inputs: no clock, environment, standard output or exit below the command.
func TestNoOutside(t *testing.T) {
	forbidden := []string{"os.Stdout", "os.Stderr", "os.Stdin", "os.Exit", "os.Getenv", "os.LookupEnv", "os.Environ", "time.Now", "time.Since"}
	eachSource(t, func(pkg, file, text string) {
		if strings.HasSuffix(file, "_test.go") || pkg == "cmd/meshgen" || strings.HasSuffix(pkg, "/gen") {
			return
		}
		for _, f := range forbidden {
			if strings.Contains(text, f+"(") || strings.Contains(text, f+",") || strings.Contains(text, f+")") {
				t.Errorf("%s uses %s: only the command touches the outside", file, f)
			}
		}
	})
}

// TestNoExampleValues holds the code free of what belongs to an example.
func TestNoExampleValues(t *testing.T) {
	values := []string{"fra1", "muc1", "203.0.113.1", "203.0.113.0/27", "198.51.100.16", "42000001", "gps-roof", "payments/"}
	eachSource(t, func(pkg, file, text string) {
		if strings.HasSuffix(file, "_test.go") || strings.HasSuffix(pkg, "/gen") || strings.HasSuffix(pkg, "test") {
			return
		}
		for n, line := range strings.Split(text, "\n") {
			code, _, _ := strings.Cut(line, "//")
			for _, v := range values {
				if strings.Contains(code, v) {
					t.Errorf("%s:%d: %s belongs to an example", file, n+1, v)
				}
			}
		}
	})
}

func floor(pkg string) int {
	if strings.HasPrefix(pkg, "compiler/backend/") {
		return backendFloor
	}
	for p := pkg; p != "."; p = path.Dir(p) {
		if f, ok := floors[p]; ok {
			if p != pkg && f > 0 {
				return f - 1
			}
			return f
		}
	}
	return 0
}

func listed(allowed []string, pkg string) bool {
	for _, a := range allowed {
		if pkg == a || strings.HasPrefix(pkg, a+"/") {
			return true
		}
	}
	return false
}

// eachFile calls f for each Go file of the module with its imports.
func eachFile(t *testing.T, f func(pkg, file string, imports []string)) {
	eachSource(t, func(pkg, file, text string) {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
		if err != nil {
			t.Error(err)
			return
		}
		var imports []string
		for _, i := range parsed.Imports {
			p, _ := strconv.Unquote(i.Path.Value)
			imports = append(imports, p)
		}
		f(pkg, file, imports)
	})
}

// eachSource calls f for each Go file of the module with its text; paths are relative to the module.
func eachSource(t *testing.T, f func(pkg, file, text string)) {
	t.Helper()
	root := ".."
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != root && strings.HasPrefix(d.Name(), ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		rel, _ := filepath.Rel(root, p)
		rel = filepath.ToSlash(rel)
		f(path.Dir(rel), rel, read(t, p))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
