package ir

import "net/netip"

// BFD is a bidirectional forwarding detection profile.
type BFD struct {
	Name       string // of the load balancer's profile, a DNS label
	IntervalMS int    // transmit and receive
	Multiplier int
	From       From
}

// Peering is the sessions between one rack's speakers and one of its switches, for one address family. Both ends are
// printed from this record: the load balancer's peer objects and the switch's neighbors.
type Peering struct {
	Name           string // "r1-a"; with "-v6" for the second family
	Rack, ToR      string // keys in the site
	Switch         string // host name of the switch
	SwitchASN      uint32
	SwitchAddress  netip.Addr
	NodeASN        uint32
	Speakers       []Speaker // by node name
	NodeSelector   Selector  // the labels that exactly the speakers carry: the rack and the classes that announce
	HoldSecs       int
	KeepaliveSecs  int
	ConnectSecs    int  // between two attempts to open the session; the node end alone opens it. 0: the speaker's default
	RestartSecs    int  // how long the switch keeps the routes of a speaker that restarts; 0: not at all
	RefuseRestart  bool // the speaker asks to keep them, whatever it is told, and the switch is to say no
	BFD            *BFD
	Multihop       bool       // between loopback addresses, which the links' own sessions make reachable
	PasswordSecret string     // name of the Kubernetes Secret; "" for none
	Pools          []string   // names of the pools that the rack announces over it
	Pods           []PodRange // out of which every speaker announces its own range of pod addresses; empty: none does
	MaxPrefixes    int        // prefixes that the switch takes from one node before it closes the session
	MaxPrefixWhy   string
	From           From
}

// Speaker is the node end of a session.
type Speaker struct {
	Node    string
	Address netip.Addr
	VIPs    bool // announces virtual addresses; false: its range of pod addresses alone
	From    From
}

// PodRange is a network of pods out of which each node has prefixes of exactly Bits.
type PodRange struct {
	Prefix  netip.Prefix
	Bits    int
	PerNode int // prefixes that one node has at most; 0: one
	From    From
}

// NodeLink is the session over a cable between a rack's switch and a node that lives on a loopback address. The node's
// own routing holds its end, before and below Kubernetes: over it the node announces its address and learns its way out.
type NodeLink struct {
	Node          string
	Addresses     []netip.Addr // of the node, which it announces
	Interface     string       // of the node
	NodeASN       uint32
	HoldSecs      int
	KeepaliveSecs int
	From          From
}

// Uplink is the session between a rack's switch and a spine. Interface names are used where no addresses are declared
// (BGP unnumbered).
type Uplink struct {
	Switch         string // host name of the ToR
	SwitchASN      uint32
	Interface      string     // of the ToR
	Address        netip.Addr // of the ToR; invalid when unnumbered
	Spine          string     // host name of the spine
	SpineASN       uint32
	SpineInterface string     // "" when the site does not say
	SpineAddress   netip.Addr // invalid when unnumbered
	Families       []Family   // that the session carries: of its addresses, or of all that either end has where it has none
	TTLSecurity    bool       // packets of the session come from the next machine, or are dropped (RFC 5082); both ends
	HoldSecs       int
	KeepaliveSecs  int
	BFD            *BFD
	From           From
}

// Switch is one switch file.
type Switch struct {
	Hostname  string
	Role      string // "tor" or "spine"
	Rack      string // "" for a spine
	OS        string // frr, eos
	ASN       uint32
	RouterID  netip.Addr
	VLAN      int            // of the nodes; 0 when not declared
	Address   []netip.Addr   // its own on the node VLAN
	Subnets   []netip.Prefix // of the rack, announced to the spines
	Admit     []Admission    // what nodes may announce, by pool name; on a spine, what ToRs may
	Transit   []Admission    // what a ToR takes from the spines: the pools that any rack announces; none on a spine
	Pods      []PodRange     // out of which any node of the site announces its own, taken and passed on at that length
	Guard     []netip.Prefix // never taken from the fabric nor passed on, at any length but those of Admit, Transit and Pods: pools, pods, services
	GuardFrom From           // site paths behind Guard
	Peerings  []Peering      // sessions with what announces addresses on nodes
	Links     []NodeLink     // sessions with the nodes' own routing; of a rack whose homing is unnumbered
	Uplinks   []Uplink       // sessions with spines, or, on a spine, with ToRs
	MaxPaths  int
	ACL       *SwitchACL        // on the uplinks of a ToR; nil for none
	Resilient []ResilientPrefix // whose connections stay when one of several next hops goes away
	Objects   string            // prefix of every named object: the site's name in the form that switches take, "FRA1"
	From      From
}

// Admission is one pool that may be announced, at host-route length exactly.
type Admission struct {
	Pool     string
	Prefixes []netip.Prefix // that cover exactly the pool
	From     From
}

// ResilientPrefix is a network whose routes share a table of next hops of fixed size: NextHops places, each Copies times.
type ResilientPrefix struct {
	Prefix           netip.Prefix
	NextHops, Copies int
	From             From
}
