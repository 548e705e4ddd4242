package ir

import "net/netip"

// CiliumMesh is what is decided about the mesh of the pod network: its own kinds of policy, and routes between services.
// All lists are in the order of namespace and name.
type CiliumMesh struct {
	Policies []CiliumPolicy
	Clients  CiliumClients
	Routes   []ServiceRoute
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
	HTTP     []CiliumRequest // empty: whatever is said on the ports
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
