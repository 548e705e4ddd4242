// Package eos writes the switch end of every BGP session for switches that run Arista EOS:
// fabric/<site>/<host name>.eos.
//
// In: the plan's switches whose OS is "eos". Out: for each, what belongs to the site, as input for a configuration
// session: prefix lists, route maps, the ports of unnumbered links and the sessions with nodes, spines or ToRs. Every
// named object begins with the site's name, so that several sites can share a switch.
//
// EOS does not run here. The statements are those of public configurations that real switches take: what the tests of
// Arista's own collection expect (aristanetworks/avd, molecule/eos_cli_config_gen/intended/configs: router-bgp-base.cfg,
// router-bgp-v4-v6-evpn.cfg, prefix-lists.cfg, ipv6-prefix-lists.cfg, route-maps.cfg, ip-access-lists.cfg; for unnumbered links
// molecule/evpn_underlay_rfc5549_overlay_ebgp), and the templates of ipspace/netlab (netsim/ansible/templates/bgp/eos.j2).
package eos

import (
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
			w := writer{backend.NewSwitchFile(p, t, sw, "eos")}
			w.Preface(loading(p.Name), "that holds each site's entries and the last permit once")
			lists, maps := sw.Filters(w.Groups)
			w.remove(lists, maps)
			w.ports()
			w.filters(lists, maps)
			w.AccessLists("   ")
			w.resilient()
			w.router()
		}
	}
}

// writer writes the file of one switch.
type writer struct{ backend.SwitchFile }

// loading says how the part gets into the switch.
func loading(site string) []string {
	return []string{
		"Load it in a configuration session, which takes effect as a whole or not at all: configure session " + site + ",",
		"these lines, show session-config diffs, commit. Filters are removed and built anew, so entries of yesterday go.",
		"A neighbor, group or network that stands here no longer stays until it is removed by name; a configuration made",
		"of this part and those of others, loaded with configure replace, drops it by itself.",
	}
}

// ports prepares the ports of unnumbered links: a link-local IPv6 address to find the neighbor by, and IPv4 forwarding
// on ports that have no IPv4 address. It binds the access lists to the uplinks.
func (w *writer) ports() {
	groups, from := w.GroupsWith(func(g *ir.PeerGroup) bool { return g.Unnumbered })
	if len(groups) > 0 {
		w.Section(from)
		w.Line("ipv6 unicast-routing")
		w.Line("ip routing ipv6 interfaces")
		w.Line("!")
	}
	bound := map[string]bool{}
	for _, g := range groups {
		for i := range g.Neighbors {
			n := &g.Neighbors[i]
			w.Section(from)
			w.From("", n.From...)
			w.Linef("interface %s", n.Port())
			w.Line("   no switchport")
			w.Line("   ipv6 enable")
			w.Bind("   ", n.Port())
			bound[n.Port()] = true
			w.Section(from)
			w.From("", n.From...)
			w.Line("!")
		}
	}
	for _, port := range w.BoundPorts() {
		if !bound[port] {
			w.Section(w.Switch.ACL.From)
			w.Linef("interface %s", port)
			w.Bind("   ", port)
			w.Line("!")
		}
	}
}

// remove takes the filters away that filters builds: an entry that is gone has no other way out.
func (w *writer) remove(lists []ir.PrefixList, maps []ir.RouteMap) {
	for _, l := range lists {
		w.Section(l.From)
		w.Linef("no %s prefix-list %s", l.Family.Protocol(), l.Name)
	}
	for _, m := range maps {
		w.Section(m.From)
		w.Linef("no route-map %s", m.Name)
	}
	if acl := w.Switch.ACL; acl != nil {
		w.Section(acl.From)
		for _, f := range acl.Families() {
			w.Linef("no %s access-list %s", f.Protocol(), f.Object(acl.Name))
		}
		w.Line("!")
		return
	}
	w.Section()
	w.Line("!")
}

// filters writes the prefix lists and route maps.
func (w *writer) filters(lists []ir.PrefixList, maps []ir.RouteMap) {
	for _, l := range lists {
		w.Section(l.From)
		w.Linef("%s prefix-list %s", l.Family.Protocol(), l.Name)
		for i, e := range l.Entries {
			w.From("", e.From...)
			w.Linef("   seq %d permit %s%s", 10*(i+1), e.Prefix, backend.Lengths(l.Family, e))
		}
		w.Fixed()
		w.Line("!")
	}
	w.RouteMaps(maps, "   ")
}
