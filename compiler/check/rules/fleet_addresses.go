package rules

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// PoolOverlapsSite finds virtual addresses that two sites have.
var PoolOverlapsSite = &check.Rule{
	ID: "MG9811", Name: "pool-overlaps-site", Severity: diag.Error, On: check.OnFleet,
	Doc: `a pool overlaps a pool or a subnet of another site

Both sites announce the address, and each client gets the one that is nearer, or half of the packets each. Sites that share
a switch or are peers of a federation are one network, and there it is an error. Other sites may be apart: a public address, or one
that both announce with BGP, is a warning; private addresses that are answered on the spot may be the same everywhere.
One address at several sites on purpose (anycast) takes a waiver.
Source: RFC 4786, section 2; RFC 1918, section 3.`,
	Run: func(p *check.Pass) {
		nets := joined(p)
		var spans []span
		for n, s := range p.Fleet {
			for _, sp := range append(poolSpans(s), metalSpans(s)...) {
				if sp.kind != spanPool && sp.kind != spanSubnet || nets.alone(n) && !seenOutside(s, sp) {
					continue
				}
				sp.site = n
				sp.who += " of site " + s.Name
				spans = append(spans, sp)
			}
		}
		var errors, warnings []clash
		outside := func(sp *span) bool { return seenOutside(p.Fleet[sp.site], *sp) }
		for _, c := range clashes(spans, func(a, b *span) bool {
			return a.site != b.site && (a.kind == spanPool || b.kind == spanPool) &&
				(nets.together(a.site, b.site) || outside(a) && outside(b))
		}) {
			if nets.together(c[0].site, c[1].site) {
				errors = append(errors, c)
			} else {
				warnings = append(warnings, c)
			}
		}
		const hint = "a range of its own for each site; or a waiver, where both are meant to have it"
		for _, r := range reportClashes(p, errors) {
			r.Hintf(hint)
		}
		for _, r := range reportClashes(p, warnings) {
			r.Warning().Hintf(hint)
		}
	},
}

// seenOutside reports whether a range concerns others than the site: it is public, or a pool announced with BGP.
func seenOutside(s *site.Site, sp span) bool {
	if public(sp.From()) {
		return true
	}
	pool := s.Pools[sp.owner]
	return sp.kind == spanPool && pool.Announce != nil && pool.Announce.Protocol == "bgp"
}

// public reports whether an address means the same everywhere.
func public(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !sharedSpace.Contains(a)
}

// sharedSpace is what carriers use between themselves and their customers (RFC 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

// AddressOfSite finds two machines of different sites with one address.
var AddressOfSite = &check.Rule{
	ID: "MG9812", Name: "address-used-by-site", Severity: diag.Error, On: check.OnFleet,
	Doc: `a node or an API server has an address that another site has given already

Where the sites are one network, as they share a switch or are peers of a federation, whoever answers last, or is nearer,
gets the traffic of both: an error. Public addresses of sites that may be apart are a warning; private ones may be the
same at every site.`,
	Run: func(p *check.Pass) {
		nets := joined(p)
		type owner struct {
			site int
			addressField
		}
		type pair struct{ site, other int }
		first := map[netip.Addr]owner{}
		found := map[pair][]owner{} // what the site has and the other has already
		var order []pair
		for n, s := range p.Fleet {
			for _, a := range addressFields(s) {
				ip, ok := a.single()
				if !ok || a.role != roleNode && a.role != roleAPI && a.role != roleSwitch || nets.alone(n) && !public(ip) {
					continue
				}
				other, taken := first[ip]
				switch {
				case !taken:
					first[ip] = owner{n, a}
				case other.site == n, a.role == roleSwitch && other.role == roleSwitch: // another rule's; a switch that both use
				case nets.together(n, other.site), public(ip):
					k := pair{n, other.site}
					if found[k] == nil {
						order = append(order, k)
					}
					found[k] = append(found[k], owner{n, a}, other)
				}
			}
		}
		for _, k := range order {
			a, b := found[k][0], found[k][1]
			r := p.ReportIn(k.site, a.path, "address %s of %s is already that of %s in site %s%s", a.text, a.who, b.who,
				p.Fleet[k.other].Name, andMore(len(found[k])/2-1)).RelatedIn(k.other, b.path, "first used here").
				Hintf("another address for one of the two")
			if !nets.together(k.site, k.other) {
				r.Warning()
			}
		}
	},
}
