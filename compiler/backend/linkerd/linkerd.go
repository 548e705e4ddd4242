// Package linkerd prints Linkerd: the values of its charts, the certificates that its control plane starts from, and the
// site's edges as its own kinds of policy.
//
// In comes an *ir.Plan. Out go, where the mesh is Linkerd, charts/<site>/<release>/values.yaml for its three charts; in
// phase 07-secrets the Certificates of its webhooks and of the intermediate that signs; in phase 30-gateways, where the site is
// joined with others, the gateway that they reach and a Link for each of them; in phase 40-policy a Server for
// each port, who is admitted to it, and routes of callers; in phase 45-enforcement the networks outside.
// Stages of a migration stand in folders of their own. It makes no Services and no ServiceProfiles: what Linkerd would read on a Service stands on a route
// where it may, and else in a component for the Service's owner (package kustomization).
//
// Facts about Linkerd in comments were read in linkerd/linkerd2 edge-26.6.3, which is release 2.20.
package linkerd

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// kind is the mesh, as a site names it, and the component of its releases.
const kind = "linkerd"

// Backend prints Linkerd, and nothing for another mesh.
var Backend = backend.Backend{
	Name: kind,
	Kind: "mesh",
	Doc:  "chart values, certificates and policy of Linkerd",
	Emit: emit,
}

const (
	policyGroup = "policy.linkerd.io"
	alpha       = policyGroup + "/v1alpha1"
	serverV     = policyGroup + "/v1beta3"

	gatewayGroup = "gateway.networking.k8s.io"
	gatewayAPI   = gatewayGroup + "/v1"
)

// emitter writes one plan.
type emitter struct {
	p *ir.Plan
	k *ir.Linkerd
	t *artifact.Tree
}

func emit(p *ir.Plan, t *artifact.Tree) {
	if p.Linkerd == nil {
		return
	}
	e := &emitter{p, p.Linkerd, t}
	e.values()
	e.upgrade()
	e.certificates()
	e.gateway()
	e.links()
	e.servers(backend.Policy, e.k.Servers, "")
	if p.BreakGlass != nil {
		e.servers(backend.BreakGlassOpen, e.k.Servers, "all-unauthenticated")
	}
	e.grants(backend.Policy, e.k.Grants)
	e.serverRoutes(backend.Policy, e.k.ServerRoutes)
	for _, s := range e.k.Stages {
		phase := backend.MigrationStage(s.Namespace, s.Name)
		e.servers(phase, s.Servers, "")
		e.grants(phase, s.Grants)
		e.serverRoutes(phase, s.Routes)
	}
	e.routes()
	e.limits()
	e.outside()
	e.machines()
}

// objects returns a writer of one kind.
func (e *emitter) objects(phase backend.Phase, kind string) *backend.Writer {
	return backend.NewWriter(e.p, e.t, phase, kind)
}
