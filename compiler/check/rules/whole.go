package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// wholeRules are about blocks that are there and have nothing in them.
var wholeRules = []*check.Rule{
	SiteWithoutNodes,
	RoutesWithoutGatewayAPI,
	FederationWithoutPeers,
	SpeakerLinkMissing,
	MachineAddressTwice,
}

// SiteWithoutNodes finds a site that has no machine.
var SiteWithoutNodes = &check.Rule{
	ID: "MG5825", Name: "site-without-nodes", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `no rack has a node

There is nothing to configure and nothing that pods could run on: every affinity, topology spread and session of the output
would name machines that nobody has.`,
	Run: func(p *check.Pass) {
		for _, r := range p.Site.Racks {
			if len(r.Nodes) > 0 {
				return
			}
		}
		p.Reportf("racks", "the site has no node").Hintf("racks: RACK: nodes: NAME: {class: …, address: …}")
	},
}

// RoutesWithoutGatewayAPI finds routes between services in a cluster that does not have their kinds.
var RoutesWithoutGatewayAPI = &check.Rule{
	ID: "MG5826", Name: "routes-without-gateway-api", Severity: diag.Error, On: check.OnPlan, Guard: true,
	Doc: `the mesh is told of services by routes of the Gateway API, and the cluster has none

Linkerd and Cilium take shares, timeouts and what is told apart by path or method as routes whose parent is a Service, a
Server or an EgressNetwork. Their kinds come with the Gateway API, of which neither chart brings any that meshgen relies on:
without it the API server refuses the objects.
Source: linkerd.io 2.20, Gateway API support; docs.cilium.io 1.20, GAMMA support.`,
	When: func(p *check.Pass) bool {
		k := p.Site.Mesh.Kind
		return p.Site.Kubernetes.GatewayAPI == nil && (k == "linkerd" || k == "cilium")
	},
	Run: func(p *check.Pass) {
		if p.Site.Kubernetes.GatewayAPI != nil {
			return
		}
		needs := routesOf(p.Plan)
		if len(needs) == 0 {
			return
		}
		what := needs[0].String()
		if n := len(needs) - 1; n > 0 {
			what = fmt.Sprintf("%s, and %d more,", what, n)
		}
		r := p.Reportf("kubernetes.gatewayAPI", "%s stands for %s, and kubernetes.gatewayAPI is not given", what, needs[0].asked())
		gatewayAPIToGive(p, r)
		if len(needs[0].from) > 0 {
			r.Related(needs[0].from[0], "what it stands for")
		}
	},
}

// gatewayRoute is an object of the Gateway API that belongs to no gateway.
type gatewayRoute struct {
	namespace, name string
	from            ir.From
}

func (r gatewayRoute) String() string { return "route " + r.namespace + "/" + r.name }

// asked is the place of the site that the route comes from.
func (r gatewayRoute) asked() string {
	if len(r.from) == 0 {
		return "the mesh"
	}
	return r.from[0]
}

// routesOf lists the routes that a mesh has besides those of gateways.
func routesOf(plan *ir.Plan) []gatewayRoute {
	var out []gatewayRoute
	if k := plan.Linkerd; k != nil {
		servers := k.ServerRoutes
		for _, s := range k.Stages {
			servers = append(servers[:len(servers):len(servers)], s.Routes...)
		}
		for _, r := range servers {
			out = append(out, gatewayRoute{r.Namespace, r.Name, r.From})
		}
		for _, r := range k.Routes {
			out = append(out, gatewayRoute{r.Namespace, r.Name, r.From})
		}
		for _, n := range k.Outside {
			for _, x := range n.Exits {
				out = append(out, gatewayRoute{n.Namespace, x.Name, x.From})
			}
		}
	}
	if k := plan.CiliumMesh; k != nil {
		for _, r := range k.Routes {
			out = append(out, gatewayRoute{r.Namespace, r.Service, r.From})
		}
	}
	return out
}

// gatewayAPIToGive hints at a release of the Gateway API that suits what runs on the site.
func gatewayAPIToGive(p *check.Pass, r *check.Report) {
	if suits := suitsAll(parties(p), onGatewayAPI); suits != "" {
		r.Hintf("kubernetes: gatewayAPI: version: …; %s suits what runs here", suits)
		return
	}
	r.Hintf("kubernetes: gatewayAPI: version: …, with a patch; lines: %s", strings.Join(p.Profiles.Kubernetes().GatewayAPILines(), ", "))
}

// FederationWithoutPeers finds a federation of one.
var FederationWithoutPeers = &check.Rule{
	ID: "MG5827", Name: "federation-without-peers", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `federation names no other site

What stands for a federation is made for each peer: links, secrets, policies that admit its gateway. Without any, a gateway
between sites would be open with nobody on the list of who comes in.`,
	Run: func(p *check.Pass) {
		if f := p.Site.Federation; f != nil && len(f.Peers) == 0 {
			p.Reportf(site.Join("federation", "peers"), "federation names no other site").Hintf("peers: SITE: {…}; or leave federation out until there is another site")
		}
	},
}

// SpeakerLinkMissing finds a node that is to announce to a switch that it has no cable to.
var SpeakerLinkMissing = &check.Rule{
	ID: "MG5828", Name: "speaker-link-missing", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a node of an unnumbered rack announces addresses, and has no link to one of the rack's switches

Its load balancer has a session with each switch of the rack, between loopback addresses. Each end learns the other's over the
cable between them; to a switch without one the packets would go around by the other switch and a spine, and what is
announced would point a rack's traffic there and back.`,
	Run: func(p *check.Pass) {
		if p.Site.Fabric.BGP == nil || !announcesBGP(p.Site) {
			return
		}
		classes := speakerClasses(p.Site)
		for rn, r := range byKey(p.Site.Racks) {
			if r.Homing != "unnumbered" || !rackAnnounces(p.Site, rn) {
				continue
			}
			for nn, n := range byKey(r.Nodes) {
				for tn, t := range byKey(r.ToRs) {
					if slices.Contains(classes, n.Class) && len(n.Links) > 0 && n.Links[tn] == "" && t.ASN != 0 {
						p.Reportf(site.Join("racks", rn, "nodes", nn, "links"), "node %s announces addresses to switch %q, and has no link to it", nn, tn).
							Related(site.Join("racks", rn, "tors", tn), "the switch").Hintf("links: %s: \"INTERFACE\"; or nodes of another class announce", tn)
					}
				}
			}
		}
	},
}

// MachineAddressTwice finds an address that two VMs of Linkerd have.
var MachineAddressTwice = &check.Rule{
	ID: "MG5829", Name: "vm-address-twice", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `under Linkerd two VMs have one address

A machine runs one proxy, with one certificate, which the ExternalWorkload of its address names. Of two, callers ask the proxy
for either name, and one of them is not in the certificate.
Source: linkerd.io 2.20, Adding non-Kubernetes workloads to your mesh; linkerd/linkerd2 version-2.20
controller/api/destination/watcher, external workloads by address.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "linkerd" {
			return
		}
		first := map[netip.Addr]placed{}
		places := map[netip.Addr]string{}
		for s := range services(p.Site) {
			if s.Workload != "VM" {
				continue
			}
			for i, text := range s.Addresses {
				a, err := netip.ParseAddr(text)
				if err != nil {
					continue
				}
				here := s.path + ".addresses." + site.Index(i)
				if o, ok := first[a]; ok {
					p.Reportf(here, "VM %s has address %s, which VM %s has too: its proxy has one identity", s.full(), a, o.full()).
						Related(places[a], "first used here").Hintf("one service with the ports of both; or an address of its own, with a proxy there")
					continue
				}
				first[a], places[a] = s, here
			}
		}
	},
}
