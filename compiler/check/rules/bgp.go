package rules

import (
	"slices"
	"strings"
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// BGPNumbers finds a pool announced by BGP without the numbers that a session needs.
var BGPNumbers = &check.Rule{
	ID: "MG1003", Name: "bgp-numbers", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a pool is announced by BGP, and a number that its sessions need is missing

A session takes an AS number at either end, and a switch that carries one needs its router ID, its operating system
and its own address.`,
	Run: func(p *check.Pass) {
		s := p.Site
		for name, pool := range byKey(s.Pools) {
			if pool.Announce != nil && pool.Announce.Protocol == "bgp" && s.Fabric.BGP == nil {
				p.Reportf(site.Join("pools", name, "announce", "protocol"), "pool %q is announced by BGP, and fabric.bgp is missing", name).
					Hintf("add fabric: bgp: {nodeASN: …}")
			}
		}
		if s.Fabric.BGP == nil {
			return
		}
		for rn, r := range byKey(s.Racks) {
			speaks := false
			for tn, t := range byKey(r.ToRs) {
				if t.ASN == 0 {
					continue
				}
				speaks = true
				path := site.Join("racks", rn, "tors", tn)
				for field, missing := range map[string]bool{"routerID": t.RouterID == "", "os": t.OS == "", "address": len(t.Address) == 0} {
					if missing {
						p.Reportf(path, "switch %s has an AS number and no %s", t.Hostname, field).Hintf("%s: …; or leave asn out of a switch that speaks no BGP", field)
					}
				}
			}
			if speaks && s.Fabric.BGP.NodeASN == 0 && (r.BGP == nil || r.BGP.NodeASN == 0) {
				p.Reportf(site.Join("racks", rn), "rack %q speaks BGP, and neither fabric.bgp.nodeASN nor its own bgp.nodeASN is given", rn).Hintf("fabric: bgp: nodeASN: …, a private number: 4200000000 to 4294967294")
			}
		}
		for name, pool := range byKey(s.Pools) {
			if pool.Announce == nil || pool.Announce.Protocol != "bgp" {
				continue
			}
			if announcers(s, pool) == 0 {
				p.Reportf(site.Join("pools", name, "announce"), "pool %q is announced by no rack: none has both a switch with an AS number and a node of the classes that announce (%s)",
					name, strings.Join(speakerClasses(s), ", ")).
					Hintf("racks: RACK: tors: TOR: asn: …, with nodes of a class in fabric: bgp: speakers: classes: […]")
			}
		}
	},
}

// announcers counts the racks that can announce a pool.
func announcers(s *site.Site, pool *site.Pool) int {
	n := 0
	for rn := range s.Racks {
		if len(pool.Announce.Racks) > 0 && !slices.Contains(pool.Announce.Racks, rn) {
			continue
		}
		if rackAnnounces(s, rn) {
			n++
		}
	}
	return n
}

// rackAnnounces reports whether a rack has both a switch that speaks BGP and a node that announces.
func rackAnnounces(s *site.Site, rack string) bool {
	r := s.Racks[rack]
	if r == nil {
		return false
	}
	speaks := false
	for _, t := range r.ToRs {
		speaks = speaks || t.ASN != 0
	}
	if !speaks {
		return false
	}
	classes := speakerClasses(s)
	for _, n := range r.Nodes {
		if slices.Contains(classes, n.Class) {
			return true
		}
	}
	return false
}

// speakerClasses are the node classes that announce: those named, else those that gateways run on.
func speakerClasses(s *site.Site) []string {
	if b := s.Fabric.BGP; b != nil && b.Speakers != nil {
		return b.Speakers.Classes
	}
	var out []string
	for _, g := range byKey(s.Gateways) {
		if !slices.Contains(out, g.Placement.Class) {
			out = append(out, g.Placement.Class)
		}
	}
	return out
}

// SwitchNamedTwice finds two switches of one host name.
var SwitchNamedTwice = &check.Rule{
	ID: "MG1010", Name: "switch-named-twice", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `two switches have one host name

Each has a file of its own, named after it: one of the two would get the other's.`,
	Run: func(p *check.Pass) {
		first := map[string]string{}
		see := func(hostname, path string) {
			if other, ok := first[hostname]; ok {
				p.Reportf(path+".hostname", "host name %q is already that of another switch", hostname).Related(other+".hostname", "first used here").
					Hintf("a host name of its own")
				return
			}
			first[hostname] = path
		}
		for r := range routers(p.Site) {
			see(r.hostname, r.path)
		}
	},
}

// UnknownRack finds a pool announced by a rack that does not exist or cannot announce.
var UnknownRack = &check.Rule{
	ID: "MG1004", Name: "unknown-rack", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a pool names a rack that does not exist, or that has nobody to announce it

Its addresses would be announced from fewer places than the site believes.`,
	Run: func(p *check.Pass) {
		for name, pool := range byKey(p.Site.Pools) {
			if pool.Announce == nil {
				continue
			}
			for i, r := range pool.Announce.Racks {
				path := site.Join("pools", name, "announce", "racks", site.Index(i))
				switch {
				case p.Site.Racks[r] == nil:
					p.Reportf(path, "pool %q is announced by rack %q, which does not exist", name, r).Hintf("racks: %s", keys(p.Site.Racks))
				case pool.Announce.Protocol == "bgp" && p.Site.Fabric.BGP != nil && !rackAnnounces(p.Site, r):
					p.Reportf(path, "pool %q is announced by rack %q, which has no node of the classes that announce (%s) or no switch with an AS number",
						name, r, strings.Join(speakerClasses(p.Site), ", ")).
						Hintf("another rack, or asn for a switch there and a class of its nodes in fabric: bgp: speakers: classes: […]")
				}
			}
		}
	},
}

// UnknownSpine finds an uplink to nowhere.
var UnknownSpine = &check.Rule{
	ID: "MG1005", Name: "unknown-spine", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an uplink names a spine that does not exist, or gives an address at one end only

A numbered link needs both addresses, of the same families; an unnumbered one has none.`,
	Run: func(p *check.Pass) {
		for u := range uplinks(p.Site) {
			if p.Site.Fabric.Spines[u.Spine] == nil {
				p.Reportf(u.path+".spine", "switch %s has an uplink to spine %q, which does not exist", u.from.Hostname, u.Spine).
					Hintf("spines: %s", keys(p.Site.Fabric.Spines))
			}
			if len(u.Address) != len(u.PeerAddress) {
				p.Reportf(u.path, "the uplink of %s to %q has %d address(es) of its own and %d of the spine", u.from.Hostname, u.Spine, len(u.Address), len(u.PeerAddress)).
					Hintf("give both ends, or neither for an unnumbered link")
			}
		}
	},
}

// SpeakerClass finds speakers of a class that does not exist.
var SpeakerClass = &check.Rule{
	ID: "MG1006", Name: "unknown-speaker-class", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `fabric.bgp.speakers names a node class that does not exist

Nobody would announce.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if b == nil || b.Speakers == nil {
			return
		}
		for i, c := range b.Speakers.Classes {
			if p.Site.NodeClasses[c] == nil {
				p.Reportf(site.Join("fabric", "bgp", "speakers", "classes", site.Index(i)), "speakers are of class %q, which does not exist", c).
					Hintf("classes: %s", keys(p.Site.NodeClasses))
			}
		}
	},
}

// minHold is the shortest hold time that BGP knows but for none (RFC 4271, 4.2).
const minHold = 3 * time.Second

// BGPTimers finds timers that a session cannot live with.
var BGPTimers = &check.Rule{
	ID: "MG1007", Name: "bgp-timers", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the hold time is under 3 s, not in whole seconds, or under three keepalives

With less than three keepalives to a hold time, one lost packet too many resets the session, and with it every address
of the rack.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if b == nil {
			return
		}
		hold, keep := site.ParseDuration(b.HoldTime), site.ParseDuration(b.KeepaliveTime)
		for field, d := range map[string]time.Duration{"holdTime": hold, "keepaliveTime": keep} {
			if d%time.Second != 0 || d == 0 {
				p.Reportf("fabric.bgp."+field, "%s %s is not in whole seconds", field, d).Hintf("whole seconds, such as holdTime: \"9s\" and keepaliveTime: \"3s\"")
			}
		}
		switch {
		case hold < minHold:
			p.Reportf("fabric.bgp.holdTime", "hold time %s is under the %s that BGP allows", b.HoldTime, minHold).Hintf("holdTime: %q, and keepaliveTime: at most a third", minHold)
		case keep*3 > hold:
			p.Reportf("fabric.bgp.holdTime", "hold time %s is under three keepalives of %s", b.HoldTime, b.KeepaliveTime).
				Hintf("keepaliveTime: %q", (hold/3).Truncate(time.Second).String()).
				Related("fabric.bgp.keepaliveTime", "the keepalive")
		}
	},
}
