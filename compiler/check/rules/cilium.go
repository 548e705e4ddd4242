package rules

import (
	"cmp"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// CiliumStrict finds mutual TLS asked of a mesh that encrypts between nodes.
var CiliumStrict = &check.Rule{
	ID: "MG5193", Name: "cilium-strict", Severity: diag.Error, On: check.OnSite,
	Doc: `mesh cilium is asked for mutual TLS, and encrypts between nodes, with keys of nodes

What is written is WireGuard with its strict modes: packets between pods of two nodes are encrypted or dropped; or IPsec,
with the sender's side of them. Neither encrypts inside of a node, or says anything of the workload that sends: callers are
known by the labels of their pods, which whoever may make pods in a namespace chooses. Identities of workloads need encryption
of kind ztunnel: beta, for TCP of some namespaces, not together with Cluster Mesh, and with it policies see one port; or that
agents authenticate pods to each other by SPIRE, which Cilium has until 1.20. Strict mode of the sender knows no version 6. With a federation none of it reaches the other side as strict.
Source: cilium/cilium v1.20.2 Documentation/security/network/encryption.rst, encryption-ztunnel.rst, upgrade notes of 1.20.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Mesh.Kind != "cilium" {
			return
		}
		asks, at := s.Mesh.MTLS == "strict", "mesh.mtls"
		for nn := range byKey(s.Namespaces) {
			if !asks && strict(s, nn) {
				asks, at = true, site.Join("namespaces", nn, "mtls")
			}
		}
		if !asks {
			return
		}
		switch {
		case s.Federation != nil:
			p.Reportf(at, "mutual TLS is strict, and the site is federated by Cluster Mesh: Cilium has one without the other").
				Related("federation", "the federation").Hintf("mtls: \"permissive\", with encryption between nodes, or another mesh")
		case s.Environment == "production" && s.Mesh.Encrypts() != "ztunnel" && !ciliumSPIRE(s): // they prove accounts, or pods
			by := map[string]string{"ipsec": "IPsec"}[s.Mesh.Encrypts()]
			p.Reportf(at, "mutual TLS is strict, and what Cilium does is %s between nodes: it encrypts, and proves no workload's identity", cmp.Or(by, "WireGuard")).Hintf("mtls: \"permissive\"; or mesh: encryption: kind: \"ztunnel\", which proves accounts").
				Related("mesh.kind", "the mesh").Warning()
		}
	},
}

// CiliumUnprinted finds what the mesh of Cilium is asked for and has no output yet.
var CiliumUnprinted = &check.Rule{
	ID: "MG5270", Name: "cilium-unsupported", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `mesh cilium is asked for what has no output with it yet

Its settings are values of the pod network's chart, so that meshgen must install that. Its gateways read no certificates
of clients (v1.20.2: no part of operator/pkg/gateway-api reads spec.tls.frontend). It encrypts what goes from node to node,
whoever's pods send it: there is no mode of one namespace. Where SPIRE signs a namespace of a strict site may be permissive:
its packets are encrypted as all are, and its callers need not be authenticated.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Mesh.Kind != "cilium" {
			return
		}
		if !s.Components.CNI.Managed && s.Kubernetes.CNI.Kind == "cilium" {
			p.Reportf("components.cni.managed", "mesh cilium needs values of the pod network's chart, which meshgen does not install here").Hintf("components: cni: managed: true")
		}
		for name, n := range byKey(s.Namespaces) {
			if n.MTLS != "" && n.MTLS != s.Mesh.MTLS && !(ciliumSPIRE(s) && s.Mesh.MTLS == "strict") {
				p.Reportf(site.Join("namespaces", name, "mtls"), "namespace %q is %s and the mesh %s: Cilium encrypts between all nodes, or none", name, n.MTLS, s.Mesh.MTLS).Related("mesh.mtls", "the mesh's mode").
					Hintf("leave it out; or mesh: mtls: %q, for all", n.MTLS)
			}
		}
		for name, g := range byKey(s.Gateways) {
			for ln, l := range byKey(g.Listeners) {
				if l.TLS != nil && l.TLS.Mode == "mutual" {
					p.Reportf(site.Join("gateways", name, "listeners", ln, "tls", "mode"), "listener %q of gateway %q asks clients for a certificate, which gateways of Cilium do not", ln, name).Related("mesh.kind", "the mesh").
						Hintf("tls: mode: \"terminate\"; what can: %s", meshesThat(p.Profiles, isIstio))
				}
			}
		}
	},
}

// CiliumGatewayPods finds wishes about pods that a gateway does not have.
var CiliumGatewayPods = &check.Rule{
	ID: "MG5271", Name: "cilium-gateway-without-pods", Severity: diag.Note, On: check.OnSite,
	Doc: `a gateway of mesh cilium has no pods that could be placed or counted

The proxy of each node serves every gateway. Where clients enter is decided by who announces the address; replicas and
spread decide nothing, and a size is that of all proxies (mesh.proxy.resources).
Source: cilium/cilium v1.20.2 Documentation/network/servicemesh/gateway-api; templates/cilium-envoy/daemonset.yaml.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "cilium" {
			return
		}
		for name, g := range byKey(p.Site.Gateways) {
			if podless(p.Site, g) && g.Replicas > 1 {
				p.Reportf(site.Join("gateways", name, "replicas"), "gateway %q is served by the proxies of all nodes: its %d replicas and their spread mean nothing", name, g.Replicas).
					Related("mesh.kind", "the mesh")
			}
		}
	},
}

// CiliumGatewaysAlike finds gateways that services cannot tell apart.
var CiliumGatewaysAlike = &check.Rule{
	ID: "MG5272", Name: "cilium-gateways-alike", Severity: diag.Warning, On: check.OnSite,
	Doc: `a service that one gateway exposes cannot tell it from another

All gateways of Cilium have the one identity reserved:ingress. A service lets in requests for the hosts and paths that it
exposes, whichever gateway they come through: a route of the same host at the other gateway would reach it.
Source: cilium/cilium v1.20.2 Documentation/gettingstarted/terminology.rst, reserved identities.`,
	Run: func(p *check.Pass) {
		var own []string
		for name, g := range byKey(p.Site.Gateways) {
			if podless(p.Site, g) && !hasStream(p.Site, g) { // its clients come as themselves
				own = append(own, name)
			}
		}
		if len(own) < 2 {
			return
		}
		p.Reportf(site.Join("gateways", own[1]), "gateways %q and %q are one identity to the services behind them", own[0], own[1]).
			Related(site.Join("gateways", own[0]), "the other").Hintf("one gateway with two listeners, if they need not be told apart")
	},
}
