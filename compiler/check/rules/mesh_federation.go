package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// FederationGateway finds a federation whose door is not there.
var FederationGateway = &check.Rule{
	ID: "MG5180", Name: "federation-gateway", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the gateway that other sites reach does not exist, or is not one for them

The other sites dial it for every call: without a gateway of purpose federation nobody answers them, and one of purpose
ingress ends TLS for clients where the sites speak mutual TLS end to end.
Source: istio.io, multicluster installation; linkerd.io, multicluster communication; Consul, mesh gateways.`,
	Run: func(p *check.Pass) {
		f := p.Site.Federation
		named := ""
		if f != nil {
			named = f.Gateway
			g := p.Site.Gateways[named]
			if named != "" && (g == nil || g.Purpose != "federation") { // one that is missing altogether is federation-way's
				federationDoor(p, named, g)
				return // which one was meant is not known
			}
		}
		for gn, g := range byKey(p.Site.Gateways) {
			if at := site.Join("gateways", gn, "purpose"); g.Purpose == "federation" && gn != named {
				r := p.Reportf(at, "gateway %q is for other sites, and federation does not name it: it would have no port", gn).
					Hintf("federation: gateway: %q; or leave the gateway out", gn)
				if f != nil {
					r.Related("federation.gateway", "the gateway that they reach")
				}
			}
		}
	},
}

// federationDoor reports a gateway that federation names and other sites cannot use; g is nil where there is none.
func federationDoor(p *check.Pass, name string, g *site.Gateway) {
	var fit []string
	for gn, other := range byKey(p.Site.Gateways) {
		if other.Purpose == "federation" {
			fit = append(fit, gn)
		}
	}
	var r *check.Report
	if g == nil {
		r = p.Reportf("federation.gateway", "other sites reach this one at gateway %q, which does not exist", name)
	} else {
		r = p.Reportf("federation.gateway", "other sites reach this one at gateway %q, whose purpose is %s", name, g.Purpose).
			Related(site.Join("gateways", name), "the gateway")
	}
	if len(fit) > 0 {
		r.Hintf("gateways of purpose federation: %s", strings.Join(fit, ", "))
	} else {
		r.Hintf("gateways: %s: purpose: \"federation\"", name)
	}
}

// FederationRoot finds sites that cannot trust each other.
var FederationRoot = &check.Rule{
	ID: "MG5181", Name: "federation-own-root", Severity: diag.Error, On: check.OnSite,
	Doc: `the site is federated, and its mesh signs with a root that no other site has

A control plane left to itself makes a root of its own on every cluster. Each site then refuses the certificates of the
other: every call between them fails in the handshake.
Source: istio.io, multicluster: before you begin, configure trust; linkerd.io, multicluster: a shared trust anchor.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		if p.Site.Federation == nil || !isIstio(m.Kind) || m.CA != nil && m.CA.Kind != "" && m.CA.Kind != "builtin" {
			return
		}
		at := "mesh"
		if m.CA != nil {
			at = "mesh.ca"
		}
		p.Reportf(at, "the site is federated with %s, and mesh %s signs with a root of its own (mesh.ca.kind is builtin)", keys(p.Site.Federation.Peers), m.Kind).
			Hintf("ca: {kind: \"plugin\", secret: \"cacerts\"}, with an intermediate of a root that all sites share").Related("federation", "the federation")
	},
}

// FederationTrust finds identities that two sites take for something else.
var FederationTrust = &check.Rule{
	ID: "MG5182", Name: "federation-trust-domain", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a federated site's identities do not count here, or cannot be told from ours

A server of Istio accepts callers of its own trust domain and of the aliases alone: others are refused in the handshake.
And where all sites keep the default, cluster.local, a ServiceAccount of one is that of every other: policy admits both.
Source: istio.io, mesh configuration, trustDomainAliases; trust domain migration; SPIFFE ID, 2.1.`,
	Run: func(p *check.Pass) {
		f, m := p.Site.Federation, p.Site.Mesh
		if f == nil || m.Kind == "cilium" || m.Kind == "istio-ambient" {
			return // Cilium knows clusters by name, and workloads by their labels; ambient-trust-domain is about the other
		}
		for pn, peer := range byKey(f.Peers) {
			at := site.Join("federation", "peers", pn, "trustDomain")
			switch {
			case m.Kind == "consul": // its servers make one of their own, and peers tell each other
			case peer.TrustDomain == m.TrustDomain && m.TrustDomain == "cluster.local":
				p.Reportf(at, "site %q and this one both keep the default trust domain, %s: a ServiceAccount there is the one of the same name here", pn, m.TrustDomain).
					Hintf("a trust domain for each site: mesh: trustDomain: %q", p.Site.Name+".example.net").Related("mesh.kind", "the mesh of this site").Warning()
			case peer.TrustDomain == m.TrustDomain, !isIstio(m.Kind), slices.Contains(m.TrustDomainAliases, peer.TrustDomain):
			default:
				p.Reportf(at, "the identities of site %q are of trust domain %s, which mesh.trustDomainAliases does not have: its callers are refused", pn, peer.TrustDomain).
					Hintf("mesh: trustDomainAliases: [%s]", strings.Join(quotedAll(append(slices.Clone(m.TrustDomainAliases), peer.TrustDomain)), ", ")).
					Related("mesh.trustDomain", "the trust domain of this site")
			}
		}
	},
}

func quotedAll(list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = quoted(s)
	}
	return out
}

// TrustDomainAlias finds an alias that adds nothing.
var TrustDomainAlias = &check.Rule{
	ID: "MG5183", Name: "trust-domain-alias", Severity: diag.Warning, On: check.OnSite,
	Doc: `an alias of the trust domain is the trust domain itself, or stands twice

It adds nothing, so that another one was probably meant: the one that is missing is refused.
Source: istio.io, mesh configuration, trustDomainAliases.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		first := map[string]string{m.TrustDomain: "mesh.trustDomain"}
		for i, a := range m.TrustDomainAliases {
			at := "mesh.trustDomainAliases." + site.Index(i)
			if other, ok := first[a]; ok {
				p.Reportf(at, "the alias %s is already said", a).Related(other, "first said here")
				continue
			}
			first[a] = at
		}
	},
}

// FederationNetwork finds two sites on one network.
var FederationNetwork = &check.Rule{
	ID: "MG5184", Name: "federation-network", Severity: diag.Error, On: check.OnSite,
	Doc: `two federated sites are on one network by name

Sites of one network reach each other's pods directly and ignore the gateways: where they cannot, every call between
them times out. An ambient mesh over several clusters knows several networks alone.
Source: istio.io, deployment models, network models; ambient multicluster: multi-primary, multi-network.`,
	Run: func(p *check.Pass) {
		f := p.Site.Federation
		if f == nil {
			return
		}
		first := map[string]string{f.Network: "federation.network"}
		for pn, peer := range byKey(f.Peers) {
			at := site.Join("federation", "peers", pn, "network")
			other, ok := first[peer.Network]
			if !ok {
				first[peer.Network] = at
				continue
			}
			r := p.Reportf(at, "site %q is on network %q, as is another: their gateways are not used between them", pn, peer.Network).Related(other, "first used here")
			if other == "federation.network" {
				r.Hintf("network: %q", pn)
			} else {
				r.Hintf("the network that site %q gives itself in its federation.network", pn)
			}
			if p.Site.Mesh.Kind != "istio-ambient" {
				r.Warning() // flat networks are possible, and rare
			}
		}
	},
}

// FederationPeer finds another site that is this one.
var FederationPeer = &check.Rule{
	ID: "MG5185", Name: "federation-peer", Severity: diag.Error, On: check.OnSite,
	Doc: `the site is federated with itself

Clusters of a mesh are told apart by name: endpoints of the other site would overwrite those of this one.
Source: istio.io, multicluster installation: global.multiCluster.clusterName is unique.`,
	Run: func(p *check.Pass) {
		f := p.Site.Federation
		if f != nil && f.Peers[p.Site.Name] != nil {
			p.Reportf(site.Join("federation", "peers", p.Site.Name), "site %q is federated with itself", p.Site.Name).Related("name", "the name of this site").
				Hintf("leave it out")
		}
	},
}

// UnknownPeer finds a call to a site that is not federated.
var UnknownPeer = &check.Rule{
	ID: "MG5186", Name: "unknown-peer", Severity: diag.Error, On: check.OnSite,
	Doc: `a service calls one of another site that federation does not name

Nothing leads there: no address of its gateway, no trust in its certificates.
Source: istio.io, multicluster installation; linkerd.io, multicluster communication.`,
	Run: func(p *check.Pass) {
		var peers map[string]*site.Peer
		if f := p.Site.Federation; f != nil {
			peers = f.Peers
		}
		for s := range services(p.Site) {
			for i, c := range s.Calls {
				other, rest, remote := strings.Cut(c, ":")
				at := s.path + ".calls." + site.Index(i)
				switch {
				case !remote || peers[other] != nil:
				case other == p.Site.Name:
					p.Reportf(at, "%s/%s calls %s, a service of this very site", s.namespace, s.name, c).Hintf("%q", rest)
				case peers == nil:
					p.Reportf(at, "%s/%s calls %s, and the site is not federated", s.namespace, s.name, c).Hintf("federation: peers: %s: …", other)
				default:
					p.Reportf(at, "%s/%s calls %s, and federation knows no site %q", s.namespace, s.name, c, other).Hintf("%s", otherSites(peers, other))
				}
			}
			for i, a := range s.Allow {
				for j, c := range a.From {
					if other, _, remote := strings.Cut(c, ":"); remote && peers[other] == nil {
						p.Reportf(s.path+".allow."+site.Index(i)+".from."+site.Index(j), "%s/%s admits %s, and federation knows no site %q", s.namespace, s.name, c, other).
							Hintf("%s", otherSites(peers, other))
					}
				}
			}
		}
	},
}

// otherSites hints at the sites that can be named in place of one that nobody knows.
func otherSites(peers map[string]*site.Peer, name string) string {
	if len(peers) == 0 {
		return "federation: peers: " + name + ": …; or leave it out"
	}
	return "sites: " + keys(peers)
}
