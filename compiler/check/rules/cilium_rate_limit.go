package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// CiliumUncounted finds requests that no bound of Cilium's would count.
var CiliumUncounted = &check.Rule{
	ID: "MG5821", Name: "cilium-uncounted", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a rate limit of mesh cilium is passed by

The listener that counts is that of the Service's own address, on the nodes of this cluster. Requests that are a share of another
Service's go by that one's listener, those of an exposure have an address of their own, and callers at other sites pass proxies
there.
Source: cilium/cilium v1.20.2 pkg/ciliumenvoyconfig/controller.go, getProxyRedirect; pkg/clustermesh: CiliumEnvoyConfigs are not
shared; read on 2026-11-22.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "cilium" {
			return
		}
		passedBy := func(namespace, name, at, who string) {
			if s := p.Site.Namespaces[namespace].Services[name]; s != nil && s.RateLimit != nil {
				p.Reportf(at, "%s, and the rate limit of %s/%s does not count it", who, namespace, name).
					Related(site.Join("namespaces", namespace, "services", name, "rateLimit"), "the rate limit").Hintf("leave rateLimit out there; what counts at the pods: %s", countsAtPods(p))
			}
		}
		for s := range services(p.Site) {
			for i, w := range s.Split {
				if w.Service != s.name {
					passedBy(s.namespace, w.Service, s.path+".split."+site.Index(i)+".service", "a share of the requests to "+s.full()+" goes to "+s.namespace+"/"+w.Service)
				}
			}
			for i, a := range s.Allow {
				for k, from := range a.From {
					if peer, _, away := strings.Cut(from, ":"); away {
						passedBy(s.namespace, s.name, s.path+".allow."+site.Index(i)+".from."+site.Index(k), from+" calls from site "+peer)
					}
				}
			}
		}
		for n, e := range byKey(p.Site.Exposures) {
			if namespace, name, ok := strings.Cut(e.Service, "/"); ok && p.Site.Namespaces[namespace] != nil {
				passedBy(namespace, name, site.Join("exposures", n, "service"), "exposure "+n+" leads to its pods")
			}
		}
	},
}

// countsAtPods names the meshes whose rate limit stands at the pods, whoever sends.
func countsAtPods(p *check.Pass) string {
	return meshesThat(p.Profiles, func(kind string) bool {
		return kind != "cilium" && p.Profiles.Mesh(kind).Capability("rateLimit.requestsPerSecond").For("").Support != profile.None
	})
}

// CiliumRateLimit says what a rate limit bounds.
var CiliumRateLimit = &check.Rule{
	ID: "MG5822", Name: "cilium-rate-limit", Severity: diag.Warning, On: check.OnSite,
	Doc: `a rate limit of mesh cilium bounds callers, not pods

It is a filter in the proxy of each caller's node, which knows nothing of the others: all pods of the service together get as many
times the bound as there are nodes with callers. Callers that dial a pod pass no listener and are not counted.
Source: cilium/cilium v1.20.2 pkg/ciliumenvoyconfig; Envoy 1.37, local rate limit filter: a bucket a process.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "cilium" {
			return
		}
		nodes := 0
		for _, r := range p.Site.Racks {
			nodes += len(r.Nodes)
		}
		for s := range services(p.Site) {
			if n := p.Site.Namespaces[s.namespace]; n.Mesh && s.RateLimit != nil {
				p.Reportf(s.path+".rateLimit", "the proxy of each node counts %d requests a second to %s for itself: with callers on all %d nodes its pods may get %d", s.RateLimit.RequestsPerSecond, s.full(), nodes, nodes*s.RateLimit.RequestsPerSecond).
					Related("mesh.kind", "the mesh").Hintf("a bound by nodes with callers; what counts at the pods: %s", countsAtPods(p))
			}
		}
	},
}
