package rules

import (
	"maps"
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// fleetRules are the rules across the sites of one run.
var fleetRules = []*check.Rule{
	SiteNameTwice,
	SwitchDiffers,
	PoolOverlapsSite,
	AddressOfSite,
	ASNSharedBySites,
	FederationDisagrees,
	FederatedCall,
	FederationUnreached,
	FederatedNamesake,
	ClusterMeshDisagrees,
	ClusterMeshEncryption,
	ConsulFederationDiffers,
	ConsulSharedName,
	ConsulSharedCertificate,
	ConsulForAll,
	ConsulSecondaryAhead,
	ConsulPlainForAll,
	ConsulUnreached,
	FlatDisagrees,
	FederatedDiffers,
}

// SiteNameTwice finds two sites with one name.
var SiteNameTwice = &check.Rule{
	ID: "MG0020", Name: "site-name-twice", Severity: diag.Error, On: check.OnFleet, Guard: true,
	Doc: `two sites of a fleet have one name

The name is the folder of everything that is written for a site: the second would replace the first.`,
	Run: func(p *check.Pass) {
		first := map[string]int{}
		for n, s := range p.Fleet {
			if other, ok := first[s.Name]; ok {
				p.ReportIn(n, "name", "site name %q is already that of another site", s.Name).Hintf("another name for one of the two").RelatedIn(other, "name", "first used here")
				continue
			}
			first[s.Name] = n
		}
	},
}

// SwitchDiffers finds a switch that two sites describe differently.
var SwitchDiffers = &check.Rule{
	ID: "MG0021", Name: "switch-differs-between-sites", Severity: diag.Error, On: check.OnFleet,
	Doc: `two sites describe one switch differently

A switch may serve several sites, each with a fragment of its own. It runs one BGP process with one number and one
router ID, and one operating system: the fragment that is loaded last breaks the sessions of the other site. Equal
hostnames with neither an address nor a router ID in common may be two switches: then it is a warning.
Source: RFC 4271, section 4.2; RFC 6286, section 2.1.`,
	Run: func(p *check.Pass) {
		first := map[string]fleetSwitch{}
		for _, w := range fleetSwitches(p) {
			other, ok := first[w.hostname]
			if !ok {
				first[w.hostname] = w
				continue
			}
			if other.site == w.site { // another rule's
				continue
			}
			where := p.Fleet[other.site].Name
			var r *check.Report
			switch {
			case w.asn != other.asn && w.asn != 0 && other.asn != 0:
				r = p.ReportIn(w.site, w.at("asn"), "switch %s has AS number %d here and %d in site %s", w.hostname, w.asn, other.asn, where).
					RelatedIn(other.site, other.at("asn"), "the number there")
			case w.os != other.os && w.os != "" && other.os != "":
				r = p.ReportIn(w.site, w.at("os"), "switch %s runs %s here and %s in site %s", w.hostname, w.os, other.os, where).
					RelatedIn(other.site, other.at("os"), "the system there")
			case w.routerID != other.routerID && w.routerID != "" && other.routerID != "":
				r = p.ReportIn(w.site, w.at("routerID"), "switch %s has router ID %s here and %s in site %s", w.hostname, w.routerID, other.routerID, where).
					RelatedIn(other.site, other.at("routerID"), "the router ID there")
			default:
				continue
			}
			r.Hintf("one switch is one description in all sites; another switch needs a hostname of its own")
			if !w.is(other) {
				r.Warning()
			}
		}
	},
}

// fleetSwitch is one description of a switch.
type fleetSwitch struct {
	site int
	router
}

func (w fleetSwitch) at(field string) string { return w.path + "." + field }

// is reports whether two descriptions are of one switch for certain: the hostname and an address or the router ID agree.
func (w fleetSwitch) is(other fleetSwitch) bool {
	return w.hostname == other.hostname && (w.routerID != "" && w.routerID == other.routerID ||
		slices.ContainsFunc(w.address, func(a string) bool { return slices.Contains(other.address, a) }))
}

// fleetSwitches lists the switches of all sites, by site and path.
func fleetSwitches(p *check.Pass) []fleetSwitch {
	return check.Memo(p, "fleet switches", func() []fleetSwitch {
		var out []fleetSwitch
		for n, s := range p.Fleet {
			for r := range routers(s) {
				out = append(out, fleetSwitch{n, r})
			}
		}
		return out
	})
}

// networks say which sites of a fleet are one network for certain: those that share a switch, or of which one names the
// other as a peer of its federation, also by way of further sites. For each site they have the first one of its network,
// and for each of these how many sites the network has.
type networks struct {
	first []int
	size  map[int]int
}

// together reports whether two sites are one network.
func (n networks) together(a, b int) bool { return n.first[a] == n.first[b] }

// alone reports whether nothing says that the site has a network in common with another.
func (n networks) alone(a int) bool { return n.size[n.first[a]] == 1 }

func joined(p *check.Pass) networks {
	return check.Memo(p, "fleet networks", func() networks {
		first := make([]int, len(p.Fleet))
		for i := range first {
			first[i] = i
		}
		var root func(int) int
		root = func(i int) int {
			if first[i] != i {
				first[i] = root(first[i])
			}
			return first[i]
		}
		join := func(a, b int) {
			a, b = root(a), root(b)
			first[max(a, b)] = min(a, b)
		}
		seen := map[string][]fleetSwitch{}
		for _, w := range fleetSwitches(p) {
			known := false
			for _, other := range seen[w.hostname] {
				if w.is(other) {
					join(w.site, other.site)
					known = true
					break
				}
			}
			if !known && len(seen[w.hostname]) < maxClashes {
				seen[w.hostname] = append(seen[w.hostname], w)
			}
		}
		named := map[string]int{}
		for i, s := range p.Fleet {
			named[s.Name] = i
		}
		for i, s := range p.Fleet {
			if s.Federation == nil {
				continue
			}
			for _, peer := range slices.Sorted(maps.Keys(s.Federation.Peers)) {
				if other, ok := named[peer]; ok {
					join(i, other)
				}
			}
		}
		out := networks{first: first, size: map[int]int{}}
		for i := range first {
			out.size[root(i)]++
		}
		return out
	})
}
