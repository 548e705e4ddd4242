package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// GatewayCapacityLost finds a promise that the pods of a gateway cannot keep.
var GatewayCapacityLost = &check.Rule{
	ID: "MG6106", Name: "gateway-capacity-lost", Severity: diag.Error, On: check.OnSite,
	Doc: `the loss of a node, switch or rack leaves a gateway less than resilience.minimumCapacity

The site promises to survive that loss. Pods are spread as evenly as nodes allow, so the worst share that one place holds
is known beforehand; what is left would be overrun in the minute that matters.
Source: Kubernetes documentation, topology spread constraints, maxSkew 1.`,
	Run: func(p *check.Pass) {
		res := p.Site.Resilience
		if res == nil {
			return
		}
		c := takeCensus(p.Site)
		want := site.ParsePercent(res.MinimumCapacity)
		for n, g := range byKey(p.Site.Gateways) {
			places := c.places(p.Site, g)
			if podless(p.Site, g) || len(places) == 0 {
				continue
			}
			node, rack := worstLoss(g, places)
			single := map[string]int{} // racks that go with their only switch
			for rn, k := range places {
				if len(p.Site.Racks[rn].ToRs) == 1 {
					single[rn] = k
				}
			}
			tor := 0
			if len(single) > 0 {
				tor = worstRack(g, places, single)
			}
			for i, loss := range res.Survive {
				lost := map[string]int{"node": node, "tor": tor, "rack": rack}[loss]
				left := (g.Replicas - lost) * 100 / g.Replicas
				if lost == 0 || left >= want {
					continue
				}
				if loss == "tor" {
					loss = "top-of-rack switch"
				}
				p.Reportf(site.Join("gateways", n, "replicas"), "the loss of one %s may take %d of the %d pods of gateway %q and leave %d%%, under %s", loss, lost, g.Replicas, n, left, res.MinimumCapacity).
					Hintf("more pods, or nodes of class %q in more racks; its nodes: %d in %s", g.Placement.Class, total(places), keys(places)).
					Related(site.Join("resilience", "survive", site.Index(i)), "the promise")
				break
			}
		}
	},
}

// worstLoss returns how many pods of a gateway one node, and one rack, holds at most.
func worstLoss(g *site.Gateway, places map[string]int) (node, rack int) {
	rack = worstRack(g, places, places)
	if nodes := total(places); g.Placement.Spread == "node" {
		return (g.Replicas + nodes - 1) / nodes, rack
	}
	for _, k := range places {
		node = max(node, (rack+k-1)/k)
	}
	return node, rack
}

// worstRack returns how many pods of a gateway one of some racks holds at most.
func worstRack(g *site.Gateway, places, of map[string]int) int {
	if g.Placement.Spread == "rack" {
		return (g.Replicas + len(places) - 1) / len(places)
	}
	worst, nodes := 0, total(places)
	each, more := g.Replicas/nodes, g.Replicas%nodes
	for _, k := range of {
		worst = max(worst, k*each+min(k, more))
	}
	return worst
}
