package istio

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// mtls says who must present a certificate: mesh-wide in the root namespace, and in each namespace that differs. What
// takes plain text comes in an earlier phase than what refuses it.
func (e *emitter) mtls() {
	m := &e.p.Mesh
	admit, refuse := e.objects(backend.Policy, "PeerAuthentication"), e.objects(backend.Enforcement, "PeerAuthentication")
	of := func(strict bool) *backend.Writer {
		if strict {
			return refuse
		}
		return admit
	}
	e.peerAuthentication(of(m.Strict), m.Namespace, m.Strict, m.From.Of("mtls"))
	for _, n := range e.p.Namespaces {
		// On its way to another mode a namespace says its own in every stage: else what an earlier stage left would hold.
		if n.Purpose == "services" && n.Meshed && (n.Permissive == m.Strict || e.migrating(n.Name)) {
			e.peerAuthentication(of(!n.Permissive), n.Name, !n.Permissive, e.modeFrom(n.Name))
		}
	}
}

func (e *emitter) migrating(namespace string) bool {
	return slices.ContainsFunc(e.p.Mesh.Migrations, func(m ir.Migration) bool { return m.Namespace == namespace })
}

func (e *emitter) peerAuthentication(o *backend.Writer, namespace string, strict bool, from ir.From) {
	mode := "PERMISSIVE"
	if strict {
		mode = "STRICT"
	}
	o.Add(backend.Meta{APIVersion: securityV1, Namespace: namespace, Name: "default", From: from}, func(y *artifact.YAML) {
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
	for _, m := range e.p.Mesh.Migrations {
		if m.Namespace == namespace {
			from = append(from, m.From...)
		}
	}
	return from
}
