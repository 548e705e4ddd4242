package rules

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// ambientFederationRules are the rules about ambient meshes over several sites.
var ambientFederationRules = []*check.Rule{
	AmbientPeerService,
	AmbientTrust,
	AmbientRequests,
	AmbientNamesake,
	AmbientPeerPorts,
	AmbientDomains,
}

// federatedAmbient reports whether a site is one of several of an ambient mesh.
func federatedAmbient(s *site.Site) bool {
	return s.Federation != nil && s.Mesh.Kind == "istio-ambient"
}

// readsPeerServices reports whether the mesh of a site has to be told of the services of others.
func readsPeerServices(s *site.Site) bool { return federatedAmbient(s) || isFlat(s) }

// AmbientPeerService finds services of other sites of which too little is known, or too much.
var AmbientPeerService = &check.Rule{
	ID: "MG5400", Name: "ambient-peer-service", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a called service of another site is not described, or one is described that nobody reads

Under istio-ambient a name leads to addresses of the caller's own cluster alone: the name of another site's service is made
here, with its ports. Linkerd makes such names; in mode flat it goes to pods there, and of their ports to these alone. Other
meshes make such names by themselves, and go to a gateway.
Source: istio/ztunnel release-1.31 src/dns/server.rs, get_addresses; istio/istio 1.31.0
pilot/pkg/serviceregistry/ambient/multicluster.go.`,
	Run: func(p *check.Pass) {
		f := p.Site.Federation
		if f == nil {
			return
		}
		called := map[string]string{} // "peer:namespace/name": the place
		for s := range services(p.Site) {
			for i, c := range s.Calls {
				if strings.Contains(c, ":") {
					called[c] = s.path + ".calls." + site.Index(i)
				}
			}
		}
		for pn, peer := range byKey(f.Peers) {
			for name, s := range byKey(peer.Services) {
				at := site.Join("federation", "peers", pn, "services", name)
				switch {
				case !readsPeerServices(p.Site):
					p.Reportf(at, "service %s of site %s is described, and mesh %s makes its name here by itself", name, pn, p.Site.Mesh.Kind).
						Hintf("leave it out").Related("mesh.kind", "the mesh")
				case called[pn+":"+name] == "":
					p.Reportf(at, "service %s of site %s is described, and no service here calls it", name, pn).Hintf("calls: [%q]", pn+":"+name).Warning()
				case len(s.Ports) == 0:
					p.Reportf(at+".ports", "service %s of site %s has no port", name, pn).
						Hintf("ports: NAME: {port: …, protocol: …}")
				default:
					for portName, port := range byKey(s.Ports) {
						if port.Protocol == "udp" {
							p.Reportf(at+"."+site.Join("ports", portName, "protocol"), "port %s of %s is UDP, which mesh %s does not take to other sites", portName, name, p.Site.Mesh.Kind).
								Hintf("leave the port out")
						}
					}
				}
			}
		}
		if !readsPeerServices(p.Site) {
			return
		}
		for c, at := range byKey(called) {
			pn, name, _ := strings.Cut(c, ":")
			if peer := f.Peers[pn]; peer != nil && peer.Services[name] == nil {
				p.Reportf(at, "service %s of site %s is called, and federation does not say which ports it has", name, pn).
					Hintf("federation: peers: %s: services: %q: ports: …", pn, name).Related(site.Join("federation", "peers", pn), "the site")
			}
		}
	},
}

// AmbientTrust finds sites of an ambient mesh that refuse each other's certificates.
var AmbientTrust = &check.Rule{
	ID: "MG5401", Name: "ambient-trust-domain", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `federated sites of an ambient mesh have different trust domains

A ztunnel takes callers of its own trust domain alone: it knows no aliases. And istiod names the pods and gateways of other
sites in its own trust domain, so that callers refuse their certificates. All sites have one, and a ServiceAccount is the
same one at each of them.
Source: istio/ztunnel release-1.31 src/tls/workload.rs, verify_trust_domain; istio/istio 1.31.0
pilot/pkg/serviceregistry/ambient/workloads.go, convertGateway, and multicluster.go, SplitHorizonServices.`,
	Run: func(p *check.Pass) {
		if !federatedAmbient(p.Site) {
			return
		}
		for pn, peer := range byKey(p.Site.Federation.Peers) {
			if peer.TrustDomain != p.Site.Mesh.TrustDomain {
				p.Reportf(site.Join("federation", "peers", pn, "trustDomain"), "the trust domain of site %s is %s, and that of this site %s: their ztunnels refuse each other", pn, peer.TrustDomain, p.Site.Mesh.TrustDomain).
					Hintf("one trustDomain for all of them").Related("mesh", "the mesh of this site")
			}
		}
	},
}

// AmbientRequests finds callers of other sites that would have to pass a waypoint.
var AmbientRequests = &check.Rule{
	ID: "MG5402", Name: "ambient-requests-between-sites", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service with a waypoint, or with conditions on requests, admits callers of another site

A caller's ztunnel asks for the certificate of the callee. It knows that of a waypoint there only where its own site has one of
the same name for the namespace; then its requests pass that one, which has none of the callee's policy, and go past the
callee's. Between sites, callers are held to services and ports.
Source: istio/ztunnel release-1.31 src/proxy/outbound.rs, build_request_through_gateway; istio/istio 1.31.0
pilot/pkg/networking/core/listener_waypoint.go, buildWaypointInternal, x-istio-source.`,
	Run: func(p *check.Pass) {
		if !federatedAmbient(p.Site) {
			return
		}
		for s := range services(p.Site) {
			n := p.Site.Namespaces[s.namespace]
			for i, a := range s.Allow {
				for j, c := range a.From {
					if !strings.Contains(c, ":") {
						continue
					}
					at := s.path + ".allow." + site.Index(i)
					switch {
					case n.Waypoint:
						p.Reportf(at+".from."+site.Index(j), "%s admits %s, and has a waypoint, which callers of other sites cannot pass", s.full(), c).
							Hintf("a namespace without a waypoint for what other sites call").Related(site.Join("namespaces", s.namespace, "waypoint"), "has a waypoint")
					case len(a.Methods)+len(a.Paths) > 0 || s.JWT != nil:
						p.Reportf(at+".from."+site.Index(j), "%s holds %s to requests, and of a caller of another site connections alone are seen", s.full(), c).
							Hintf("leave methods, paths and tokens out; what can: %s", meshesThat(p.Profiles, func(kind string) bool {
								allow := p.Profiles.Mesh(kind)
								return kind != "istio-ambient" && allow.Capability("federation").For("").Support != profile.None && allow.Capability("allow.paths").For("").Support != profile.None
							}))
					}
				}
			}
		}
	},
}

// AmbientNamesake finds a service that a callee takes for a caller of another site.
var AmbientNamesake = &check.Rule{
	ID: "MG5403", Name: "ambient-namesake", Severity: diag.Warning, On: check.OnSite,
	Doc: `a service that admits one of another site admits one of this site with it

All sites of an ambient mesh have one trust domain: who has the namespace and the ServiceAccount of an admitted caller may do
what that one may, wherever it runs.
Source: istio.io, deployment models, namespace sameness.`,
	Run: func(p *check.Pass) {
		if !federatedAmbient(p.Site) {
			return
		}
		for s := range services(p.Site) {
			own := map[string]bool{}
			for _, a := range s.Allow {
				for _, c := range a.From {
					own[c] = true
				}
			}
			for i, a := range s.Allow {
				for j, c := range a.From {
					_, rest, remote := strings.Cut(c, ":")
					ns, sn, _ := strings.Cut(rest, "/")
					if n := p.Site.Namespaces[ns]; remote && n != nil {
						for name, o := range byKey(n.Services) {
							if cmp.Or(o.ServiceAccount, name) == sn && !own[ns+"/"+name] && (ns != s.namespace || name != s.name) {
								p.Reportf(s.path+".allow."+site.Index(i)+".from."+site.Index(j), "%s admits %s, and takes %s/%s of this site for it", s.full(), c, ns, name).
									Related(site.Join("namespaces", ns, "services", name), "the service here").Hintf("a serviceAccount of its own, here or there")
							}
						}
					}
				}
			}
		}
	},
}

// AmbientPeerPorts finds a service whose ports two sites do not agree on.
var AmbientPeerPorts = &check.Rule{
	ID: "MG5404", Name: "ambient-peer-ports", Severity: diag.Error, On: check.OnFleet,
	Doc: `what a site says of a service of another one is not what that one has

An ambient mesh takes the two for one Service, and in Linkerd's mode flat the ports are those that policy opens. A port that the
other site does not have has nobody behind it, and one of another number in the container leads elsewhere.
Source: istio/istio 1.31.0 pilot/pkg/serviceregistry/ambient/multicluster.go, mergeServiceInfosWithCluster.`,
	Run: func(p *check.Pass) {
		eachPeer(p, func(n, other int, name string, peer *site.Peer) {
			there := p.Fleet[other]
			for sn, described := range byKey(peer.Services) {
				real := lookup(there, sn)
				if real == nil {
					continue // federated-call says so
				}
				at := site.Join("federation", "peers", name, "services", sn)
				ns, short, _ := strings.Cut(sn, "/")
				for pn, port := range byKey(described.Ports) {
					is := real.Ports[pn]
					switch {
					case is == nil:
						p.ReportIn(n, at+"."+site.Join("ports", pn), "service %s of site %s has no port %s", sn, name, pn).
							RelatedIn(other, site.Join("namespaces", ns, "services", short), "the service there").Hintf("ports: %s", strings.Join(slices.Sorted(maps.Keys(real.Ports)), ", "))
					case is.Port != port.Port || cmp.Or(is.TargetPort, is.Port) != cmp.Or(port.TargetPort, port.Port) || is.Protocol != port.Protocol:
						p.ReportIn(n, at+"."+site.Join("ports", pn), "port %s of service %s is %s %d → %d, and at site %s %s %d → %d", pn, sn, port.Protocol, port.Port, cmp.Or(port.TargetPort, port.Port),
							name, is.Protocol, is.Port, cmp.Or(is.TargetPort, is.Port)).Hintf("%s: {port: %d, targetPort: %d, protocol: %q}", pn, is.Port, cmp.Or(is.TargetPort, is.Port), is.Protocol).RelatedIn(other, site.Join("namespaces", ns, "services", short, "ports", pn), "the port there")
					}
				}
			}
		})
	},
}

// AmbientDomains finds federated clusters of an ambient mesh with different DNS domains.
var AmbientDomains = &check.Rule{
	ID: "MG5405", Name: "ambient-domains", Severity: diag.Error, On: check.OnFleet,
	Doc: `two federated sites of an ambient mesh have different DNS domains of their clusters

A tunnel between sites asks for a service by its whole name, in the caller's domain: the gateway there knows none of that name.
Source: istio/ztunnel release-1.31 src/proxy/outbound.rs, HboneAddress::SvcHostname.`,
	Run: func(p *check.Pass) { clusterDomains(p, "istio-ambient", "federated") },
}
