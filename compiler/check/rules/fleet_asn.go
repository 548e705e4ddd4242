package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// ASNSharedBySites finds switches that drop what another site announces.
var ASNSharedBySites = &check.Rule{
	ID: "MG9813", Name: "asn-shared-by-sites", Severity: diag.Error, On: check.OnFleet,
	Doc: `a switch has the AS number of the nodes, or of a switch, of another site in the same network

It drops every route with its own number in the path: with the number of the other site's nodes it loses their virtual
addresses, an error; with that of another switch it loses what comes by way of that one, unless a default route leads
there, a warning. Sites that share a switch or are peers of a federation are one network; others may repeat numbers.
Source: RFC 4271, section 9.1.2; RFC 7938, section 5.2.1.`,
	Run: func(p *check.Pass) {
		nets := joined(p)
		type key struct {
			network int
			asn     uint32
		}
		nodes := map[key]fleetASN{} // the first site whose nodes have a number
		for n, s := range p.Fleet {
			if nets.alone(n) {
				continue
			}
			for rn := range byKey(s.Racks) {
				asn, path := nodeASN(s, rn)
				if k := (key{nets.first[n], asn}); asn != 0 && nodes[k].path == "" {
					nodes[k] = fleetASN{n, path}
				}
			}
		}
		first := map[key]fleetSwitch{}
		for _, w := range fleetSwitches(p) {
			k := key{nets.first[w.site], w.asn}
			if w.asn == 0 || nets.alone(w.site) {
				continue
			}
			if of, ok := nodes[k]; ok && of.site != w.site {
				p.ReportIn(w.site, w.at("asn"), "switch %s has AS number %d, which is that of the nodes of site %s", w.hostname, w.asn, p.Fleet[of.site].Name).Hintf("a number of its own for the switch, or for the nodes there").
					RelatedIn(of.site, of.path, "the number of those nodes")
			}
			other, ok := first[k]
			switch {
			case !ok:
				first[k] = w
			case other.site != w.site && other.hostname != w.hostname:
				p.ReportIn(w.site, w.at("asn"), "switch %s has AS number %d, which switch %s of site %s has already", w.hostname, w.asn,
					other.hostname, p.Fleet[other.site].Name).Hintf("a number of its own for each, where the two can hear of each other's routes").RelatedIn(other.site, other.at("asn"), "first used here").Warning()
			}
		}
	},
}

// fleetASN is where a site gives a number.
type fleetASN struct {
	site int
	path string
}
