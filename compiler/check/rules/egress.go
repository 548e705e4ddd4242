package rules

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// UnknownEgressGateway finds a way out that does not exist.
var UnknownEgressGateway = &check.Rule{
	ID: "MG6151", Name: "unknown-egress-gateway", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a destination is to be reached through an egress gateway that does not exist

Its traffic would leave with a node's address, which the firewall at the other end does not know.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.External) {
			if e.Via != "" && p.Site.EgressGateways[e.Via] == nil {
				r := p.Reportf(site.Join("external", n, "via"), "destination %q is reached via egress gateway %q, which does not exist", n, e.Via)
				if len(p.Site.EgressGateways) > 0 {
					r.Hintf("egress gateways: %s", keys(p.Site.EgressGateways))
				} else {
					r.Hintf("egressGateways: %s: {provider: …, addresses: […], placement: class: …}", e.Via)
				}
			}
		}
	},
}

// EgressNowhere finds an egress gateway without nodes.
var EgressNowhere = &check.Rule{
	ID: "MG6152", Name: "egress-nowhere", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an egress gateway is placed on a class that does not exist, or that no node has

No node takes its traffic: Cilium drops what has a policy and no gateway, and others let it leave by its own node.
Source: Cilium documentation, Egress Gateway.`,
	Run: func(p *check.Pass) {
		c := takeCensus(p.Site)
		for n, e := range byKey(p.Site.EgressGateways) {
			path := site.Join("egressGateways", n, "placement", "class")
			switch class := e.Placement.Class; {
			case p.Site.NodeClasses[class] == nil:
				p.Reportf(path, "egress gateway %q is placed on class %q, which does not exist", n, class).
					Hintf("classes: %s", keys(p.Site.NodeClasses))
			case len(c.nodes[class]) == 0:
				p.Reportf(path, "egress gateway %q is placed on class %q, which no node has", n, class).
					Hintf("classes with nodes: %s", keys(c.nodes)).Related(site.Join("nodeClasses", class), "the class")
			}
		}
	},
}

// EgressProvider finds a provider that nothing on the site can play.
var EgressProvider = &check.Rule{
	ID: "MG6153", Name: "egress-provider", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an egress gateway's provider is not what the site runs, or lacks a setting that it needs

Nobody rewrites the source address then: traffic leaves with the address of whatever node a pod happens to be on, and the
other end refuses it. A virtual address is no help, it is for what comes in. Under an ambient mesh Cilium cannot be the
provider: its egress gateway masquerades in BPF, and then the kubelet's probes never reach a pod.
Source: Cilium documentation, Egress Gateway, requirements and incompatibilities; istio.io, ambient platform
prerequisites, Cilium; kube-vip documentation, egress.`,
	Run: func(p *check.Pass) {
		s, cni := p.Site, p.Site.Kubernetes.CNI
		for n, e := range byKey(s.EgressGateways) {
			path := site.Join("egressGateways", n, "provider")
			report := func(other, format string, args ...any) *check.Report {
				args = append([]any{n, e.Provider}, args...)
				return p.Reportf(path, "the provider of egress gateway %q is %s, "+format, args...).Related(other, "the other setting")
			}
			switch e.Provider {
			case "cilium":
				if cni.Kind != "cilium" {
					report("kubernetes.cni.kind", "and the pod network is %q", cni.Kind).Hintf("kubernetes: cni: kind: \"cilium\"")
					continue
				}
				if s.Mesh.Kind == "istio-ambient" {
					report("mesh.kind", "which masquerades in BPF, and mesh \"istio-ambient\" loses its probes by that").Hintf("mesh: kind: \"istio-sidecar\"")
					continue
				}
				if s.Mesh.Kind == "cilium" && s.Federation != nil {
					report("federation", "and the site is federated by Cluster Mesh: one excludes the other").Hintf("another mesh, or no federation")
					continue
				}
				if mode := s.Kubernetes.KubeProxy.Mode; mode != "replaced" {
					report("kubernetes.kubeProxy.mode", "which has to replace kube-proxy, and kubernetes.kubeProxy.mode is %q", mode).Hintf("mode: \"replaced\"")
				}
				if cni.Cilium == nil || !cni.Cilium.BPFMasquerade {
					at := "kubernetes.cni.cilium.bpfMasquerade"
					if cni.Cilium == nil {
						at = "kubernetes.cni"
					}
					report(at, "which has to masquerade in BPF, and kubernetes.cni.cilium.bpfMasquerade is false").
						Hintf("bpfMasquerade: true").Fix("kubernetes.cni.cilium.bpfMasquerade", "true", "write true")
				}
			case "kube-vip":
				if s.LoadBalancer.Kind != "kube-vip" {
					report("loadBalancer.kind", "and the load balancer is %q", s.LoadBalancer.Kind).Hintf("loadBalancer: kind: \"kube-vip\"; or provider: \"host\"")
				}
			case "calico":
				if cni.Kind != "calico" {
					report("kubernetes.cni.kind", "and the pod network is %q", cni.Kind).Hintf("kubernetes: cni: kind: \"calico\"; or provider: \"host\"")
				}
			}
		}
	},
}

// EgressCalicoLicence finds a feature that is bought.
var EgressCalicoLicence = &check.Rule{
	ID: "MG6154", Name: "egress-calico-licence", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an egress gateway's provider is Calico, and the site does not say that it is the licensed one

The open-source release has no egress gateways: its API refuses the gateway's objects, and traffic keeps the node's address.
The operator makes their pods with Calico Enterprise and Calico Cloud alone, and after it has found the licence.
Source: tigera/operator of 2026-08-21, pkg/controller/egressgateway/egressgateway_controller.go (Variant.IsEnterprise,
WaitToAddLicenseKeyWatch), read 2026-11-21.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.EgressGateways) {
			if e.Provider == "calico" && p.Site.Kubernetes.CNI.Kind == "calico" && (e.Calico == nil || !e.Calico.Licensed) {
				p.Reportf(site.Join("egressGateways", n, "provider"), "the provider of egress gateway %q is calico, whose open-source release %s has no egress gateway", n, p.Site.Kubernetes.CNI.Version).
					Hintf("calico: licensed: true with Calico Enterprise or Calico Cloud; else provider: \"host\" with Istio's sidecars, or provider: \"cilium\" with Cilium as the pod network").Related("kubernetes.cni.version", "the release")
			}
		}
	},
}

// EgressUnused finds an egress gateway that no destination goes through.
var EgressUnused = &check.Rule{
	ID: "MG6157", Name: "egress-unused", Severity: diag.Warning, On: check.OnSite,
	Doc: `no destination goes through an egress gateway

Traffic that was to leave with the fixed address leaves with a node's: the gateway takes what a destination's via sends
to it, and nothing else.`,
	Run: func(p *check.Pass) {
		used := map[string]bool{}
		for _, e := range p.Site.External {
			if e.Via != "" && p.Site.EgressGateways[e.Via] == nil {
				return // a misspelt name may mean any of them, and is a finding of its own
			}
			used[e.Via] = true
		}
		for n := range byKey(p.Site.EgressGateways) {
			if !used[n] {
				p.Reportf(site.Join("egressGateways", n), "no destination in external goes via egress gateway %q", n).
					Hintf("external: …: via: %q, or remove the gateway", n)
			}
		}
	},
}

// EgressOneNode finds an egress gateway that one node's loss stops.
var EgressOneNode = &check.Rule{
	ID: "MG6158", Name: "egress-one-node", Severity: diag.Warning, On: check.OnSite,
	Doc: `all addresses of an egress gateway of a production site are on one node

The address is tied to that machine: while it restarts, nothing behind the gateway can be reached.
Source: Cilium documentation, Egress Gateway, selecting gateway nodes.`,
	Run: func(p *check.Pass) {
		if p.Site.Environment != "production" {
			return
		}
		holders, _ := egressHolders(p.Site)
		for n, e := range byKey(p.Site.EgressGateways) {
			if e.Provider != "cilium" && e.Provider != "host" {
				continue // an address of kube-vip's or Calico's moves
			}
			var on []string
			for _, a := range e.Addresses {
				ip, _ := netip.ParseAddr(a)
				h, ok := holders[ip]
				if !ok {
					on = nil // an unknown address is a finding of its own
					break
				}
				on = append(on, h.node)
			}
			slices.Sort(on)
			if on = slices.Compact(on); len(on) == 1 {
				p.Reportf(site.Join("egressGateways", n, "addresses"), "egress gateway %q has addresses on node %s alone, in environment \"production\"", n, on[0]).
					Hintf("a second address, in egressAddresses of another node of class %q", e.Placement.Class).Related("environment", "the environment")
			}
		}
	},
}
