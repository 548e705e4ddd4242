// Package registry prints what a site that takes images and charts from a registry of its own has to copy there.
//
// In comes an *ir.Plan. Out goes docs/<site>/MIRROR.md, where the site names a registry; and the values of charts get the
// keys by which they take their images from it, where no other backend has begun the mapping that they belong to.
package registry

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend completes the values of charts and prints the list of copies. It runs after all that write values.
var Backend = backend.Backend{
	Name: "registry",
	Kind: "documents",
	Doc:  "what a registry of the site's own must hold",
	Emit: emit,
}

func emit(p *ir.Plan, t *artifact.Tree) {
	r := p.Registry
	if r == nil {
		return
	}
	for _, release := range p.Releases {
		if f := t.Lookup("charts/" + p.Name + "/" + release.Name + "/values.yaml"); f != nil {
			f.YAML().Settle()
		}
	}
	if len(r.Copies) == 0 {
		return
	}
	from := append(ir.From{"mesh", "loadBalancer", "gateways", "kubernetes"}, r.From...)
	m := backend.Document(p, t, "MIRROR.md", "What "+p.Name+" needs copies of", from...)
	m.Text("Charts, images and manifests come from the site's own registry and folder. Copy them before the first installation and before each new release; " +
		"an image keeps its path below the registry's name. Images without a tag here have that which the chart of the release names: `helm show values` and `helm template` list them. " +
		"Static pods, and what the distribution itself brings, take credentials from the configuration of the container runtime on each machine: no Secret reaches them.")
	m.Head("kind", "upstream", "version", "here")
	for _, c := range r.Copies {
		m.From(c.From...)
		m.Row(c.Kind, "`"+c.Upstream+"`", c.Version, "`"+c.Here+"`")
	}
	m.Fixed()
}
