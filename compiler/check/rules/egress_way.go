package rules

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// unprinted is why nothing is printed for a provider of source addresses.
var unprinted = map[string]string{
	"calico": "its open-source release has no egress gateway",
}

// EgressProviderUnprinted refuses providers that nothing is printed for.
var EgressProviderUnprinted = &check.Rule{
	ID: "MG6181", Name: "egress-provider-unprinted", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an egress gateway's provider is one for which there is no output

Calico's egress gateways are of Calico Enterprise and Calico Cloud: pods of an EgressGateway (operator.tigera.io) with addresses
of a pool, and an EgressGatewayPolicy (projectcalico.org) that the annotation of a namespace leads to. Nothing here prints them,
and the open-source release would refuse them. Three other providers have output. Cilium carries packets to the node that has
the address and rewrites them there. With provider host, connections pass pods of the mesh's own egress gateway on the machines
that have the addresses; with provider kube-vip they pass one pod, whose Service has the address.
Source: tigera/operator, pkg/imports/crds (kinds of Calico Enterprise), and Calico documentation, Egress gateways; read
2026-11-21.`,
	Run: func(p *check.Pass) {
		for n, e := range byKey(p.Site.EgressGateways) {
			if why := unprinted[e.Provider]; why != "" {
				p.Reportf(site.Join("egressGateways", n, "provider"), "egress gateway %q: provider %s is not supported: %s", n, e.Provider, why).
					Hintf("provider: \"host\" with Istio's sidecars, or provider: \"cilium\" with Cilium as the pod network")
			}
		}
	},
}

// EgressUnderlay finds nodes that the packets cannot be carried between.
var EgressUnderlay = &check.Rule{
	ID: "MG6182", Name: "egress-underlay", Severity: diag.Error, On: check.OnSite,
	Doc: `Cilium gives out source addresses, and a node has no IPv4 address

Packets are carried to the gateway's node inside of IPv4; over anything else Cilium's agent does not start.
Source: Cilium v1.20.2, pkg/egressgateway/manager.go, "egress gateway requires an IPv4 underlay", 2026-11-21.`,
	Run: func(p *check.Pass) {
		for gn, g := range byKey(p.Site.EgressGateways) {
			if g.Provider != "cilium" {
				continue
			}
			for rn, r := range byKey(p.Site.Racks) {
				for nn, n := range byKey(r.Nodes) {
					if !slices.ContainsFunc(n.Address, func(a string) bool { return !strings.Contains(a, ":") }) {
						p.Reportf(site.Join("egressGateways", gn, "provider"), "the provider of egress gateway %q is cilium, which needs IPv4 between nodes, and node %s has none", gn, nn).
							Related(site.Join("racks", rn, "nodes", nn, "address"), "its addresses")
						return
					}
				}
			}
		}
	},
}

// EgressTwoWays finds one address that a service reaches on two ways.
var EgressTwoWays = &check.Rule{
	ID: "MG6183", Name: "egress-two-ways", Severity: diag.Error, On: check.OnSite,
	Doc: `a service reaches one address by two destinations that leave the site on different ways

A packet shows an address and not which of the two destinations was meant: both leave with the same source.
Source: Cilium v1.20.2, pkg/egressgateway: policies are kept by pod and destination, 2026-11-21.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			type way struct{ external, via string }
			first := map[netip.Addr]way{}
			for _, name := range s.Egress {
				e := p.Site.External[name]
				if e == nil {
					continue
				}
				for i, a := range e.Addresses {
					ip, err := netip.ParseAddr(a)
					if err != nil {
						continue
					}
					if f, ok := first[ip]; ok && f.via != e.Via {
						p.Reportf(site.Join("external", name, "addresses", site.Index(i)), "service %s/%s reaches %s as %q and as %q, which leave the site on different ways", s.namespace, s.name, ip, f.external, name).
							Related(site.Join("external", f.external), "the other destination").Hintf("the same via in both")
					} else if !ok {
						first[ip] = way{name, e.Via}
					}
				}
			}
		}
	},
}
