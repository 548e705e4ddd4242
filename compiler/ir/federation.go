package ir

import "net/netip"

// Federation joins the site's mesh with those of other sites, each on a network of its own: what crosses goes to the
// gateway of the callee's site.
type Federation struct {
	Network string // of this site
	MeshID  string // of all sites together, in metrics and traces
	Gateway string // name of the gateway that other sites reach; "": there is none
	Flat    bool   // proxies connect to pods of other sites at their own addresses
	Port    uint16 // of the gateways, everywhere
	Cluster int    // number of this cluster among all, where the mesh knows it by one; 0: it does not
	Peers   []Peer // by name
	// Services of peers whose names this site makes, by namespace and name; none where the mesh makes them.
	Services []AwayService
	// LookImage is of the pod by which the runbook asks for names of other sites.
	LookImage string
	From      From
}

// AwayService is a service of another site, as callers here know it.
type AwayService struct {
	Namespace, Name, Peer string
	Ports                 []Port
	From                  From
}

// Peer is another site of a federation, as this one knows it.
type Peer struct {
	Name, TrustDomain, Network string
	Gateways                   []netip.Addr   // virtual addresses of its gateway
	Pods                       []netip.Prefix // networks of its pods, where they are reached
	Secret                     string         // by which the control plane reads its API server
	From                       From
}

// Away is a service of another site that is called. Its ports and pods are known there.
type Away struct {
	Peer, Namespace, Name string
	Host                  string // by which callers here know it
	Federated             string // by which they know it and its namesake here, as one; "": there is none
	Ports                 []Port // on which its pods are reached; none where a gateway is
	From                  From
}

// AutoPassthrough is the mode of a listener that hands on connections of mutual TLS between proxies, by the name that they
// ask for, and ends none.
const AutoPassthrough = "auto-passthrough"

// MeshMutual is the mode of a listener that ends mutual TLS between proxies, with the mesh's own certificates.
const MeshMutual = "mesh-mutual"

// Tunnelled is the protocol of a listener that takes the mesh's tunnels.
const Tunnelled = "hbone"

// NetworkLabel tells the network of what is labelled.
const NetworkLabel = "topology.istio.io/network"

// Peer returns a site of the federation by name, or nil.
func (f *Federation) Peer(name string) *Peer {
	if f == nil {
		return nil
	}
	for i := range f.Peers {
		if f.Peers[i].Name == name {
			return &f.Peers[i]
		}
	}
	return nil
}

// CrossesSites reports whether a gateway is the one that other sites reach.
func (p *Plan) CrossesSites(g *Gateway) bool {
	return p.Federation != nil && p.Federation.Gateway == g.Name
}

// CallsAway reports whether some service calls one of another site.
func (p *Plan) CallsAway() bool {
	for i := range p.Services {
		if len(p.Services[i].Away) > 0 {
			return true
		}
	}
	return false
}
