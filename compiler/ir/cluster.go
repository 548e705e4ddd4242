package ir

import "net/netip"

// Cluster is the Kubernetes cluster that the site carries.
type Cluster struct {
	Version         string           // "1.35.2"
	Minor           string           // "1.35"
	Distribution    string           // kubeadm, ...
	Domain          string           // "cluster.local"
	APIServers      []netip.AddrPort // where the API answers: the declared address, then each control-plane node
	APINames        []string         // what its certificate is for: the declared address, then the name where there is one
	APIHost         string           // by which machines and clients find it: the name, or else the address
	PodCIDRs        []netip.Prefix
	ServiceCIDRs    []netip.Prefix
	NodePorts       PortRange
	CNI             CNI
	KubeProxy       KubeProxy
	GatewayAPI      GatewayAPI
	NodeSubnets     []netip.Prefix // every rack's subnets: where kubelets call from
	NodeSubnetsFrom From
	From            From
	APIServerFrom   From
}

// PortRange is inclusive at both ends.
type PortRange struct{ First, Last uint16 }

// CNI is the pod network, relied on or managed.
type CNI struct {
	Kind, Version, Encapsulation string
	NetDir, BinDir               string // where the container runtime looks for configuration and plug-ins, on the hosts
	OwnDirs                      bool   // of the distribution alone: elsewhere than charts expect
	DirsFrom                     From
	From                         From
}

// GatewayAPI is the declared bundle.
type GatewayAPI struct {
	Version, Channel string
	From             From
}

// KubeProxy is the cluster-wide configuration of kube-proxy: one ConfigMap for all nodes, so that nothing that differs
// by node class may stand in it.
type KubeProxy struct {
	Managed     bool   // false when the datapath replaces it
	ConfigMap   bool   // it is run from a ConfigMap; else the hosts' configuration carries its options
	Mode        string // iptables, ipvs, nftables
	ClusterCIDR string // the pod ranges, comma-separated
	BindAddress string // "0.0.0.0", or "::" where the nodes' first address is IPv6: it decides the family of the health port
	StrictARP   bool   // ipvs: do not answer ARP for the addresses that the proxy binds to a dummy interface
	Established string // conntrack timeout for established TCP, "24h0m0s"; the host files agree with it
	From        From
}
