package rules

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// linkerdFlatRules are about how sites reach each other: by gateways, or from pod to pod as Linkerd can.
var linkerdFlatRules = []*check.Rule{
	FederationWay,
	FlatPods,
	FlatTrust,
	FlatRanges,
	FederatedMember,
	FederatedCaller,
}

// isFlat reports whether a site is joined with others from pod to pod, by Linkerd.
func isFlat(s *site.Site) bool {
	f := s.Federation
	return s.Mesh.Kind == "linkerd" && f != nil && f.Linkerd != nil && f.Linkerd.Mode == "flat"
}

// FederationWay finds sites that do not know how they reach each other.
var FederationWay = &check.Rule{
	ID: "MG5570", Name: "federation-way", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `what leads from one site to the other is missing, or is said and nobody goes that way

Sites reach each other by gateways: each names its own and the addresses of the others'. Linkerd in mode flat goes from pod to
pod: there are no gateways, and each site names the networks of the others' pods, for policy and for what is not translated.
Source: linkerd/linkerd2 edge-26.6.3 multicluster/cmd/link-gen.go, --gateway; linkerd.io 2.20, multicluster communication.`,
	Run: func(p *check.Pass) {
		f, flat := p.Site.Federation, isFlat(p.Site)
		if f == nil {
			return
		}
		if f.Linkerd != nil && p.Site.Mesh.Kind != "linkerd" {
			p.Reportf("federation.linkerd", "it says how Linkerd joins sites, and the mesh is %s", p.Site.Mesh.Kind).Related("mesh.kind", "the mesh").Hintf("leave it out")
		}
		switch {
		case flat && f.Gateway != "":
			p.Reportf("federation.gateway", "pods of the sites reach each other, and nobody comes in at gateway %q", f.Gateway).Related("federation.linkerd.mode", "the mode").Hintf("leave it out")
		case !flat && f.Gateway == "":
			p.Reportf("federation", "other sites come in at a gateway, and none is named").Hintf("gateway: a name in gateways, of purpose \"federation\"").Related("mesh.kind", "the mesh")
		}
		for pn, peer := range byKey(f.Peers) {
			at := site.Join("federation", "peers", pn)
			switch {
			case flat && len(peer.GatewayAddresses) > 0:
				p.Reportf(at+".gatewayAddresses", "pods of site %s are reached at their own addresses, and nobody asks for a gateway there", pn).Related("federation.linkerd.mode", "the mode").Hintf("leave it out")
			case !flat && len(peer.GatewayAddresses) == 0:
				p.Reportf(at, "site %s is reached at its gateway, whose addresses are not given", pn).Hintf("gatewayAddresses: […]")
			}
			switch {
			case flat && len(peer.PodCIDRs) == 0:
				p.Reportf(at, "pods of site %s are reached at their own addresses, and their networks are not given", pn).Related("federation.linkerd.mode", "the mode").Hintf("podCIDRs: […], as that site has them")
			case !flat && len(peer.PodCIDRs) > 0:
				p.Reportf(at+".podCIDRs", "site %s is reached at its gateway, and nobody asks for the networks of its pods", pn).Hintf("leave it out; or federation: linkerd: mode: \"flat\", which mesh linkerd can")
			}
		}
	},
}

// FlatPods finds a site whose pods no other site reaches at their own addresses, or that hides them.
var FlatPods = &check.Rule{
	ID: "MG5571", Name: "flat-pods", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `sites reach each other's pods, and those of this site are not announced, or are translated

What a node does not announce no router outside knows. Cilium puts a node's address in place of a pod's on everything that leaves
its own network, but for what its agent for masquerading is told, which works in BPF alone: the policy of the other site
would see nodes. Calico leaves addresses as they are on the way to any of its pools, those in which it gives out nothing too: the
networks of other sites are written as such. Another pod network's announcements are not written.
Source: docs.cilium.io, Masquerading; cilium/cilium daemon/cmd, "BPF ip-masq-agent requires"; projectcalico/calico v3.31.7
felix/dataplane/linux/masq_mgr.go; linkerd.io 2.20, multicluster, flat networks.`,
	Run: func(p *check.Pass) {
		if !isFlat(p.Site) {
			return
		}
		k := p.Site.Kubernetes
		if b := p.Site.Fabric.BGP; b == nil || !b.Advertise.Pods {
			at := "fabric"
			if b != nil {
				at = "fabric.bgp"
			}
			p.Reportf(at, "the ranges of pods are not announced: other sites reach none").Related("federation.linkerd.mode", "the mode").
				Hintf("fabric: bgp: advertise: pods: true; or mode: \"gateway\"")
		}
		if k.CNI.Kind != "cilium" {
			return // Calico has what it takes; announced-pods-without-output is about the others
		}
		if !p.Site.Components.CNI.Managed {
			p.Reportf("components.cni.managed", "pods are to keep their addresses on the way to other sites, and the values of Cilium are somebody else's").
				Related("federation.linkerd.mode", "the mode").Hintf("components: cni: managed: true")
		}
		if o, at := ciliumOptions(p.Site, "bpfMasquerade"); !o.BPFMasquerade {
			p.Reportf(at, "Cilium translates the addresses of pods in iptables (bpfMasquerade is false), where nothing outside of its own network is left out").
				Related("federation.linkerd.mode", "the mode").Hintf("kubernetes: cni: cilium: bpfMasquerade: true")
		}
	},
}

// FlatTrust finds two sites whose services have one identity.
var FlatTrust = &check.Rule{
	ID: "MG5572", Name: "flat-trust-domain", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `sites whose pods reach each other have one trust domain

A callee knows a caller by the name in its certificate: ServiceAccount, namespace and trust domain. With one trust domain a
ServiceAccount is the same one at every site, and whoever has it there may do what the one here may. A root for all of them
is what they need in common, and no more.
Source: linkerd/linkerd2 edge-26.6.3 controller/api/destination/server.go, remoteConfig.TrustDomain;
policy-controller/k8s/index, meshtls_authentication.`,
	Run: func(p *check.Pass) {
		if !isFlat(p.Site) {
			return
		}
		first := map[string]string{p.Site.Mesh.TrustDomain: "mesh"}
		for pn, peer := range byKey(p.Site.Federation.Peers) {
			at := site.Join("federation", "peers", pn, "trustDomain")
			other, taken := first[peer.TrustDomain]
			if !taken {
				first[peer.TrustDomain] = at
				continue
			}
			p.Reportf(at, "site %s has trust domain %s, as another has: nobody tells their callers apart", pn, peer.TrustDomain).Related(other, "the other").
				Hintf("trustDomain: %q, there and here", pn+".example.net")
		}
	},
}

// FlatRanges finds pods of two sites with one address.
var FlatRanges = &check.Rule{
	ID: "MG5573", Name: "flat-ranges", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `networks of another site's pods overlap with others, or are of a family that pods here do not have

An address stands for one pod: packets to the other stay here. And a pod without an address of a family sends nothing of it.
Source: linkerd.io 2.20, multicluster, flat networks: pods have to reach each other.`,
	Run: func(p *check.Pass) {
		if !isFlat(p.Site) {
			return
		}
		type network struct {
			prefix    netip.Prefix
			what, at  string
			pods, own bool
		}
		var known []network
		add := func(text, what, at string, pods, own bool) *network {
			x, err := netip.ParsePrefix(text)
			if err != nil {
				return nil
			}
			known = append(known, network{x, what, at, pods, own})
			return &known[len(known)-1]
		}
		k := p.Site.Kubernetes
		for i, c := range k.PodCIDRs {
			add(c, "pods here", "kubernetes.podCIDRs."+site.Index(i), true, true)
		}
		for i, c := range k.ServiceCIDRs {
			add(c, "Services here", "kubernetes.serviceCIDRs."+site.Index(i), false, true)
		}
		for rn, r := range byKey(p.Site.Racks) {
			for i, c := range r.Subnets {
				add(c, "nodes of rack "+rn, site.Join("racks", rn, "subnets", site.Index(i)), false, true)
			}
		}
		for pn, peer := range byKey(p.Site.Federation.Peers) {
			for i, c := range peer.PodCIDRs {
				at := site.Join("federation", "peers", pn, "podCIDRs", site.Index(i))
				before := len(known)
				it := add(c, "pods of site "+pn, at, true, false)
				if it == nil {
					continue
				}
				spoken := false
				for _, o := range known[:before] {
					spoken = spoken || o.own && o.pods && o.prefix.Addr().Is6() == it.prefix.Addr().Is6()
					if o.prefix.Overlaps(it.prefix) {
						p.Reportf(at, "%s of pods of site %s overlaps with %s of %s", it.prefix, pn, o.prefix, o.what).Hintf("networks of their own for the pods of each site").Related(o.at, "that network")
					}
				}
				if !spoken {
					p.Reportf(at, "%s of pods of site %s is of a family that pods here have no address of", it.prefix, pn).Hintf("leave it out, or a network of that family in kubernetes.podCIDRs").Related("kubernetes.podCIDRs", "the pods here")
				}
			}
		}
	},
}

// federatedSuffix is what the name of a federated service ends in.
const federatedSuffix = "-federated"

// FederatedMember finds a service that cannot be one with those of its name at other sites.
var FederatedMember = &check.Rule{
	ID: "MG5574", Name: "federated-member", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service is to be one with those of its name at other sites, and cannot

Linkerd makes the common name where pods of the sites reach each other, and reads who stands behind it by the members' own
Services: they have an address, and admit somebody of another site. Other meshes have no such word: Istio and Cilium take
exported services of one name and namespace for one anyhow, whoever calls, and a peering of Consul's joins none.
Source: linkerd/linkerd2 edge-26.6.3 multicluster/service-mirror/cluster_watcher.go, handleCreateFederatedService,
federatedServiceName; linkerd.io 2.20, federated services.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			if !s.Federated {
				continue
			}
			at := s.path + ".federated"
			if !isFlat(p.Site) {
				r := p.Reportf(at, "%s is to be one with its namesakes at other sites, and the site is not joined with others from pod to pod", s.full()).
					Hintf("leave it out; what can: linkerd, with federation: linkerd: mode: \"flat\"").Related("mesh.kind", "the mesh")
				if p.Site.Federation != nil {
					r.Related("federation", "the federation")
				}
				continue
			}
			admits := slices.ContainsFunc(s.Allow, func(a site.Allow) bool {
				return slices.ContainsFunc(a.From, func(c string) bool { return strings.Contains(c, ":") })
			})
			if !admits {
				p.Reportf(at, "%s is to be one with its namesakes at other sites, and admits nobody of another one", s.full()).Hintf("allow: [{from: [\"SITE:NAMESPACE/SERVICE\"]}]")
			}
			name := s.name + federatedSuffix
			if len(name) > 63 {
				p.Reportf(at, "%s is known together with its namesakes as %s, which has %d characters, more than 63", s.full(), name, len(name)).Hintf("a name of at most %d characters for the service, at each of the sites", 63-len(federatedSuffix))
			}
			if n := p.Site.Namespaces[s.namespace]; n.Services[name] != nil {
				p.Reportf(at, "%s is known together with its namesakes as %s, and there is such a service", s.full(), name).Hintf("another name for that service, or for the federated one").
					Related(site.Join("namespaces", s.namespace, "services", name), "the service")
			}
		}
	},
}

// FederatedCaller finds a caller of a federated service that a part of its pods would refuse.
var FederatedCaller = &check.Rule{
	ID: "MG5575", Name: "federated-caller", Severity: diag.Error, On: check.OnSite,
	Doc: `a service calls a federated one at another site, and not the one here

Of what it sends to the common name the pods of every site get a share. Those here admit whoever calls them, and refuse it:
some requests fail, and nobody sees a pattern in which.
Source: linkerd/linkerd2 edge-26.6.3 controller/api/destination/federated_service_watcher.go, local and remote discovery.`,
	Run: func(p *check.Pass) {
		if !isFlat(p.Site) {
			return
		}
		for s := range services(p.Site) {
			for i, c := range s.Calls {
				peer, rest, remote := strings.Cut(c, ":")
				own := lookup(p.Site, rest)
				if !remote || own == nil || !own.Federated || p.Site.Federation.Peers[peer] == nil || rest == s.namespace+"/"+s.name || slices.Contains(s.Calls, rest) {
					continue
				}
				ns, sn, _ := strings.Cut(rest, "/")
				p.Reportf(s.path+".calls."+site.Index(i), "%s calls %s of site %s, which is one with that of this site, and does not call that", s.full(), rest, peer).
					Related(site.Join("namespaces", ns, "services", sn, "federated"), "the service here").Hintf("calls: [%q, %q]", rest, c)
			}
		}
	},
}

// FlatDisagrees finds two sites that do not reach each other as they think.
var FlatDisagrees = &check.Rule{
	ID: "MG5576", Name: "flat-disagrees", Severity: diag.Error, On: check.OnFleet,
	Doc: `two sites join each other in different ways, or a site says of another's pods what is not so

One waits for a gateway that the other does not have. Networks of pods decide what policy admits and what is not translated:
calls from others than these are dropped.
Source: linkerd/linkerd2 edge-26.6.3 multicluster/service-mirror/cluster_watcher.go, isExported, isRemoteDiscovery.`,
	Run: func(p *check.Pass) {
		eachPeer(p, func(n, other int, name string, peer *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			if here.Mesh.Kind != "linkerd" || there.Mesh.Kind != "linkerd" || there.Federation == nil {
				return
			}
			if isFlat(here) != isFlat(there) {
				if isFlat(here) {
					p.ReportIn(n, "federation.linkerd.mode", "pods of this site reach those of site %s, which is joined by gateways", name).Hintf("mode: \"flat\" at both sites, or \"gateway\" at both").
						RelatedIn(other, "federation", "the federation there")
				}
				return
			}
			if a, b := slices.Sorted(slices.Values(peer.PodCIDRs)), slices.Sorted(slices.Values(there.Kubernetes.PodCIDRs)); isFlat(here) && !slices.Equal(a, b) {
				p.ReportIn(n, site.Join("federation", "peers", name, "podCIDRs"), "pods of site %s have addresses of %s, not of %s", name, strings.Join(b, ", "), strings.Join(a, ", ")).Hintf("podCIDRs: %s", strings.Join(b, ", ")).
					RelatedIn(other, "kubernetes.podCIDRs", "the pods there")
			}
		})
	},
}

// FederatedDiffers finds services that are one by name, and are not one.
var FederatedDiffers = &check.Rule{
	ID: "MG5577", Name: "federated-differs", Severity: diag.Error, On: check.OnFleet,
	Doc: `a federated service has other ports at another site, is no member there, or refuses a caller

The common name has the ports of one member, and requests go to the pods of all. A site whose service of that name is no
member has no share, although it is called as one; a member that does not admit a caller of the others refuses its share.
Source: linkerd/linkerd2 edge-26.6.3 multicluster/service-mirror/cluster_watcher.go, handleFederatedServiceJoin.`,
	Run: func(p *check.Pass) {
		eachPeer(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			if !isFlat(here) || !isFlat(there) {
				return
			}
			for s := range services(here) {
				if !s.Federated {
					continue
				}
				at, far := s.path+".federated", site.Join("namespaces", s.namespace, "services", s.name)
				twin := lookup(there, s.full())
				switch {
				case twin == nil:
					continue
				case !twin.Federated:
					p.ReportIn(n, at, "%s is federated here and not at site %s, which has one of its name", s.full(), name).RelatedIn(other, far, "the one there").Hintf("federated: true, there too")
					continue
				}
				for pn, port := range byKey(s.Ports) {
					if o := twin.Ports[pn]; n < other && (o == nil || o.Port != port.Port || o.Protocol != port.Protocol) {
						p.ReportIn(n, s.path+"."+site.Join("ports", pn), "port %s of %s is not that of the one at site %s, with which it is one", pn, s.full(), name).Hintf("the same ports at each of the sites").RelatedIn(other, far, "the one there")
					}
				}
				federatedCallers(p, n, other, s, twin)
			}
		})
	},
}

// federatedCallers reports callers here of a federated service that its member at another site does not admit.
func federatedCallers(p *check.Pass, n, other int, s placed, twin *site.Service) {
	here, there := p.Fleet[n], p.Fleet[other]
	for caller := range services(here) {
		third := slices.IndexFunc(caller.Calls, func(c string) bool {
			peer, rest, remote := strings.Cut(c, ":")
			return remote && peer != there.Name && rest == s.full()
		})
		me := here.Name + ":" + caller.full()
		if third >= 0 && !slices.ContainsFunc(twin.Allow, func(a site.Allow) bool { return slices.Contains(a.From, me) }) {
			p.ReportIn(n, caller.path+".calls."+site.Index(third), "%s calls %s at several sites as one, and the one at site %s does not admit it", caller.full(), s.full(), there.Name).
				RelatedIn(other, site.Join("namespaces", s.namespace, "services", s.name), "the one there").Hintf("allow: [{from: [%q]}], there", me)
		}
	}
}
