// Package kustomization prints the kustomization.yaml of each phase and the one above them.
//
// In comes the tree as the other backends left it, so that this one runs last. Out go files that list exactly what is
// there: nothing is transformed or generated, and what a phase applies is what its files show, changed by nothing but the
// site's own patches, in the phase that holds their targets. Folders deeper than a phase are applied by people: each has
// a kustomization, and the one above takes none of them. Beside them stand components of kustomize, for those who own the
// site's Services.
package kustomization

import (
	"path"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes the kustomizations of the overlay. It must run after every backend that writes objects.
var Backend = backend.Backend{
	Name: "kustomization",
	Kind: "kustomization",
	Doc:  "a kustomization for each phase and one that takes all of them, in order",
	Emit: emit,
}

const fileName = "kustomization.yaml"

// phase is one folder of the overlay with its files, by name; that of namespaces comes first.
type phase struct {
	name  string
	files []*artifact.File
}

func emit(p *ir.Plan, t *artifact.Tree) {
	dir := backend.OverlayDir(p)
	phases := phasesOf(t, dir)
	if len(phases) == 0 {
		return
	}
	for _, ph := range phases {
		y := start(p, t, path.Join(dir, ph.name), blocks(ph.files...))
		y.Seq("resources", func() {
			for _, f := range ph.files {
				y.From("", blocks(f)...)
				y.Elem(path.Base(f.Path()))
			}
		})
		patches(p, y, ph)
	}
	phases = slices.DeleteFunc(phases, func(ph phase) bool { return strings.Contains(ph.name, "/") }) // beside the site's own
	y := start(p, t, dir, nil)
	y.Seq("resources", func() {
		for _, ph := range phases {
			y.From("", blocks(ph.files...)...)
			y.Elem(ph.name)
		}
	})
	components(p, t)
}

// phasesOf returns the folders right below dir, in the order in which they are applied, which is that of their names.
func phasesOf(t *artifact.Tree, dir string) []phase {
	var out []phase
	for _, f := range t.Files() { // sorted by path
		rest, ok := strings.CutPrefix(f.Path(), dir+"/")
		if !ok {
			continue
		}
		name := path.Dir(rest)
		if len(out) == 0 || out[len(out)-1].name != name {
			out = append(out, phase{name: name})
		}
		last := &out[len(out)-1]
		if path.Base(rest) == "namespace.yaml" { // the objects are applied in this order, and some stand in one
			last.files = slices.Insert(last.files, 0, f)
		} else {
			last.files = append(last.files, f)
		}
	}
	return out
}

// start begins a kustomization. It is there because of what the blocks of the site put into its folder.
func start(p *ir.Plan, t *artifact.Tree, dir string, from []string) *artifact.YAML {
	f := t.File(path.Join(dir, fileName), slices.Concat(p.From, from)...)
	f.Header("#", p.Name)
	y := f.YAML()
	y.KV("apiVersion", "kustomize.config.k8s.io/v1beta1")
	y.KV("kind", "Kustomization")
	return y
}

// blocks returns the top-level blocks of the site behind files. A name in a list is there because something in these
// blocks is; single paths would repeat the origins of the whole overlay here.
func blocks(files ...*artifact.File) []string {
	var out []string
	for _, f := range files {
		for _, o := range f.Origins() {
			block, _, _ := strings.Cut(o, ".")
			out = append(out, block)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
