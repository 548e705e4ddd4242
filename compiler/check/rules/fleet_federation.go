package rules

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// eachPeer calls f for every site of the fleet that names another one of it as a peer, with the places of both.
func eachPeer(p *check.Pass, f func(n, other int, name string, peer *site.Peer)) {
	at := map[string]int{}
	for n, s := range p.Fleet {
		at[s.Name] = n
	}
	for n, s := range p.Fleet {
		if s.Federation == nil {
			continue
		}
		for name, peer := range byKey(s.Federation.Peers) {
			if other, ok := at[name]; ok && other != n {
				f(n, other, name, peer)
			}
		}
	}
}

// FederationDisagrees finds two sites that know each other wrongly.
var FederationDisagrees = &check.Rule{
	ID: "MG7211", Name: "federation-disagrees", Severity: diag.Error, On: check.OnFleet,
	Doc: `what a site says of a peer is not what the peer says of itself

The two are federated by both or not at all, and with one mesh. A wrong trust domain refuses its callers, a wrong address
leads nowhere, and a wrong network hides its gateway.
Source: istio.io, install multi-primary on different networks.`,
	Run: func(p *check.Pass) {
		eachPeer(p, func(n, other int, name string, peer *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			at := func(field string) string { return site.Join("federation", "peers", name) + "." + field }
			if there.Federation == nil || there.Federation.Peers[here.Name] == nil {
				p.ReportIn(n, site.Join("federation", "peers", name), "site %s is a peer here, and does not name this one", name).Hintf("federation: peers: %s: {…} in site %s; or leave the peer out here", here.Name, name).
					RelatedIn(other, "name", "the site")
				return
			}
			if here.Mesh.Kind != there.Mesh.Kind && n < other {
				p.ReportIn(n, "mesh.kind", "mesh %s here and %s in site %s, and the two are federated", here.Mesh.Kind, there.Mesh.Kind, name).Hintf("one mesh for both, or no federation").
					RelatedIn(other, "mesh.kind", "the mesh there")
			}
			if peer.TrustDomain != there.Mesh.TrustDomain {
				p.ReportIn(n, at("trustDomain"), "the trust domain of site %s is %s, not %s", name, there.Mesh.TrustDomain, peer.TrustDomain).Hintf("trustDomain: %q", there.Mesh.TrustDomain).
					RelatedIn(other, "mesh", "the mesh there")
			}
			if peer.Network != there.Federation.Network {
				p.ReportIn(n, at("network"), "the network of site %s is %q, not %q", name, there.Federation.Network, peer.Network).Hintf("network: %q", there.Federation.Network).
					RelatedIn(other, "federation.network", "the network there")
			}
			g := there.Gateways[there.Federation.Gateway]
			if g == nil {
				return // another rule's
			}
			for i, a := range peer.GatewayAddresses {
				if !slices.Contains(g.Addresses, a) {
					p.ReportIn(n, at("gatewayAddresses")+"."+site.Index(i), "%s is no address of the gateway of site %s", a, name).Hintf("gatewayAddresses: %s", strings.Join(g.Addresses, ", ")).
						RelatedIn(other, site.Join("gateways", there.Federation.Gateway, "addresses"), "its addresses")
				}
			}
		})
	},
}

// FederatedCall finds a call between two sites of which they do not agree.
var FederatedCall = &check.Rule{
	ID: "MG7212", Name: "federated-call", Severity: diag.Error, On: check.OnFleet,
	Doc: `a call between two sites is of a service that does not exist, or that does not admit it

A gateway between sites leads to what admits callers of other sites by name, and to nothing else. Who is admitted and
does not call is a warning: it may come.`,
	Run: func(p *check.Pass) {
		eachPeer(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			for s := range services(here) {
				me := here.Name + ":" + s.namespace + "/" + s.name
				for i, c := range s.Calls {
					rest, ok := strings.CutPrefix(c, name+":")
					if !ok {
						continue
					}
					at := s.path + ".calls." + site.Index(i)
					callee := lookup(there, rest)
					if callee == nil {
						p.ReportIn(n, at, "%s/%s calls %s, which site %s does not have", s.namespace, s.name, c, name).Hintf("leave the call out, or declare the service in site %s", name).RelatedIn(other, "namespaces", "its services")
					} else if !slices.ContainsFunc(callee.Allow, func(a site.Allow) bool { return slices.Contains(a.From, me) }) {
						ns, sn, _ := strings.Cut(rest, "/")
						p.ReportIn(n, at, "%s/%s calls %s, which does not admit it", s.namespace, s.name, c).
							RelatedIn(other, site.Join("namespaces", ns, "services", sn), "the service there").Hintf("allow: [{from: [%q]}]", me)
					}
				}
				for i, a := range s.Allow {
					for j, c := range a.From {
						rest, ok := strings.CutPrefix(c, name+":")
						if !ok {
							continue
						}
						at := s.path + ".allow." + site.Index(i) + ".from." + site.Index(j)
						if caller := lookup(there, rest); caller == nil {
							p.ReportIn(n, at, "%s/%s admits %s, which site %s does not have", s.namespace, s.name, c, name).Hintf("leave it out of allow, or declare the service in site %s", name).RelatedIn(other, "namespaces", "its services")
						} else if !slices.Contains(caller.Calls, me) {
							ns, sn, _ := strings.Cut(rest, "/")
							p.ReportIn(n, at, "%s/%s admits %s, which does not call it", s.namespace, s.name, c).Hintf("leave it out of allow; or calls: [%q] in site %s", me, name).
								RelatedIn(other, site.Join("namespaces", ns, "services", sn), "the service there").Warning()
						}
					}
				}
			}
		})
	},
}

// clusterDomains reports sites of a mesh that are joined and whose clusters have different DNS domains; joined is how their
// mesh calls that.
func clusterDomains(p *check.Pass, mesh, joined string) {
	eachPeer(p, func(n, other int, name string, _ *site.Peer) {
		here, there := p.Fleet[n], p.Fleet[other]
		if here.Mesh.Kind == mesh && n < other && here.Kubernetes.ClusterDomain != there.Kubernetes.ClusterDomain {
			p.ReportIn(n, "kubernetes", "the domain of this cluster is %s, and that of site %s is %s", here.Kubernetes.ClusterDomain, name, there.Kubernetes.ClusterDomain).
				RelatedIn(other, "kubernetes", "the cluster there").Hintf("one clusterDomain for all %s sites", joined)
		}
	})
}

// FederationUnreached finds a gateway that turns away the site it is for.
var FederationUnreached = &check.Rule{
	ID: "MG7213", Name: "federation-unreached", Severity: diag.Error, On: check.OnFleet,
	Doc: `the gateway for other sites turns away the nodes of one that calls services there

Its source ranges do not have them all, and pods call with the address of their node: their calls time out.
Source: kubernetes.io, Service, loadBalancerSourceRanges.`,
	Run: func(p *check.Pass) {
		eachPeer(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			if there.Federation == nil || !callsSite(here, name) {
				return
			}
			reportTurnedAway(p, n, other, "site %s calls services here, and its node %s is outside of these networks")
		})
	},
}

// reportTurnedAway reports the first node of a site that the source ranges of another one's gateway for sites leave out; the
// text takes the names of the site and of the node.
func reportTurnedAway(p *check.Pass, n, other int, text string) {
	here, there := p.Fleet[n], p.Fleet[other]
	g := there.Gateways[there.Federation.Gateway]
	if g == nil || len(g.SourceRanges) == 0 {
		return
	}
	for rn, r := range byKey(here.Racks) {
		for nn, node := range byKey(r.Nodes) {
			if len(node.Address) > 0 && !inRanges(node.Address, g.SourceRanges) {
				p.ReportIn(other, site.Join("gateways", there.Federation.Gateway, "sourceRanges"), text, here.Name, nn).Hintf("sourceRanges: the node networks of site %s as well", here.Name).
					RelatedIn(n, site.Join("racks", rn, "nodes", nn), "the node there")
				return
			}
		}
	}
}

// callsSite reports whether some service calls one of a site.
func callsSite(s *site.Site, name string) bool {
	for svc := range services(s) {
		if slices.ContainsFunc(svc.Calls, func(c string) bool { return strings.HasPrefix(c, name+":") }) {
			return true
		}
	}
	return false
}

// inRanges reports whether one of the addresses is in one of the networks.
func inRanges(addresses, ranges []string) bool {
	return slices.ContainsFunc(addresses, func(a string) bool {
		ip, err := netip.ParseAddr(a)
		return err != nil || slices.ContainsFunc(ranges, func(r string) bool {
			q, err := netip.ParsePrefix(r)
			return err == nil && q.Contains(ip)
		})
	})
}

// FederatedNamesake finds a caller of another site that is taken for one of this site.
var FederatedNamesake = &check.Rule{
	ID: "MG7214", Name: "federated-namesake", Severity: diag.Warning, On: check.OnFleet,
	Doc: `a service that is open to another site takes a service there for one of its own callers

Trust domains that are aliases of each other are one to Istio's policy: whoever has the namespace and ServiceAccount of an
admitted caller at the other site may do what that one may. Only services that admit callers of other sites are reached.
Source: istio.io, trust domain migration; pilot/pkg/security/trustdomain/bundle.go of Istio 1.31.`,
	Run: func(p *check.Pass) {
		eachPeer(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			if !isIstio(here.Mesh.Kind) {
				return // others know no aliases
			}
			for s := range services(here) {
				admitted := map[string]string{} // by name: the place
				open := false
				for i, a := range s.Allow {
					for j, c := range a.From {
						admitted[c] = s.path + ".allow." + site.Index(i) + ".from." + site.Index(j)
						open = open || strings.Contains(c, ":")
					}
				}
				if !open {
					continue
				}
				for c, at := range byKey(admitted) {
					caller := lookup(here, c)
					ns, sn, _ := strings.Cut(c, "/")
					if caller == nil || there.Namespaces[ns] == nil {
						continue
					}
					for tn, t := range byKey(there.Namespaces[ns].Services) {
						if cmp.Or(t.ServiceAccount, tn) == cmp.Or(caller.ServiceAccount, sn) && admitted[name+":"+ns+"/"+tn] == "" {
							p.ReportIn(n, at, "%s/%s admits %s, and takes %s/%s of site %s for it", s.namespace, s.name, c, ns, tn, name).
								RelatedIn(other, site.Join("namespaces", ns, "services", tn), "the service there").Hintf("a serviceAccount of its own, here or there")
						}
					}
				}
			}
		})
	},
}
