package consul

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// controller is the name by which Consul knows its classes (control-plane/api-gateway/common).
const controller = "consul.hashicorp.com/gateway-controller"

// gateways writes what the API gateway needs besides the Gateway itself. The class of the chart stands for all gateways
// alike; each of ours has one of its own, because places and sizes of pods are said by the class.
func (e *emitter) gateways() {
	classes := backend.NewWriter(e.p, e.t, backend.Gateways, "GatewayClass")
	services := backend.NewWriter(e.p, e.t, backend.Gateways, "Service")
	budgets := backend.NewWriter(e.p, e.t, backend.Gateways, "PodDisruptionBudget")
	for i := range e.k.Places {
		place := &e.k.Places[i]
		for j := range e.p.Gateways {
			g := &e.p.Gateways[j]
			if g.Name != place.Gateway {
				continue
			}
			e.add(backend.Gateways, "GatewayClassConfig", "", g.APIClass, g.From, func(y *artifact.YAML) { config(y, g, place) })
			classes.Add(backend.Meta{APIVersion: "gateway.networking.k8s.io/v1", Name: g.APIClass, From: g.From}, func(y *artifact.YAML) {
				y.Map("spec", func() {
					y.KV("controllerName", controller)
					y.Map("parametersRef", func() {
						y.KV("group", "consul.hashicorp.com")
						y.KV("kind", "GatewayClassConfig")
						y.KV("name", g.APIClass)
					})
				})
			})
			services.Add(backend.Meta{APIVersion: "v1", Namespace: g.Namespace, Name: g.OwnService, Annotations: g.Annotations, From: g.From}, func(y *artifact.YAML) {
				y.Map("spec", func() { backend.GatewayService(y, g) })
			})
			if g.Replicas == 1 {
				continue // there is no other one to wait for
			}
			// The controller makes no budget (consul-k8s 2.0.3, control-plane/api-gateway/gatekeeper).
			budgets.Add(backend.Meta{APIVersion: "policy/v1", Namespace: g.Namespace, Name: g.Release, From: g.From}, func(y *artifact.YAML) {
				y.Map("spec", func() {
					y.KV("maxUnavailable", 1)
					y.Map("selector", func() { backend.Pairs(y, "matchLabels", g.Selector) })
				})
			})
		}
	}
}

// routeFilters writes the timeout and the retries of a service for gateways, which pass its ServiceRouter by.
func (e *emitter) routeFilters(s *ir.ConsulService) {
	for i := range s.Routes {
		r := &s.Routes[i]
		if i == len(s.Routes)-1 { // all have the same
			e.add(backend.Gateways, "RouteTimeoutFilter", s.Namespace, s.Name, append(s.RoutesFrom, s.ExposedFrom...), func(y *artifact.YAML) { timeout(y, r) })
		}
		if r.Retries > 0 {
			e.add(backend.Gateways, "RouteRetryFilter", s.Namespace, s.Name, append(s.RoutesFrom, s.ExposedFrom...), func(y *artifact.YAML) {
				y.KV("numRetries", r.Retries)
				y.KV("retryOn", r.RetryOn)
			})
		}
	}
}

// config says how many pods there are and where. The controller spreads them over nodes by preference, and knows no
// other affinity.
func config(y *artifact.YAML, g *ir.Gateway, place *ir.ConsulGateway) {
	y.Comment("Its own Service has no address: the controller writes type, ports and selector of it, and takes all else away.")
	y.KV("serviceType", "ClusterIP")
	y.Comment("Added to ports below 1024, so that pods need no rights to bind them.")
	y.KV("mapPrivilegedContainerPorts", place.Offset)
	y.Map("deployment", func() {
		y.KV("defaultInstances", g.Replicas)
		y.KV("minInstances", g.Replicas)
		y.KV("maxInstances", g.Replicas)
		backend.Resources(y, g.Resources)
	})
	y.Map("nodeSelector", func() {
		y.KV("meshgen.dev/class", g.Class)
		if place.Label.Key != "" {
			y.Comment("Of the nodes in racks " + strings.Join(g.Racks, ", ") + ", which announce the address.")
			y.KV(place.Label.Key, place.Label.Value)
		} else if len(g.Racks) == 1 {
			y.KV("meshgen.dev/rack", g.Racks[0])
		}
	})
	backend.Tolerations(y, g.Tolerations)
}
