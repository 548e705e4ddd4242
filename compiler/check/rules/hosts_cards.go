package rules

import (
	"regexp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// hostCardRules are about what is set up of network cards.
var hostCardRules = []*check.Rule{CardsUnknown, CardsDiffer, SteeringWithoutPlace}

// tunesCards reports whether a class sets up its network cards, and where it says so.
func tunesCards(name string, c *site.NodeClass) (path string, ok bool) {
	at := site.Join("nodeClasses", name, "nic")
	if c.NIC.Ring != nil {
		return at + ".ring.rx", true
	}
	return at + ".rps", c.NIC.RPS != ""
}

// noCard is how interfaces that are no network card are called: bonds, teams, bridges and VLANs.
var noCard = regexp.MustCompile(`^(bond|team|br)[0-9]|\.`)

// CardsUnknown finds network cards to set up that the site does not name.
var CardsUnknown = &check.Rule{
	ID: "MG8230", Name: "cards-unknown", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `rings or packet steering are set of a bond whose members are not named

A bond has no rings: ethtool refuses it. It has queues, and takes a mask for them without a fault; but the kernel steers a
packet where the card delivers it, before the bond sees it, so that nothing would be steered. In racks of homing unnumbered
the cards are the nodes' links, in others the members of the bond, or the interface itself.
Source: net/core/dev.c of Linux 6.12, get_rps_cpu and its callers, read 2026-11-21.`,
	Run: func(p *check.Pass) {
		seen := map[string]bool{}
		for m := range machines(p.Site) {
			if m.class == nil || seen[m.node.Class] || len(m.class.NIC.Members) > 0 || p.Site.Racks[m.rack].Homing == "unnumbered" {
				continue
			}
			nic := &m.class.NIC
			if path, ok := tunesCards(m.node.Class, m.class); ok && (nic.Mode != "" || noCard.MatchString(nic.Interface)) {
				seen[m.node.Class] = true
				p.Reportf(path, "class %q sets up its network cards, and %s is not one", m.node.Class, nic.Interface).
					Related(site.Join("nodeClasses", m.node.Class, "nic", "interface"), "the interface").Hintf("name the cards as members")
			}
		}
	},
}

// CardsDiffer finds machines with files in common and different cards.
var CardsDiffer = &check.Rule{
	ID: "MG8231", Name: "cards-differ", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `rings or packet steering are set of a class whose nodes have different links in one rack

Nodes of one class in one rack have their files in common, and these name the cards.`,
	Run: func(p *check.Pass) {
		type group struct{ rack, class string }
		first := map[group]string{}
		for m := range machines(p.Site) {
			r := p.Site.Racks[m.rack]
			if m.class == nil || r.Homing != "unnumbered" {
				continue
			}
			path, ok := tunesCards(m.node.Class, m.class)
			if !ok {
				continue
			}
			g := group{m.rack, m.node.Class}
			if first[g] == "" {
				first[g] = m.name
				continue
			}
			a, b := lower.Cards(r, r.Nodes[first[g]], m.class), lower.Cards(r, m.node, m.class)
			if !slices.Equal(a, b) {
				p.Reportf(path, "class %q sets up its network cards, which are %s on %s and %s on %s", m.node.Class, strings.Join(a, ", "), first[g], strings.Join(b, ", "), m.name).
					Related(m.path+".links", "the links of %s", m.name).Hintf("give one of them a class of its own")
			}
		}
	},
}

// SteeringWithoutPlace finds packet steering on a system that has no place for it.
var SteeringWithoutPlace = &check.Rule{
	ID: "MG8232", Name: "steering-without-place", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `received packets are to be steered on machines of Talos, which cannot say so

The mask belongs to each queue of a card. How many there are the driver decides when it starts, and a machine configuration
names every file of /sys that it sets, one by one: a queue more than that would stay as it was. Rings are a setting of the card, and Talos has them.
Source: siderolabs/talos v1.12.11, machine.sysfs and EthernetConfig, read 2026-11-21.`,
	Run: func(p *check.Pass) {
		seen := map[string]bool{}
		for m := range machines(p.Site) {
			if m.class == nil || m.class.NIC.RPS == "" || seen[m.node.Class] {
				continue
			}
			os, path := m.class.OS, site.Join("nodeClasses", m.node.Class, "os")
			if m.node.OS != "" {
				os, path = m.node.OS, m.path+".os"
			}
			if strings.HasPrefix(os, "talos") {
				seen[m.node.Class] = true
				p.Reportf(site.Join("nodeClasses", m.node.Class, "nic", "rps"), "class %q steers received packets, and %s has no place for it", m.node.Class, os).
					Related(path, "the operating system").Hintf("leave rps out; cards with a queue for each CPU spread packets by themselves")
			}
		}
	},
}
