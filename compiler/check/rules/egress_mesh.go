package rules

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// withoutWayOut is why nothing of a mesh can send with the addresses of a provider.
var withoutWayOut = map[string]string{
	"cilium":        "its proxies are one on each node: what they pass on leaves from the node of the service's pod",
	"consul":        "its terminating gateway is a Deployment of the chart that always starts a pod before it stops one: two would stand behind the address",
	"linkerd":       "its EgressNetwork decides who may leave, and leads nobody to another proxy",
	"none":          "there are no proxies",
	"istio-ambient": "its waypoint has a Service of istiod's making, without an address outside",
}

// EgressProxyMesh finds a provider that needs a gateway which the mesh has not.
var EgressProxyMesh = &check.Rule{
	ID: "MG5450", Name: "egress-proxy-mesh", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an egress gateway's provider needs one of the mesh, and the mesh has none for it

The pod network hands a packet for the outside to the node that its pod is on. A machine can give it an address of its own
there, and nowhere else: what is sent must come from pods on those machines, those of an egress gateway of the mesh, which
takes the connections of services. Istio with sidecars has one; in ambient mode it is a waypoint of the addresses outside, and
Consul has terminating gateways. Linkerd's EgressNetwork decides who may leave and sends nobody elsewhere; Cilium has proxies
on every node, and a provider of its own. kube-vip rewrites what one pod behind a Service with the address sends: istiod makes
the Service of a waypoint, and callers find the waypoint by it; Consul's chart makes none, and lets nobody say that the old
pod goes before the new one comes.
Source: istio.io, Egress Gateways; linkerd.io, egress networks; hashicorp/consul-k8s v2.0.3
charts/consul/templates/terminating-gateways-deployment.yaml (no strategy); read 2026-11-21.`,
	Run: func(p *check.Pass) {
		kind := p.Site.Mesh.Kind
		for n, e := range byKey(p.Site.EgressGateways) {
			if !byProxy(e.Provider) || slices.Contains(lower.EgressProviders(kind), e.Provider) {
				continue
			}
			hint := "provider: \"cilium\", with Cilium as the pod network"
			if slices.Contains(lower.EgressProviders(kind), "host") {
				hint = "provider: \"host\", with an address on each machine of class \"" + e.Placement.Class + "\""
			}
			hint += "; what can: " + meshesThat(p.Profiles, func(kind string) bool { return slices.Contains(lower.EgressProviders(kind), e.Provider) })
			p.Reportf(site.Join("egressGateways", n, "provider"), "egress gateway %q: provider %s rewrites what an egress gateway of the mesh sends, which mesh %s cannot: %s", n, e.Provider, kind, withoutWayOut[kind]).
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

// EgressAmbientShared finds an address that ztunnel would lead to one way out for all.
var EgressAmbientShared = &check.Rule{
	ID: "MG5521", Name: "egress-ambient-shared", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an address of destinations stands twice, and one is behind an egress gateway of an ambient mesh

ztunnel takes an address for that of one service, whatever the port and whoever calls: what is meant for the other
destination arrives at the waypoint of the first, which has no port of it, or does not know the caller.
Source: istio/ztunnel 1.31 src/state/service.rs, get_best_by_vip, and src/proxy/outbound.rs, build_request; read 2026-11-21.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "istio-ambient" {
			return
		}
		proxied := func(x *site.External) bool {
			g := p.Site.EgressGateways[x.Via]
			return g != nil && byProxy(g.Provider)
		}
		type place struct{ external, path string }
		first := map[netip.Addr]place{}
		for n, x := range byKey(p.Site.External) {
			for i, a := range x.Addresses {
				ip, err := netip.ParseAddr(a)
				if err != nil {
					continue
				}
				here := site.Join("external", n, "addresses", site.Index(i))
				o, taken := first[ip]
				if !taken {
					first[ip] = place{n, here}
				} else if o.external == n && proxied(x) {
					p.Reportf(here, "destination %q has address %s twice", n, ip).Related(o.path, "the same address").Hintf("remove one")
				} else if o.external != n && (proxied(x) || proxied(p.Site.External[o.external])) {
					p.Reportf(here, "destinations %q and %q both have address %s, and ztunnel takes it for one of them", o.external, n, ip).
						Related(o.path, "the other destination").Hintf("one destination with the ports of both, and the same via")
				}
			}
		}
	},
}

// WaypointGatewayAPI finds waypoints without the kinds of objects that they are made of.
var WaypointGatewayAPI = &check.Rule{
	ID: "MG5522", Name: "waypoint-gateway-api", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a namespace or an egress gateway has a waypoint, and kubernetes.gatewayAPI is not given

A waypoint is a Gateway of the Gateway API, which istiod makes pods for. Without the kinds of objects the cluster refuses it.
Source: istio.io, Configure waypoint proxies.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Mesh.Kind != "istio-ambient" || s.Kubernetes.GatewayAPI != nil {
			return
		}
		report := func(path, who string) {
			p.Reportf(path, "%s has a waypoint, which is a Gateway, and kubernetes.gatewayAPI is not given", who).Hintf("kubernetes: gatewayAPI: version: …")
		}
		for n, ns := range byKey(s.Namespaces) {
			if ns.Waypoint && ns.Mesh {
				report(site.Join("namespaces", n, "waypoint"), "namespace "+quote(n))
			}
		}
		for n, g := range byKey(s.EgressGateways) {
			if byProxy(g.Provider) {
				report(site.Join("egressGateways", n, "provider"), "egress gateway "+quote(n))
			}
		}
	},
}
