package istio

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// errorFilter is the CEL expression that keeps the failures: an HTTP status from 400 on, Envoy's own reasons to give up
// (response flags), a connection that Envoy closed (so a TCP connection that policy refused), a gRPC call that failed
// with HTTP status 200. For TCP, the HTTP attributes are absent: has() guards the first, and an absent header makes the
// last operand an error, which "||" passes over and the filter takes as "do not log". The content type is asked for
// because Envoy infers a gRPC status, "unknown" for 200, where a response has none
// (source/common/grpc/common.cc, getGrpcStatus).
const errorFilter = "has(response.code) && response.code >= 400 || response.flags != 0 || has(connection.termination_details)" +
	" || request.headers['content-type'].startsWith('application/grpc') && response.grpc_status != 0"

// telemetry writes the mesh-wide Telemetry: where spans go and which requests the access log keeps.
func (e *emitter) telemetry() {
	m := &e.p.Mesh
	logs := m.AccessLogs == "errors" || m.AccessLogs == "all"
	if m.Tracing == nil && !logs {
		return
	}
	var from ir.From
	if m.Tracing != nil {
		from = append(from, m.Tracing.From...)
	}
	from = append(from, m.AccessLogsFrom...)
	o := e.objects(backend.Mesh, "Telemetry")
	o.Add(backend.Meta{APIVersion: telemetryV1, Namespace: m.Namespace, Name: "mesh-default", From: from}, func(y *artifact.YAML) {
		y.Map("spec", func() {
			if t := m.Tracing; t != nil {
				tracing(y, t)
			}
			if logs {
				e.accessLogs(y)
			}
		})
	})
}

func tracing(y *artifact.YAML, t *ir.Tracing) {
	y.Seq("tracing", func() {
		y.Item(func() {
			y.Seq("providers", func() { y.Item(func() { y.KV("name", tracingProvider) }) })
			y.From("", t.From.Of("samplingPercent")...)
			y.KV("randomSamplingPercentage", t.SamplingPercent)
			y.Fixed()
		})
	})
}

func (e *emitter) accessLogs(y *artifact.YAML) {
	y.Seq("accessLogging", func() {
		y.Item(func() {
			y.Comment("A provider that Istio knows without being told: text, to the proxy's standard output.")
			y.Seq("providers", func() { y.Item(func() { y.KV("name", "envoy") }) })
			if e.p.Mesh.AccessLogs == "errors" {
				y.From("mesh/access-log-errors", e.p.Mesh.AccessLogsFrom...)
				y.Map("filter", func() { y.KV("expression", errorFilter) })
			}
		})
	})
}
