package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// isStream reports whether a listener hands on connections or datagrams of which nothing is known but the port.
func isStream(li *site.Listener) bool {
	return (li.Protocol == "tcp" || li.Protocol == "udp") && !passesThrough(li)
}

// hasStream reports whether Cilium serves a gateway without its proxies.
func hasStream(s *site.Site, g *site.Gateway) bool {
	if !podless(s, g) {
		return false
	}
	for _, li := range g.Listeners {
		if isStream(li) {
			return true
		}
	}
	return false
}

// CiliumStreams finds gateways whose streams would lose their clients or their way.
var CiliumStreams = &check.Rule{
	ID: "MG5421", Name: "cilium-streams", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `streams at a gateway of Cilium share its address with proxies, or lose the addresses of clients

Streams pass none of its proxies: the gateway's Service leads to the pods themselves, and their policies admit clients by
address. With externalTrafficPolicy Cluster a node hands on under its own address what it has no pod for, and a policy that
admitted nodes would admit everybody. With Local a node takes what its own pods answer: where the same address has listeners
of requests every node announces it, and streams end at nodes without a pod. Such a gateway has streams alone, and whoever
announces its pool has pods of the service.
Source: cilium/cilium v1.20.2 operator/pkg/model/translation/gateway-api/translator.go and endpointslices.go,
pkg/bgp/manager/reconciler/service.go (hasLocalProxy), Documentation/network/kubernetes/kubeproxy-free.rst.`,
	Run: func(p *check.Pass) {
		for gn, g := range byKey(p.Site.Gateways) {
			if !hasStream(p.Site, g) {
				continue
			}
			at := site.Join("gateways", gn)
			if g.ExternalTrafficPolicy != "Local" {
				p.Reportf(at+".externalTrafficPolicy", "gateway %q has streams, whose clients are known by their addresses alone, and externalTrafficPolicy %s loses those", gn, g.ExternalTrafficPolicy).
					Related("mesh.kind", "the mesh").Hintf(`externalTrafficPolicy: "Local"; or another mesh, whose gateways have proxies for streams`)
			}
			for ln, li := range byKey(g.Listeners) {
				if !isStream(li) {
					p.Reportf(site.Join("gateways", gn, "listeners", ln), "listener %q of gateway %q is served by the proxies of all nodes, and others of it are streams, which pass none", ln, gn).
						Related("mesh.kind", "the mesh").Hintf("a gateway of its own for the streams")
				}
			}
		}
	},
}
