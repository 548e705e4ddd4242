// Package istio prints the plan for Istio, with sidecars and in ambient mode.
//
// In comes an *ir.Plan whose mesh is istio-sidecar or istio-ambient; what is printed for the latter alone stands in files
// ambient_*.go. Out go, for each chart release of Istio, its values
// (charts/<site>/<release>/values.yaml), and the objects of the overlay: in phase 20-mesh what holds mesh-wide, in
// 30-gateways what lets requests in, in 40-policy what each namespace and service needs, in 45-enforcement what refuses
// all else.
//
// Gateways come in two forms, chosen per gateway by its frontend: "istio" is a release of the gateway chart with
// Gateway and VirtualService objects; "gateway-api" is a Gateway that istiod deploys itself, with HTTPRoute objects.
//
// Facts about Istio in comments were read in its sources, branch release-1.31, where no other source is named.
package istio

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// The meshes that this package is for.
const (
	kind        = "istio-sidecar"
	ambientKind = "istio-ambient"
)

// Ambient prints Istio in ambient mode, and nothing for a plan with another mesh.
var Ambient = backend.Backend{
	Name: ambientKind,
	Kind: "mesh",
	Doc:  "chart values, gateways, waypoints, routes and policy of Istio in ambient mode",
	Emit: emitAmbient,
}

// Backend prints Istio in sidecar mode, and nothing for a plan with another mesh.
var Backend = backend.Backend{
	Name: kind,
	Kind: "mesh",
	Doc:  "chart values, gateways, routes and policy of Istio with sidecars",
	Emit: emit,
}

// API versions of what this package writes. Istio's own are those that release 1.31 stores or serves as stable.
const (
	networkingV1 = "networking.istio.io/v1"
	securityV1   = "security.istio.io/v1"
	telemetryV1  = "telemetry.istio.io/v1"
)

// revisionLabel binds namespaces, pods and Gateways to one istiod.
const revisionLabel = "istio.io/rev"

func emit(p *ir.Plan, t *artifact.Tree) {
	if p.Mesh.Kind != kind {
		return
	}
	e := &emitter{p: p, t: t}
	e.values()
	e.signer()
	e.mtls()
	e.denyByDefault()
	e.telemetry()
	e.gateways()
	e.exposedRoutes()
	e.gatewayPolicies()
	e.sidecars()
	e.meshRoutes()
	e.destinationRules()
	e.servicePolicies(backend.Policy)
	e.migrationStages()
	e.requestAuthentications()
	e.rateLimits()
	e.serviceEntries()
	e.egressGateways()
	e.egressClients()
	e.machines()
	e.breakGlass()
}

// emitter is one run over one plan.
type emitter struct {
	p *ir.Plan
	t *artifact.Tree
}

// ambient reports whether nodes have proxies, and pods have none.
func (e *emitter) ambient() bool { return e.p.Mesh.Kind == ambientKind }

func (e *emitter) objects(phase backend.Phase, kind string) *backend.Writer {
	return backend.NewWriter(e.p, e.t, phase, kind)
}

// isRouted reports whether proxies shape what goes to a service: its own, or those of its callers alone.
func isRouted(s *ir.Service) bool { return s.Meshed || s.Workload == ir.Machine }

// isCaptured reports whether traffic to a port of this protocol passes the sidecar: it redirects TCP alone.
func isCaptured(protocol string) bool { return protocol != "udp" }

// httpPorts returns the ports on which a proxy sees requests, and the other ones that it sees at all.
func httpPorts(ports []ir.Port) (http, other []ir.Port) {
	for _, p := range ports {
		switch {
		case ir.IsHTTP(p.Protocol):
			http = append(http, p)
		case isCaptured(p.Protocol):
			other = append(other, p)
		}
	}
	return http, other
}

// dualStack reports whether pods have addresses of both families.
func dualStack(c *ir.Cluster) bool {
	v4, v6 := families(c)
	return v4 && v6
}

// families returns which families of addresses pods have.
func families(c *ir.Cluster) (v4, v6 bool) {
	for _, p := range c.PodCIDRs {
		v4, v6 = v4 || p.Addr().Is4(), v6 || p.Addr().Is6()
	}
	return v4, v6
}
