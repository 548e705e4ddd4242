package istio

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// component is the name of Istio among the plan's releases.
const component = "istio"

// signerComponent is that of the program by which cert-manager signs.
const signerComponent = "istio-csr"

// values writes the values of every release of Istio's charts. A file holds what differs from the chart's defaults, and
// of the defaults those that other output relies on.
func (e *emitter) values() {
	for _, r := range e.p.Releases {
		if r.Component != component && r.Component != signerComponent {
			continue
		}
		y := backend.Values(e.p, e.t, r)
		switch {
		case r.Component == signerComponent:
			e.signerValues(y)
		case r.Gateway != "":
			if g := e.p.Gateway(r.Gateway); g != nil {
				e.gatewayValues(y, g)
			}
		case r.Egress != "":
			i := slices.IndexFunc(e.p.EgressProxies, func(x ir.EgressProxy) bool { return x.Pods.Name == r.Egress })
			e.egressValues(y, &e.p.EgressProxies[i])
		case r.Chart == "base":
			e.baseValues(y)
		case r.Chart == "istiod":
			e.of(r).istiodValues(y)
		case r.Chart == "cni":
			e.cniValues(y)
		case r.Chart == "ztunnel":
			e.ztunnelValues(y)
		}
	}
}

// of is the emitter for the control plane of a release: the one that runs, or the next one.
func (e *emitter) of(r ir.Release) *emitter {
	next := e.p.Mesh.Next
	if next == nil || r.Revision != next.Revision {
		return e
	}
	p := *e.p
	p.Mesh.Version, p.Mesh.Revision, p.Mesh.ImageHub = next.Version, next.Revision, next.ImageHub
	p.Mesh.From = nil
	for _, path := range e.p.Mesh.From {
		if path != "mesh.version" && path != "mesh.revision" {
			p.Mesh.From = append(p.Mesh.From, path)
		}
	}
	p.Mesh.From = append(p.Mesh.From, "mesh.upgrade.to", "mesh.upgrade.revision")
	return &emitter{p: &p, t: e.t}
}

// hub names the registry of the images, where the profile pins one.
func (e *emitter) hub(y *artifact.YAML) {
	m := &e.p.Mesh
	if m.ImageHub == "" {
		return
	}
	y.From("mesh/image-hub", m.From.Of("version")...)
	y.KV("hub", m.ImageHub)
	y.Fixed()
}

// failClosed makes the API server refuse Istio objects while no istiod validates them. It also keeps the rendered chart
// free of what differs between a first installation and an upgrade.
func failClosed(y *artifact.YAML) {
	y.Comment("Refuse what nobody validated. The charts' own way, Ignore until istiod flips it, differs from render to render.")
	y.Map("base", func() { y.KV("validationFailurePolicy", "Fail") })
}

// seccomp selects the runtime's own system call filter, without which a pod is not fit for a restricted namespace.
func seccomp(y *artifact.YAML) {
	y.Map("seccompProfile", func() { y.KV("type", "RuntimeDefault") })
}
