package verify

import "encoding/json"

// checkConsulTracing reads Envoy's own configuration among the defaults of proxies. Nobody else does before a proxy starts with it.
func (p *pass) checkConsulTracing(o *object) {
	const clusters, tracing = "envoy_extra_static_clusters_json", "envoy_listener_tracing_json"
	read := func(key string) (map[string]any, fieldPath) {
		at := fieldPath{"spec", "config", key}
		text := str(o.value, at...)
		if text == "" {
			return nil, at
		}
		var out map[string]any
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			o.report(p, ruleConsul, at, "the text is no JSON: %v", err)
		}
		return out, at
	}
	cluster, at := read(clusters)
	spans, there := read(tracing)
	if (cluster == nil) != (spans == nil) {
		o.report(p, ruleConsul, at, "%s and %s go together", clusters, tracing)
	}
	if cluster == nil || spans == nil {
		return
	}
	const message = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing"
	if str(spans, "@type") != message {
		o.report(p, ruleConsul, there, "Consul takes a message of type %s", message)
	}
	if share := number(get(spans, "random_sampling", "value")); share < 0 || share > 100 {
		o.report(p, ruleConsul, there, "no share of requests is sampled")
	}
	if to := str(spans, "provider", "typed_config", "grpc_service", "envoy_grpc", "cluster_name"); to == "" || to != str(cluster, "name") || to != str(cluster, "load_assignment", "cluster_name") {
		o.report(p, ruleConsul, there, "spans go to cluster %q, and that of the collector is %q", to, str(cluster, "name"))
	}
}
