package ir

import "net/netip"

// KubeVIP is kube-vip as the load balancer: the programs that announce virtual addresses.
type KubeVIP struct {
	Image      string // with its tag
	PullSecret string // of the registry that the image comes from; "" for none
	Class      string // spec.loadBalancerClass of the Services that it serves, and no others
	Speakers   []KubeVIPSpeaker
	Egress     *KubeVIPEgress // nil where it rewrites no source address
	From       From
}

// KubeVIPEgress is what kube-vip has to know to rewrite what the pod behind a Service sends outside, and nothing else.
type KubeVIPEgress struct {
	Pods, Services []netip.Prefix // never rewritten on the way there
	From           From
}

// KubeVIPSpeaker is a set of nodes whose kube-vip runs with one configuration: the nodes of a rack with the sessions to
// its switches, or all that answer for addresses at layer 2.
type KubeVIPSpeaker struct {
	Name          string // of the DaemonSet
	Nodes         Selector
	Tolerations   []Taint
	BGP           bool   // false: it answers ARP and neighbour discovery, one elected node an address
	Interface     string // that answers at layer 2; "": the one whose network holds the address
	NodeASN       uint32
	HoldSecs      int
	KeepaliveSecs int
	Password      string        // name of the Secret with the password of every peer; "" for none
	Peers         []KubeVIPPeer // by name of the peering
	Pools         []KubeVIPPool // by name
	From          From
}

// KubeVIPPeer is a switch that each node of a speaker has a session with.
type KubeVIPPeer struct {
	Address  netip.Addr
	ASN      uint32
	BFD      *BFD // nil for none
	Multihop bool // between loopback addresses
	From     From
}

// KubeVIPPool is a pool whose addresses a speaker may announce. kube-vip knows no pools: it announces what Services ask
// for.
type KubeVIPPool struct {
	Name      string
	Addresses []string // prefixes, or first-last
	From      From
}

// KubeVIPControlPlane is the static pod that moves the address of the Kubernetes API between the control-plane nodes, as
// one group of them has it.
type KubeVIPControlPlane struct {
	Image      string // with its tag
	Address    netip.Addr
	Port       uint16 // of the API servers
	Kubeconfig string // absolute, on the host: with the rights to hold the lease
	Path       string // absolute: the file from which the kubelet starts the pod
	Interface  string // that carries the address
	Join       uint16 // port where servers and agents join; 0: kubeadm, whose own commands say it
	Unit       string // systemd unit that starts the API; "" for kubeadm
	From       From
}
