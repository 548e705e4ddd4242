package profile

// CNI is the pod network.
type CNI struct {
	Overhead          map[string]Overhead    `json:"overhead"`          // by encapsulation; "none" is native routing
	Kernel            KernelFloor            `json:"kernel"`            // Min "": nothing is stated
	Kernels           map[string]string      `json:"kernels,omitempty"` // floors of single features: "wireguard"
	MTU               CNIMTU                 `json:"mtu"`
	NodeAddress       *CNIAddress            `json:"nodeAddress,omitempty"` // nil: it takes the address of the Kubernetes node
	EnforcesPolicy    bool                   `json:"enforcesPolicy"`        // NetworkPolicy
	TunnelAddress     bool                   `json:"tunnelAddress"`         // what nodes send by an encapsulation has an address out of the pods' ranges
	CallsPodsFrom     string                 `json:"callsPodsFrom"`         // the address that a node has towards its own pods: the "node"'s, or one of the "pods"' ranges
	RPFilter          RPFilter               `json:"rpFilter"`              // Mode "": not known
	NFTables          *NFTables              `json:"nftables,omitempty"`    // nil: kube-proxy's mode makes no difference
	ReplacesKubeProxy bool                   `json:"replacesKubeProxy"`
	HostToLocalPod    string                 `json:"hostToLocalPod,omitempty"` // "allowed" whatever NetworkPolicy says, "policed", or "": not known
	Connections       *ConnectionTable       `json:"connections,omitempty"`    // nil: it uses the kernel's
	HostFilter        *HostFilter            `json:"hostFilter,omitempty"`     // nil: what a packet filter of the host must let through is not known
	Echo              bool                   `json:"echo,omitempty"`           // its agents send echo requests to each other's nodes
	BGP               *Backend               `json:"bgp,omitempty"`            // its own BGP, by which it announces ranges of pods; nil: none, or its load balancer's
	HostPorts         []Listener             `json:"hostPorts"`
	Modules           []Module               `json:"modules"`
	Releases          map[string]*CNIRelease `json:"releases,omitempty"` // none: it states no windows
	Sources           Sources                `json:"sources"`
}

// Release returns the row of a version, or nil.
func (c *CNI) Release(version string) *CNIRelease {
	if c == nil {
		return nil
	}
	return release(c.Releases, version)
}

// Lines returns the known release lines, oldest first.
func (c *CNI) Lines() []string {
	if c == nil {
		return nil
	}
	return lines(c.Releases)
}

// Overhead is what an encapsulation adds to a packet, in bytes, by the family of the outer header.
type Overhead struct {
	IPv4 int `json:"ipv4"`
	IPv6 int `json:"ipv6"`
}

// CNIMTU is where a pod network is told how large packets may be.
type CNIMTU struct {
	Setting   string         `json:"setting"`            // Markdown
	Of        string         `json:"of"`                 // the value is that of the network between the "nodes", or what is left for "pods"
	TakesOff  map[string]int `json:"takesOff,omitempty"` // of "nodes": bytes that it takes off by encapsulation, where these are not the overhead
	Otherwise string         `json:"otherwise"`          // what it does without the setting
}

// CNIAddress is where a pod network is told which address of a machine is the node's.
type CNIAddress struct {
	Setting   string `json:"setting"`   // Markdown
	Takes     string `json:"takes"`     // "subnets" or "interfaces"
	Otherwise string `json:"otherwise"` // what it does without the setting
}

// RPFilter is what a CNI does with net.ipv4.conf.*.rp_filter of the host.
type RPFilter struct {
	Mode  string `json:"mode"`            // "follows": its interfaces get conf.default at its start; "overrides": it writes Value
	Value int    `json:"value,omitempty"` // mode overrides
	Where string `json:"where"`
}

// ConnectionTable is the size of a pod network's own table of TCP connections.
type ConnectionTable struct {
	PerGiB int `json:"perGiB"` // of the node's memory
	Min    int `json:"min"`
}

// HostFilter is what a packet filter in the host's input must let through for a pod network, besides its ports.
type HostFilter struct {
	Mark *Mark `json:"mark,omitempty"` // of packets on the way to its own proxy; nil: it has none
}

// Mark is a value under a mask.
type Mark struct {
	Value uint32 `json:"value"`
	Mask  uint32 `json:"mask"`
}

// NFTables is what must be set for kube-proxy in nftables mode.
type NFTables struct {
	Field  string `json:"field"`
	Value  string `json:"value"`
	Kernel string `json:"kernel"` // the lowest
	NFT    string `json:"nft"`    // the lowest release of the program
}

// CNIRelease is one release line.
type CNIRelease struct {
	Kubernetes Window  `json:"kubernetes"` // tested
	LastPatch  string  `json:"lastPatch"`
	GatewayAPI *Window `json:"gatewayAPI,omitempty"` // of its own Gateway API implementation, where that is enabled
	Chart      Chart   `json:"chart"`                // Name "": meshgen does not install it
	Source
}
