package istio

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// networkingAlpha is the one version that serves EnvoyFilter.
const networkingAlpha = "networking.istio.io/v1alpha3"

// rateLimits bound the requests that each pod of a service takes. Istio has no word of its own for it. The filter stands
// last before the router: what policy refuses takes nothing from the bucket.
func (e *emitter) rateLimits() {
	o := e.objects(backend.Policy, "EnvoyFilter")
	for i := range e.p.Services {
		s := &e.p.Services[i]
		if s.RateLimit == nil || !s.Meshed || e.ambient() && s.Waypoint == "" {
			continue
		}
		from := append(append(ir.From{}, s.RateLimit.From...), s.From...)
		o.Add(backend.Meta{APIVersion: networkingAlpha, Namespace: s.Namespace, Name: s.Name + "-rate-limit", From: from}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				if e.ambient() {
					e.waypointLimit(y, s)
					return
				}
				y.Map("workloadSelector", func() { backend.Pairs(y, "labels", s.Labels) })
				y.Seq("configPatches", func() { limitPatch(y, s.RateLimit, "") })
			})
		})
	}
}

// limitPatch puts the bound before the router of inbound listeners: of one chain of filters, or of all.
func limitPatch(y *artifact.YAML, r *ir.RateLimit, chain string) {
	y.Item(func() {
		y.KV("applyTo", "HTTP_FILTER")
		y.Map("match", func() {
			y.KV("context", "SIDECAR_INBOUND")
			backend.Nested(y, []string{"listener", "filterChain"}, func() {
				if chain != "" {
					y.KV("name", chain)
				}
				y.Map("filter", func() {
					y.KV("name", "envoy.filters.network.http_connection_manager")
					y.Map("subFilter", func() { y.KV("name", "envoy.filters.http.router") })
				})
			})
		})
		y.Map("patch", func() {
			y.KV("operation", "INSERT_BEFORE")
			y.Map("value", func() { backend.LocalRateLimit(y, r) })
		})
	})
}
