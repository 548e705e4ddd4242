package compiler

import (
	"path/filepath"
	"testing"

	"meshgen.dev/meshgen/compiler/load"
)

// TestFederationGolden compiles two sites of a federation in one run: they agree, and each tree is the one that the site
// makes alone.
func TestFederationGolden(t *testing.T) {
	for _, names := range [][]string{{"gva1", "gva2"}, {"poz1", "poz2"}, {"umu1", "umu2"}, {"mmx1", "mmx2"}, {"got1", "got2"}, {"lul1", "lul2"}, {"bri1", "bri2"}} {
		t.Run(names[0], func(t *testing.T) { together(t, names) })
	}
}

func together(t *testing.T, names []string) {
	var sources []*load.Source
	for _, name := range names {
		src, found := load.Bytes("examples/"+name+"/site.cue", []byte(read(t, filepath.Join(examplesDir, name, "site.cue"))))
		if src == nil {
			t.Fatal(found)
		}
		sources = append(sources, src)
	}
	f, err := NewFleet(sources, Options{Now: today})
	if err != nil {
		t.Fatal(err)
	}
	for n, name := range names {
		out, err := f.Compile(n, Options{Now: today})
		if err != nil || len(out.Findings) > 0 {
			t.Fatal(name, err, out.Findings)
		}
		compareTree(t, filepath.Join(goldenDir, name), out.Tree)
	}
}
