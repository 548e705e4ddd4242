package backend

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// localRateLimit is the type of Envoy's filter, which answers 429 when the bucket is empty (Envoy 1.37 to 1.39,
// api/envoy/extensions/filters/http/local_ratelimit/v3; read 2026-11-21).
const localRateLimit = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"

// LocalRateLimit writes the filter of Envoy that bounds the requests of one proxy: as many tokens as requests in a second, all of them back after one.
func LocalRateLimit(y *artifact.YAML, r *ir.RateLimit) {
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
