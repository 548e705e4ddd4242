package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// L2OneEntry tells that one node takes all connections of a gateway, whose pods all serve them.
var L2OneEntry = &check.Rule{
	ID: "MG4201", Name: "l2-one-entry", Severity: diag.Note, On: check.OnSite,
	Doc: `a gateway's policy is Cluster, and its addresses are announced at layer 2

One node at a time answers ARP and neighbour discovery for a Service, and takes every connection: with Cluster it spreads
them over the pods, and its own interface and connection table are what all of them have.
Source: MetalLB documentation, layer 2 mode, limitations: single-node bottlenecking; speaker/layer2_controller.go.`,
	Run: func(p *check.Pass) {
		for n, g := range byKey(p.Site.Gateways) {
			if g.ExternalTrafficPolicy == "Cluster" && announces(p.Site, g.Pool, "l2") {
				p.Reportf(site.Join("gateways", n, "pool"), "one node takes every connection of gateway %q: pool %q is announced by l2", n, g.Pool).
					Related(site.Join("pools", g.Pool, "announce", "protocol"), "the protocol")
			}
		}
	},
}
