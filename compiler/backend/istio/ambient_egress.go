package istio

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// In ambient mode an egress gateway is a waypoint. ztunnel takes each address of a destination for a service of the mesh that
// has this waypoint, and sends what captured pods connect to there into its tunnel, whatever the port. The waypoint knows
// the address and the ports, asks its policies who calls, and connects to the address by itself.
//
// Read on 2026-11-21, istio/istio and istio/ztunnel 1.31: ztunnel src/proxy/outbound.rs, build_request looks for a service
// with the address before all else; pilot/pkg/serviceregistry/ambient/services.go, constructServiceEntries gives the entry's
// addresses and waypoint, and heeds no exportTo; pilot/pkg/networking/core/listener_waypoint.go, buildWaypointInternal has a
// chain for each address and port, and none for others; networkfilter.go, buildCompleteNetworkFilters asks the policies of
// the ServiceEntry, by the principal of the tunnel, also for connections that are no requests.
func (e *emitter) egressWaypoints() {
	gateways, parameters := e.objects(backend.Gateways, "Gateway"), e.objects(backend.Gateways, "ConfigMap")
	entries, policies := e.objects(backend.Policy, "ServiceEntry"), e.objects(backend.Policy, "AuthorizationPolicy")
	for i := range e.p.EgressProxies {
		x := &e.p.EgressProxies[i]
		g := &x.Pods
		o := backend.Meta{APIVersion: gatewayAPIGroup + "/v1", Namespace: g.Namespace, Name: g.Release, From: slices.Concat(x.From, e.p.Mesh.From.Of("revision")), Labels: g.Labels}
		gateways.Add(o, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.KV("gatewayClassName", g.APIClass)
				backend.Nested(y, []string{"infrastructure", "parametersRef"}, func() {
					y.KV("group", "")
					y.KV("kind", g.Parameters.Kind)
					y.KV("name", g.Parameters.Name)
				})
				y.Seq("listeners", func() {
					y.Item(func() {
						y.KV("name", "mesh")
						y.KV("port", x.Port)
						y.KV("protocol", "HBONE")
					})
				})
			})
		})
		from := slices.Concat(x.From, g.From, g.Resources.From)
		parameters.Add(backend.Meta{APIVersion: "v1", Namespace: g.Namespace, Name: g.Parameters.Name, From: from}, func(y *artifact.YAML) {
			y.Map("data", func() {
				y.Block("deployment", patch(func(y *artifact.YAML) { egressDeployment(y, g) }))
				if g.Replicas > 1 {
					y.Block("podDisruptionBudget", patch(func(y *artifact.YAML) {
						y.Map("spec", func() { y.KV("maxUnavailable", 1) })
					}))
				}
			})
		})
		for k := range x.Routes {
			r := &x.Routes[k]
			meta := backend.Meta{APIVersion: networkingV1, Namespace: g.Namespace, Name: egressName(r), From: slices.Concat(r.From, x.From),
				Labels: []ir.KV{{Key: "istio.io/use-waypoint", Value: g.Release}}}
			entries.Add(meta, func(y *artifact.YAML) { y.Map("spec", func() { egressAddress(y, r) }) })
			meta.APIVersion, meta.Labels, meta.From = securityV1, nil, slices.Concat(meta.From, ir.From{"mesh.trustDomain"})
			policies.Add(meta, func(y *artifact.YAML) { y.Map("spec", func() { egressCallers(y, r) }) })
		}
	}
}

func egressDeployment(y *artifact.YAML, g *ir.Gateway) {
	y.Map("spec", func() {
		y.Comment("A fixed number: each replica has a node with an address of its own.")
		y.KV("replicas", g.Replicas)
		backend.Nested(y, []string{"template", "spec"}, func() {
			podSecurity(y, g)
			backend.PlacementFor(y, g, "Where the source addresses are: a pod elsewhere would send with the address of its node.", "go on with their addresses")
			y.Seq("containers", func() {
				y.Item(func() {
					y.KV("name", "istio-proxy")
					backend.Resources(y, g.Resources)
				})
			})
		})
	})
}

// egressCallers admits to one address the services that declare it. The ports are those of the address itself: what is sent
// to another one finds no chain.
func egressCallers(y *artifact.YAML, r *ir.EgressRoute) {
	target(y, "networking.istio.io", "ServiceEntry", egressName(r))
	y.KV("action", "ALLOW")
	y.Seq("rules", func() {
		for _, u := range r.Users {
			y.From("", u.From...)
			y.Comment("service " + u.Namespace + "/" + u.Name)
			y.Item(func() {
				y.Seq("from", func() {
					y.Item(func() {
						y.Map("source", func() { y.KV("principals", []string{u.Identity}) })
					})
				})
				y.Seq("to", func() {
					y.Item(func() {
						y.Map("operation", func() {
							y.Seq("ports", func() {
								for _, p := range r.Ports {
									y.Elem(fmt.Sprint(p.Port.Port)) // a list of strings
								}
							})
						})
					})
				})
			})
		}
		y.Fixed()
	})
}
