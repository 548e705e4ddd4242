package site

// Kubernetes is the cluster as its installer leaves it.
type Kubernetes struct {
	Version       string      `json:"version"`       // "1.35.2"
	Distribution  string      `json:"distribution"`  // kubeadm, k3s, rke2, talos or other
	ClusterDomain string      `json:"clusterDomain"` // default "cluster.local"
	APIServer     APIServer   `json:"apiServer"`
	PodCIDRs      []string    `json:"podCIDRs"`     // one, or two for dual stack
	NodeCIDRMask  Ints        `json:"nodeCIDRMask"` // prefix length a node gets, one a pod CIDR; empty: not given
	ServiceCIDRs  []string    `json:"serviceCIDRs"` // one, or two for dual stack
	NodePorts     string      `json:"nodePorts"`    // range "first-last", default "30000-32767"
	CNI           CNI         `json:"cni"`
	KubeProxy     KubeProxy   `json:"kubeProxy"`
	GatewayAPI    *GatewayAPI `json:"gatewayAPI"` // nil: its CRDs are not in the cluster
}

// APIServer is the address that all nodes use for the Kubernetes API.
type APIServer struct {
	Address  string `json:"address"`
	Port     int    `json:"port"`     // TCP, default 6443
	Provider string `json:"provider"` // who moves the address between control-plane nodes: external, kube-vip or dns
	Hostname string `json:"hostname"` // "" when clients use the address
}

// CNI is the pod network.
type CNI struct {
	Kind          string  `json:"kind"`          // calico, cilium, flannel or kube-router
	Version       string  `json:"version"`       // "3.31.0"
	Encapsulation string  `json:"encapsulation"` // vxlan, geneve, ipip, or none for native routing
	Cilium        *Cilium `json:"cilium"`        // options of kind cilium
	Calico        *Calico `json:"calico"`        // options of kind calico
}

// Calico holds what is relied on of Calico's pools. There are no defaults.
type Calico struct {
	BlockSize Ints `json:"blockSize"` // prefix length of the blocks that nodes have, one a pod CIDR
}

// Cilium holds the Cilium settings that a mesh and an egress gateway depend on. The defaults are those of the chart.
type Cilium struct {
	Exclusive     bool          `json:"exclusive"` // remove other CNI configurations; default true
	SocketLB      CiliumSockets `json:"socketLB"`
	BPFMasquerade bool          `json:"bpfMasquerade"` // default false
}

// CiliumSockets says where Cilium translates service addresses at the socket.
type CiliumSockets struct {
	HostNamespaceOnly bool `json:"hostNamespaceOnly"` // default false
}

// KubeProxy is how Service addresses are translated on each node.
type KubeProxy struct {
	Mode string `json:"mode"` // iptables, ipvs, nftables, or replaced (by the CNI)
}

// GatewayAPI is the release of the Gateway API CRDs in the cluster.
type GatewayAPI struct {
	Version string `json:"version"` // "1.6.3"
	Channel string `json:"channel"` // standard or experimental; default standard
}

// Components tells what meshgen installs from what somebody else does.
type Components struct {
	CNI         Component `json:"cni"`
	CertManager Component `json:"certManager"`
	Monitoring  Component `json:"monitoring"`
}

// Component is one part of the platform.
type Component struct {
	Managed   bool   `json:"managed"`   // meshgen installs it; default true
	Namespace string `json:"namespace"` // where it runs; the CNI has none
	Version   string `json:"version"`   // "" when not given
}
