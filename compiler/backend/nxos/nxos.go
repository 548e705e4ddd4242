// Package nxos writes the switch end of every BGP session for switches that run Cisco NX-OS:
// fabric/<site>/<host name>.nxos.
//
// In: the plan's switches whose OS is "nxos". Out: for each, the part of the running configuration that belongs to the
// site: features, prefix lists, route maps, BFD of the ports and the VLAN, and the sessions with nodes, spines or ToRs.
// Every named object begins with the site's name, so that several sites can share a switch.
//
// NX-OS does not run here. The statements are those of public configurations and grammars: what the tests of Cisco's
// own collection expect (ansible-collections/cisco.nxos, tests/unit/modules/network/nxos: bgp_templates, bgp_global,
// prefix_lists, route_maps, bfd_interfaces), the grammar and samples of batfish/batfish (grammar/cisco_nxos:
// CiscoNxos_bgp.g4, nxos_bgp_parsing_temporary), the templates of ipspace/netlab (bgp/nxos.j2, bfd/nxos.j2).
package nxos

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const name = "nxos" // of the operating system in the site

// Backend writes the files of switches that run NX-OS.
var Backend = backend.Backend{
	Name: name,
	Kind: "switch",
	Doc:  "BGP sessions, filters and BFD of each NX-OS switch, as the site's part of its configuration",
	Emit: emit,
}

func emit(p *ir.Plan, t *artifact.Tree) {
	for i := range p.Switches {
		if sw := &p.Switches[i]; sw.OS == name {
			w := writer{backend.NewSwitchFile(p, t, sw, "nxos")}
			w.Preface(loading, "that holds each site's entries and the last permit once")
			w.features()
			w.filters()
			w.AccessLists("  ")
			w.ports()
			w.router()
		}
	}
}

// writer writes the file of one switch.
type writer struct{ backend.SwitchFile }

// loading says how the part gets into the switch. A session of NX-OS (configure session) takes access lists only.
var loading = []string{
	"This is the site's part of the configuration. Put it among the parts that others own, copy the whole to the switch and",
	"load it with configure replace bootflash:FILE, which works out the difference: what stands here no longer goes, and",
	"show-patch behind it shows the lines first. copy FILE running-config would only add.",
}

// features turns on what NX-OS has turned off at first.
func (w *writer) features() {
	w.Section()
	w.Line("feature bgp")
	if groups, from := w.GroupsWith(func(g *ir.PeerGroup) bool { return g.BFD != nil }); len(groups) > 0 {
		w.From("", from.Of("bfd")...)
		w.Line("feature bfd")
		w.Fixed()
	}
	if w.onVLAN() {
		w.From("", w.Switch.From.Of("vlan")...)
		w.Line("feature interface-vlan")
		w.Fixed()
	}
	w.Line("!")
}

// onVLAN reports whether sessions arrive on the VLAN of the nodes.
func (w *writer) onVLAN() bool {
	groups, _ := w.GroupsWith(func(g *ir.PeerGroup) bool { return g.Side == ir.Nodes })
	return len(groups) > 0 && w.Switch.VLAN != 0
}

// filters writes the prefix lists and route maps.
func (w *writer) filters() {
	lists, maps := w.Switch.Filters(w.Groups)
	for _, l := range lists {
		w.Section(l.From)
		for i, e := range l.Entries {
			w.From("", e.From...)
			w.Linef("%s prefix-list %s seq %d permit %s%s", l.Family.Protocol(), l.Name, 5*(i+1), e.Prefix, backend.Lengths(l.Family, e))
		}
		w.Fixed()
		w.Line("!")
	}
	w.RouteMaps(maps, "  ")
}

// ports writes the timers of BFD, which NX-OS has at the interface, and binds the access lists to the uplinks. A switch that sent redirects would also answer its
// neighbor's echo packets by the slow path; NX-OS asks for them to be off.
func (w *writer) ports() {
	groups, _ := w.GroupsWith(func(g *ir.PeerGroup) bool { return g.BFD != nil })
	written := map[string]bool{}
	for _, g := range groups {
		for i := range g.Neighbors {
			port := w.source(g, &g.Neighbors[i])
			if port == "" || written[port] {
				continue
			}
			written[port] = true
			w.Section(g.From, g.BFD.From)
			w.Linef("interface %s", port)
			w.Line("  no ip redirects")
			w.Line("  no ipv6 redirects")
			w.Linef("  bfd interval %d min_rx %d multiplier %d", g.BFD.IntervalMS, g.BFD.IntervalMS, g.BFD.Multiplier)
			w.Bind("  ", port)
			w.Line("!")
		}
	}
	for _, port := range w.BoundPorts() {
		if !written[port] {
			w.Section(w.Switch.ACL.From)
			w.Linef("interface %s", port)
			w.Bind("  ", port)
			w.Line("!")
		}
	}
}

// source is the interface that a session runs over; "" where the site does not say.
func (w *writer) source(g *ir.PeerGroup, n *ir.Neighbor) string {
	if g.Side != ir.Nodes {
		return n.Via
	}
	if w.Switch.VLAN == 0 {
		return ""
	}
	return fmt.Sprintf("Vlan%d", w.Switch.VLAN)
}
