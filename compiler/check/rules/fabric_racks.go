package rules

import (
	"fmt"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// homingSwitches is how many switches a way of attachment is made for; unnumbered takes any number.
var homingSwitches = map[string]int{"mlag": 2, "active-backup": 2, "single": 1}

// HomingSwitches finds a rack whose switches do not fit the way its nodes are attached.
var HomingSwitches = &check.Rule{
	ID: "MG1240", Name: "homing-switches", Severity: diag.Error, On: check.OnSite,
	Doc: `a rack has more or fewer switches than its homing is made for

An MLAG pair and active-backup are two switches, single is one. With a switch too few, what the site counts on as
redundant is not; with one too many, nodes open sessions with a switch that they have no cable to.
Source: IEEE 802.1AX, distributed resilient network interconnect; Linux bonding documentation.`,
	Run: func(p *check.Pass) {
		for rn, r := range byKey(p.Site.Racks) {
			path := site.Join("racks", rn, "homing")
			want, known := homingSwitches[r.Homing]
			switch {
			case len(r.ToRs) == 0:
				p.Reportf(path, "homing of rack %q is %q, and it has no switch", rn, r.Homing).
					Related(site.Join("racks", rn, "tors"), "its switches").Hintf("add its switches to tors")
			case known && len(r.ToRs) != want:
				report := p.Reportf(path, "homing %q of rack %q is for %d switch(es), and it has %d (%s)", r.Homing, rn, want, len(r.ToRs), keys(r.ToRs)).
					Related(site.Join("racks", rn, "tors"), "its switches")
				switch {
				case len(r.ToRs) == 1:
					report.Hintf("homing: \"single\", or add the other switch")
				case len(r.ToRs) == 2:
					report.Hintf("homing: \"mlag\" or \"active-backup\"")
				default:
					report.Hintf("leave %d in tors: the nodes have no cable to the rest", want)
				}
			}
		}
	},
}

// SingleToRRack finds a rack whose one switch takes too much with it.
var SingleToRRack = &check.Rule{
	ID: "MG1241", Name: "single-tor-rack", Severity: diag.Warning, On: check.OnSite,
	Doc: `one switch carries several control-plane nodes or several replicas of a gateway

When it fails or is upgraded, they are all gone at once: the control plane may lose its majority, the gateway most of its
capacity, while other racks of the site could have had them. On a site with one rack there is no other place.
Source: etcd FAQ, failure tolerance; RFC 7938, section 3.2.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Environment != "production" || len(s.Racks) < 2 {
			return
		}
		classRacks := map[string]map[string]int{} // class → rack → nodes
		for rn, r := range s.Racks {
			for _, n := range r.Nodes {
				if classRacks[n.Class] == nil {
					classRacks[n.Class] = map[string]int{}
				}
				classRacks[n.Class][rn]++
			}
		}
		for rn, r := range byKey(s.Racks) {
			if len(r.ToRs) != 1 {
				continue
			}
			var what []string
			control := 0
			for cn, c := range s.NodeClasses {
				if c.ControlPlane {
					control += classRacks[cn][rn]
				}
			}
			if control > 1 {
				what = append(what, fmt.Sprintf("%d control-plane nodes", control))
			}
			for gn, g := range byKey(s.Gateways) {
				if n := replicasIn(s, g, rn, classRacks[g.Placement.Class]); n > 1 {
					what = append(what, fmt.Sprintf("up to %d of %d replicas of gateway %s", n, g.Replicas, gn))
				}
			}
			if len(what) > 0 {
				p.Reportf(site.Join("racks", rn, "tors"), "rack %q has one switch, and behind it are %s", rn, strings.Join(what, ", ")).
					Hintf("a second switch and homing \"mlag\" or \"active-backup\", or spread them over the racks")
			}
		}
	},
}

// replicasIn is how many pods of a gateway a rack gets when they are spread as evenly as its placement asks for.
func replicasIn(s *site.Site, g *site.Gateway, rack string, nodes map[string]int) int {
	pool := s.Pools[g.Pool]
	racks, total := 0, 0
	for rn, n := range nodes {
		if pool != nil && pool.Announce != nil && !announcedFrom(pool, rn) {
			if rn == rack {
				return 0
			}
			continue
		}
		racks++
		total += n
	}
	if nodes[rack] == 0 {
		return 0
	}
	if g.Placement.Spread == "rack" {
		return (g.Replicas + racks - 1) / racks
	}
	return min(g.Replicas, (g.Replicas*nodes[rack]+total-1)/total)
}
