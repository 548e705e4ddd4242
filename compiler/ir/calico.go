package ir

import "net/netip"

// Calico is Calico as what announces the ranges of pods to the switches. Others install it.
type Calico struct {
	ASN       uint32       // of nodes whose peer says none; 0: each peer says its own
	Peers     []CalicoPeer // by name
	Ranges    []PodRange   // all that leaves a node: blocks of exactly this length
	MaxBlocks int          // that one node may have of a family; pods beyond them get no address
	BlocksWhy string
	Elsewhere []CalicoNetwork // whose pods see the addresses of pods here
	Namespace string          // of its pods, which read the password's Secret there
	Account   string          // ServiceAccount of the pods that speak BGP
	Secret    string          // name of the password's Secret; "" for none
	From      From
}

// CalicoNetwork is a network of pods of another site.
type CalicoNetwork struct {
	Name, Site string
	Network    netip.Prefix
	From       From
}

// CalicoPeer is the node end of the sessions of one rack with one address of a switch.
type CalicoPeer struct {
	Name        string // of the peering: "r1-a"
	Nodes       Term   // the label of the rack, and its value
	Address     netip.Addr
	ASN         uint32
	LocalASN    uint32 // 0: that of all nodes
	RestartSecs int
	Secret      string // "" for none
	From        From
}

// SessionNamespace is where the Secret of the nodes' sessions is read.
func (p *Plan) SessionNamespace() string {
	if p.Calico != nil {
		return p.Calico.Namespace
	}
	return p.LoadBalancer.Namespace
}
