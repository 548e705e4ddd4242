package linkerd

import (
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

func (e *emitter) values() {
	for _, r := range e.p.Releases {
		if r.Component != kind {
			continue
		}
		y := backend.Values(e.p, e.t, r)
		switch r.Chart {
		case "linkerd-crds":
			y.Comment("The cluster has the bundle of the Gateway API that the site declares.")
			y.KV("installGatewayAPI", false)
		case "linkerd2-cni":
			e.cniValues(y)
		case "linkerd-control-plane":
			e.controlValues(y)
		case "linkerd-multicluster":
			e.federationValues(y)
		}
	}
}

// cniValues: the plug-in is chained behind that of the pod network.
func (e *emitter) cniValues(y *artifact.YAML) {
	y.From("linkerd/cni-folders", e.p.Cluster.CNI.DirsFrom...)
	y.Comment("Where the container runtime of the distribution looks for plug-ins.")
	y.KV("destCNINetDir", e.p.Cluster.CNI.NetDir)
	y.KV("destCNIBinDir", e.p.Cluster.CNI.BinDir)
	y.Fixed()
	e.families(y)
	y.Comment("A pod that started before its node had the plug-in does not pass its check: it is deleted, and starts anew.")
	y.Map("repairController", func() { y.KV("enabled", true) })
	y.Comment("On a node without it no pod of the mesh starts.")
	y.KV("priorityClassName", backend.NodeCritical)
}

func (e *emitter) families(y *artifact.YAML) {
	y.From("linkerd/ipv6", e.p.Cluster.From.Of("podCIDRs")...)
	y.KV("disableIPv6", !e.k.IPv6)
	y.Fixed()
}

func (e *emitter) controlValues(y *artifact.YAML) {
	m, c := &e.p.Mesh, &e.p.Cluster
	y.From("", c.From.Of("clusterDomain")...)
	y.KV("clusterDomain", c.Domain)
	y.From("linkerd/networks", e.k.NetworksFrom...)
	y.Comment("Pods, Services and nodes: all else is outside. The chart's own list has every private range in it.")
	y.KV("clusterNetworks", strings.Join(ir.Prefixes(e.k.Networks), ","))
	y.Fixed()
	e.families(y)
	y.Comment("The plug-in redirects traffic, so that no pod needs NET_ADMIN and namespaces stay baseline or restricted.")
	y.KV("cniEnabled", true)
	y.Comment("Nothing answers there: only a pod whose traffic is redirected gets through, and the others do not start.")
	y.From("linkerd/validator", c.From.Of("podCIDRs")...)
	y.Map("networkValidator", func() { y.KV("connectAddr", e.k.Validator) })
	y.Fixed()
	e.identity(y)
	e.controlPods(y)
	e.webhooks(y)
	e.proxy(y)
	y.Comment("Without it a job would ask a server on the Internet once a day whether there is something newer.")
	y.KV("disableHeartBeat", true)
	if m.RegistryOnly {
		y.From("", m.From.Of("egressPolicy")...)
		y.Map("egress", func() { y.KV("globalEgressNetworkNamespace", e.k.EgressPlace) })
		y.Fixed()
	}
}

// identity: nothing is made while the chart is rendered, and no key is among its values.
func (e *emitter) identity(y *artifact.YAML) {
	m := &e.p.Mesh
	y.From("", m.From.Of("trustDomain")...)
	y.KV("identityTrustDomain", m.TrustDomain)
	y.From("", m.CA.From...)
	y.Map("identity", func() {
		y.Comment("The root comes in ConfigMap " + m.CA.AnchorConfigMap + ", the intermediate in Secret " + m.CA.IssuerSecret + "; neither is in the tree.")
		y.KV("externalCA", true)
		y.Map("issuer", func() {
			y.KV("scheme", "kubernetes.io/tls")
			if m.CA.WorkloadTTL != "" {
				y.KV("issuanceLifetime", m.CA.WorkloadTTL)
			}
		})
	})
	y.Fixed()
}

// controlPods: how many, and what keeps some of them up while nodes are drained.
func (e *emitter) controlPods(y *artifact.YAML) {
	y.From("", e.p.Mesh.From.Of("replicas")...)
	y.KV("controllerReplicas", e.p.Mesh.Replicas)
	y.Comment("Its webhooks fail closed: where other pods took its place, none would start any more.")
	y.KV("priorityClassName", backend.ClusterCritical)
	if e.p.Mesh.Replicas > 1 {
		y.Comment("Each on a node of its own.")
		y.KV("enablePodAntiAffinity", true)
		y.KV("enablePodDisruptionBudget", true)
		y.Comment("A new pod has no place beside the old ones where these stand on every node: one goes first.")
		y.Map("deploymentStrategy", func() {
			y.Map("rollingUpdate", func() { y.KV("maxUnavailable", 1) })
		})
	}
	y.Fixed()
	y.From("", e.k.ProbesFrom...)
	y.Comment("Where kubelets call their pods from: from there probes are admitted without a certificate.")
	y.Map("policyController", func() { y.KV("probeNetworks", ir.Prefixes(e.k.Probes)) })
	y.Fixed()
}

// webhooks: certificates by cert-manager. The chart would make new ones at every rendering.
func (e *emitter) webhooks(y *artifact.YAML) {
	y.Comment("A pod that the injector has not seen would stay outside the mesh without a word: rather it does not start.")
	y.KV("webhookFailurePolicy", "Fail")
	for _, w := range e.k.Webhooks {
		y.Map(w.Value, func() {
			y.KV("externalSecret", true)
			y.KV("injectCaFrom", e.p.Mesh.Namespace+"/"+w.Service)
		})
	}
}

func (e *emitter) proxy(y *artifact.YAML) {
	m := &e.p.Mesh
	y.Map("proxy", func() {
		y.Comment("A port that no Server describes refuses everybody. Proxies read it when their pod starts.")
		y.KV("defaultInboundPolicy", "deny")
		y.Comment("Requests between proxies keep their own ports, by which NetworkPolicy tells them apart; streams go to the proxy's.")
		y.KV("outboundTransportMode", "transparent")
		y.From("linkerd/opaque-ports", e.k.OpaqueFrom...)
		y.Comment("Streams: no proxy waits there for a request. The site's ports with protocol tcp, and of the chart's list those that carry no requests here.")
		y.KV("opaquePorts", numbers(e.k.OpaquePorts))
		y.Fixed()
		y.Comment("As a restricted namespace asks for it.")
		y.Map("capabilities", func() { y.KV("drop", []string{"ALL"}) })
		y.From("mesh/native-sidecars", append(m.From.Of("version"), e.p.Cluster.From.Of("version")...)...)
		y.KV("nativeSidecar", m.NativeSidecars)
		y.From("", slices.Concat(ir.From{"mesh.proxy.holdApplicationUntilReady"}, m.From.Of("kind", "version"), e.p.Cluster.From.Of("version"))...)
		y.Comment("Containers wait for their proxy to be ready. By this alone a native sidecar has its startup probe.")
		y.KV("await", m.HoldPods || m.NativeSidecars)
		proxyResources(y, m.Proxy)
		y.Fixed()
	})
}

// proxyResources writes them as this chart has them: by resource, not by request and limit.
func proxyResources(y *artifact.YAML, r ir.Resources) {
	if r.CPURequest+r.CPULimit+r.MemoryRequest+r.MemoryLimit == "" {
		return
	}
	one := func(key, request, limit string) {
		if request+limit == "" {
			return
		}
		y.Map(key, func() {
			if request != "" {
				y.KV("request", request)
			}
			if limit != "" {
				y.KV("limit", limit)
			}
		})
	}
	y.From("", r.From...)
	y.Map("resources", func() {
		one("cpu", r.CPURequest, r.CPULimit)
		one("memory", r.MemoryRequest, r.MemoryLimit)
	})
}

func decimal(n uint16) string { return strconv.Itoa(int(n)) }

func numbers(in []uint16) string {
	out := make([]string, len(in))
	for i, n := range in {
		out[i] = strconv.Itoa(int(n))
	}
	return strings.Join(out, ",")
}
