package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ProxyMemory finds proxies that may take all memory of their node.
var ProxyMemory = &check.Rule{
	ID: "MG5140", Name: "proxy-memory-unlimited", Severity: diag.Warning, On: check.OnSite,
	Doc: `the proxies beside the workloads have no memory limit

A proxy that leaks or drowns in connections then grows until the kernel kills something on its node, and that is any
pod. Istio's chart sets a limit; those of Linkerd and Consul set none.
Source: linkerd/linkerd2 version-2.20 charts/linkerd-control-plane/values.yaml proxy.resources;
hashicorp/consul-k8s v2.0.3 charts/consul/values.yaml connectInject.sidecarProxy.resources.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		prof := p.Profiles.Mesh(m.Kind)
		if prof == nil || prof.Proxies != "pod" || prof.ProxyResources.Memory.Limit != "" {
			return
		}
		at := "mesh.proxy"
		if r := m.Proxy.Resources; r != nil {
			at = "mesh.proxy.resources"
			if r.Memory != nil {
				if r.Memory.Limit != "" {
					return
				}
				at += ".memory"
			}
		}
		p.Reportf(at, "the proxies have no memory limit: mesh %s sets none by itself", m.Kind).
			Hintf("mesh: proxy: resources: memory: limit: …")
	},
}

// HoldNative finds a setting that native sidecars make needless.
var HoldNative = &check.Rule{
	ID: "MG5141", Name: "hold-application-native", Severity: diag.Note, On: check.OnSite,
	Doc: `containers are held until the proxy is ready, which native sidecars do by themselves

A native sidecar is an init container: the pod's own containers start after it in any case, and the setting is ignored.
Source: Kubernetes documentation, sidecar containers; istio/istio 1.31.0 pkg/kube/inject, DetectNativeSidecar.`,
	Run: func(p *check.Pass) {
		s := p.Site
		prof := p.Profiles.Mesh(s.Mesh.Kind)
		if !s.Mesh.Proxy.HoldApplicationUntilReady || prof == nil || prof.Proxies != "pod" || prof.NativeSidecarKubernetes == "" {
			return
		}
		if prof.NativeSidecars(s.Mesh.Version, s.Kubernetes.Version) {
			p.Reportf("mesh.proxy.holdApplicationUntilReady", "holdApplicationUntilReady has no effect: sidecars are native on Kubernetes %s, from %s on",
				s.Kubernetes.Version, prof.NativeSidecarKubernetes).
				Related("kubernetes.version", "the release").Fix("mesh.proxy.holdApplicationUntilReady", "false", "write false")
		}
	},
}

// ControlPlaneSingle finds a control plane of one pod.
var ControlPlaneSingle = &check.Rule{
	ID: "MG5142", Name: "control-plane-single", Severity: diag.Warning, On: check.OnSite,
	Doc: `in production the mesh's control plane has one pod

While it moves to another node, no proxy gets a certificate or a new endpoint, and no pod is injected: a rollout of
anything waits, or starts outside the mesh. And a disruption budget for one pod stops every drain.
Source: istio.io, deployment best practices; linkerd.io, high availability; Consul reference architecture.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Environment != "production" || s.Mesh.ControlPlane.Replicas != 1 || s.Mesh.Kind == "none" || s.Mesh.Kind == "cilium" {
			return
		}
		good := "2"
		if !isIstio(s.Mesh.Kind) {
			good = "3" // Linkerd's own file of values for high availability, and a quorum of Consul's servers
		}
		p.Reportf("mesh.controlPlane.replicas", "the control plane of mesh %s has 1 pod", s.Mesh.Kind).Hintf("replicas: %s", good)
	},
}

// ControlPlaneNodes finds a control plane with more pods than nodes to run them on.
var ControlPlaneNodes = &check.Rule{
	ID: "MG5143", Name: "control-plane-over-nodes", Severity: diag.Error, On: check.OnSite,
	Doc: `the mesh's control plane has more pods than there are nodes to run them

Linkerd in high availability and Consul's servers put no two pods on one node: the one too many stays pending, the
rollout never ends, and Consul has lost a vote before anything fails. Istio shares nodes, so that one machine takes
several pods with it: a warning.
Source: linkerd/linkerd2 charts/linkerd-control-plane/values-ha.yaml enablePodAntiAffinity; hashicorp/consul-k8s
charts/consul/values.yaml server.affinity.`,
	Run: func(p *check.Pass) {
		s := p.Site
		want := s.Mesh.ControlPlane.Replicas
		if want < 2 || s.Mesh.Kind == "none" || s.Mesh.Kind == "cilium" {
			return
		}
		n := 0
		for _, r := range s.Racks {
			for _, node := range r.Nodes {
				if c := s.NodeClasses[node.Class]; c != nil && ordinaryPods(c) {
					n++
				}
			}
		}
		if n >= want {
			return
		}
		r := p.Reportf("mesh.controlPlane.replicas", "the control plane of mesh %s has %d pods, and %d node(s) take ordinary pods", s.Mesh.Kind, want, n)
		if n > 0 {
			r.Hintf("replicas: %d, or more nodes without taints", n)
		} else {
			r.Hintf("nodes of a class without taints that keep pods away")
		}
		if isIstio(s.Mesh.Kind) && n > 0 {
			r.Warning()
		}
	},
}

// ordinaryPods reports whether nodes of a class take pods that tolerate nothing.
func ordinaryPods(c *site.NodeClass) bool {
	for _, t := range c.Taints {
		if strings.HasSuffix(t, ":NoSchedule") || strings.HasSuffix(t, ":NoExecute") {
			return false
		}
	}
	if c.Schedulable != nil {
		return *c.Schedulable
	}
	return !c.ControlPlane
}

// EgressAllowAny finds a mesh that lets its workloads out anywhere.
var EgressAllowAny = &check.Rule{
	ID: "MG5144", Name: "egress-allow-any", Severity: diag.Note, On: check.OnSite,
	Doc: `in production workloads may reach any destination through the mesh

With egressPolicy allow-any, what external declares is a description and nothing more: a call that nobody declared
works, and is found out when the destination moves.
Source: istio.io, accessing external services; linkerd.io, egress; Consul, transparent proxy, meshDestinationsOnly.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "none" && p.Site.Mesh.EgressPolicy == "allow-any" && p.Site.Environment == "production" {
			p.Reportf("mesh.egressPolicy", "egressPolicy is allow-any: external binds nobody").Hintf("egressPolicy: \"registry-only\"")
		}
	},
}
