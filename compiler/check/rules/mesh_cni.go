package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// isIstio reports whether a mesh is Istio, in either mode.
func isIstio(kind string) bool { return kind == "istio-sidecar" || kind == "istio-ambient" }

// ciliumOptions are those of the pod network cilium, with the defaults of its chart where the site gives none; nil for
// another pod network. at is where they, or what stands for them, are written.
func ciliumOptions(s *site.Site, field string) (o *site.Cilium, at string) {
	cni := s.Kubernetes.CNI
	switch {
	case cni.Kind != "cilium":
		return nil, ""
	case cni.Cilium == nil:
		return &site.Cilium{Exclusive: true}, "kubernetes.cni.kind"
	}
	return cni.Cilium, "kubernetes.cni.cilium." + field
}

// CiliumExclusive finds a pod network that removes the mesh's CNI plug-in.
var CiliumExclusive = &check.Rule{
	ID: "MG5101", Name: "cilium-exclusive", Severity: diag.Error, On: check.OnSite,
	Doc: `Cilium removes the CNI plug-in that the mesh redirects traffic with

With cni.exclusive, its default, the agent renames every other CNI configuration: pods start, nothing is redirected, and
they are outside the mesh without a word. Istio is installed with its plug-in; Linkerd and Consul need theirs wherever
the pod security level forbids containers to change the network.
Source: docs.cilium.io, Istio; istio.io, platform prerequisites, Cilium; linkerd.io, CNI plug-in.`,
	Run: func(p *check.Pass) {
		o, at := ciliumOptions(p.Site, "exclusive")
		if o == nil || !o.Exclusive {
			return
		}
		kind := p.Site.Mesh.Kind
		why, what := "mesh.kind", "the mesh"
		switch {
		case isIstio(kind):
		case kind == "linkerd", kind == "consul":
			if why = unprivilegedMeshed(p.Site); why == "" {
				return
			}
			what = "its pod security level forbids the redirection without a plug-in"
		default:
			return
		}
		p.Reportf(at, "Cilium removes other CNI configurations (exclusive is true), and mesh %s redirects by a CNI plug-in of its own", kind).
			Hintf("kubernetes: cni: cilium: exclusive: false").Related(why, "%s", what).
			Fix("kubernetes.cni.cilium.exclusive", "false", "write false")
	},
}

// unprivilegedMeshed is the path of the first namespace in the mesh whose pods may not change the network, or "".
func unprivilegedMeshed(s *site.Site) string {
	for nn, n := range byKey(s.Namespaces) {
		if n.Mesh && n.PodSecurity != "privileged" && len(n.Services) > 0 {
			return site.Join("namespaces", nn)
		}
	}
	return ""
}

// CiliumSocketLB finds Service addresses that are translated before the mesh's proxy sees them.
var CiliumSocketLB = &check.Rule{
	ID: "MG5102", Name: "cilium-socket-lb", Severity: diag.Error, On: check.OnSite,
	Doc: `Cilium translates Service addresses inside the pods, before the mesh's proxy sees them

Where Cilium replaces kube-proxy, a connection to a Service address becomes one to a pod at connect(): the proxy no
longer knows which Service was meant, and routes, retries, splits and per-request balancing are gone while everything
seems to work. Istio's own check misses it, since the chart writes bpf-lb-sock false and the agent forces it on.
Source: docs.cilium.io, Istio; linkerd.io, cluster configuration, Cilium; cilium/cilium v1.20.2, daemon options.`,
	Run: func(p *check.Pass) {
		o, at := ciliumOptions(p.Site, "socketLB.hostNamespaceOnly")
		kind := p.Site.Mesh.Kind
		if o == nil || o.SocketLB.HostNamespaceOnly || p.Site.Kubernetes.KubeProxy.Mode != "replaced" {
			return
		}
		if !isIstio(kind) && kind != "linkerd" && kind != "consul" {
			return
		}
		p.Reportf(at, "Cilium replaces kube-proxy and translates Service addresses in the pods (socketLB.hostNamespaceOnly is false), past the proxies of mesh %s", kind).
			Hintf("kubernetes: cni: cilium: socketLB: hostNamespaceOnly: true").
			Related("kubernetes.kubeProxy.mode", "kube-proxy is replaced here").
			Fix("kubernetes.cni.cilium.socketLB.hostNamespaceOnly", "true", "write true")
	},
}

// AmbientMasquerade finds masquerading in BPF under an ambient mesh.
var AmbientMasquerade = &check.Rule{
	ID: "MG5103", Name: "ambient-bpf-masquerade", Severity: diag.Error, On: check.OnSite,
	Doc: `Cilium masquerades in BPF under an ambient mesh

The kubelet's probes reach an ambient pod from a link-local address, 169.254.7.127; masqueraded in BPF they do not come
back: every meshed pod fails its probes and is restarted for ever.
Source: istio.io, ambient platform prerequisites, Cilium.`,
	Run: func(p *check.Pass) {
		o, at := ciliumOptions(p.Site, "bpfMasquerade")
		if o == nil || !o.BPFMasquerade || p.Site.Mesh.Kind != "istio-ambient" {
			return
		}
		r := p.Reportf(at, "Cilium masquerades in BPF (bpfMasquerade is true), and mesh istio-ambient needs it to be false").
			Hintf("bpfMasquerade: false").Related("mesh.kind", "the mesh")
		for _, e := range byKey(p.Site.EgressGateways) {
			if e.Provider == "cilium" {
				return // it needs the very setting: one of the two has to go, and which is not ours to say
			}
		}
		r.Fix(at, "false", "write false")
	},
}

// CiliumMeshNetwork finds the mesh of Cilium over something that is not Cilium.
var CiliumMeshNetwork = &check.Rule{
	ID: "MG5104", Name: "cilium-mesh-network", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `mesh cilium lacks the pod network or the kube-proxy replacement that it is made of

The mesh is a part of the pod network: with another one there is nothing that could carry it. And without the
replacement of kube-proxy its Gateway API and CiliumEnvoyConfig do not work: routes are accepted and have no effect.
Source: docs.cilium.io, Gateway API and CiliumEnvoyConfig, prerequisites.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Mesh.Kind != "cilium" {
			return
		}
		if kind := s.Kubernetes.CNI.Kind; kind != "cilium" {
			p.Reportf("mesh.kind", "mesh cilium is a part of the pod network cilium, and kubernetes.cni.kind is %s", kind).
				Hintf("kubernetes: cni: kind: \"cilium\", or another mesh").Related("kubernetes.cni.kind", "the pod network")
			return // the rest follows from it
		}
		if mode := s.Kubernetes.KubeProxy.Mode; mode != "replaced" {
			p.Reportf("kubernetes.kubeProxy.mode", "mesh cilium needs kube-proxy to be replaced, and its mode is %s", mode).
				Hintf("kubernetes: kubeProxy: mode: \"replaced\"").Related("mesh.kind", "the mesh")
		}
		if v, w := s.Mesh.Version, s.Kubernetes.CNI.Version; v != "" && v != w && !strings.HasPrefix(w, v+".") {
			p.Reportf("mesh.version", "mesh cilium is released with the pod network: mesh.version is %s and kubernetes.cni.version is %s", v, w).
				Hintf("leave mesh.version out").Related("kubernetes.cni.version", "the release of the pod network").
				Fix("mesh.version", quoted(w), "write "+w)
		}
	},
}

func quoted(s string) string { return `"` + s + `"` }
