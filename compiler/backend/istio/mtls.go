package istio

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// mtls says who must present a certificate: mesh-wide in the root namespace, and in each namespace that differs.
func (e *emitter) mtls() {
	m := &e.p.Mesh
	e.peerAuthentication(e.objects(backend.Mesh, "PeerAuthentication"), m.Namespace, m.Strict, m.From.Of("mtls"))
	own := e.objects(backend.Policy, "PeerAuthentication")
	for _, n := range e.p.Namespaces {
		if n.Purpose == "services" && n.Meshed && n.Permissive == m.Strict {
			e.peerAuthentication(own, n.Name, !n.Permissive, e.modeFrom(n.Name))
		}
	}
}

func (e *emitter) peerAuthentication(o *objects, namespace string, strict bool, from ir.From) {
	mode := "PERMISSIVE"
	if strict {
		mode = "STRICT"
	}
	o.add(backend.Meta{APIVersion: securityV1, Namespace: namespace, Name: "default", From: from}, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.Map("mtls", func() {
				y.From("", from...)
				y.KV("mode", mode)
			})
		})
	})
}

// modeFrom is what decides whether a namespace asks for certificates: its own mode, and the mesh's.
func (e *emitter) modeFrom(namespace string) ir.From {
	from := slices.Clone(e.p.Mesh.From.Of("mtls"))
	for _, n := range e.p.Namespaces {
		if n.Name == namespace {
			from = append(slices.Clone(n.From.Of("mtls", "mesh")), from...)
		}
	}
	return from
}
