package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// SwitchWithoutUplinks finds a switch that no spine is behind.
var SwitchWithoutUplinks = &check.Rule{
	ID: "MG1250", Name: "switch-without-uplinks", Severity: diag.Error, On: check.OnSite,
	Doc: `the site has spines, and a switch that speaks BGP has no link to any

What its nodes announce stays behind it. Where the rack's other switch has uplinks, this is a warning: half of the
traffic takes the link between the two, and that switch must not fail.
Source: RFC 7938, section 3.2.`,
	Run: func(p *check.Pass) {
		if len(p.Site.Fabric.Spines) == 0 {
			return
		}
		for rn, r := range byKey(p.Site.Racks) {
			linked := false
			for _, t := range r.ToRs {
				linked = linked || len(t.Uplinks) > 0
			}
			for tn, t := range byKey(r.ToRs) {
				if t.ASN == 0 || len(t.Uplinks) > 0 {
					continue
				}
				report := p.Reportf(site.Join("racks", rn, "tors", tn), "switch %s of rack %q has no uplinks, and the site has spines (%s)", t.Hostname, rn, keys(p.Site.Fabric.Spines)).
					Related("fabric.spines", "the spines").Hintf("uplinks: [{spine: %q, interface: …}]", firstKey(p.Site.Fabric.Spines))
				if linked {
					report.Warning()
				}
			}
		}
	},
}

func firstKey[V any](m map[string]V) string {
	for k := range byKey(m) {
		return k
	}
	return ""
}

// SpineWithoutLinks finds a spine that no switch is connected to.
var SpineWithoutLinks = &check.Rule{
	ID: "MG1251", Name: "spine-without-links", Severity: diag.Warning, On: check.OnSite,
	Doc: `no switch has a link to a spine

The spine gets a file without sessions, and the fabric has fewer paths than the site says.`,
	Run: func(p *check.Pass) {
		used := map[string]bool{}
		for _, r := range p.Site.Racks {
			for _, t := range r.ToRs {
				for _, u := range t.Uplinks {
					if p.Site.Fabric.Spines[u.Spine] == nil {
						return // it was meant for one of them
					}
					used[u.Spine] = true
				}
			}
		}
		if len(used) == 0 {
			return // no switch has uplinks at all, which each of them says
		}
		for sn, sp := range byKey(p.Site.Fabric.Spines) {
			if !used[sn] {
				p.Reportf(site.Join("fabric", "spines", sn), "no switch has an uplink to spine %q (%s)", sn, sp.Hostname).
					Hintf("add it to the uplinks of the switches, or leave it out")
			}
		}
	},
}

// SpinesDiffer finds two switches of one rack that lead to different spines.
var SpinesDiffer = &check.Rule{
	ID: "MG1252", Name: "uplinks-differ", Severity: diag.Warning, On: check.OnSite,
	Doc: `the switches of one rack have links to different spines

Paths to the rack then differ in number from spine to spine, and traffic that arrives at the one switch for a spine of
the other crosses the link between the two, which is small.
Source: RFC 7938, section 3.2.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			first, has := "", []string(nil)
			for tn, t := range byKey(r.ToRs) {
				spines := spinesOf(t)
				switch {
				case len(spines) == 0: // has a rule of its own
				case first == "":
					first, has = tn, spines
				case !slices.Equal(spines, has):
					p.Reportf(site.Join("racks", rn, "tors", tn, "uplinks"), "switch %s of rack %q has uplinks to %s, and switch %s to %s",
						t.Hostname, rn, strings.Join(spines, ", "), r.ToRs[first].Hostname, strings.Join(has, ", ")).
						Related(site.Join("racks", rn, "tors", first, "uplinks"), "those of the other switch")
				}
			}
		}
	},
}

// SingleUplink finds a switch that one spine takes off the network.
var SingleUplink = &check.Rule{
	ID: "MG1253", Name: "single-uplink", Severity: diag.Warning, On: check.OnSite,
	Doc: `a switch has links to one spine only, though there are more

Maintenance of that spine cuts the switch off. The rack's addresses are withdrawn, or all of its traffic takes the link
to the other switch.
Source: RFC 7938, section 3.2.`,
	Run: func(p *check.Pass) {
		if len(p.Site.Fabric.Spines) < 2 {
			return
		}
		for rn, r := range byKey(p.Site.Racks) {
			sets := map[string]bool{}
			for _, t := range r.ToRs {
				if len(t.Uplinks) > 0 {
					sets[strings.Join(spinesOf(t), " ")] = true
				}
			}
			if len(sets) > 1 {
				continue // that they differ is said already
			}
			for tn, t := range byKey(r.ToRs) {
				if has := spinesOf(t); len(has) == 1 && p.Site.Fabric.Spines[has[0]] != nil {
					p.Reportf(site.Join("racks", rn, "tors", tn, "uplinks"), "switch %s has uplinks to spine %q only, of %s", t.Hostname, has[0], keys(p.Site.Fabric.Spines)).
						Related("fabric.spines", "the spines")
				}
			}
		}
	},
}

// SingleSpine finds a production site whose racks meet in one machine.
var SingleSpine = &check.Rule{
	ID: "MG1254", Name: "single-spine", Severity: diag.Warning, On: check.OnSite,
	Doc: `a production site of several racks has one spine

Every path between racks leads through it: its failure or its next upgrade takes the whole site down, however many
racks there are.
Source: RFC 7938, section 3.2.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Environment != "production" || len(s.Fabric.Spines) != 1 || len(s.Racks) < 2 {
			return
		}
		for sn, sp := range s.Fabric.Spines {
			p.Reportf(site.Join("fabric", "spines", sn), "spine %s is the only one, and %d racks meet there", sp.Hostname, len(s.Racks)).
				Related("environment", "the environment").Hintf("a second spine, and an uplink to it from each switch")
		}
	},
}

// RacksApart finds racks that no spine joins.
var RacksApart = &check.Rule{
	ID: "MG1255", Name: "racks-apart", Severity: diag.Warning, On: check.OnSite,
	Doc: `two racks have no spine in common, nor one that leads from one to the other

Spines have no sessions with each other: what one rack announces never gets to the other. Nodes there reach neither its
virtual addresses nor its pods, unless something that the site does not describe joins the spines.
Source: RFC 7938, section 3.2.`,
	Run: func(p *check.Pass) {
		s := p.Site
		// Union of racks over the spines that they share.
		parent := map[string]string{}
		root := func(x string) string {
			for parent[x] != x {
				parent[x] = parent[parent[x]]
				x = parent[x]
			}
			return x
		}
		first := map[string]string{} // spine → a rack with a link to it
		var linked []string
		for rn, r := range byKey(s.Racks) {
			parent[rn] = rn
			has := false
			for _, t := range r.ToRs {
				for _, u := range t.Uplinks {
					if s.Fabric.Spines[u.Spine] == nil {
						continue
					}
					has = true
					if other, ok := first[u.Spine]; ok {
						parent[root(rn)] = root(other)
					} else {
						first[u.Spine] = rn
					}
				}
			}
			if has {
				linked = append(linked, rn)
			}
		}
		told := map[string]bool{}
		for _, rn := range linked {
			group := root(rn)
			if group == root(linked[0]) || told[group] {
				continue
			}
			told[group] = true
			p.Reportf(site.Join("racks", rn, "tors"), "rack %q shares no spine with rack %q, nor do racks between them", rn, linked[0]).
				Related(site.Join("racks", linked[0], "tors"), "the other rack").Hintf("an uplink to a spine that both have")
		}
	},
}
