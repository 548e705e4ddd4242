package ir

import (
	"net/netip"
	"strconv"
)

// Cilium is what is decided about Cilium: as pod network, and as load balancer where it is one.
type Cilium struct {
	Settings *CiliumSettings // of its chart; nil where somebody else installs it
	Expects  []CiliumValue   // of the chart of others, by name; none where Settings are ours
	Clusters []CiliumCluster // by rack, then role
	Peers    []CiliumPeer    // by name
	Adverts  []CiliumAdvert  // by name
	Pools    []CiliumPool    // by name
	From     From
}

// CiliumSettings are the values of Cilium's chart that the site decides.
type CiliumSettings struct {
	APIHost           string // asked for without any Service: Cilium itself is what makes Services reachable
	APIPort           uint16
	ReplacesKubeProxy bool
	Tunnel            string   // vxlan or geneve; "" routes natively
	DirectRoutes      bool     // each node routes to the pods of the nodes in its own segment itself
	MTU               int      // of the network between the nodes, in bytes
	Devices           []string // interfaces that face the cluster and the fabric; empty: as Cilium finds them
	Pods4, Pods6      CiliumPods
	Exclusive         bool // removes the configuration of other CNI plug-ins
	HostSockets       bool // translates Service addresses at the socket in the host's network namespace only
	BPFMasquerade     bool
	Unmasqueraded     []netip.Prefix // outside of the cluster, where pods keep their own addresses
	UnmasqueradedFrom From
	TCPConnections    int // entries of the table of TCP connections on each node
	ConnectionsFrom   From
	OperatorReplicas  int
	Egress            bool           // gives out fixed source addresses
	EgressTunnel      string         // what carries packets to the nodes that have them
	BGP, Layer2       bool           // what announces addresses
	ClasslessServices string         // who gives Services without a class their addresses: "none"
	Metrics           bool           // the agent serves metrics
	NodesByAddress    bool           // blocks of addresses in policies select nodes too, which Cilium knows by identity otherwise
	Gateways          bool           // serves the Gateway API, between services too
	Listeners         bool           // reads CiliumEnvoyConfigs, which it does anyway where it serves the Gateway API
	Meshed            bool           // is the mesh too: requests are looked at, and packets between nodes encrypted
	Encryption        string         // wireguard, ipsec or ztunnel; "" where it is not the mesh
	EncryptionFrom    From           // what chooses it
	IPsec             *CiliumIPsec   // nil for another encryption
	Ztunnel           *CiliumZtunnel // nil for another encryption
	SPIRE             *CiliumSPIRE   // nil: agents do not authenticate pods for each other
	Strict            bool           // packets between pods of two nodes are dropped that are not encrypted; by IPsec the sender's alone
	StrictNetwork     netip.Prefix   // of pods, of version 4: the sender's side of Strict holds for no other
	StrictLookup      bool           // addresses of nodes are told from those of pods one by one
	Envoy             Resources
	ClusterMesh       *ClusterMesh // nil: the site stands alone
	Logged            []string     // filters of the flows that agents log; empty: none
	LoggedFrom        From
	From              From
}

// CiliumIPsec is where the keys between nodes come from.
type CiliumIPsec struct {
	Secret, Key string // by name, and the file in it
	Overlap     string // how long the former key is taken beside a new one, a duration; "": Cilium's own
	From        From
}

// CiliumZtunnel is what the proxies of nodes need that encrypt between workloads.
type CiliumZtunnel struct {
	Secret     string   // with the authority, and with what proxy and agent know each other by
	Keys       []string // in it, sorted
	Port       uint16   // where all TCP between enrolled pods arrives
	DaemonSet  string   // of the proxies, in the namespace of the agents
	Label      KV       // of namespaces whose pods take part
	Namespaces []string // that have it, sorted
	From       From
}

// CiliumSPIRE is what agents need to authenticate pods for each other: a server of SPIRE and an agent of it on each node, which
// the chart of Cilium brings.
type CiliumSPIRE struct {
	TrustDomain           string
	Namespace             string // of both, by the names below
	Server, Agent         string // StatefulSet and Service; DaemonSet
	ServerPort            uint16 // of the server's pod and Service: agents and operators ask there
	Port                  uint16 // of each node, where agents of Cilium authenticate pods to each other
	StorageClass, Storage string // of the server's volume
	LifeSeconds           int    // of a certificate; agents renew it halfway
	From                  From
}

// Life is how long a certificate lives, in words.
func (s *CiliumSPIRE) Life() string { return strconv.Itoa(s.LifeSeconds/3600) + " h" }

// CiliumPods is the network of the pods of one family. An invalid Network: the family is off.
type CiliumPods struct {
	Network netip.Prefix
	Bits    int // length of a node's range; 0: Cilium's own default
}

// CiliumCluster is the BGP configuration of the nodes of one rack that announce the same: a node reads exactly one.
type CiliumCluster struct {
	Name     string // "r1.vips", or "r1.pods" for nodes that announce their range of pods alone
	Instance string
	Nodes    Selector
	ASN      uint32
	Sessions []CiliumSession // by name
	From     From
}

// CiliumSession is the node end of the sessions with one switch.
type CiliumSession struct {
	Name    string // of the peering: "r1-a"
	Address netip.Addr
	ASN     uint32
	Peer    string // name of the CiliumPeer
	From    From
}

// CiliumPeer is what sessions of one rack, role and family share.
type CiliumPeer struct {
	Name                                 string // "r1.vips.ipv4"
	HoldSecs, KeepaliveSecs, ConnectSecs int
	RestartSecs                          int    // for which the switch keeps the routes while the agent restarts; 0: not at all
	PasswordSecret                       string // "" for none
	Family                               Family
	Routes                               []string // labels of the adverts that they carry
	From                                 From
}

// CiliumAdvert is a set of routes: the addresses of a pool, or each node's range of pods.
type CiliumAdvert struct {
	Name       string // the pool's, or "node.pods", which no pool can be called
	Pods       bool
	Namespaces []string // of the Services whose addresses they are
	Standard   []string // communities
	Large      []string
	From       From
}

// CiliumPool is a pool with the namespaces of the Services that may have an address of it.
type CiliumPool struct {
	Name       string
	Blocks     []CiliumBlock
	Namespaces []string
	Layer2     *CiliumLayer2 // nil where it is not announced at layer 2
	From       From
}

// CiliumLayer2 says who answers for the addresses of a pool.
type CiliumLayer2 struct {
	Nodes      Selector
	Interfaces []string // regular expressions; empty: all
}

// CiliumBlock is a network, or a range of addresses with both ends.
type CiliumBlock struct{ CIDR, Start, Stop string }

// CiliumValue is a value that whoever installs Cilium has to set, and where a running one shows it.
type CiliumValue struct {
	Value string // of the chart: "l2announcements.enabled"
	Key   string // of ConfigMap cilium-config
	Want  string
	Why   string // one line
	From  From
}
