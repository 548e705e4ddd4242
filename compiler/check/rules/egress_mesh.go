package rules

import (
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// withoutWayOut is why nothing of a mesh can send with the addresses of a provider.
var withoutWayOut = map[string]string{
	"cilium":        "whose proxies are one on each node: what they pass on leaves from the node of the service's pod",
	"consul":        "whose terminating gateway is a Deployment of the chart that always starts a pod before it stops one: two would stand behind the address",
	"linkerd":       "whose EgressNetwork decides who may leave, and leads nobody to another proxy",
	"none":          "which has no proxies",
	"istio-ambient": "whose waypoint gets its Service from istiod, and with a Service of its own address ztunnel would look for it there",
}

// EgressProxyMesh finds a provider that needs a gateway which the mesh has not.
var EgressProxyMesh = &check.Rule{
	ID: "MG5450", Name: "egress-proxy-mesh", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an egress gateway's provider needs one of the mesh, and the mesh has none for it

The pod network hands a packet for the outside to the node that its pod is on. A machine can give it an address of its own
there, and nowhere else: what is sent must come from pods on those machines, those of an egress gateway of the mesh, which
takes the connections of services. Istio with sidecars has one, Consul has terminating gateways. Linkerd's EgressNetwork
decides who may leave and sends nobody elsewhere; Cilium has proxies on every node, and a provider of its own. kube-vip rewrites
what one pod behind a Service of its sends: Consul's chart lets nobody say that the old pod goes before the new one comes.
Source: istio.io, Egress Gateways; linkerd.io, egress networks; hashicorp/consul-k8s v2.0.3
charts/consul/templates/terminating-gateways-deployment.yaml (no strategy); read 2026-11-21.`,
	Run: func(p *check.Pass) {
		kind := p.Site.Mesh.Kind
		for n, e := range byKey(p.Site.EgressGateways) {
			if !byProxy(e.Provider) || slices.Contains(lower.EgressProviders(kind), e.Provider) {
				continue
			}
			hint := "mesh: kind: \"istio-sidecar\", or provider: \"cilium\" with Cilium as the pod network"
			if slices.Contains(lower.EgressProviders(kind), "host") {
				hint = "provider: \"host\", with an address on each machine of class \"" + e.Placement.Class + "\""
			}
			p.Reportf(site.Join("egressGateways", n, "provider"), "egress gateway %q: provider %s rewrites what an egress gateway of the mesh sends, and the mesh is %s, %s", n, e.Provider, kind, withoutWayOut[kind]).
				Hintf("%s", hint).Related("mesh.kind", "the mesh")
		}
	},
}

// EgressConsulOpen finds an egress gateway that Consul's proxies pass by.
var EgressConsulOpen = &check.Rule{
	ID: "MG5520", Name: "egress-consul-open", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `Consul's proxies let out what is no service, and an egress gateway is to take it

Only where they refuse what the site does not declare do they hand declared destinations to a terminating gateway, whose pods
are on the machines with the source addresses. Else each proxy connects by itself, from whatever node it is on.
Source: hashicorp/consul agent/xds/listeners.go, the last filter chain of the outbound listener (meshDestinationsOnly); read
2026-11-21.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "consul" || consulClosed(p.Site) {
			return
		}
		for n, e := range byKey(p.Site.EgressGateways) {
			if byProxy(e.Provider) {
				p.Reportf(site.Join("egressGateways", n, "provider"), "egress gateway %q: Consul's proxies hand destinations outside to it with mesh.egressPolicy \"registry-only\" alone", n).
					Hintf("mesh: egressPolicy: \"registry-only\"").Related("mesh.egressPolicy", "what happens to undeclared destinations")
			}
		}
	},
}
