package ir

import "net/netip"

// LoadBalancer is what gives Services of type LoadBalancer their addresses.
type LoadBalancer struct {
	Kind, Version string
	Backend       string // frr-k8s for MetalLB
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
	Values []string
}

// Pool is a range of virtual addresses.
type Pool struct {
	Name         string
	Addresses    []string       // as the load balancer takes them: prefixes, or first-last
	Prefixes     []netip.Prefix // that cover exactly the same addresses
	Protocol     string         // "bgp", "l2"; "" when somebody else routes it
	Communities  []string       // "65000:100"
	Racks        []string       // that announce it, sorted
	AllRacks     bool           // every rack with speakers does
	Peers        []string       // names of the peerings over which it is announced
	NodeSelector Selector       // the labels of the nodes that announce it: its racks and the classes that announce
	VIPs         []VIP
	From         From
}

// VIP is one declared virtual address and its owner.
type VIP struct {
	Address netip.Addr
	Gateway string
	From    From
}
