// Package eos writes the switch end of every BGP session for switches that run Arista EOS:
// fabric/<site>/<host name>.eos.
//
// In: the plan's switches whose OS is "eos". Out: for each, what belongs to the site, as input for a configuration
// session: prefix lists, route maps, the ports of unnumbered links and the sessions with nodes, spines or ToRs. Every
// named object begins with the site's name, so that several sites can share a switch.
//
// EOS does not run here. The statements are those of public configurations that real switches take: what the tests of
// Arista's own collection expect (aristanetworks/avd, molecule/eos_cli_config_gen/intended/configs: router-bgp-base.cfg,
// router-bgp-v4-v6-evpn.cfg, prefix-lists.cfg, ipv6-prefix-lists.cfg, route-maps.cfg; for unnumbered links
// molecule/evpn_underlay_rfc5549_overlay_ebgp), and the templates of ipspace/netlab (netsim/ansible/templates/bgp/eos.j2).
package eos

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const name = "eos" // of the operating system in the site

// Backend writes the files of switches that run EOS.
var Backend = backend.Backend{
	Name: name,
	Kind: "switch",
	Doc:  "BGP sessions, filters and BFD of each EOS switch, for a configuration session",
	Emit: emit,
}

func emit(p *ir.Plan, t *artifact.Tree) {
	for i := range p.Switches {
		if sw := &p.Switches[i]; sw.OS == name {
			w := writer{File: t.File("fabric/"+p.Name+"/"+sw.Hostname+".eos", sw.From...), sw: sw, groups: sw.PeerGroups()}
			w.Header("!", p.Name)
			w.preface(p.Name)
			lists, maps := sw.Filters(w.groups)
			w.remove(lists, maps)
			w.ports()
			w.filters(lists, maps)
			w.router()
		}
	}
}

// writer writes the file of one switch.
type writer struct {
	*artifact.File
	sw     *ir.Switch
	groups []ir.PeerGroup
}

// section makes the switch and what else is given the origin of the lines that follow.
func (w *writer) section(from ...ir.From) {
	w.Begin(slices.Concat(w.sw.From, slices.Concat(from...))...)
}

// groupsWith returns the groups that fit, and what they come from.
func (w *writer) groupsWith(fits func(*ir.PeerGroup) bool) (groups []*ir.PeerGroup, from ir.From) {
	for i := range w.groups {
		if g := &w.groups[i]; fits(g) {
			groups, from = append(groups, g), append(from, g.From...)
		}
	}
	return groups, from
}

// preface says what the file is for, how it is loaded, and what is left to fill in.
func (w *writer) preface(site string) {
	w.purpose()
	w.sessionsArrive()
	w.Line("!")
	w.Linef("! Load it in a configuration session, which takes effect as a whole or not at all: configure session %s,", site)
	w.Line("! these lines, show session-config diffs, commit. Filters are removed and built anew, so entries of yesterday go.")
	w.Line("! A neighbor, group or network that stands here no longer stays until it is removed by name; a configuration made")
	w.Line("! of this part and those of others, loaded with configure replace, drops it by itself.")
	w.sharing()
	w.placeholders()
	w.Line("!")
}

// purpose says whose sessions these are.
func (w *writer) purpose() {
	if w.sw.Role == "spine" {
		w.Linef("! BGP of spine %s with the ToRs of the site.", w.sw.Hostname)
		return
	}
	var with []string
	nodes, from := w.groupsWith(func(g *ir.PeerGroup) bool { return g.Side == ir.Nodes })
	if len(nodes) > 0 {
		with = append(with, "with the nodes that announce virtual addresses")
	}
	spines, more := w.groupsWith(func(g *ir.PeerGroup) bool { return g.Side == ir.Spines })
	if len(spines) > 0 {
		with = append(with, "with the spines")
	}
	w.From("", append(from, more...)...)
	ends := ""
	if len(with) > 0 {
		ends = ", " + strings.Join(with, " and ")
	}
	w.Linef("! BGP of %s, ToR of rack %s%s.", w.sw.Hostname, w.sw.Rack, ends)
	w.Fixed()
}

// sessionsArrive says which VLAN and which own addresses the nodes' sessions come in on.
func (w *writer) sessionsArrive() {
	groups, from := w.groupsWith(func(g *ir.PeerGroup) bool { return g.Side == ir.Nodes })
	if len(groups) == 0 {
		return
	}
	var own []string
	for _, g := range groups {
		own = append(own, g.Source.String())
	}
	w.From("", from...)
	where := "Nodes connect"
	if w.sw.VLAN != 0 {
		where = fmt.Sprintf("On VLAN %d nodes connect", w.sw.VLAN)
	}
	w.Linef("! %s to this switch's own address %s, never to a gateway address that switches share.", where, strings.Join(own, " and "))
	w.Fixed()
}

// sharing says what sites have to settle that share the switch: a link between switches is in one peer group only.
func (w *writer) sharing() {
	groups, from := w.groupsWith(func(g *ir.PeerGroup) bool { return g.Side != ir.Nodes })
	if len(groups) == 0 {
		return
	}
	w.From("", from...)
	w.Line("! Another site on this switch has objects of another name. Links between switches can be in one peer group only:")
	w.Linef("! keep %s, with a route map of your own that holds each site's entries and the last permit once.", groups[0].Name)
	w.Fixed()
}

// placeholders lists the words that the delivery replaces.
func (w *writer) placeholders() {
	words, from := ir.Placeholders(w.groups)
	if len(words) == 0 {
		return
	}
	w.From("", from...)
	w.Line("! Before loading, replace:")
	for _, word := range words {
		w.Line("!   " + word)
	}
	w.Fixed()
}

// ports prepares the ports of unnumbered links: a link-local IPv6 address to find the neighbor by, and IPv4 forwarding
// on ports that have no IPv4 address.
func (w *writer) ports() {
	groups, from := w.groupsWith(func(g *ir.PeerGroup) bool { return g.Unnumbered })
	if len(groups) == 0 {
		return
	}
	w.section(from)
	w.Line("ipv6 unicast-routing")
	w.Line("ip routing ipv6 interfaces")
	w.Line("!")
	for _, g := range groups {
		for i := range g.Neighbors {
			n := &g.Neighbors[i]
			w.From("", n.From...)
			w.Linef("interface %s", n.Port())
			w.Line("   no switchport")
			w.Line("   ipv6 enable")
			w.Line("!")
		}
	}
}

// remove takes the filters away that filters builds: an entry that is gone has no other way out.
func (w *writer) remove(lists []ir.PrefixList, maps []ir.RouteMap) {
	for _, l := range lists {
		w.section(l.From)
		w.Linef("no %s prefix-list %s", word(l.Family), l.Name)
	}
	for _, m := range maps {
		w.section(m.From)
		w.Linef("no route-map %s", m.Name)
	}
	w.section()
	w.Line("!")
}

// filters writes the prefix lists and route maps.
func (w *writer) filters(lists []ir.PrefixList, maps []ir.RouteMap) {
	for _, l := range lists {
		w.section(l.From)
		w.Linef("%s prefix-list %s", word(l.Family), l.Name)
		for i, e := range l.Entries {
			w.From("", e.From...)
			w.Linef("   seq %d permit %s%s", 10*(i+1), e.Prefix, lengths(l.Family, e))
		}
		w.Fixed()
		w.Line("!")
	}
	for _, m := range maps {
		w.section(m.From)
		for i, term := range m.Terms {
			action := "deny"
			if term.Permit {
				action = "permit"
			}
			w.Linef("route-map %s %s %d", m.Name, action, 10*(i+1))
			if term.List != "" {
				w.Linef("   match %s address prefix-list %s", word(m.Family), term.List)
			}
			w.Line("!")
		}
	}
}

// word is the family as filters spell it.
func word(f ir.Family) string {
	if f == ir.IPv6 {
		return "ipv6"
	}
	return "ip"
}

// lengths is the part of an entry that says which lengths it covers; a prefix that is one address needs none.
func lengths(f ir.Family, e ir.PrefixEntry) string {
	switch max := f.HostBits(); {
	case e.Prefix.Bits() == max:
		return ""
	case e.HostsOnly:
		return fmt.Sprintf(" eq %d", max)
	default:
		return fmt.Sprintf(" le %d", max)
	}
}
