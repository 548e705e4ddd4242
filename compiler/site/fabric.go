package site

// Fabric is the network that joins the racks.
type Fabric struct {
	MTU              int               `json:"mtu"`              // bytes of an IP packet, default 1500
	BGP              *BGP              `json:"bgp"`              // nil: no BGP on this site
	Spines           map[string]*Spine `json:"spines"`           // by the name that uplinks use
	HostFirewall     bool              `json:"hostFirewall"`     // nftables input filter on the edge nodes; default false
	SwitchACLs       bool              `json:"switchACLs"`       // access lists on the uplinks of top-of-rack switches; default false
	ResilientHashing bool              `json:"resilientHashing"` // connections stay when a next hop goes away; default false
}

// BGP holds what all sessions between nodes and switches have in common.
type BGP struct {
	NodeASN         uint32    `json:"nodeASN"`         // ASN of the nodes; 0: given rack by rack
	Speakers        *Speakers `json:"speakers"`        // nil: the classes that gateways use
	HoldTime        string    `json:"holdTime"`        // duration, default "9s"
	KeepaliveTime   string    `json:"keepaliveTime"`   // duration, default "3s"
	BFD             *BFD      `json:"bfd"`             // nil: no BFD
	PasswordSecret  string    `json:"passwordSecret"`  // name of the Secret; "": sessions without a password
	MaxPaths        int       `json:"maxPaths"`        // equal-cost next hops a switch may use, default 16
	Advertise       Advertise `json:"advertise"`       //
	GracefulRestart bool      `json:"gracefulRestart"` // default false
	TTLSecurity     bool      `json:"ttlSecurity"`     // between switches alone; default false
}

// Speakers are the nodes that announce virtual addresses.
type Speakers struct {
	Classes []string `json:"classes"` // node classes
}

// BFD holds the timers of bidirectional forwarding detection.
type BFD struct {
	Interval   string `json:"interval"`   // transmit and receive, duration, default "300ms"
	Multiplier int    `json:"multiplier"` // lost packets before a session is down, default 3
}

// Advertise says what nodes announce besides virtual addresses.
type Advertise struct {
	Pods bool `json:"pods"` // each node announces its pod range; default false
}

// Spine is a switch above the racks.
type Spine struct {
	Hostname string `json:"hostname"`
	ASN      uint32 `json:"asn"`
	RouterID string `json:"routerID"` // IPv4 notation
	OS       string `json:"os"`       // frr, eos, nxos or sonic
}

// Rack is a set of machines that share switches and a failure domain.
type Rack struct {
	FailureDomain  string           `json:"failureDomain"`  // topology.kubernetes.io/zone of its nodes
	Subnets        []string         `json:"subnets"`        // CIDRs of the node network; empty where nodes live on loopbacks
	DefaultGateway Strings          `json:"defaultGateway"` // one an address family
	MTU            int              `json:"mtu"`            // bytes of an IP packet; 0: that of the fabric
	Homing         string           `json:"homing"`         // mlag, active-backup, single or unnumbered
	BGP            *RackBGP         `json:"bgp"`            // what differs from Fabric.BGP
	ToRs           map[string]*ToR  `json:"tors"`           // by the name that links use
	Nodes          map[string]*Node `json:"nodes"`          // by Kubernetes node name
	TimeServers    []string         `json:"timeServers"`    // nodes that serve time to the rack
}

// RackBGP overrides parts of BGP for one rack.
type RackBGP struct {
	NodeASN uint32 `json:"nodeASN"` // 0: that of the fabric
}

// ToR is a top-of-rack switch.
type ToR struct {
	Hostname string   `json:"hostname"`
	ASN      uint32   `json:"asn"`      // 0: speaks no BGP
	Address  Strings  `json:"address"`  // its own address in the node network, one an address family
	RouterID string   `json:"routerID"` // "" when not given
	OS       string   `json:"os"`       // frr, eos, nxos or sonic; "": not configured by meshgen
	VLAN     int      `json:"vlan"`     // of the node network, 1-4094; 0: untagged
	Uplinks  []Uplink `json:"uplinks"`
}

// Uplink is a link from a top-of-rack switch to a spine.
type Uplink struct {
	Spine         string  `json:"spine"`         // name in Fabric.Spines
	Interface     string  `json:"interface"`     // of the top-of-rack switch
	PeerInterface string  `json:"peerInterface"` // of the spine, towards this switch; "" when not given
	Address       Strings `json:"address"`       // of the top-of-rack switch; empty: unnumbered
	PeerAddress   Strings `json:"peerAddress"`   // of the spine; empty: unnumbered
}

// Pool is a range of virtual addresses.
type Pool struct {
	Addresses []string  `json:"addresses"` // CIDRs and ranges "first-last"
	Announce  *Announce `json:"announce"`  // nil: somebody else routes them here
}

// Announce is how the addresses of a pool become reachable.
type Announce struct {
	Protocol    string   `json:"protocol"`    // bgp or l2
	Communities []string `json:"communities"` // "65000:100", bgp
	Racks       []string `json:"racks"`       // racks that announce it, bgp; empty: all
	Interfaces  []string `json:"interfaces"`  // interfaces that answer for it, l2; empty: all
}

// LoadBalancer is what gives Services of type LoadBalancer their addresses.
type LoadBalancer struct {
	Kind     string            `json:"kind"`     // metallb, cilium, kube-vip, openelb or external
	Version  string            `json:"version"`  // "" for a kind that comes with something else
	MetalLB  *MetalLB          `json:"metallb"`  // options of kind metallb
	External *ExternalBalancer `json:"external"` // options of kind external
}

// MetalLB holds the options of load balancer metallb.
type MetalLB struct {
	Backend string `json:"backend"` // frr-k8s, frr or native; default frr-k8s
}

// ExternalBalancer holds the options of load balancer external: machines in front of the cluster.
type ExternalBalancer struct {
	Balancers     map[string]*Balancer `json:"balancers"`
	ProxyProtocol bool                 `json:"proxyProtocol"` // default false
}

// Balancer is one machine of an external load balancer.
type Balancer struct {
	Address string `json:"address"`
}
