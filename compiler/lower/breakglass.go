package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// glassMeshes are the meshes of which overlays take pods out. Cilium has nothing in pods (ciliumGlass).
var glassMeshes = []string{"consul", "istio-ambient", "istio-sidecar", "linkerd"}

// breakGlass is how the mesh is taken out of the path.
func (l *lowering) breakGlass() {
	if !slices.Contains(glassMeshes, l.s.Mesh.Kind) {
		return
	}
	g := &ir.BreakGlass{From: ir.From{"mesh.kind"}}
	for i := range l.p.Namespaces {
		n := l.p.Namespaces[i]
		if n.Purpose != "services" || !n.Meshed {
			continue
		}
		g.From = append(g.From, n.From.Of("mesh")...)
		g.Open = append(g.Open, n)
		n.InjectLabels, n.Annotations, n.From = slices.Clone(n.InjectLabels), slices.Clone(n.Annotations), slices.Clone(n.From)
		l.meshKind().out(&n)
		g.Out = append(g.Out, n)
	}
	switch l.s.Mesh.Kind {
	case "consul":
		l.consulLeaves(g)
	case "istio-ambient":
		l.ambientLeaves(g)
	}
	if len(g.Open) > 0 {
		l.p.BreakGlass = g
	}
}

// without returns pairs less those of a key.
func without(kvs []ir.KV, key string) []ir.KV {
	return slices.DeleteFunc(kvs, func(kv ir.KV) bool { return kv.Key == key })
}

// outOfIstio: a webhook that goes by the revision passes a namespace by that has this label, whatever its revision says
// (istio/istio release-1.31 manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml, read 2026-11-21):
// it holds also where who delivers owns the other label, and it stays.
func outOfIstio(n *ir.Namespace) {
	n.InjectLabels = append(without(n.InjectLabels, "istio.io/rev"), ir.KV{Key: "istio-injection", Value: "disabled"})
}

func outOfLinkerd(n *ir.Namespace) {
	n.Annotations = append(without(n.Annotations, "linkerd.io/inject"), ir.KV{Key: "linkerd.io/inject", Value: "disabled"})
}
