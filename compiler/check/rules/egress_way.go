package rules

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

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
						p.Reportf(site.Join("egressGateways", gn, "provider"), "the provider of egress gateway %q is cilium, which needs IPv4 between nodes, and node %s has none", gn, nn).Hintf("address: one of IPv4 as well; or provider: \"host\"").
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
