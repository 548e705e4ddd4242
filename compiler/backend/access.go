package backend

import (
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
)

// AccessEntry is an entry of an access list in the words that EOS and NX-OS share, behind its number.
func AccessEntry(e *ir.ACLEntry) string {
	action, protocol := "deny", "ip"
	if e.Permit {
		action = "permit"
	}
	if e.Protocol != "" {
		protocol = e.Protocol
	}
	end := ""
	switch {
	case e.Protocol == "icmp":
		end = " unreachable" // type 3, whose code 4 is "fragmentation needed"
	case e.Port != 0:
		end = " eq " + strconv.Itoa(int(e.Port))
	}
	source := "any"
	if e.Source.IsValid() {
		source = accessAddress(e.Source.IsSingleIP(), e.Source.Addr().String(), e.Source.String())
	}
	return action + " " + protocol + " " + source + " " + accessAddress(e.Dest.IsSingleIP(), e.Dest.Addr().String(), e.Dest.String()) + end
}

func accessAddress(single bool, address, network string) string {
	if single {
		return "host " + address
	}
	return network
}

// AccessLists writes the switch's access lists, one a family, as EOS and NX-OS have them.
func (w *SwitchFile) AccessLists(indent string) {
	acl := w.Switch.ACL
	if acl == nil {
		return
	}
	for _, f := range acl.Families() {
		w.Section(acl.From)
		w.Linef("%s access-list %s", f.Protocol(), f.Object(acl.Name))
		w.Linef("%s10 permit ip any any fragments", indent) // without the first, which is filtered, nobody can put them together
		n := 10
		for _, e := range acl.Of(f) {
			n += 10
			w.From("", e.From...)
			w.Linef("%s%d %s", indent, n, AccessEntry(&e))
		}
		w.From("", acl.From...)
		w.Linef("%s%d permit ip any any", indent, n+10)
		w.Fixed()
		w.Line("!")
	}
}

// BoundPorts are the interfaces that access lists are bound to; none without a list.
func (w *SwitchFile) BoundPorts() []string {
	if w.Switch.ACL == nil {
		return nil
	}
	return w.Switch.ACL.Ports
}

// Bind writes the lines below an interface that bind the access lists to it, where it is an uplink.
func (w *SwitchFile) Bind(indent, port string) {
	if !slices.Contains(w.BoundPorts(), port) {
		return
	}
	w.Section(w.Switch.ACL.From)
	for _, f := range w.Switch.ACL.Families() {
		w.Linef("%s%s access-group %s in", indent, f.Protocol(), f.Object(w.Switch.ACL.Name))
	}
}
