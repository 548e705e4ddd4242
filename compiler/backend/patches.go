package backend

import (
	"regexp"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// KustomizePatch writes an item of a list of patches as kustomize takes it, and Flux with it: a change, in YAML, of the objects
// of a kind and a name.
func KustomizePatch(y *artifact.YAML, kind, name, text string, from ir.From) {
	y.From("", from...)
	y.Item(func() {
		y.Map("target", func() {
			y.KV("kind", kind)
			y.KV("name", regexp.QuoteMeta(name)) // kustomize takes it for an expression
		})
		y.Block("patch", strings.TrimSuffix(text, "\n")+"\n")
	})
}
