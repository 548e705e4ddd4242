package compiler

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/verify"
)

// FuzzCompile changes two leaves of an example to anything. A site that the language and the rules accept must compile,
// and what it gives must verify: otherwise a rule is missing, or a backend is wrong. Nothing may panic. A value that is
// JSON stands for itself, any other text is a string.
func FuzzCompile(f *testing.F) {
	type example struct {
		root   any
		leaves []leaf
	}
	var examples []example
	for _, name := range exampleNames(f) {
		src, found := load.Bytes("site.cue", []byte(read(f, filepath.Join(examplesDir, name, "site.cue"))))
		if src == nil {
			f.Fatal(found)
		}
		root, err := src.Values()
		if err != nil {
			f.Fatal(err)
		}
		leaves := leavesOf(root, nil)
		examples = append(examples, example{root, leaves})
		ta := &taint{root: root, names: namesOf(src.Site)}
		const step = 13 // some twenty seeds an example, of every part of it
		for i := 0; i < len(leaves); i += step {
			if values := ta.candidates(leaves[i]); len(values) > 0 {
				f.Add(uint8(len(examples)-1), uint16(i), literal(values[0]), uint16(i+1), literal(leaves[(i+1)%len(leaves)].value))
			}
		}
	}
	loader := load.NewLoader()
	f.Fuzz(func(t *testing.T, which uint8, a uint16, first string, b uint16, second string) {
		e := examples[int(which)%len(examples)]
		root := replaced(e.root, e.leaves[int(a)%len(e.leaves)].path, anything(first))
		if at := e.leaves[int(b)%len(e.leaves)]; b != a {
			root = replaced(root, at.path, anything(second))
		}
		data, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		src, _ := loader.Bytes("site.json", data)
		if src == nil {
			return
		}
		out, err := vet(src, Options{Now: today}, true)
		if err != nil {
			t.Fatal(err)
		}
		if out.Plan == nil {
			return
		}
		tree, err := emit(out.Plan, src.Resolved())
		if err != nil {
			t.Fatal(err)
		}
		rel := releases(out.Plan)
		rel.SkipBuild = true // the structure of kustomizations is checked all the same
		if _, found := verify.Tree(tree, rel); len(found) > 0 {
			t.Errorf("%s: %s, %s: %s\n%v", e.leaves[int(a)%len(e.leaves)].path, first, e.leaves[int(b)%len(e.leaves)].path, second, found)
		}
	})
}

// anything reads a value for a leaf.
func anything(s string) any {
	var v any
	if json.Unmarshal([]byte(s), &v) == nil {
		return v
	}
	return s
}

// literal is the inverse of anything.
func literal(v any) string {
	data, _ := json.Marshal(v)
	return string(data)
}
