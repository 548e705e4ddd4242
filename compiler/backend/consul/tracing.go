package consul

import (
	"fmt"
	"strconv"

	"meshgen.dev/meshgen/compiler/artifact"
)

// collector is the cluster of Envoy that spans go to; proxies speak to it past the mesh.
const collector = `{
  "name": "collector",
  "type": "STRICT_DNS",
  "connect_timeout": "3s",
  "load_assignment": {
    "cluster_name": "collector",
    "endpoints": [{"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": %q, "port_value": %d}}}}]}]
  },
  "typed_extension_protocol_options": {
    "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
      "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
      "explicit_http_config": {"http2_protocol_options": {}}
    }
  }
}
`

// spans is what takes the place of Consul's own settings in the listeners of proxies, by which no request is sampled.
const spans = `{
  "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.Tracing",
  "random_sampling": {"value": %s},
  "provider": {
    "name": "envoy.tracers.opentelemetry",
    "typed_config": {
      "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
      "grpc_service": {"envoy_grpc": {"cluster_name": "collector"}, "timeout": "0.25s"},
      "service_name": %q
    }
  }
}
`

// tracing writes Envoy's own configuration (Consul, Envoy integration: envoy_extra_static_clusters_json and
// envoy_listener_tracing_json; read 2026-11-21). It is one for all proxies: their spans have the name of the site, and the
// attribute node_id says which proxy it was.
func (e *emitter) tracing(y *artifact.YAML) {
	t := e.p.Mesh.Tracing
	if t == nil {
		return
	}
	y.From("", t.From...)
	y.Block("envoy_extra_static_clusters_json", fmt.Sprintf(collector, t.Host, t.Port))
	name := e.p.Name
	if e.k.WAN != nil {
		name = e.p.Federation.MeshID // the defaults are those of all datacenters
	}
	y.From("", append(t.From, e.p.From.Of("name")...)...)
	y.Block("envoy_listener_tracing_json", fmt.Sprintf(spans, strconv.FormatFloat(t.SamplingPercent, 'f', -1, 64), name))
	y.Fixed()
}
