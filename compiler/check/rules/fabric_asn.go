package rules

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ASNInternal finds sessions inside one AS.
var ASNInternal = &check.Rule{
	ID: "MG1204", Name: "asn-internal-session", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the nodes of a rack and its switch have one AS number, so that their sessions are internal ones

A switch passes what it learns on an internal session to no other internal peer and leaves the next hop alone: the other
switch of a pair never hears of the address. That takes a route reflector, and meshgen makes none. Where nodes of other
racks have the number too, the switch drops their routes as its own besides.
Source: RFC 4271, sections 9.1.2 and 9.2.1; RFC 4456; RFC 7938, section 5.1.`,
	Run: func(p *check.Pass) {
		all := asns(p.Site)
		racks := map[uint32]int{} // whose nodes have a number
		for rn := range p.Site.Racks {
			n, _ := nodeASN(p.Site, rn)
			racks[n]++
		}
		for rn, r := range byKey(p.Site.Racks) {
			own, at := nodeASN(p.Site, rn)
			for tn, t := range byKey(r.ToRs) {
				if t.ASN == 0 || t.ASN != own {
					continue
				}
				whose := "and so have its nodes: their sessions are internal ones"
				if racks[own] > 1 {
					whose = fmt.Sprintf("and so have the nodes of %d racks: it drops what the others announce", racks[own])
				}
				p.Reportf(site.Join("racks", rn, "tors", tn, "asn"), "switch %s of rack %q has AS number %d, %s", t.Hostname, rn, t.ASN, whose).
					Related(at, "the nodes' number").Hintf("a number of its own: %d is free", freeASN(all, t.ASN))
				break // one finding a rack: the other switch of a pair mostly shares the number
			}
		}
	},
}

// ASNEndsSwapped finds a switch that has the number of the nodes of other racks.
var ASNEndsSwapped = &check.Rule{
	ID: "MG1205", Name: "asn-ends-swapped", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a switch has the AS number of another rack's nodes

It drops every route with its own number in the path: the addresses that the other rack announces are never reachable
from here. Mostly the two ends of the session were written down the wrong way round.
Source: RFC 4271, section 9.1.2.`,
	Run: func(p *check.Pass) {
		s := p.Site
		nodes := map[uint32]string{} // the first rack whose nodes have the number
		switches := map[uint32][]string{}
		for rn, r := range byKey(s.Racks) {
			if n, _ := nodeASN(s, rn); n != 0 && nodes[n] == "" && len(r.Nodes) > 0 {
				nodes[n] = rn
			}
			for _, t := range r.ToRs {
				if t.ASN != 0 && !slices.Contains(switches[t.ASN], rn) {
					switches[t.ASN] = append(switches[t.ASN], rn)
				}
			}
		}
		all := asns(s)
		for rn, r := range byKey(s.Racks) {
			own, at := nodeASN(s, rn)
			for tn, t := range byKey(r.ToRs) {
				other := nodes[t.ASN]
				if t.ASN == 0 || t.ASN == own || other == "" {
					continue
				}
				_, otherAt := nodeASN(s, other)
				report := p.Reportf(site.Join("racks", rn, "tors", tn, "asn"), "switch %s of rack %q has AS number %d, which is that of the nodes of rack %q", t.Hostname, rn, t.ASN, other).
					Related(otherAt, "the number of those nodes")
				if len(switches[own]) > 0 {
					report.Related(at, "the number of its own nodes, which switches have").
						Hintf("its two ends look swapped: asn: %d, and %d for the nodes", own, t.ASN)
				} else {
					report.Hintf("%d is free", freeASN(all, t.ASN))
				}
			}
		}
	},
}

// ASNOfSpine finds nodes or racks that have the number of a spine.
var ASNOfSpine = &check.Rule{
	ID: "MG1206", Name: "asn-of-spine", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `nodes or a switch have the AS number of a spine

Nodes with it: the spine finds its own number in the path of every virtual address and drops it. A switch with it: the
session with the spine is an internal one, and the spine passes what it learns there to no other rack. Either way the
rack works alone and is not to be reached from elsewhere.
Source: RFC 4271, sections 9.1.2 and 9.2.1; RFC 7938, section 5.2.1.`,
	Run: func(p *check.Pass) {
		spines := map[uint32]string{}
		for sn, sp := range byKey(p.Site.Fabric.Spines) {
			if spines[sp.ASN] == "" {
				spines[sp.ASN] = sn
			}
		}
		all := asns(p.Site)
		for _, a := range all {
			sn := spines[a.asn]
			if sn == "" || site.IsAncestor("fabric.spines", a.path) {
				continue
			}
			p.Reportf(a.path, "AS number %d of %s is that of spine %s", a.asn, a.who, p.Site.Fabric.Spines[sn].Hostname).
				Related(site.Join("fabric", "spines", sn, "asn"), "the spine's").Hintf("%d is free", freeASN(all, a.asn))
		}
	},
}

// ASNSharedByRacks finds racks whose switches drop each other's routes.
var ASNSharedByRacks = &check.Rule{
	ID: "MG1207", Name: "asn-shared-by-racks", Severity: diag.Error, On: check.OnSite,
	Doc: `switches of two racks have one AS number

Each drops what the other announces, as a loop: an address that only one rack announces cannot be reached from the
other but by a default route. Where nodes announce their pod ranges this is an error: the racks' pods do not reach each
other. The two switches of one rack may share a number.
Source: RFC 4271, section 9.1.2; RFC 7938, section 5.2.1.`,
	Run: func(p *check.Pass) {
		s := p.Site
		all := asns(s)
		pods := s.Fabric.BGP != nil && s.Fabric.BGP.Advertise.Pods
		type place struct{ rack, path string }
		first := map[uint32]place{}
		for rn, r := range byKey(s.Racks) {
			own, _ := nodeASN(s, rn)
			told := map[uint32]bool{}
			for tn, t := range byKey(r.ToRs) {
				path := site.Join("racks", rn, "tors", tn, "asn")
				other, ok := first[t.ASN]
				switch {
				case t.ASN == 0 || t.ASN == own: // an internal session is told of as such
				case !ok:
					first[t.ASN] = place{rn, path}
				case other.rack != rn && !told[t.ASN]:
					told[t.ASN] = true
					report := p.Reportf(path, "switch %s of rack %q has AS number %d, which rack %q has already", t.Hostname, rn, t.ASN, other.rack).
						Related(other.path, "first used here").Hintf("one number a rack: %d is free", freeASN(all, t.ASN))
					if !pods {
						report.Warning()
					}
				}
			}
		}
	},
}
