package kustomization

import (
	"bytes"
	"path"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// patches writes the site's patches of a phase's objects, in the order of the site: a later one sees what an earlier one
// has made.
func patches(p *ir.Plan, y *artifact.YAML, ph phase) {
	var here []ir.Patch
	for _, x := range p.Patches {
		if holds(ph, x.Kind, x.Name) {
			here = append(here, x)
		}
	}
	if len(here) == 0 {
		return
	}
	y.From("", here[0].From...)
	y.Seq("patches", func() {
		for _, x := range here {
			backend.KustomizePatch(y, x.Kind, x.Name, x.Text, x.From)
		}
	})
	y.Fixed()
}

// holds reports whether an object of that kind and name is among the files of a phase, which are called after kinds.
func holds(ph phase, kind, name string) bool {
	for _, f := range ph.files {
		if path.Base(f.Path()) != strings.ToLower(kind)+".yaml" {
			continue
		}
		for doc := range bytes.SplitSeq(f.Bytes(), []byte("\n---\n")) {
			doc = append([]byte("\n"), doc...)
			named := bytes.Contains(doc, []byte("\n  name: "+name+"\n")) || bytes.Contains(doc, []byte("\n  name: \""+name+"\"\n"))
			if named && bytes.Contains(doc, []byte("\nkind: "+kind+"\n")) {
				return true
			}
		}
	}
	return false
}
