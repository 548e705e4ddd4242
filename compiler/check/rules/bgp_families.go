package rules

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// PeerFamily finds a rack that cannot announce one address family of a pool.
var PeerFamily = &check.Rule{
	ID: "MG1223", Name: "pool-family-without-session", Severity: diag.Error, On: check.OnSite,
	Doc: `a rack is to announce addresses of a family in which its nodes and switches have no session

Sessions are one a family. Without a node and a switch that both have an address of the family, the pool's addresses of
this family are never announced from the rack, and the Service looks well all the same.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Fabric.BGP == nil {
			return
		}
		sessions := map[string][2]bool{} // rack → has sessions over IPv4, IPv6
		classes := speakerClasses(s)
		for rn, r := range byKey(s.Racks) {
			if rackAnnounces(s, rn) && r.Homing != "unnumbered" { // a link without addresses carries both
				sessions[rn] = sessionFamilies(r, classes)
			}
		}
		program, _ := speakerProgram(p)
		for name, pool := range byKey(s.Pools) {
			if pool.Announce == nil || pool.Announce.Protocol != "bgp" {
				continue
			}
			has := poolFamilies(pool)
			has[1] = has[1] && (program == nil || program.IPv6) // that it has no IPv6 at all is said elsewhere
			for rn, f := range byKey(sessions) {
				if !announcedFrom(pool, rn) {
					continue
				}
				for i, family := range []string{"IPv4", "IPv6"} {
					if has[i] && !f[i] {
						p.Reportf(site.Join("pools", name, "addresses"), "pool %q has %s addresses, and rack %q has no session over %s to announce them", name, family, rn, family).
							Related(site.Join("racks", rn, "tors"), "its switches").Hintf("give its switches and the nodes that announce an %s address each", family)
					}
				}
			}
		}
	},
}

func sessionFamilies(r *site.Rack, classes []string) [2]bool {
	var nodes, switches [2]bool
	mark := func(into *[2]bool, addresses []string) {
		for i, has := range familiesOf(addresses) {
			into[i] = into[i] || has
		}
	}
	speaker := map[string]bool{}
	for _, c := range classes {
		speaker[c] = true
	}
	for _, n := range r.Nodes {
		if speaker[n.Class] {
			mark(&nodes, n.Address)
		}
	}
	for _, t := range r.ToRs {
		if t.ASN != 0 {
			mark(&switches, t.Address)
		}
	}
	return [2]bool{nodes[0] && switches[0], nodes[1] && switches[1]}
}

func familyIndex(ip netip.Addr) int {
	if ip.Is4() {
		return 0
	}
	return 1
}

// familiesOf tells which families, IPv4 and IPv6, addresses are of.
func familiesOf(addresses []string) (has [2]bool) {
	for _, a := range addresses {
		if ip, err := netip.ParseAddr(a); err == nil {
			has[familyIndex(ip)] = true
		}
	}
	return has
}

func poolFamilies(pool *site.Pool) (has [2]bool) {
	for _, a := range pool.Addresses {
		first, _, _ := strings.Cut(a, "-")
		first, _, _ = strings.Cut(first, "/")
		if ip, err := netip.ParseAddr(first); err == nil {
			has[familyIndex(ip)] = true
		}
	}
	return has
}

// announcedFrom reports whether a pool is meant to be announced from a rack.
func announcedFrom(pool *site.Pool, rack string) bool {
	return len(pool.Announce.Racks) == 0 || slices.Contains(pool.Announce.Racks, rack)
}

// prefixes reads networks and leaves out what is none.
func prefixes(texts []string) []netip.Prefix {
	var out []netip.Prefix
	for _, t := range texts {
		if n, err := netip.ParsePrefix(t); err == nil {
			out = append(out, n.Masked())
		}
	}
	return out
}

// segmentOf is the first of the networks that has any of the addresses; "" if none does.
func segmentOf(nets []netip.Prefix, addresses []string) string {
	for _, n := range nets {
		for _, a := range addresses {
			if ip, err := netip.ParseAddr(a); err == nil && n.Contains(ip) {
				return n.String()
			}
		}
	}
	return ""
}
