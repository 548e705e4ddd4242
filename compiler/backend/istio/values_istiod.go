package istio

import (
	"strconv"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// tracingProvider is the name under which the collector is known to meshConfig and to Telemetry.
const tracingProvider = "otlp"

func (e *emitter) istiodValues(y *artifact.YAML) {
	m := &e.p.Mesh
	e.profile(y)
	y.From("", m.From.Of("revision")...)
	y.KV("revision", m.Revision)
	e.istiodPods(y)
	e.injection(y)
	y.Fixed()
	failClosed(y)
	y.Map("global", func() { e.istiodGlobal(y) })
	y.Map("meshConfig", func() { e.meshConfig(y) })
}

// istiodPods: how many, where, and what keeps some of them up while nodes are drained.
func (e *emitter) istiodPods(y *artifact.YAML) {
	m := &e.p.Mesh
	y.Fixed()
	y.Comment("A fixed number: the chart's autoscaler starts from one pod, and with one the chart makes no disruption budget.")
	y.KV("autoscaleEnabled", false)
	y.From("", m.From.Of("replicas")...)
	y.KV("replicaCount", m.Replicas)
	y.Fixed()
	y.Map("pdb", func() { y.KV("maxUnavailable", 1) })
	without := "No pod starts in a meshed namespace without istiod"
	if e.ambient() {
		without = "A pod that starts has no connections without istiod"
	}
	y.Comment(without + ": it must outlive a zone, but rather stand twice in one than not at all.")
	y.Seq("topologySpreadConstraints", func() {
		y.Item(func() {
			y.KV("maxSkew", 1)
			y.KV("topologyKey", "topology.kubernetes.io/zone")
			y.KV("whenUnsatisfiable", "ScheduleAnyway")
			y.Map("labelSelector", func() {
				y.Map("matchLabels", func() {
					y.KV("app", "istiod")
					y.From("", m.From.Of("revision")...)
					y.KV(revisionLabel, m.RevisionLabel())
					y.Fixed()
				})
			})
		})
	})
	seccomp(y)
}

// injection: what istiod puts into pods, and what it leaves to the node agent.
func (e *emitter) injection(y *artifact.YAML) {
	m := &e.p.Mesh
	y.Fixed()
	if e.ambient() {
		e.trustedZtunnel(y)
	} else {
		y.Comment("The node agent redirects traffic, so that no pod needs NET_ADMIN and namespaces stay baseline or restricted.")
		y.Map("cni", func() { y.KV("enabled", true) })
	}
	if env := e.istiodEnv(); len(env) > 0 {
		y.Map("env", func() {
			for _, v := range env {
				y.From(v.why, v.from...)
				y.Comment(v.reason)
				y.KV(v.key, v.value)
			}
		})
		y.Fixed()
	}
	if !e.ambient() {
		y.Comment("Kubelets' probes go to the agent in the pod, which asks the application: they have no certificate.")
		y.Map("sidecarInjectorWebhook", func() {
			y.KV("rewriteAppHTTPProbe", true)
			e.spireTemplate(y)
		})
	}
	y.Comment("The injected pod security context replaces the list of sysctls of a gateway's own. It must hold none, or the lists\n" +
		"in the gateways' values are lost; each of those lists net.ipv4.ip_unprivileged_port_start itself.")
	y.Map("gateways", func() {
		y.Map("securityContext", func() { seccomp(y) })
	})
	y.Comment("Gateways that istiod deploys for Gateway API objects of others get back what the line above takes away.")
	y.Map("gatewayClasses", func() {
		backend.Nested(y, []string{"istio", "deployment", "spec", "template", "spec"}, func() {
			y.Map("securityContext", func() {
				y.Seq("sysctls", func() {
					y.Item(func() {
						y.KV("name", "net.ipv4.ip_unprivileged_port_start")
						y.KV("value", "0")
					})
				})
			})
			if s := e.spire(); s != nil {
				y.From("", m.CA.From...)
				y.Comment("Of all gateways that it deploys, ours too: no template of pods reaches them.")
				spireVolume(y, s)
				y.Fixed()
			}
		})
	})
}

// envVar is one variable of istiod's environment.
type envVar struct {
	key, value, reason, why string
	from                    ir.From
}

func (e *emitter) istiodEnv() []envVar {
	var out []envVar
	if m := &e.p.Mesh; m.NativeSidecars {
		out = append(out, envVar{"ENABLE_NATIVE_SIDECARS", "true",
			"Sidecars are init containers that restart: they start before the application, and Jobs end.",
			"mesh/native-sidecars", append(m.From.Of("version"), e.p.Cluster.From.Of("version")...)})
	}
	if m := &e.p.Mesh; m.PushThrottle > 0 {
		out = append(out, envVar{"PILOT_PUSH_THROTTLE", strconv.Itoa(m.PushThrottle),
			"Proxies that are sent their configuration at a time.", "", ir.From{"mesh.controlPlane.pushThrottle"}})
	}
	if m := &e.p.Mesh; m.CA != nil && m.CA.Signer != nil {
		out = append(out, envVar{"ENABLE_CA_SERVER", "false",
			"cert-manager signs: what istiod signed beside it would stand under another root.", "", m.CA.From})
	}
	if f := e.p.Federation; f != nil && e.ambient() {
		out = append(out, envVar{"AMBIENT_ENABLE_MULTI_NETWORK", "true", "Services of other sites, and the class of gateways between sites.", "", f.From})
	}
	if c := &e.p.Cluster; dualStack(c) {
		out = append(out, envVar{"ISTIO_DUAL_STACK", "true", "Listeners and endpoints of both address families.",
			"mesh/dual-stack", c.From.Of("podCIDRs")})
	}
	return out
}

func (e *emitter) istiodGlobal(y *artifact.YAML) {
	m, c := &e.p.Mesh, &e.p.Cluster
	e.hub(y)
	y.KV("istioNamespace", m.Namespace)
	e.authority(y)
	y.Map("multiCluster", func() {
		y.From("", e.p.From.Of("name")...)
		y.KV("clusterName", e.p.Name)
		y.Fixed()
	})
	if f := e.p.Federation; f != nil {
		y.From("", append(f.From, "federation.peers")...)
		y.Comment("One name for the meshes of all sites, in metrics.")
		y.KV("meshID", f.MeshID)
		y.From("", f.From...)
		y.KV("network", f.Network)
		y.Fixed()
	}
	y.Comment("Ingress to istiod's own ports only.")
	y.Map("networkPolicy", func() { y.KV("enabled", true) })
	y.Map("proxy", func() {
		y.From("", c.From.Of("clusterDomain")...)
		y.KV("clusterDomain", c.Domain)
		y.From("", m.Proxy.From...)
		backend.Resources(y, m.Proxy)
		y.Fixed()
		if m.HoldPods {
			y.From("", "mesh.proxy.holdApplicationUntilReady")
			y.Comment("A native sidecar is an init container, and what starts after it waits for this probe. holdApplicationUntilProxyStarts\n" +
				"counts for other sidecars alone.")
			y.Map("startupProbe", func() { y.KV("enabled", true) })
			y.Fixed()
		}
		y.Comment("Of the sidecar and its init container: their pods may be in a restricted namespace.")
		seccomp(y)
	})
}

func (e *emitter) meshConfig(y *artifact.YAML) {
	m := &e.p.Mesh
	y.From("", m.From.Of("trustDomain")...)
	y.KV("trustDomain", m.TrustDomain)
	if len(m.Aliases) > 0 {
		y.From("", "mesh.trustDomainAliases")
		y.Comment("Their identities count as ours, in validation and in every policy that names one of ours.")
		y.KV("trustDomainAliases", m.Aliases)
	}
	y.From("", m.From.Of("egressPolicy")...)
	y.Map("outboundTrafficPolicy", func() { y.KV("mode", outboundMode(m)) })
	y.Fixed()
	y.Comment("Istio sends a failed request twice more, whatever its method. A retry happens where a service declares it.")
	y.Map("defaultHttpRetryPolicy", func() { y.KV("attempts", 0) })
	y.Comment("Else outlier detection alone would bind callers to the endpoints of their own zone.")
	y.Map("localityLbSetting", func() { y.KV("enabled", false) })
	y.Comment("One port for the metrics of proxy and application, outside mutual TLS: the scraper has no certificate.")
	y.KV("enablePrometheusMerge", true)
	e.proxyMetadata(y)
	if e.p.Federation != nil && !e.ambient() { // there a Service is of other sites by its label alone
		e.serviceSettings(y)
	}
	if t := m.Tracing; t != nil {
		e.tracingProvider(y, t)
	}
}

// proxyMetadata is the environment of every proxy.
func (e *emitter) proxyMetadata(y *artifact.YAML) {
	m, c := &e.p.Mesh, &e.p.Cluster
	s := e.spire()
	lives := m.CA != nil && m.CA.WorkloadTTL != "" && s == nil // SPIRE's server decides by itself
	away := e.p.CallsAway() && !e.ambient()
	if !dualStack(c) && !lives && !away && s == nil {
		return
	}
	switch {
	case dualStack(c):
		y.From("mesh/dual-stack", c.From.Of("podCIDRs")...)
	case lives, s != nil:
		y.From("", m.CA.From...)
	default:
		y.From("", e.awayFrom()...)
	}
	y.Map("defaultConfig", func() {
		y.Map("proxyMetadata", func() {
			if dualStack(c) {
				y.KV("ISTIO_DUAL_STACK", "true")
			}
			if away {
				y.From("", e.awayFrom()...)
				y.Comment("The proxy answers for names that the mesh knows: the cluster has no Service for those of another site.")
				y.KV("ISTIO_META_DNS_CAPTURE", "true")
			}
			if lives {
				y.From("", m.CA.From...)
				y.Comment("What a proxy asks the authority for. It asks again at half of it.")
				y.KV("SECRET_TTL", m.CA.WorkloadTTL)
			}
			if s != nil {
				y.From("", m.CA.From...)
				y.Comment("A proxy that does not find this socket stops, and is started again. With the name that Istio itself takes it would\n" +
					"ask istiod instead, whose certificates nobody trusts.")
				y.KV("WORKLOAD_IDENTITY_SOCKET_FILE", s.Socket)
			}
		})
		e.spireStatistic(y)
	})
	y.Fixed()
}

func outboundMode(m *ir.Mesh) string {
	if m.RegistryOnly {
		return "REGISTRY_ONLY"
	}
	return "ALLOW_ANY"
}

func (e *emitter) tracingProvider(y *artifact.YAML, t *ir.Tracing) {
	y.Seq("extensionProviders", func() {
		y.Item(func() {
			y.Comment("OTLP over gRPC: the collector's Service must name the port grpc-… or give it appProtocol grpc.")
			y.KV("name", tracingProvider)
			y.From("", t.From...)
			y.Map("opentelemetry", func() {
				y.KV("service", t.Namespace+"/"+t.Host)
				y.KV("port", t.Port)
			})
			y.Fixed()
		})
	})
}
