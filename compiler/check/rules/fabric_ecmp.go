package rules

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// MaxPathsSwitch finds more equal-cost paths than a switch can be told.
var MaxPathsSwitch = &check.Rule{
	ID: "MG1260", Name: "max-paths-over-switch", Severity: diag.Error, On: check.OnSite,
	Doc: `maxPaths is more than a switch's operating system takes

The switch refuses the line and keeps its default, which is one path on some: all traffic of an address then goes to one
node.
Source: FRR documentation, maximum-paths and --enable-multipath; Arista EOS manual.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Fabric.BGP == nil {
			return
		}
		if most, who, at := maxPathsOf(p); most > 0 && s.Fabric.BGP.MaxPaths > most {
			p.Reportf("fabric.bgp.maxPaths", "maxPaths %d is more than the %d that switch %s takes", s.Fabric.BGP.MaxPaths, most, who).
				Related(at, "its operating system").Hintf("maxPaths: %d", most).
				Fix("fabric.bgp.maxPaths", strconv.Itoa(most), fmt.Sprintf("write %d", most))
		}
	},
}

// maxMaxPaths is what the language admits.
const maxMaxPaths = 256

// maxPathsOf is the least that any switch takes, and the switch; 0 where no bound is known.
func maxPathsOf(p *check.Pass) (most int, who, at string) {
	see := func(os, hostname, path string) {
		if sw := p.Profiles.Switch(os); sw != nil && (most == 0 || sw.MaxPaths < most) {
			most, who, at = sw.MaxPaths, hostname+" ("+os+")", path
		}
	}
	for r := range routers(p.Site) {
		if r.asn != 0 {
			see(r.os, r.hostname, r.path+".os")
		}
	}
	return most, who, at
}

// MaxPathsTooFew finds nodes that get no traffic.
var MaxPathsTooFew = &check.Rule{
	ID: "MG1261", Name: "max-paths-too-few", Severity: diag.Warning, On: check.OnSite,
	Doc: `more nodes, switches or spines lead to one address than maxPaths lets a switch use

The switch takes as many as it may and leaves the rest without a single connection: replicas that the gateway is sized
with stand idle, and nobody sees why.
Source: RFC 7938, section 6.1; FRR documentation, maximum-paths.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Fabric.BGP == nil {
			return
		}
		var most int
		var what, at string
		need := func(n int, path, format string, args ...any) {
			if n > most {
				most, what, at = n, fmt.Sprintf(format, args...), path
			}
		}
		speakers := map[string]int{} // by rack
		classes := speakerClasses(s)
		ways := map[string]int{} // switches with uplinks by rack
		for rn, r := range byKey(s.Racks) {
			if rackAnnounces(s, rn) {
				for _, n := range r.Nodes {
					if slices.Contains(classes, n.Class) {
						speakers[rn]++
					}
				}
			}
			for tn, t := range byKey(r.ToRs) {
				if t.ASN == 0 {
					continue
				}
				need(len(t.Uplinks), site.Join("racks", rn, "tors", tn, "uplinks"), "switch %s has %d uplinks", t.Hostname, len(t.Uplinks))
				if len(t.Uplinks) > 0 {
					ways[rn]++
				}
			}
		}
		// With Local no more nodes announce an address than it has pods.
		see := func(kind, name, pool string, pods int) {
			q := s.Pools[pool]
			if q == nil || q.Announce == nil || q.Announce.Protocol != "bgp" {
				return
			}
			var racks []int
			for rn, n := range byKey(speakers) {
				if announcedFrom(q, rn) {
					need(min(n, pods), site.Join(kind, name), "%d nodes of rack %s announce the addresses of %s", min(n, pods), rn, name)
					racks = append(racks, ways[rn])
				}
			}
			slices.Sort(racks)
			slices.Reverse(racks)
			total := 0
			for _, n := range racks[:min(len(racks), pods)] {
				total += n
			}
			need(total, site.Join(kind, name), "%d switches lead a spine to the addresses of %s", total, name)
		}
		const all = 1 << 30
		for gn, g := range byKey(s.Gateways) {
			pods := all
			if g.ExternalTrafficPolicy == "Local" {
				pods = max(g.Replicas, 0)
			}
			see("gateways", gn, g.Pool, pods)
		}
		for en, e := range byKey(s.Exposures) {
			see("exposures", en, e.Pool, all)
		}
		if most <= s.Fabric.BGP.MaxPaths {
			return
		}
		report := p.Reportf("fabric.bgp.maxPaths", "maxPaths %d is too few: %s", s.Fabric.BGP.MaxPaths, what).Related(at, "here")
		bound, _, _ := maxPathsOf(p)
		switch {
		case bound > 0 && most > bound || most > maxMaxPaths:
			report.Hintf("no switch of the site takes that many: announce from fewer racks or nodes")
		case bound > 0:
			report.Hintf("maxPaths: %d", most).Fix("fabric.bgp.maxPaths", strconv.Itoa(most), fmt.Sprintf("write %d", most))
		default:
			report.Hintf("maxPaths: %d, where the switches take as many", most)
		}
	},
}

// wellKnown are the communities that a router acts upon by itself (IANA, BGP well-known communities).
var wellKnown = map[string]string{
	"65535:0":     "graceful-shutdown (RFC 8326): the route becomes the last choice",
	"65535:1":     "accept-own (RFC 7611)",
	"65535:666":   "blackhole (RFC 7999): traffic is thrown away",
	"65535:65281": "no-export (RFC 1997): the switch passes the route to no spine",
	"65535:65282": "no-advertise (RFC 1997): the switch passes the route to nobody",
	"65535:65283": "no-export-subconfed (RFC 1997): the switch passes the route to no spine",
	"65535:65284": "no-peer (RFC 3765): the route stays out of peerings",
}

// CommunityWellKnown finds communities that are not a site's to give out.
var CommunityWellKnown = &check.Rule{
	ID: "MG1262", Name: "community-well-known", Severity: diag.Warning, On: check.OnSite,
	Doc: `a pool's community is a well-known or a reserved one

Routers act upon it without being told: with no-export the addresses never leave the switch of the rack, with blackhole
all of their traffic is dropped.
Source: RFC 1997; IANA, BGP well-known communities.`,
	Run: func(p *check.Pass) {
		for name, pool := range byKey(p.Site.Pools) {
			if pool.Announce == nil || pool.Announce.Protocol != "bgp" {
				continue
			}
			for i, c := range pool.Announce.Communities {
				path := site.Join("pools", name, "announce", "communities", site.Index(i))
				reserved := strings.Count(c, ":") == 1 && (strings.HasPrefix(c, "65535:") || strings.HasPrefix(c, "0:"))
				if why := wellKnown[c]; why != "" {
					p.Reportf(path, "community %s of pool %q is %s", c, name, why).Hintf("a community of the site's own, such as 65000:100")
				} else if reserved {
					p.Reportf(path, "community %s of pool %q lies in a reserved range (0:* and 65535:*)", c, name).Hintf("a community of the site's own, such as 65000:100")
				}
			}
		}
	},
}

// CommunityTwice finds a community that stands twice.
var CommunityTwice = &check.Rule{
	ID: "MG1263", Name: "community-twice", Severity: diag.Warning, On: check.OnSite,
	Doc: `a pool has one community twice

A route carries it once: mostly the second was to be another, which routers elsewhere act upon and now never see.
Source: RFC 1997.`,
	Run: func(p *check.Pass) {
		for name, pool := range byKey(p.Site.Pools) {
			if pool.Announce == nil {
				continue
			}
			first := map[string]int{}
			for i, c := range pool.Announce.Communities {
				at := func(i int) string { return site.Join("pools", name, "announce", "communities", site.Index(i)) }
				if j, ok := first[c]; ok {
					p.Reportf(at(i), "community %s of pool %q is there already", c, name).Related(at(j), "first given here")
					continue
				}
				first[c] = i
			}
		}
	},
}

// RackListedTwice finds a rack that a pool names twice.
var RackListedTwice = &check.Rule{
	ID: "MG1264", Name: "rack-listed-twice", Severity: diag.Warning, On: check.OnSite,
	Doc: `a pool names one rack twice

The addresses are announced from one rack fewer than was meant: mostly the second was to be another.`,
	Run: func(p *check.Pass) {
		for name, pool := range byKey(p.Site.Pools) {
			if pool.Announce == nil {
				continue
			}
			first := map[string]int{}
			for i, r := range pool.Announce.Racks {
				at := func(i int) string { return site.Join("pools", name, "announce", "racks", site.Index(i)) }
				if j, ok := first[r]; ok {
					p.Reportf(at(i), "pool %q names rack %q already", name, r).Related(at(j), "first named here").Hintf("racks: %s", keys(p.Site.Racks))
					continue
				}
				first[r] = i
			}
		}
	},
}
