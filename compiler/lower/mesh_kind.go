package lower

import (
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
)

// meshKind is what differs between meshes while a plan is made: one value a mesh, in mesh_<kind>.go. A backend prints
// what it decides.
type meshKind struct {
	// inject says by which labels and annotations a namespace of services or of a gateway is taken into the mesh, or kept
	// out of it.
	inject func(l *lowering, n *ir.Namespace)
	// out says so of a namespace of services whose pods are to run without the mesh for a while: what its labels and
	// annotations are then. nil: pods have no part of it.
	out func(n *ir.Namespace)
	// keepOut says so of a namespace that the mesh stands on; nil: nothing needs to be said.
	keepOut func(l *lowering, n *ir.Namespace)
	// namespaces are those of the mesh's own parts.
	namespaces func(l *lowering) []ownNamespace
	// releases are the mesh's charts, and those of its gateways, in the order of installation.
	releases func(l *lowering) []ir.Release
	// gateway fills in the names that who deploys a gateway gives: Release, Selector, ServiceAccount, APIClass, Parameters.
	gateway func(l *lowering, g *ir.Gateway)
	// step adds to the installation of one of the mesh's charts what it waits for and what is rewritten behind it.
	step func(l *lowering, s *ir.ChartStep)
	// upgrade is the way to mesh.upgrade.to, for meshes with one control plane; nil: revisions are the way, or there is none.
	upgrade func(l *lowering) *ir.Upgrade
	// certificates and pushes are alerts on the mesh's certificates, and on its control plane and configuration.
	certificates func(l *lowering) []ir.Rule
	pushes       func(l *lowering) []ir.Rule
	// metrics are those without which its alerts are silent; monitors are what the scraper's operator scrapes of it.
	metrics  func(l *lowering) []needed
	monitors func(l *lowering) []ir.Monitor
	// marks are the labels and annotations that it reads on Services of others; nil: none.
	marks func(l *lowering)
	// machines is how the Service of machines outside the cluster leads to them; "": it does not.
	machines string
	// crossing is how sites are joined; nil: they are not.
	crossing *crossing
	// wayOut are pods of the mesh that connections to the outside pass, and that stand where the source addresses are; nil:
	// there are none.
	wayOut *wayOut
}

// ownNamespace is one of the mesh's own parts, with the Pod Security level that they need.
type ownNamespace struct{ name, level string }

// meshes are the kinds, by the name that a site uses.
var meshes = map[string]meshKind{
	"cilium":        ciliumMesh,
	"consul":        consul,
	"istio-ambient": istioAmbient,
	"istio-sidecar": istioSidecar,
	"linkerd":       linkerd,
	"none":          noMesh,
}

// meshKind returns that of the site.
func (l *lowering) meshKind() meshKind { return meshes[l.s.Mesh.Kind] }

// meshProfile returns the mesh's profile; an empty one for a site without a mesh.
func (l *lowering) meshProfile() *profile.Mesh {
	if m := l.set.Mesh(l.s.Mesh.Kind); m != nil {
		return m
	}
	return &profile.Mesh{}
}
