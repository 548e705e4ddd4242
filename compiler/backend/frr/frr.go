// Package frr writes the switch end of every BGP session for switches that run FRRouting: fabric/<site>/<host name>.conf,
// and .sonic for those that run it inside SONiC.
//
// In: the plan's switches whose OS is "frr" or "sonic". Out: for each, the part of an integrated frr.conf that belongs to the
// site: prefix lists, route maps, BFD profiles and the sessions with nodes, spines or ToRs. Every named object begins
// with the site's name, so that several sites can share a switch.
//
// Lines have the form in which FRR itself writes its configuration, where it has one: frr-reload.py compares text.
package frr

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

const name = "frr" // of the operating system in the site

// Backend writes the files of switches that run FRR.
var Backend = backend.Backend{
	Name: name,
	Kind: "switch",
	Doc:  "BGP sessions, filters and BFD of each FRR switch, as the site's part of its frr.conf, and an nftables table for its uplinks where the site asks for one",
	Emit: emit,
}

func emit(p *ir.Plan, t *artifact.Tree) {
	for i := range p.Switches {
		if sw := &p.Switches[i]; sw.OS == name {
			w := writer{backend.NewSwitchFile(p, t, sw, "conf")}
			w.write(loading)
			filter(p, t, sw)
		}
	}
}

// write writes the whole file; how says how it is loaded.
func (w *writer) write(how []string) {
	w.Preface(how, "whose entries call each site's map, with on-match next")
	w.aclHint()
	w.filters()
	w.bfd()
	w.router()
}

// writer writes the file of one switch.
type writer struct{ backend.SwitchFile }

// loading says how the part gets into the switch.
var loading = []string{
	"This is the site's part of frr.conf. Append it to the parts that others own and load the whole with",
	"frr-reload.py --reload, which also removes what stands here no longer; vtysh -f would only add.",
}

// filters writes the prefix lists and route maps.
func (w *writer) filters() {
	lists, maps := w.Switch.Filters(w.Groups)
	for _, l := range lists {
		w.Section(l.From)
		for i, e := range l.Entries {
			w.From("", e.From...)
			w.Linef("%s prefix-list %s seq %d permit %s%s", l.Family.Protocol(), l.Name, 5*(i+1), e.Prefix, lengths(l.Family, e))
		}
		w.Fixed()
		w.Line("!")
	}
	w.RouteMaps(maps, " ", "exit")
}

// lengths is the part of an entry that says which lengths it covers; one of the prefix's own length needs none.
func lengths(f ir.Family, e ir.PrefixEntry) string {
	switch {
	case e.Length == e.Prefix.Bits() || e.Prefix.Bits() == f.HostBits():
		return ""
	case e.Length != 0:
		return fmt.Sprintf(" ge %d le %d", e.Length, e.Length)
	default:
		return fmt.Sprintf(" le %d", f.HostBits())
	}
}
