package backend

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// SwitchFile writes what the files of switches share, whatever their language: the comments at the head, and the
// origins of sections. Comments begin with "!", as in FRR, EOS and NX-OS.
type SwitchFile struct {
	*artifact.File
	Switch *ir.Switch
	Groups []ir.PeerGroup // the sessions of the switch
}

// NewSwitchFile starts fabric/<site>/<host name>.<extension>.
func NewSwitchFile(p *ir.Plan, t *artifact.Tree, sw *ir.Switch, extension string) SwitchFile {
	w := SwitchFile{File: t.File("fabric/"+p.Name+"/"+sw.Hostname+"."+extension, sw.From...), Switch: sw, Groups: sw.PeerGroups()}
	w.Header("!", p.Name)
	return w
}

// Section makes the switch and what else is given the origin of the lines that follow.
func (w *SwitchFile) Section(from ...ir.From) {
	w.Begin(slices.Concat(w.Switch.From, slices.Concat(from...))...)
}

// GroupsWith returns the groups that fit, and what they come from.
func (w *SwitchFile) GroupsWith(fits func(*ir.PeerGroup) bool) (groups []*ir.PeerGroup, from ir.From) {
	for i := range w.Groups {
		if g := &w.Groups[i]; fits(g) {
			groups, from = append(groups, g), append(from, g.From...)
		}
	}
	return groups, from
}

// Preface says what the file is for, how it is loaded, how sites settle that share the switch, and what is left to
// fill in. loading are the lines of the second; sharing is how the route maps of sites are combined on a group of links.
func (w *SwitchFile) Preface(loading []string, sharing string) {
	w.purpose()
	w.sessionsArrive()
	w.Line("!")
	for _, line := range loading {
		w.Line("! " + line)
	}
	w.sharing(sharing)
	w.placeholders()
	w.Line("!")
}

// purpose says whose sessions these are.
func (w *SwitchFile) purpose() {
	if w.Switch.Role == "spine" {
		w.Linef("! BGP of spine %s with the ToRs of the site.", w.Switch.Hostname)
		return
	}
	var with []string
	nodes, from := w.GroupsWith(func(g *ir.PeerGroup) bool { return g.Side == ir.Nodes })
	if len(nodes) > 0 {
		with = append(with, "with the nodes that announce virtual addresses")
	}
	if links, more := w.GroupsWith(func(g *ir.PeerGroup) bool { return g.Side == ir.Links }); len(links) > 0 {
		with, from = append(with, "with the routing of all nodes"), append(from, more...)
	}
	spines, more := w.GroupsWith(func(g *ir.PeerGroup) bool { return g.Side == ir.Spines })
	if len(spines) > 0 {
		with = append(with, "with the spines")
	}
	w.From("", append(from, more...)...)
	ends := ""
	if len(with) > 0 {
		ends = ", " + strings.Join(with, " and ")
	}
	w.Linef("! BGP of %s, ToR of rack %s%s.", w.Switch.Hostname, w.Switch.Rack, ends)
	w.Fixed()
}

// sessionsArrive says which VLAN and which own addresses the nodes' sessions come in on.
func (w *SwitchFile) sessionsArrive() {
	groups, from := w.GroupsWith(func(g *ir.PeerGroup) bool { return g.Side == ir.Nodes })
	if len(groups) == 0 {
		return
	}
	var own []string
	for _, g := range groups {
		own = append(own, g.Source.String())
	}
	w.From("", from...)
	where := "Nodes connect"
	if groups[0].Multihop {
		where = "From their loopback addresses nodes connect"
	} else if w.Switch.VLAN != 0 {
		where = fmt.Sprintf("On VLAN %d nodes connect", w.Switch.VLAN)
	}
	w.Linef("! %s to this switch's own address %s, never to a gateway address that switches share.", where, strings.Join(own, " and "))
	w.Fixed()
}

// sharing says what sites have to settle that share the switch: a link between switches is in one peer group only.
func (w *SwitchFile) sharing(how string) {
	groups, from := w.GroupsWith(func(g *ir.PeerGroup) bool { return g.Side == ir.Spines || g.Side == ir.ToRs })
	if len(groups) == 0 {
		return
	}
	w.From("", from...)
	w.Line("! Another site on this switch has objects of another name. Links between switches can be in one peer group only:")
	w.Linef("! keep %s, with a route map of your own %s.", groups[0].Name, how)
	w.Fixed()
}

// placeholders lists the words that the delivery replaces.
func (w *SwitchFile) placeholders() {
	words, from := ir.Placeholders(w.Groups)
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
