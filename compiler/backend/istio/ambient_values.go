package istio

import (
	"strconv"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
)

// profile selects the ambient defaults of a chart. Every chart has the profile, and istiod and cni need it.
func (e *emitter) profile(y *artifact.YAML) {
	if e.ambient() {
		y.From("", e.p.Mesh.From.Of("kind")...)
		y.KV("profile", "ambient")
		y.Fixed()
	}
}

// ambientAgent sets what the node agent does in captured pods.
func (e *emitter) ambientAgent(y *artifact.YAML) {
	if !e.ambient() {
		return
	}
	y.Map("ambient", func() {
		y.Comment("Names of destinations outside get addresses by which ztunnel knows them again.")
		y.KV("dnsCapture", true)
		y.From("", e.p.Cluster.From.Of("podCIDRs")...)
		_, v6 := families(&e.p.Cluster)
		y.KV("ipv6", v6)
		y.Fixed()
	})
}

// trustedZtunnel lets ztunnel ask for the certificates of the pods of its node; the chart expects it beside istiod.
func (e *emitter) trustedZtunnel(y *artifact.YAML) {
	for _, r := range e.p.Releases {
		if r.Component == component && r.Chart == "ztunnel" {
			y.Comment("Whose account may ask for certificates in the name of pods.")
			y.From("", r.From.Of("kind")...)
			y.KV("trustedZtunnelNamespace", r.Namespace)
			y.KV("trustedZtunnelName", r.Name)
			y.Fixed()
		}
	}
}

// ztunnelLogs are the levels of ztunnel's log for what is to be logged of connections, where they are not its own: one that
// ends well is logged at info, one that fails at error, and one that is refused early at warn (ztunnel release-1.31
// src/proxy/metrics.rs, target "access"; the chart passes the value on as RUST_LOG; read 2026-11-21).
var ztunnelLogs = map[string]string{"off": "info,access=off", "errors": "info,access=warn"}

// ztunnelValues: the proxy of each node. The keys stand at the top level of this chart.
func (e *emitter) ztunnelValues(y *artifact.YAML) {
	m, c := &e.p.Mesh, &e.p.Cluster
	e.profile(y)
	e.hub(y)
	y.From("", m.From.Of("revision")...)
	y.KV("revision", m.Revision)
	y.Fixed()
	y.KV("istioNamespace", m.Namespace)
	e.authority(y)
	y.Map("multiCluster", func() {
		y.From("", e.p.From.Of("name")...)
		y.KV("clusterName", e.p.Name)
		y.Fixed()
	})
	if f := e.p.Federation; f != nil {
		y.From("", f.From...)
		y.KV("network", f.Network)
		y.Fixed()
	}
	y.Map("env", func() {
		y.From("", c.From.Of("clusterDomain")...)
		y.KV("CLUSTER_DOMAIN", c.Domain)
		y.From("", c.From.Of("podCIDRs")...)
		_, v6 := families(c)
		y.KV("IPV6_ENABLED", strconv.FormatBool(v6))
		y.Fixed()
		if m.CA != nil && m.CA.WorkloadTTL != "" {
			y.From("", m.CA.From...)
			y.Comment("What ztunnel asks the authority for, for each account. It asks again at half of it.")
			y.KV("SECRET_TTL", m.CA.WorkloadTTL)
			y.Fixed()
		}
	})
	if level, ok := ztunnelLogs[m.AccessLogs]; ok {
		y.From("mesh/ztunnel-logs", m.AccessLogsFrom...)
		y.Comment("Left to itself it logs every connection: no Telemetry is for it.")
		y.KV("logLevel", level)
		y.Fixed()
	}
	if m.Proxy.From != nil {
		y.From("", m.Proxy.From...)
		backend.Resources(y, m.Proxy)
		y.Fixed()
	}
	y.Comment("The new one serves the node before the old one goes; what is left of long connections is cut when that ends.")
	backend.Nested(y, []string{"updateStrategy", "rollingUpdate"}, func() {
		y.KV("maxSurge", 1)
		y.KV("maxUnavailable", 0)
	})
	y.Comment("Ingress to its own ports only. Traffic of pods passes it inside their network namespaces.")
	backend.Nested(y, []string{"global", "networkPolicy"}, func() { y.KV("enabled", true) })
}
