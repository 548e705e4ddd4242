package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
)

// input is one site: what to call it, and the files or the folder that describe it.
type input struct {
	name  string
	paths []string
}

// changedSites groups changed files into the sites that they belong to, each once.
func (c *command) changedSites(files []string) []input {
	var out []input
	seen := map[string]bool{}
	for _, name := range files {
		name = filepath.Clean(name)
		if seen[name] {
			continue
		}
		group, isSite := []string{name}, true
		if filepath.Ext(name) == ".cue" {
			group, isSite = packageOf(name)
		}
		for _, f := range group {
			seen[f] = true
		}
		if !isSite {
			fmt.Fprintf(c.stderr, "%s: its package has no apiVersion, so it is no site: passed over\n", name)
			continue
		}
		out = append(out, input{name, group})
	}
	return out
}

// packageOf returns the files of the package that a CUE file belongs to, in its folder, and whether they describe a site.
// What cannot be read or parsed counts as one: vet says what is wrong with it.
func packageOf(name string) (group []string, isSite bool) {
	own, describes := header(name)
	if own == "" {
		return []string{name}, describes
	}
	group, isSite = []string{name}, describes
	siblings, err := os.ReadDir(filepath.Dir(name))
	if err != nil {
		return group, true
	}
	for _, s := range siblings {
		base := s.Name()
		aside := strings.HasPrefix(base, ".") || strings.HasPrefix(base, "_") || strings.HasSuffix(base, "_test.cue") || strings.HasSuffix(base, "_tool.cue")
		if filepath.Ext(base) != ".cue" || aside || base == filepath.Base(name) {
			continue
		}
		other := filepath.Join(filepath.Dir(name), base)
		if pkg, one := header(other); pkg == own {
			group = append(group, other)
			isSite = isSite || one
		}
	}
	slices.Sort(group)
	return group, isSite
}

// header reads the package clause of a CUE file, and whether it says itself that it describes a site.
func header(name string) (pkg string, isSite bool) {
	text, err := os.ReadFile(name)
	if err != nil {
		return "", true
	}
	f, err := parser.ParseFile(name, text)
	if f != nil {
		pkg = f.PackageName()
	}
	if err != nil {
		return pkg, true
	}
	for imp := range f.ImportSpecs() {
		if imp.Path.Value == `"meshgen.dev/schema"` {
			isSite = true
		}
	}
	for _, d := range f.Decls {
		if field, ok := d.(*ast.Field); ok {
			if label, _, err := ast.LabelName(field.Label); err == nil && label == "apiVersion" {
				isSite = true
			}
		}
	}
	return pkg, isSite
}
