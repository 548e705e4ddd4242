// Package delivery prints what brings the tree into the cluster, in the order that the plan decides.
//
// In come the plan's delivery and the tree as the other backends left it: a phase whose folder nobody wrote is not
// applied. Out go charts/<site>/helmfile.yaml and charts/<site>/install.sh for people, and for Argo CD the Applications
// below gitops/<site>/; for Flux its Kustomizations there, and a HelmRelease beside the values of each chart. Patches of
// what a chart makes go with each of them. None of them holds a Secret, and none deletes anything, but that Argo CD and Flux prune where the plan lets them.
package delivery

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes the helmfile, the script and the Applications. It must run after every backend that writes objects.
var Backend = backend.Backend{
	Name: "delivery",
	Kind: "delivery",
	Doc:  "a helmfile, an installation script and the objects of Argo CD or Flux that bring the tree into the cluster in order",
	Emit: emit,
}

func emit(p *ir.Plan, t *artifact.Tree) {
	helmfile(p, t)
	install(p, t)
	upgrade(p, t)
	chartPatches(p, t)
	switch p.Delivery.Kind {
	case ir.ArgoCD:
		argoCD(p, t)
	case ir.Flux:
		flux(p, t)
	}
}

// folder is the name of a phase's folder in the overlay, and the paths behind its files; "" when nobody wrote it.
func folder(p *ir.Plan, t *artifact.Tree, ph *ir.DeliveryPhase) (string, []string) {
	name := fmt.Sprintf("%02d-%s", ph.Number, ph.Name)
	var from []string
	for _, f := range t.Files() {
		if path.Dir(f.Path()) == path.Join(backend.OverlayDir(p), name) {
			from = append(from, blocks(f)...)
		}
	}
	if from == nil {
		return "", nil
	}
	slices.Sort(from)
	return name, slices.Compact(from)
}

// blocks returns the top-level blocks of the site behind a file: a folder is applied because something in it is there.
func blocks(f *artifact.File) []string {
	var out []string
	for _, o := range f.Origins() {
		block, _, _ := strings.Cut(o, ".")
		out = append(out, block)
	}
	return out
}

// oci begins the URL of a repository that is a registry.
const oci = "oci://"
