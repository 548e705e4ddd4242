package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// linkerdFederationRules are the rules about linked sites of Linkerd.
var linkerdFederationRules = []*check.Rule{
	LinkedStreams,
	LinkedName,
	LinkedNamespace,
	LinkedDomains,
	LinkedRoots,
}

// LinkedStreams finds a service for other sites that takes no requests.
var LinkedStreams = &check.Rule{
	ID: "MG7240", Name: "linked-streams", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service admits one of another site, and takes no requests

The gateway between linked sites tells its callers apart by what they ask for: HTTP and gRPC. Of connections it could only be
told who may open one at all, and whoever may, may do so to every service behind it.
Source: linkerd2-proxy linkerd/app/inbound/src/direct.rs, policy of the gateway's address, read 2026-11-21.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "linkerd" || p.Site.Federation == nil || isFlat(p.Site) {
			return // from pod to pod goes any stream
		}
		for s := range services(p.Site) {
			requests := false
			for _, port := range s.Ports {
				requests = requests || ir.IsHTTP(port.Protocol)
			}
			for i, a := range s.Allow {
				for j, c := range a.From {
					if strings.Contains(c, ":") && !requests {
						p.Reportf(s.path+".allow."+site.Index(i)+".from."+site.Index(j), "%s/%s admits %s, and no port of it takes requests", s.namespace, s.name, c).
							Related(s.path+".ports", "its ports").Hintf("protocol: \"http\", or \"grpc\"; or call it from this site alone; or federation: linkerd: mode: \"flat\"")
					}
				}
			}
		}
	},
}

// LinkedName finds a service of another site whose name here is taken or too long.
var LinkedName = &check.Rule{
	ID: "MG7241", Name: "linked-name", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the name by which a service of another site is known here is taken, or too long

It is called as the service with the name of its site behind it: a Service that Linkerd makes in the namespace that it has
there, or one of Consul's, whose services have one name in the cluster. Names of Services have at most 63 characters.
Source: linkerd/linkerd2 edge-26.6.3 multicluster/service-mirror/cluster_watcher.go, mirrorServiceName.`,
	Run: func(p *check.Pass) {
		kind := p.Site.Mesh.Kind
		if kind != "linkerd" && kind != "consul" || p.Site.Federation == nil || isDatacenter(p.Site) {
			return // datacenters know them by their own names: consul-away-name
		}
		taken := map[string]string{} // names of services here, by how they are told apart
		known := func(ns, name string) string {
			if kind == "consul" {
				return name
			}
			return ns + "/" + name
		}
		for s := range services(p.Site) {
			taken[known(s.namespace, s.name)] = s.path
		}
		for s := range services(p.Site) {
			for i, c := range s.Calls {
				peer, rest, remote := strings.Cut(c, ":")
				ns, sn, _ := strings.Cut(rest, "/")
				if !remote || p.Site.Federation.Peers[peer] == nil {
					continue
				}
				at, name := s.path+".calls."+site.Index(i), sn+"-"+peer
				if len(name) > 63 {
					p.Reportf(at, "%s/%s calls %s, whose name here, %s, has %d characters, more than 63", s.namespace, s.name, c, name, len(name)).Hintf("a shorter name for the service or for site %s", peer)
				}
				if own := taken[known(ns, name)]; own != "" {
					p.Reportf(at, "%s/%s calls %s, whose name here is %s, and there is such a service", s.namespace, s.name, c, name).Hintf("another name for the service here").Related(own, "the service here")
				}
			}
		}
	},
}

// LinkedNamespace finds a namespace of the site that is the extension's.
var LinkedNamespace = &check.Rule{
	ID: "MG7242", Name: "linked-namespace", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a namespace of services is called as the one of Linkerd's gateway between sites

Its name is part of the identity by which other sites know the gateway, so that it is the same everywhere: services in it
would be held to the gateway's policy.`,
	Run: func(p *check.Pass) {
		const own = "linkerd-multicluster"
		if p.Site.Mesh.Kind == "linkerd" && p.Site.Federation != nil && p.Site.Namespaces[own] != nil {
			p.Reportf(site.Join("namespaces", own), "namespace %q is that of the gateway between sites", own).Hintf("another name for the namespace").Related("federation", "the federation")
		}
	},
}

// LinkedDomains finds linked clusters with different DNS domains.
var LinkedDomains = &check.Rule{
	ID: "MG7243", Name: "linked-domains", Severity: diag.Error, On: check.OnFleet,
	Doc: `two linked sites have different DNS domains of their clusters

A link names the domain of the other cluster, and a peer's description has none: that of this site is taken.
Source: linkerd/linkerd2 edge-26.6.3 multicluster/cmd/link-gen.go, targetClusterDomain.`,
	Run: func(p *check.Pass) { clusterDomains(p, "linkerd", "linked") },
}

// LinkedRoots finds linked sites whose roots end on different days.
var LinkedRoots = &check.Rule{
	ID: "MG7244", Name: "linked-roots", Severity: diag.Warning, On: check.OnFleet,
	Doc: `two linked sites have trust anchors that end on different days

They are two roots then: each site refuses the certificates of the other, unless both bundles hold both, as they do while a
root is replaced.
Source: linkerd.io, multicluster: a shared trust anchor.`,
	Run: func(p *check.Pass) {
		eachPeer(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n].Mesh, p.Fleet[other].Mesh
			if here.Kind != "linkerd" || n > other || here.CA == nil || there.CA == nil || here.CA.TrustAnchor == nil || there.CA.TrustAnchor == nil {
				return
			}
			if a, b := here.CA.TrustAnchor.NotAfter, there.CA.TrustAnchor.NotAfter; a != b {
				p.ReportIn(n, "mesh.ca.trustAnchor.notAfter", "the trust anchor here ends on %s, that of site %s on %s: they are not the same", a, name, b).
					RelatedIn(other, "mesh.ca.trustAnchor.notAfter", "the one there")
			}
		})
	},
}
