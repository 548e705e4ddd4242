package backend

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// What a switch does with a session that sends more prefixes than its limit.
const (
	WarnPercent    = 80 // of the limit: from there on it logs a warning
	RestartMinutes = 5  // until it takes the session again; without it somebody has to clear it, and a node stays away until then
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

// Networks announces the rack's subnets to the spines, where the switch has sessions with any. check is the comment that says
// on which condition this system does so; indent stands before each line.
func (w *SwitchFile) Networks(f ir.Family, to []*ir.PeerGroup, indent, check string) {
	nets := slices.DeleteFunc(slices.Clone(w.Switch.Subnets), func(p netip.Prefix) bool { return !f.Has(p) })
	if len(nets) == 0 || !slices.ContainsFunc(to, func(g *ir.PeerGroup) bool { return g.Side == ir.Spines }) {
		return
	}
	w.Line(indent + "! " + check)
	w.From("", w.Switch.From.Of("subnets")...)
	for _, n := range nets {
		w.Linef("%snetwork %s", indent, n)
	}
	w.Fixed()
}

// RouteMaps writes route maps. indent stands before what belongs to a term; leave are the lines that end one.
func (w *SwitchFile) RouteMaps(maps []ir.RouteMap, indent string, leave ...string) {
	for _, m := range maps {
		w.Section(m.From)
		for i, term := range m.Terms {
			action := "deny"
			if term.Permit {
				action = "permit"
			}
			w.Linef("route-map %s %s %d", m.Name, action, 10*(i+1))
			if term.List != "" {
				w.Linef("%smatch %s address prefix-list %s", indent, m.Family.Protocol(), term.List)
			}
			for _, line := range leave {
				w.Line(line)
			}
			w.Line("!")
		}
	}
}

// Lengths is the part of an entry of a prefix list that says which lengths it covers, where the system has a word for one
// length ("eq"); one of the prefix's own length needs none.
func Lengths(f ir.Family, e ir.PrefixEntry) string {
	switch {
	case e.Length == e.Prefix.Bits() || e.Prefix.Bits() == f.HostBits():
		return ""
	case e.Length != 0:
		return fmt.Sprintf(" eq %d", e.Length)
	default:
		return fmt.Sprintf(" le %d", f.HostBits())
	}
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
