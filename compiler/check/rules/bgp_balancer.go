package rules

import (
	"fmt"
	"strings"
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// speakerProgram is what speaks BGP on the nodes: the profile's row, nil where none is known, and a name for messages.
func speakerProgram(p *check.Pass) (*profile.Backend, string) {
	lb := p.Site.LoadBalancer
	name := ""
	if lb.Kind == "metallb" && lb.MetalLB != nil {
		name = lb.MetalLB.Backend
	}
	who := lb.Kind
	if name != "" {
		who = fmt.Sprintf("%s with backend %q", lb.Kind, name)
	}
	return p.Profiles.LoadBalancer(lb.Kind).Backend(name), who
}

// speakerAt is the place that chooses the program.
func speakerAt(s *site.Site) string {
	if s.LoadBalancer.Kind == "metallb" && s.LoadBalancer.MetalLB != nil {
		return "loadBalancer.metallb.backend"
	}
	return "loadBalancer.kind"
}

// withoutBFD are the kinds that have no BFD in any release (Cilium's BGP control plane documentation; the BgpPeer API of
// OpenELB 0.6).
var withoutBFD = map[string]bool{"cilium": true, "openelb": true}

// balancerBFD reports whether the load balancer's sessions can have BFD, and what it is called. Of a program that nobody
// knows it is believed.
func balancerBFD(p *check.Pass) (bool, string) {
	b, who := speakerProgram(p)
	if lower.CalicoAnnounces(p.Site) { // which holds the sessions
		return false, "calico"
	}
	if withoutBFD[p.Site.LoadBalancer.Kind] {
		return false, who
	}
	return b == nil || b.BFD, who
}

// BFDUnsupported finds BFD that only the switches would have.
var BFDUnsupported = &check.Rule{
	ID: "MG1216", Name: "bfd-unsupported", Severity: diag.Error, On: check.OnSite,
	Doc: `the site asks for BFD, and what speaks BGP on its nodes has none

The load balancer refuses the setting with all the rest of its configuration, or leaves it out. The switches wait for a
BFD session that never comes, and a dead node is noticed by the hold time alone.
Source: MetalLB concepts, native mode; Cilium BGP control plane; OpenELB BgpPeer.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if b == nil || b.BFD == nil || !announcesBGP(p.Site) || lower.CalicoAnnounces(p.Site) { // calico-bfd
			return
		}
		if ok, who := balancerBFD(p); !ok {
			report := p.Reportf("fabric.bgp.bfd", "bfd is asked for (%s × %d), and %s has none", b.BFD.Interval, b.BFD.Multiplier, who).
				Related(speakerAt(p.Site), "the load balancer")
			if p.Site.LoadBalancer.Kind == "metallb" {
				report.Hintf("backend: \"frr-k8s\"; or leave out bfd: holdTime %s decides then", b.HoldTime)
			} else {
				report.Hintf("leave out bfd: holdTime %s decides then", b.HoldTime)
			}
		}
	},
}

// announcesBGP reports whether any pool is announced by BGP.
func announcesBGP(s *site.Site) bool {
	for _, pool := range s.Pools {
		if pool.Announce != nil && pool.Announce.Protocol == "bgp" {
			return true
		}
	}
	return false
}

// LargeCommunityUnsupported finds a community that the speakers cannot attach.
var LargeCommunityUnsupported = &check.Rule{
	ID: "MG1219", Name: "large-community-unsupported", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a pool has a large community, and what speaks BGP on the nodes cannot attach one

The load balancer refuses its configuration as a whole: no pool is announced any more, not only this one.
Source: RFC 8092; MetalLB internal/config validation.`,
	Run: func(p *check.Pass) {
		program, who := speakerProgram(p)
		if program == nil || program.LargeCommunities {
			return
		}
		for name, pool := range byKey(p.Site.Pools) {
			if pool.Announce == nil || pool.Announce.Protocol != "bgp" {
				continue
			}
			for i, c := range pool.Announce.Communities {
				if strings.Count(c, ":") == 2 {
					p.Reportf(site.Join("pools", name, "announce", "communities", site.Index(i)), "pool %q has large community %s, which %s cannot attach", name, c, who).
						Related(speakerAt(p.Site), "the load balancer").Hintf("a community of two numbers, or another backend")
				}
			}
		}
	},
}

// KeepaliveUnsupported finds a keepalive time that the speakers do not take.
var KeepaliveUnsupported = &check.Rule{
	ID: "MG1220", Name: "keepalive-unsupported", Severity: diag.Error, On: check.OnSite,
	Doc: `the keepalive time is not a third of the hold time, and the speakers cannot be told another

Such a speaker always takes a third of the hold time. One that is told its keepalive time refuses the whole peer.
Source: MetalLB internal/config validation, native mode; RFC 4271, section 4.4.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if b == nil || !announcesBGP(p.Site) {
			return
		}
		hold, keep := site.ParseDuration(b.HoldTime), site.ParseDuration(b.KeepaliveTime)
		third := (hold / 3).Truncate(time.Second)
		// Over a third is told of as such, whatever the speaker.
		if program, who := speakerProgram(p); program != nil && !program.KeepaliveTime && keep < third && hold <= maxHold {
			p.Reportf("fabric.bgp.keepaliveTime", "keepalive time %s is not a third of the hold time %s, and %s takes no other", b.KeepaliveTime, b.HoldTime, who).
				Related("fabric.bgp.holdTime", "the hold time").Related(speakerAt(p.Site), "the load balancer").
				Hintf("keepaliveTime: %q", third.String())
		}
	},
}

// UnnumberedUnsupported finds speakers that get no session with a switch's loopback address.
var UnnumberedUnsupported = &check.Rule{
	ID: "MG1221", Name: "unnumbered-unsupported", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a rack has unnumbered links, and meshgen writes no session between loopbacks for the load balancer

A link carries one session, that of the node's own routing. What announces virtual addresses has one of its own, from the
node's loopback address to the switch's (ebgpMultiHop of MetalLB's BGPPeer). For other load balancers there is no output
yet, and the rack would announce nothing. Cilium's autoDiscovery takes the default gateway for the peer, on a network that
both share: that is no session between loopbacks, and none over a cable either.
Source: RFC 4271, section 6.8; MetalLB BGPPeer, ebgpMultiHop; Cilium v1.20.2 CiliumBGPClusterConfig, autoDiscovery.`,
	Run: func(p *check.Pass) {
		kind := p.Site.LoadBalancer.Kind
		if kind == "metallb" || kind == "kube-vip" || p.Site.Fabric.BGP == nil || !announcesBGP(p.Site) {
			return // kube-vip has a rule of its own
		}
		for rn, r := range byKey(p.Site.Racks) {
			if r.Homing == "unnumbered" && rackAnnounces(p.Site, rn) {
				p.Reportf(site.Join("racks", rn, "homing"), "not supported yet: homing \"unnumbered\" of rack %q with load balancer %q", rn, kind).
					Related("loadBalancer.kind", "the load balancer").Hintf("loadBalancer: kind: \"metallb\"")
			}
		}
	},
}

// BGPNoPassword finds sessions that anybody in the node network can open.
var BGPNoPassword = &check.Rule{
	ID: "MG1222", Name: "bgp-no-password", Severity: diag.Warning, On: check.OnSite,
	Doc: `the sessions of a production site have no password

Whatever takes the address of a node in the node network can open its session and announce the site's virtual
addresses. The switch admits no others, but these are the ones worth having.
Source: RFC 4271, security considerations; RFC 2385; RFC 7454, section 5.1.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if b != nil && b.PasswordSecret == "" && p.Site.Environment == "production" && (announcesBGP(p.Site) || lower.CalicoAnnounces(p.Site)) {
			p.Reportf("fabric.bgp", "the sessions of nodes and switches have no password, and environment is %s", p.Site.Environment).
				Related("environment", "the environment").Hintf("passwordSecret: \"bgp-session\", the name of a Secret that holds it")
		}
	},
}
