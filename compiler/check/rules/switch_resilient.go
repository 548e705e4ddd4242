package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// resilientMost is the greatest number of next hops that a table of fixed size is asked for.
const resilientMost = 64

// ResilientUnsupported finds switches that move connections all the same.
var ResilientUnsupported = &check.Rule{
	ID: "MG1268", Name: "resilient-hashing-unsupported", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the site asks for connections to stay when a next hop goes away, and a switch moves them

Each switch on the way chooses anew: one that does not take part moves most connections to other nodes, which do not know
them. EOS has it by prefix. NX-OS has it for the whole switch and behind a reload, SONiC for a route that is the prefix
itself, and FRR 8.4 makes no such groups for routes of BGP, as its development tree does since June 2026. Only IPv4 of EOS
is written.
Source: Arista EOS User Manual, Resilient ECMP; Cisco Nexus 9000 NX-OS interfaces guide, ECMP Resilient Hashing;
sonic-fine-grained-ecmp.yang; FRRouting/frr doc/user/zebra.rst.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if !s.Fabric.ResilientHashing {
			return
		}
		const at = "fabric.resilientHashing"
		see := func(os, hostname, path string) {
			if sw := p.Profiles.Switch(os); sw == nil || !sw.Resilient {
				system := "runs " + os + ", which does not, or not by a statement about the addresses alone"
				if os == "" {
					system = "is not configured by meshgen"
				}
				p.Reportf(at, "resilientHashing is asked for, and switch %s %s", hostname, system).
					Related(path, "the switch").Hintf("leave fabric.resilientHashing out")
			}
		}
		for r := range routers(s) {
			see(r.os, r.hostname, r.path)
		}
		if s.Fabric.BGP == nil {
			p.Reportf(at, "without fabric.bgp no switch has several next hops for an address").Hintf("leave fabric.resilientHashing out")
		} else if s.Fabric.BGP.MaxPaths > resilientMost || s.Fabric.BGP.MaxPaths < 2 {
			p.Reportf("fabric.bgp.maxPaths", "a table of fixed size for %d next hops is not written: 2 to %d", s.Fabric.BGP.MaxPaths, resilientMost).
				Related(at, "asks for it").Hintf("maxPaths: 16")
		}
		for pn, q := range byKey(s.Pools) {
			for _, a := range q.Addresses {
				if isIPv6Range(a) {
					p.Reportf(at, "not supported yet: connections that stay for the IPv6 addresses of pool %s", pn).
						Related(site.Join("pools", pn, "addresses"), "the pool").Hintf("leave fabric.resilientHashing out")
					break
				}
			}
		}
	},
}
