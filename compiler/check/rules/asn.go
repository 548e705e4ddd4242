package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// numbered is one autonomous system number of a site.
type numbered struct {
	asn       uint32
	path, who string
}

// asns lists every autonomous system number that a site gives.
func asns(s *site.Site) []numbered {
	var out []numbered
	add := func(asn uint32, who string, path ...string) {
		if asn != 0 {
			out = append(out, numbered{asn, site.Join(path...), who})
		}
	}
	if s.Fabric.BGP != nil {
		add(s.Fabric.BGP.NodeASN, "the nodes", "fabric", "bgp", "nodeASN")
	}
	for sn, sp := range byKey(s.Fabric.Spines) {
		add(sp.ASN, "spine "+sp.Hostname, "fabric", "spines", sn, "asn")
	}
	for rn, r := range byKey(s.Racks) {
		if r.BGP != nil {
			add(r.BGP.NodeASN, "the nodes of rack "+rn, "racks", rn, "bgp", "nodeASN")
		}
		for tn, t := range byKey(r.ToRs) {
			add(t.ASN, "switch "+t.Hostname, "racks", rn, "tors", tn, "asn")
		}
	}
	return out
}

// nodeASN is the number of a rack's nodes and where it stands; 0 where it is not given.
func nodeASN(s *site.Site, rack string) (uint32, string) {
	if r := s.Racks[rack]; r != nil && r.BGP != nil && r.BGP.NodeASN != 0 {
		return r.BGP.NodeASN, site.Join("racks", rack, "bgp", "nodeASN")
	}
	if s.Fabric.BGP != nil && s.Fabric.BGP.NodeASN != 0 {
		return s.Fabric.BGP.NodeASN, "fabric.bgp.nodeASN"
	}
	return 0, ""
}

// The numbers that a site may take without asking anybody (RFC 6996, 5).
const (
	private16First, private16Last = 64512, 65534
	private32First, private32Last = 4200000000, 4294967294
)

func privateASN(n uint32) bool {
	return n >= private16First && n <= private16Last || n >= private32First && n <= private32Last
}

// documentationASN tells the numbers of RFC 5398.
func documentationASN(n uint32) bool {
	return n >= 64496 && n <= 64511 || n >= 65536 && n <= 65551
}

// freeASN is the next private number above one, which nobody on the site has.
func freeASN(all []numbered, above uint32) uint32 {
	taken := map[uint32]bool{}
	for _, a := range all {
		taken[a.asn] = true
	}
	n := above
	for n++; !privateASN(n) || taken[n]; n++ {
		if !privateASN(n) {
			n = private32First - 1 // also behind the last of either range
		}
	}
	return n
}

// reservedASN are the numbers inside the range that no speaker may have.
var reservedASN = map[uint32]string{
	23456: "AS_TRANS, which stands for every number that an old speaker cannot read (RFC 6793)",
	65535: "reserved as the last of its range (RFC 7300)",
}

// ASNReserved finds a number that no speaker may have.
var ASNReserved = &check.Rule{
	ID: "MG1201", Name: "asn-reserved", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an AS number is one of those that are reserved

A peer refuses the OPEN message, or takes every router with a long number for the same one: the session never comes up,
and the log speaks of a bad peer AS.
Source: RFC 6793, section 9; RFC 7300.`,
	Run: func(p *check.Pass) {
		all := asns(p.Site)
		for _, a := range all {
			if why := reservedASN[a.asn]; why != "" {
				p.Reportf(a.path, "AS number %d of %s is %s", a.asn, a.who, why).
					Hintf("a private number: %d is free", freeASN(all, a.asn))
			}
		}
	},
}

// ASNDocumentation finds a number that is for examples.
var ASNDocumentation = &check.Rule{
	ID: "MG1202", Name: "asn-documentation", Severity: diag.Warning, On: check.OnSite,
	Doc: `an AS number is one of those set aside for documentation

It was copied from an example. Providers filter it, and the next site that is copied from the same example has it too:
each then drops the routes of the other as its own.
Source: RFC 5398.`,
	Run: func(p *check.Pass) {
		all := asns(p.Site)
		for _, a := range all {
			if documentationASN(a.asn) {
				p.Reportf(a.path, "AS number %d of %s is set aside for documentation", a.asn, a.who).
					Hintf("a private number: %d is free", freeASN(all, a.asn))
			}
		}
	},
}

// ASNPublic finds a number that belongs to somebody, or to nobody yet.
var ASNPublic = &check.Rule{
	ID: "MG1203", Name: "asn-public", Severity: diag.Warning, On: check.OnSite,
	Doc: `an AS number lies outside the private ranges

It is somebody's, or is given to somebody one day: the site then drops this network's routes as its own. Where the number
is the site's own by registration, a waiver says so.
Source: RFC 6996, section 5.`,
	Run: func(p *check.Pass) {
		all := asns(p.Site)
		for _, a := range all {
			if !privateASN(a.asn) && !documentationASN(a.asn) && reservedASN[a.asn] == "" {
				p.Reportf(a.path, "AS number %d of %s is not a private one (%d-%d, %d-%d)",
					a.asn, a.who, private16First, private16Last, private32First, uint32(private32Last)).
					Hintf("%d is free", freeASN(all, a.asn))
			}
		}
	},
}

// NodeASNWithoutSwitch finds a number of nodes that no session uses.
var NodeASNWithoutSwitch = &check.Rule{
	ID: "MG1208", Name: "node-asn-unused", Severity: diag.Warning, On: check.OnSite,
	Doc: `a rack gives its nodes an AS number, and there is nobody to speak with

None of its switches has an AS number, or the site has no fabric.bgp: no session is configured, and nothing says so.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			if r.BGP == nil || r.BGP.NodeASN == 0 {
				continue
			}
			speaks := false
			for _, t := range r.ToRs {
				speaks = speaks || t.ASN != 0
			}
			path := site.Join("racks", rn, "bgp", "nodeASN")
			switch {
			case p.Site.Fabric.BGP == nil:
				p.Reportf(path, "the nodes of rack %q have AS number %d, and fabric.bgp is missing: no session is configured", rn, r.BGP.NodeASN).
					Hintf("add fabric: bgp: {…}, or leave out the number")
			case !speaks:
				p.Reportf(path, "the nodes of rack %q have AS number %d, and none of its switches (%s) has one", rn, r.BGP.NodeASN, keys(r.ToRs)).
					Related(site.Join("racks", rn, "tors"), "its switches").Hintf("give each switch its asn")
			}
		}
	},
}
