package ir

import "net/netip"

// Balancers are the machines in front of the cluster of load balancer "external": each runs HAProxy with all fronts,
// and keepalived gives the virtual addresses to one of them.
type Balancers struct {
	Members      []Balancer   // by name; the first has the highest priority
	Fronts       []Front      // by gateway, then port
	Advertised   []netip.Addr // the address that VRRP announces: the first of the balancers' family; none where they have none
	Carried      []netip.Addr // the other virtual addresses, which move with it
	RouterID     int          // of VRRP, 1-255; messages go from machine to machine, so that others on the network do not matter
	AdvertSecs   int
	Password     string // word that stands for the password of VRRP; "" where the protocol has none (IPv6)
	MaxConn      int    // connections of one machine, all fronts together
	OpenFiles    int    // file descriptors that these take
	OpenFilesWhy string
	IdleSecs     int    // a connection without traffic ends; longer than the gateways' own limit
	ConnectSecs  int    // to a node
	CheckSecs    int    // between two health checks
	Fall, Rise   int    // checks in a row that take a node out, or back in
	DeadSecs     int    // a node that acknowledges nothing ends its connections
	StopSecs     int    // after a reload the old process ends its connections
	StatsPort    uint16 // on the loopback: statistics and metrics
	Sysctls      []Sysctl
	MachineFrom  From // site paths behind what all fronts have in common
	From         From
}

// Balancer is one machine.
type Balancer struct {
	Name      string
	Address   netip.Addr   // its own: source of every connection to a node, and of VRRP
	Interface string       // word that stands for the interface that carries Address
	Priority  int          // of VRRP
	Peers     []netip.Addr // own addresses of the other machines
	From      From
}

// Owner says whose listener a front is, and where the site declares that: a path below "gateways" or "exposures".
func (f *Front) Owner() (what, kind, name string) {
	if f.Exposure != "" {
		return "exposure " + f.Exposure, "exposures", f.Exposure
	}
	return "gateway " + f.Gateway, "gateways", f.Gateway
}

// Front is one listener of a gateway, or one port of an exposure, as HAProxy serves it.
type Front struct {
	Name          string // "public-https"
	Gateway       string // "" for an exposure
	Exposure      string
	VIPs          []netip.Addr
	Port          uint16
	NodePort      uint16
	HealthPort    uint16 // of kube-proxy's answer whether a node has a ready pod; 0: the node port is probed
	ProxyProtocol bool
	MaxConn       int
	SourceRanges  []netip.Prefix // who may connect; empty for everybody
	Servers       []Server       // by name
	From          From
}

// Server is a node that may have pods behind a front.
type Server struct {
	Node    string
	Address netip.Addr
	From    From
}
