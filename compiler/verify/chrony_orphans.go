package verify

import (
	"net/netip"
	"slices"
	"strings"
)

// checkOrphans compares the chrony.conf files of a site with each other: whoever goes on serving when the site is cut off
// has the stratum of the others, asks them all and follows one of them; and every machine that is asked answers.
func checkOrphans(p *pass, groups []*hostGroup, inv *inventory) {
	var orphans []*hostGroup
	byAddress := map[string]*hostGroup{}
	for _, g := range groups {
		if g.chrony == nil {
			continue
		}
		for _, m := range inv.folderMembers(g.name) {
			if h := inv.hosts[m]; h != nil {
				byAddress[h.address] = g
			}
		}
		if n := g.chrony.lines["local"]; n != 0 {
			orphans = append(orphans, g)
			if !strings.HasSuffix(g.chrony.args["local"], " orphan") {
				p.report(g.chronyFile, n, ruleChrony, "local without orphan: each of the machines that keep the time would go by its own clock")
			}
			if g.chrony.args["minsources"] != "1" {
				p.report(g.chronyFile, g.chrony.lines["minsources"], ruleChrony,
					"minsources %s with orphan: one machine alone keeps the time, and this one would not follow it", g.chrony.args["minsources"])
			}
		}
	}
	for _, g := range orphans {
		if first := orphans[0]; g.chrony.args["local"] != first.chrony.args["local"] {
			p.report(g.chronyFile, g.chrony.lines["local"], ruleChrony, "local %s, and %s has %s: they would not agree on one", g.chrony.args["local"], first.name, first.chrony.args["local"])
		}
		for _, other := range orphans {
			if other == g {
				continue
			}
			if s := g.chrony.asks(inv.addresses(other.name)); s != nil {
				if stratum, _, _ := strings.Cut(strings.TrimPrefix(g.chrony.args["local"], "stratum "), " "); s.options["minstratum"] != stratum {
					p.report(g.chronyFile, s.line, ruleChrony, "minstratum of %s is not %s: both would follow each other when the site is cut off", s.name, stratum)
				}
			} else {
				p.report(g.chronyFile, g.chrony.lines["local"], ruleChrony, "it does not ask %s, which keeps the time of the cut-off site as it does: both would", other.name)
			}
		}
	}
	for _, g := range groups {
		if g.chrony != nil {
			checkAuthenticated(p, g)
		}
		if g.chrony != nil {
			checkAnswers(p, g, byAddress, inv)
		}
	}
}

// checkAuthenticated reports a file with sources that are authenticated beside others that are not, and the default of
// chronyd for such: it would follow nothing while no authenticated source answers.
func checkAuthenticated(p *pass, g *hostGroup) {
	c, plain, signed := g.chrony, false, chronySource{}
	for _, s := range c.sources {
		_, nts := s.options["nts"]
		_, key := s.options["key"]
		if nts || key {
			signed = s
		} else {
			plain = true
		}
	}
	if plain && signed.line > 0 && c.args["authselectmode"] != "ignore" {
		p.report(g.chronyFile, signed.line, ruleChrony, "without authselectmode ignore nothing is followed while %s is out of reach", signed.name)
	}
}

// checkAnswers reports machines of the site that a group asks and that do not let it ask.
func checkAnswers(p *pass, g *hostGroup, byAddress map[string]*hostGroup, inv *inventory) {
	for _, s := range g.chrony.sources {
		server := byAddress[s.name]
		if server == nil {
			continue
		}
		for _, client := range inv.addresses(g.name) {
			a, err := netip.ParseAddr(client)
			if err == nil && !slices.ContainsFunc(server.chrony.allowed, func(subnet netip.Prefix) bool { return subnet.Contains(a) }) {
				p.report(g.chronyFile, s.line, ruleChrony, "%s is asked by %s, which %s does not allow", s.name, client, server.name)
			}
		}
	}
}

// asks returns the source that has one of the addresses, or nil.
func (c *chronyConf) asks(addresses []string) *chronySource {
	for i := range c.sources {
		if slices.Contains(addresses, c.sources[i].name) {
			return &c.sources[i]
		}
	}
	return nil
}

// addresses are those of the machines that get the files of a folder.
func (inv *inventory) addresses(folder string) []string {
	var out []string
	for _, m := range inv.folderMembers(folder) {
		if h := inv.hosts[m]; h != nil && h.address != "" {
			out = append(out, h.address)
		}
	}
	return out
}
