package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// podless reports whether a gateway has no pods of its own: Cilium serves its own from the proxy on every node.
func podless(s *site.Site, g *site.Gateway) bool {
	return s.Mesh.Kind == "cilium" && g.Frontend == "gateway-api" && g.Implementation == nil
}

// census counts nodes once, so that a gateway need not.
type census struct {
	announcing map[string]bool           // racks that speak BGP and have a node that announces
	nodes      map[string]map[string]int // class to rack to nodes
}

func takeCensus(s *site.Site) census {
	c := census{announcing: map[string]bool{}, nodes: map[string]map[string]int{}}
	classes := map[string]bool{}
	for _, name := range speakerClasses(s) {
		classes[name] = true
	}
	for rn, r := range s.Racks {
		bgp := false
		for _, t := range r.ToRs {
			bgp = bgp || t.ASN != 0
		}
		for _, n := range r.Nodes {
			if c.nodes[n.Class] == nil {
				c.nodes[n.Class] = map[string]int{}
			}
			c.nodes[n.Class][rn]++
			if bgp && classes[n.Class] {
				c.announcing[rn] = true
			}
		}
	}
	return c
}

// places returns the nodes on which a gateway's pods may run, by rack: those of its class, where its pool is announced.
func (c census) places(s *site.Site, g *site.Gateway) map[string]int {
	out := map[string]int{}
	pool := s.Pools[g.Pool]
	if pool == nil {
		return out
	}
	for rn, n := range c.nodes[g.Placement.Class] {
		if a := pool.Announce; a != nil && a.Protocol == "bgp" &&
			(!c.announcing[rn] || len(a.Racks) > 0 && !slices.Contains(a.Racks, rn)) {
			continue
		}
		out[rn] = n
	}
	return out
}

func total(places map[string]int) int {
	n := 0
	for _, k := range places {
		n += k
	}
	return n
}

// GatewaySingleReplica finds a gateway that one drain takes away.
var GatewaySingleReplica = &check.Rule{
	ID: "MG6103", Name: "gateway-single-replica", Severity: diag.Warning, On: check.OnSite,
	Doc: `a gateway of a production site has one pod

A drain, a crash or an upgrade of its node takes the gateway away until another pod is ready, and no disruption budget
can stop the drain: one that keeps the only pod would block it for ever.
Source: Kubernetes documentation, Specifying a Disruption Budget for your Application: single-instance.`,
	Run: func(p *check.Pass) {
		if p.Site.Environment != "production" {
			return
		}
		for n, g := range byKey(p.Site.Gateways) {
			if g.Replicas == 1 && !podless(p.Site, g) {
				p.Reportf(site.Join("gateways", n, "replicas"), "gateway %q has 1 pod in environment \"production\"", n).
					Hintf("replicas: 2").Related("environment", "the environment")
			}
		}
	},
}

// GatewayOneRack finds a gateway whose pods are bound to one rack of several.
var GatewayOneRack = &check.Rule{
	ID: "MG6101", Name: "gateway-one-rack", Severity: diag.Error, On: check.OnSite,
	Doc: `a gateway under Local may run in one failure domain only, and the site has several

Under Local only nodes with a pod announce its addresses: with the power or the switches of that one rack all of them are
gone, whatever the number of pods. Outside production it is a warning.
Source: MetalLB documentation, BGP mode; Kubernetes documentation, topology spread constraints.`,
	Run: func(p *check.Pass) {
		c := takeCensus(p.Site)
		domains := map[string]bool{} // of racks that have nodes at all
		for _, r := range p.Site.Racks {
			if len(r.Nodes) > 0 {
				domains[r.FailureDomain] = true
			}
		}
		for n, g := range byKey(p.Site.Gateways) {
			// One pod is in one rack anyway, which its own rule says; layer 2 ends at the rack's subnet.
			if g.ExternalTrafficPolicy != "Local" || g.Replicas < 2 || podless(p.Site, g) || !announces(p.Site, g.Pool, "bgp") {
				continue
			}
			places := c.places(p.Site, g)
			mine := map[string]bool{}
			for rn := range places {
				mine[p.Site.Racks[rn].FailureDomain] = true
			}
			a := p.Site.Pools[g.Pool].Announce
			mute := slices.ContainsFunc(a.Racks, func(rn string) bool { return !c.announcing[rn] }) // unknown-rack says so
			if len(mine) != 1 || len(domains) < 2 || mute {
				continue
			}
			r := p.Reportf(site.Join("gateways", n, "placement", "class"), "the %d pods of gateway %q may run in failure domain %q only (rack %s), of %d that the site has",
				g.Replicas, n, keys(mine), keys(places), len(domains)).
				Hintf("nodes of class %q in racks of another failure domain that announce pool %q", g.Placement.Class, g.Pool).
				Related(site.Join("pools", g.Pool), "the pool")
			if p.Site.Environment != "production" {
				r.Warning()
			}
		}
	},
}

// GatewayUneven finds pods that get unequal shares.
var GatewayUneven = &check.Rule{
	ID: "MG6102", Name: "gateway-uneven", Severity: diag.Warning, On: check.OnSite,
	Doc: `a gateway with externalTrafficPolicy Local has more pods than nodes, and not the same number on each

Switches share connections among nodes, not among pods: a pod that is alone on its node gets twice what each of two on
another gets, and is full while they idle.
Source: MetalLB documentation, BGP mode: traffic policies; equal-cost paths count next hops.`,
	Run: func(p *check.Pass) {
		c := takeCensus(p.Site)
		for n, g := range byKey(p.Site.Gateways) {
			if g.ExternalTrafficPolicy != "Local" || podless(p.Site, g) || !announces(p.Site, g.Pool, "bgp") {
				continue
			}
			places := c.places(p.Site, g)
			if k := total(places); k > 0 && g.Replicas > k && g.Replicas%k != 0 {
				p.Reportf(site.Join("gateways", n, "replicas"), "gateway %q has %d pods on %d nodes of class %q: switches share among nodes, and its pods get unequal loads", n, g.Replicas, k, g.Placement.Class).
					Hintf("replicas: %d, one a node", k).Related(site.Join("gateways", n, "placement", "class"), "the class; its racks: %s", keys(places))
			}
		}
	},
}

// GatewayUnschedulable finds a gateway on nodes that take no pods.
var GatewayUnschedulable = &check.Rule{
	ID: "MG6104", Name: "gateway-unschedulable", Severity: diag.Error, On: check.OnSite,
	Doc: `a gateway is placed on a class of nodes that ordinary pods may not use

Its pods tolerate the taints that the class declares, not the one that keeps pods off the control plane: they stay
pending, and the address is announced by nobody.
Source: Kubernetes documentation, node-role.kubernetes.io/control-plane taint.`,
	Run: func(p *check.Pass) {
		for n, g := range byKey(p.Site.Gateways) {
			class := p.Site.NodeClasses[g.Placement.Class]
			if class == nil || podless(p.Site, g) {
				continue
			}
			path := site.Join("gateways", n, "placement", "class")
			at := site.Join("nodeClasses", g.Placement.Class)
			switch {
			case class.Schedulable != nil && !*class.Schedulable:
				p.Reportf(path, "gateway %q is placed on class %q, which is schedulable: false", n, g.Placement.Class).
					Hintf("schedulable: true, or another class").Related(at+".schedulable", "it takes no ordinary pods")
			case class.Schedulable == nil && class.ControlPlane:
				p.Reportf(path, "gateway %q is placed on class %q, whose control-plane nodes take no ordinary pods", n, g.Placement.Class).
					Hintf("nodeClasses: %s: schedulable: true, or another class", g.Placement.Class).Related(at+".controlPlane", "the control plane")
			}
		}
	},
}

// GatewayNotAnnounced finds a gateway on nodes that announce nothing.
var GatewayNotAnnounced = &check.Rule{
	ID: "MG6105", Name: "gateway-not-announced", Severity: diag.Error, On: check.OnSite,
	Doc: `a gateway with externalTrafficPolicy Local runs on a class that is not among the speakers

Only a node with a pod of the gateway announces its address under Local, and the nodes with pods have no sessions: the
address is given out, and no switch ever learns it.
Source: MetalLB speaker/bgp_controller.go, ShouldAnnounce; Cilium documentation, BGP Control Plane, service
advertisements.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if b == nil || b.Speakers == nil {
			return
		}
		for n, g := range byKey(p.Site.Gateways) {
			c := g.Placement.Class
			if g.ExternalTrafficPolicy != "Local" || podless(p.Site, g) || p.Site.NodeClasses[c] == nil ||
				!announces(p.Site, g.Pool, "bgp") || slices.Contains(b.Speakers.Classes, c) {
				continue
			}
			p.Reportf(site.Join("gateways", n, "placement", "class"), "gateway %q runs on class %q under Local, and the speakers are of %s", n, c, strings.Join(b.Speakers.Classes, ", ")).
				Hintf("place it on a speaker's class, or add %q to fabric.bgp.speakers.classes", c).
				Related("fabric.bgp.speakers.classes", "the speakers")
		}
	},
}

// ClusterHidesClients finds a gateway that takes nodes for its clients.
var ClusterHidesClients = &check.Rule{
	ID: "MG6107", Name: "cluster-hides-clients", Severity: diag.Warning, On: check.OnSite,
	Doc: `a gateway has externalTrafficPolicy Cluster

A node that takes a packet may hand it to another and put its own address in front: logs, rate limits and the services
behind see nodes instead of clients, and half of the traffic crosses the fabric twice. Cilium's own gateways keep the
address and are left alone; so is Cilium's layer 2, where there is no other choice.
Source: Kubernetes documentation, Preserving the client source IP.`,
	Run: func(p *check.Pass) {
		lb := p.Site.LoadBalancer
		for n, g := range byKey(p.Site.Gateways) {
			proxied := lb.Kind == "external" && lb.External != nil && lb.External.ProxyProtocol
			l2 := announces(p.Site, g.Pool, "l2") // Cluster is how layer 2 reaches more than one pod
			if g.ExternalTrafficPolicy != "Cluster" || g.Purpose != "ingress" || len(g.SourceRanges) > 0 || podless(p.Site, g) || proxied || l2 {
				continue
			}
			r := p.Reportf(site.Join("gateways", n, "externalTrafficPolicy"), "gateway %q has externalTrafficPolicy Cluster, which hides the addresses of its clients", n).
				Hintf("externalTrafficPolicy: \"Local\"")
			if p.Site.Observability.AccessLogs == "all" {
				r.Related("observability.accessLogs", "every request is logged, by a node's address")
			}
		}
	},
}
