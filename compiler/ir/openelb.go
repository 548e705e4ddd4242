package ir

import "net/netip"

// OpenELB is what its objects say besides the peerings. Each speaker is a rack of its own to it: a speaker announces the
// next hops of its rack, so that each announces itself and nothing else.
type OpenELB struct {
	RackLabel string           // label of a node that names its rack: the node itself
	Speakers  []OpenELBSpeaker // nodes that speak BGP, sorted by name
	Eips      []Eip            // by name
	Layer2    bool             // some Eip is announced at layer 2
	Idle      bool             // no node announces anything
	From      From
}

// OpenELBSpeaker is a node with the AS that it speaks for.
type OpenELBSpeaker struct {
	Node string
	ASN  uint32
	From From
}

// Eip is a network or range of a pool. An Eip has one, so that a pool with several has an Eip for each.
type Eip struct {
	Name      string
	Address   string // prefix, or first-last
	Protocol  string // bgp or layer2
	Interface string // that answers; layer2 only
	Prefixes  []netip.Prefix
	From      From
}
