package ir

import "net/netip"

// SwitchACL is what a ToR takes from its uplinks for virtual addresses. What no entry fits passes.
type SwitchACL struct {
	Name    string     // of the list, without the family
	Ports   []string   // interfaces of the uplinks
	Entries []ACLEntry // in the order in which they count: permits, then denials
	From    From
}

// ACLEntry lets packets through to an address, or drops those for a network.
type ACLEntry struct {
	Family   Family
	Permit   bool
	Protocol string       // tcp, udp, or icmp: of that only the message that a packet is too big; "" for every one
	Source   netip.Prefix // invalid: everybody
	Dest     netip.Prefix // one address for tcp and udp
	Port     uint16       // of the destination; 0 for none
	Why      string       // one line
	From     From
}

// Of returns the entries of one family.
func (a *SwitchACL) Of(f Family) []ACLEntry {
	var out []ACLEntry
	for _, e := range a.Entries {
		if e.Family == f {
			out = append(out, e)
		}
	}
	return out
}

// Families returns the families of the entries: for each, switch languages have a list of its own.
func (a *SwitchACL) Families() []Family {
	var out []Family
	for _, f := range []Family{IPv4, IPv6} {
		if len(a.Of(f)) > 0 {
			out = append(out, f)
		}
	}
	return out
}
