package ir

import "net/netip"

// EgressPolicy gives what some pods send to one destination outside a fixed source address, one family at a time.
type EgressPolicy struct {
	Name         string // the destination's, with the family: "erp.ipv4"
	Gateway      string // in the site's egressGateways
	External     string
	Users        []ExternalUser // whose pods it is for, by namespace and name
	Destinations []netip.Prefix
	Sources      []EgressSource // by address; each pod keeps to one of them
	From         From
}

// EgressSource is a source address and the node that has it.
type EgressSource struct {
	Node    string
	Address netip.Addr
	From    From
}
