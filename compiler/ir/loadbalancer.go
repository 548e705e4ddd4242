package ir

import "net/netip"

// LoadBalancer is what gives Services of type LoadBalancer their addresses.
type LoadBalancer struct {
	Kind, Version string
	Backend       string // what speaks BGP: frr-k8s, frr or native for MetalLB; "" where nothing is announced by BGP
	OwnKeepalive  bool   // a peer takes a third of the hold time for its keepalive, and must not be told another
	Members       bool   // announcers elect one among them for each address of a pool at layer 2
	Namespace     string
	Class         string     // spec.loadBalancerClass of the Services that it serves
	SpeakerLabels []Selector // the nodes that announce, one a class
	Tolerations   []Taint    // of the classes that announce
	Peerings      []Peering  // every one of the site
	BFD           *BFD       // shared by all peerings; nil for none
	From          From
}

// Selector is a set of label requirements, each "key in values"; all must hold.
type Selector struct {
	Terms []Term
	From  From
}

// Term is one requirement.
type Term struct {
	Key    string
	Values []string // one of them; none: any, the label must be there
}

// Pool is a range of virtual addresses.
type Pool struct {
	Name         string
	Addresses    []string       // as the load balancer takes them: prefixes, or first-last
	Prefixes     []netip.Prefix // that cover exactly the same addresses
	Protocol     string         // "bgp", "l2"; "" when somebody else routes it
	Communities  []string       // "65000:100", or "65000:1:100" for a large one
	Interfaces   []string       // of the nodes, that answer for it at layer 2; empty: all of them
	Announcers   []string       // names of the nodes that may announce it, sorted; at layer 2 one at a time does
	Racks        []string       // that announce it, sorted
	AllRacks     bool           // every rack with speakers does
	Peers        []string       // names of the peerings over which it is announced
	Namespaces   []string       // whose Services may take addresses, sorted; empty: nobody has any
	NodeSelector Selector       // the labels of the nodes that announce it: its racks and the classes that announce
	VIPs         []VIP
	From         From
}

// VIP is one declared virtual address and its owner: a gateway or an exposure.
type VIP struct {
	Address  netip.Addr
	Gateway  string
	Exposure string
	From     From
}
