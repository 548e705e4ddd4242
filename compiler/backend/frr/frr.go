// Package frr writes the switch end of every BGP session for switches that run FRRouting: fabric/<site>/<host name>.conf.
//
// In: the plan's switches whose OS is "frr". Out: for each, the part of an integrated frr.conf that belongs to the
// site: prefix lists, route maps, BFD profiles and the sessions with nodes, spines or ToRs. Every named object begins
// with the site's name, so that several sites can share a switch.
//
// Lines have the form in which FRR itself writes its configuration, where it has one: frr-reload.py compares text.
package frr

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const name = "frr" // of the operating system in the site

// Backend writes the files of switches that run FRR.
var Backend = backend.Backend{
	Name: name,
	Kind: "switch",
	Doc:  "BGP sessions, filters and BFD of each FRR switch, as the site's part of its frr.conf",
	Emit: emit,
}

func emit(p *ir.Plan, t *artifact.Tree) {
	for i := range p.Switches {
		if sw := &p.Switches[i]; sw.OS == name {
			w := writer{File: t.File("fabric/"+p.Name+"/"+sw.Hostname+".conf", sw.From...), sw: sw, groups: sw.PeerGroups()}
			w.Header("!", p.Name)
			w.preface()
			w.filters()
			w.bfd()
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
func (w *writer) preface() {
	w.purpose()
	w.sessionsArrive()
	w.Line("!")
	w.Line("! This is the site's part of frr.conf. Append it to the parts that others own and load the whole with")
	w.Line("! frr-reload.py --reload, which also removes what stands here no longer; vtysh -f would only add.")
	w.sharing()
	w.placeholders()
	w.Line("!")
}

// sharing says what sites have to settle that share the switch: a link between switches is in one peer group only.
func (w *writer) sharing() {
	groups, from := w.groupsWith(func(g *ir.PeerGroup) bool { return g.Side != ir.Nodes })
	if len(groups) == 0 {
		return
	}
	w.From("", from...)
	w.Linef("! Another site on this switch has objects of another name. Links between switches can be in one peer group only:")
	w.Linef("! keep %s, with a route map of your own whose entries call each site's map, with on-match next.", groups[0].Name)
	w.Fixed()
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

// filters writes the prefix lists and route maps.
func (w *writer) filters() {
	lists, maps := w.sw.Filters(w.groups)
	for _, l := range lists {
		w.section(l.From)
		for i, e := range l.Entries {
			w.From("", e.From...)
			w.Linef("%s prefix-list %s seq %d permit %s%s", word(l.Family), l.Name, 5*(i+1), e.Prefix, lengths(l.Family, e))
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
				w.Linef(" match %s address prefix-list %s", word(m.Family), term.List)
			}
			w.Line("exit")
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
		return fmt.Sprintf(" ge %d le %d", max, max)
	default:
		return fmt.Sprintf(" le %d", max)
	}
}
