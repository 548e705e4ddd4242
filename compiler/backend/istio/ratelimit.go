package istio

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// networkingAlpha is the one version that serves EnvoyFilter.
const networkingAlpha = "networking.istio.io/v1alpha3"

// localRateLimit is the type of Envoy's filter, which answers 429 when the bucket is empty (Envoy 1.38 and 1.39,
// api/envoy/extensions/filters/http/local_ratelimit/v3; read 2026-11-21).
const localRateLimit = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"

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
			y.Map("value", func() { bucket(y, r) })
		})
	})
}

// bucket writes the filter: as many tokens as requests in a second, all of them back after one.
func bucket(y *artifact.YAML, r *ir.RateLimit) {
	always := func(key string) {
		y.Map(key, func() {
			y.Map("default_value", func() {
				y.KV("numerator", 100)
				y.KV("denominator", "HUNDRED")
			})
		})
	}
	y.KV("name", "envoy.filters.http.local_ratelimit")
	y.Map("typed_config", func() {
		y.KV("@type", localRateLimit)
		y.KV("stat_prefix", "http_local_rate_limiter")
		y.Map("token_bucket", func() {
			y.From("", r.From...)
			y.KV("max_tokens", r.PerSecond)
			y.KV("tokens_per_fill", r.PerSecond)
			y.KV("fill_interval", "1s")
		})
		y.Fixed()
		y.Comment("Envoy's own default is to count and to refuse nobody.")
		always("filter_enabled")
		always("filter_enforced")
	})
}
