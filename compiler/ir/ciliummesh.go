package ir

import (
	"net/netip"
	"slices"
)

// CiliumMesh is what is decided about the mesh of the pod network: its own kinds of policy, and routes between services.
// All lists are in the order of namespace and name.
type CiliumMesh struct {
	Policies []CiliumPolicy
	Clients  CiliumClients
	Routes   []ServiceRoute
	Exports  []CiliumExport
	Proxied  []CiliumProxied // none of their Services is of Routes: a Service has one listener
	From     From
}

// CiliumClients says who may reach the gateways, which are all one identity.
type CiliumClients struct {
	Name string
	From From
}

// CiliumPolicy is about the pods of a namespace that have the labels; without labels about all.
type CiliumPolicy struct {
	Namespace, Name string
	Selector        []KV
	Ingress, Egress []CiliumRule
	From            From
}

// CiliumRule admits connections with one peer on some ports. Of the fields that name the peer one is set.
type CiliumRule struct {
	Reason   string
	Labels   []KV           // of pods, their namespace and account among them
	Entity   string         // "ingress", "kube-apiserver", "host"
	Networks []netip.Prefix // outside the cluster
	Names    []string       // outside the cluster; "*" stands for any characters of a label
	Ports    []CiliumPort
	Plain    []CiliumPort    // those in place of which the one of ztunnel is admitted; empty: Ports are the pod's own
	HTTP     []CiliumRequest // empty: whatever is said on the ports
	Proves   bool            // agents authenticate the peer, a pod, before anything passes
	DNS      bool            // the agent reads the answers: names of other rules have their addresses from it
	From     From
}

// CiliumPort is a port of a container.
type CiliumPort struct {
	Number   uint16
	Protocol string // TCP, UDP
}

// CiliumRequest is what a request must match, each field a regular expression for all of it; "" takes anything.
type CiliumRequest struct{ Method, Path, Host string }

// ServiceRoute is what proxies do with requests to a Service, as an HTTPRoute in its namespace.
type ServiceRoute struct {
	Namespace, Name, Service string
	Port                     uint16
	Timeout                  string // "3s"; "": none
	Backends                 []Weighted
	From                     From
}

// CiliumProxied is a Service whose callers pass a listener of the proxy on their own node, for what a route has no words for.
type CiliumProxied struct {
	Namespace, Name, Service string
	Ports                    []ProxiedPort // by number
	From                     From
}

// ProxiedPort is a port of such a Service, with the cluster of each end of its requests.
type ProxiedPort struct {
	Port    uint16
	Timeout string     // of a request with all of its attempts, in seconds: "3s", "0.25s"; "0s": none
	Retries *Retries   // On in the mesh's words, PerTryTimeout in seconds; nil: none
	Limit   *RateLimit // of what each proxy lets through to the port; nil: none
	Ends    []ProxiedEnd
	From    From
}

// ProxiedEnd is a Service of the same namespace.
type ProxiedEnd struct {
	Service string
	Weight  int      // of 100
	Outlier *Outlier // its times in seconds; nil: Envoy's own, as for routes
	From    From
}

// Backends are the Services whose pods requests go to, sorted.
func (c *CiliumProxied) Backends() []string {
	var out []string
	for _, p := range c.Ports {
		for _, e := range p.Ends {
			out = append(out, e.Service)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// ClusterMesh joins the pod network with those of other sites.
type ClusterMesh struct {
	Name    string // of this cluster, as others know it
	ID      int
	Gateway *Gateway // by which others read what is here
	Peers   []Peer
	Domain  string // of names inside this cluster
	From    From
}

// CiliumExport is a Service that other sites know.
type CiliumExport struct {
	Namespace, Service string
	From               From
}
