package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// GracefulRestartUnsupported finds graceful restart that the speakers do not have.
var GracefulRestartUnsupported = &check.Rule{
	ID: "MG1217", Name: "graceful-restart-unsupported", Severity: diag.Error, On: check.OnSite,
	Doc: `the site asks for graceful restart, and what speaks BGP on its nodes has none

The configuration is refused as a whole, or every upgrade of the speakers withdraws all addresses of a node, which
graceful restart was to prevent.
Source: MetalLB BGPPeer, enableGracefulRestart.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if b == nil || !b.GracefulRestart || !announcesBGP(p.Site) {
			return
		}
		if program, who := speakerProgram(p); program != nil && !program.GracefulRestart {
			p.Reportf("fabric.bgp.gracefulRestart", "gracefulRestart is asked for, and %s has none", who).
				Related(speakerAt(p.Site), "the load balancer").Hintf("gracefulRestart: false").
				Fix("fabric.bgp.gracefulRestart", "false", "write false")
		}
	},
}

// GracefulRestartLocal finds stale routes to nodes whose pods are gone.
var GracefulRestartLocal = &check.Rule{
	ID: "MG1218", Name: "graceful-restart-local", Severity: diag.Error, On: check.OnSite,
	Doc: `graceful restart is on while an address follows its pods

With externalTrafficPolicy Local a node announces an address while it has a pod behind it. When its speaker goes down,
the switch keeps the node's routes for a minute, also if the pod has moved meanwhile: connections then end at a node that
drops them.
Source: RFC 4724, section 4.2; MetalLB concepts, BGP.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Fabric.BGP == nil || !s.Fabric.BGP.GracefulRestart {
			return
		}
		if b, _ := speakerProgram(p); b != nil && !b.GracefulRestart {
			return // it is refused altogether
		}
		var who []string
		var first string
		see := func(kind, name, pool, policy string) {
			if q := s.Pools[pool]; policy != "Local" || q == nil || q.Announce == nil || q.Announce.Protocol != "bgp" {
				return
			}
			if who = append(who, name); first == "" {
				first = site.Join(kind, name)
			}
		}
		for gn, g := range byKey(s.Gateways) {
			see("gateways", gn, g.Pool, g.ExternalTrafficPolicy)
		}
		for en, e := range byKey(s.Exposures) {
			see("exposures", en, e.Pool, e.ExternalTrafficPolicy)
		}
		if len(who) > 0 {
			p.Reportf("fabric.bgp.gracefulRestart", "gracefulRestart keeps the routes of a node whose pods have moved: externalTrafficPolicy is Local for %s", strings.Join(who, ", ")).
				Related(first, "the first of them").Hintf("gracefulRestart: false").
				Fix("fabric.bgp.gracefulRestart", "false", "write false")
		}
	},
}

// GracefulRestartUnproved finds a switch that may keep the routes of a dead node.
var GracefulRestartUnproved = &check.Rule{
	ID: "MG1265", Name: "graceful-restart-unproved", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `graceful restart is on, and a switch of the nodes may keep the routes of one that is dead

A node that has died and a speaker that restarts look alike at first. The switch has to drop the routes of the one when
BFD or the hold time says so, and to keep those of the other for a minute and no longer: else a dead node keeps its share
of all connections for as long as its speaker once asked for. Of FRR this was tried; of other systems it is not known.
Source: RFC 4724, section 4.2; RFC 5882, section 4.3; RFC 8538.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Fabric.BGP == nil || !s.Fabric.BGP.GracefulRestart {
			return
		}
		for t := range tors(s) {
			if sw := p.Profiles.Switch(t.OS); t.ASN == 0 || sw != nil && sw.BoundsRestart {
				continue
			}
			path, system := t.path, "a system that is not declared"
			if t.OS != "" {
				path, system = path+".os", t.OS
			}
			p.Reportf("fabric.bgp.gracefulRestart", "gracefulRestart is asked for, and switch %s runs %s, which may keep the routes of a dead node", t.Hostname, system).
				Related(path, "the switch").Hintf("gracefulRestart: false").Fix("fabric.bgp.gracefulRestart", "false", "write false")
		}
	},
}
