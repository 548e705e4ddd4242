package envoygateway

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// calls writes a policy for each route that leads to services of gRPC. Envoy Gateway takes the protocol behind an HTTPRoute
// from the appProtocol of the Service, which is its owner's, and sends HTTP/1.1 where it says nothing. A GRPCRoute would
// do without, and has no timeouts, and no host that an HTTPRoute has (internal/gatewayapi/route.go
// inspectAppProtocolByRouteKind; Gateway API v1.6.3 apis/v1/grpcroute_types.go). Calls of gRPC come by HTTP/2 always: what
// they come by is what they go on by.
func calls(p *ir.Plan, t *artifact.Tree) {
	policies := backend.NewWriter(p, t, backend.Gateways, "BackendTrafficPolicy")
	for _, h := range p.ExposedHosts(ir.FrontendGatewayAPI) {
		if h.Gateway.Program.Kind != kind {
			continue
		}
		for _, o := range h.Objects() {
			l := h.Gateway.Listener(o.Listeners[0])
			if l == nil || !l.SeesRequests() || !slices.ContainsFunc(o.Routes, ir.Route.IsGRPC) {
				continue
			}
			policies.Add(backend.Meta{APIVersion: extension, Namespace: h.Namespace, Name: o.Name, From: h.From}, func(y *artifact.YAML) {
				y.Map("spec", func() {
					y.Seq("targetRefs", func() {
						for i, r := range o.Routes {
							name := o.CallName(i)
							if name == "" {
								continue
							}
							y.From("", r.Expose.From...)
							y.Item(func() {
								y.KV("group", "gateway.networking.k8s.io")
								y.KV("kind", "HTTPRoute")
								y.KV("name", o.Name)
								y.KV("sectionName", name)
							})
						}
					})
					y.Fixed()
					y.Comment("gRPC is HTTP/2 all the way.")
					y.KV("useClientProtocol", true)
				})
			})
		}
	}
}
