package backendtest

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/ir"
)

// FilteredLeaf is a leaf with access lists of both families on its uplinks: everybody to one address, a few to another.
func (f Fabric) FilteredLeaf() ir.Switch {
	sw := f.NumberedLeaf()
	from := ir.From{"fabric.switchACLs", "gateways.public", "pools.public"}
	permit := func(protocol, source, dest string, port uint16) ir.ACLEntry {
		e := ir.ACLEntry{Permit: true, Protocol: protocol, Dest: netip.MustParsePrefix(dest), Port: port, Why: "gateway public: listener", From: from}
		e.Family = ir.FamilyOf(e.Dest.Addr())
		if source != "" {
			e.Source = netip.MustParsePrefix(source)
		}
		return e
	}
	deny := func(dest string) ir.ACLEntry {
		e := permit("", "", dest, 0)
		e.Permit = false
		return e
	}
	sw.ACL = &ir.SwitchACL{Name: sw.Objects + "_TO_VIPS", Ports: []string{f.First, f.Second}, From: from, Entries: []ir.ACLEntry{
		permit("tcp", "", "203.0.113.10/32", 443),
		permit("udp", "198.51.100.0/24", "203.0.113.11/32", 53),
		permit("tcp", "", "2001:db8:ffff::10/128", 443),
		permit("tcp", "2001:db8:1::/48", "2001:db8:ffff::11/128", 80),
		permit("icmp", "", "203.0.113.0/27", 0),
		permit("icmp", "", "2001:db8:ffff::/120", 0),
		deny("203.0.113.0/27"),
		deny("2001:db8:ffff::/120"),
	}}
	return sw
}
