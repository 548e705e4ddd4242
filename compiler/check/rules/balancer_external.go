package rules

import (
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// AnnounceByExternal finds announcements that nobody in the cluster makes.
var AnnounceByExternal = &check.Rule{
	ID: "MG4109", Name: "announce-by-external", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a pool is to be announced, and the load balancer is a machine in front of the cluster

Nothing in the cluster announces addresses then: the balancers own them, and what the pool says is never done.`,
	Run: func(p *check.Pass) {
		if p.Site.LoadBalancer.Kind != "external" {
			return
		}
		for n, pool := range byKey(p.Site.Pools) {
			if pool.Announce != nil {
				p.Reportf(site.Join("pools", n, "announce"), "pool %q is announced by %s, and the load balancer is external: its machines have the addresses", n, pool.Announce.Protocol).
					Hintf("remove announce").Related("loadBalancer.kind", "the load balancer")
			}
		}
	},
}

// ExternalWithoutBalancers finds an external load balancer of no machine.
var ExternalWithoutBalancers = &check.Rule{
	ID: "MG4115", Name: "external-without-balancers", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the load balancer is external, and no machine is named

There is nobody to configure, and no address from which gateways could expect traffic.`,
	Run: func(p *check.Pass) {
		lb := p.Site.LoadBalancer
		if lb.Kind == "external" && (lb.External == nil || len(lb.External.Balancers) == 0) {
			p.Reportf("loadBalancer", "the load balancer is external, and loadBalancer.external.balancers names no machine").
				Hintf("loadBalancer: external: balancers: with a name and an address each, two of them in production")
		}
	},
}

// ExternalSingleBalancer finds the one machine that everything passes.
var ExternalSingleBalancer = &check.Rule{
	ID: "MG4116", Name: "external-single-balancer", Severity: diag.Warning, On: check.OnSite,
	Doc: `a production site has one machine in front of the cluster

Its restart is an outage of every virtual address: nothing takes them over.`,
	Run: func(p *check.Pass) {
		lb := p.Site.LoadBalancer
		if lb.Kind != "external" || lb.External == nil || len(lb.External.Balancers) != 1 || p.Site.Environment != "production" {
			return
		}
		for n, b := range lb.External.Balancers {
			p.Reportf(site.Join("loadBalancer", "external", "balancers", n), "balancer %q (%s) is alone in environment \"production\"", n, b.Address).
				Hintf("a second machine").Related("environment", "the environment")
		}
	},
}

// ExternalNodePorts finds more fixed node ports than the range has room for.
var ExternalNodePorts = &check.Rule{
	ID: "MG4117", Name: "external-node-ports", Severity: diag.Warning, On: check.OnSite,
	Doc: `machines in front of the cluster need more fixed node ports than Kubernetes keeps apart

Balancers lead to node ports by number. Kubernetes keeps the low end of the range for numbers that are asked for, and
deals out the rest: above that end, another Service may have the number first, and the gateway's is refused.
Source: Kubernetes KEP-3668, reserved node port ranges: min(max(16, size/32), 128).`,
	Run: func(p *check.Pass) {
		if p.Site.LoadBalancer.Kind != "external" {
			return
		}
		need := 0
		for f := range fronts(p.Site) {
			if f.gateway != nil {
				need += len(f.gateway.Listeners)
			} else {
				need += len(f.exposure.Ports)
			}
		}
		first, last, _ := strings.Cut(p.Site.Kubernetes.NodePorts, "-")
		low, err1 := strconv.Atoi(first)
		high, err2 := strconv.Atoi(last)
		size := high - low + 1
		if err1 != nil || err2 != nil || size < 1 {
			return
		}
		static := min(max(16, size/32), 128)
		if size <= static { // a range so short is dealt out whole
			static = 0
		}
		if need > static && need <= size { // a range that is too short for all is a finding of its own
			p.Reportf("kubernetes.nodePorts", "gateways and exposures have %d ports, and of node ports %s only the first %d are kept for fixed numbers", need, p.Site.Kubernetes.NodePorts, static).
				Hintf("a longer range keeps more, at most 128").Related("loadBalancer.kind", "balancers lead to node ports")
		}
	},
}

// ExternalNothing finds balancers with nobody behind them.
var ExternalNothing = &check.Rule{
	ID: "MG5819", Name: "external-nothing", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `machines in front of the cluster have no port to pass on

HAProxy does not start without a frontend, and keepalived would keep an address that nobody asks for.
Source: haproxy 2.6.12 -c of a global section alone: "will not start (no listener)", tried 2026-11-22.`,
	Run: func(p *check.Pass) {
		if s := p.Site; s.LoadBalancer.Kind == "external" && len(s.Gateways) == 0 && len(s.Exposures) == 0 {
			p.Reportf("loadBalancer.kind", "the load balancer is external, and the site has neither a gateway nor an exposure").
				Hintf("gateways: NAME: {…}; or a load balancer that may be idle: loadBalancer: kind: \"metallb\"")
		}
	},
}

// ExternalUDP finds datagrams in front of machines that pass connections.
var ExternalUDP = &check.Rule{
	ID: "MG4118", Name: "external-udp", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a UDP port is exposed through machines in front of the cluster

Balancers of TCP connections pass no datagrams: the port stays silent at the virtual address.
Source: HAProxy configuration manual, mode: tcp and http.`,
	Run: func(p *check.Pass) {
		if p.Site.LoadBalancer.Kind != "external" {
			return
		}
		for n, e := range byKey(p.Site.Exposures) {
			for pn, port := range byKey(e.Ports) {
				if port.Protocol == "udp" {
					p.Reportf(site.Join("exposures", n, "ports", pn), "exposure %q has udp port %d, and the load balancer is external: it passes TCP", n, port.Port).Hintf("a port of tcp; or a load balancer of the cluster: loadBalancer: kind: \"metallb\"").
						Related("loadBalancer.kind", "the load balancer")
				}
			}
		}
		for n, g := range byKey(p.Site.Gateways) {
			for ln, li := range byKey(g.Listeners) {
				if li.Protocol == "udp" {
					p.Reportf(site.Join("gateways", n, "listeners", ln, "protocol"), "listener %s/%s speaks udp on port %d, and the load balancer is external: it passes TCP", n, ln, li.Port).Hintf("protocol: \"tcp\"; or a load balancer of the cluster: loadBalancer: kind: \"metallb\"").
						Related("loadBalancer.kind", "the load balancer")
				}
			}
		}
	},
}
