package ir

import "net/netip"

// ConsulWay is a terminating gateway: proxies hand it what leaves the mesh, and it lets out what intentions admit.
type ConsulWay struct {
	Passage      Passage
	Service      string         // by which Consul knows it
	Via          string         // egress gateway of the site, on whose nodes its pods stand; "": on any
	Sources      []EgressSource // by address; of machines that give them to what its pods send, none where something else does
	Replicas     int
	Class        string // of the nodes; "": any that takes pods
	Tolerations  []Taint
	SpreadKey    string
	Resources    Resources
	ByController bool                // it makes the pods, once it has made the role by which they log in; else the chart does
	Destinations []ConsulDestination // by name
	Machines     []ConsulMachine     // by namespace and name
	From         From
}

// ConsulMachine is a service that is machines outside the cluster, as the catalog has it.
type ConsulMachine struct {
	Namespace, Name string
	Port            uint16 // of the machines
	Addresses       []netip.Addr
	Callers         []Caller
	From            From
}

// ConsulDestination is one port of a destination outside. Its name is the cluster's, like that of a service.
type ConsulDestination struct {
	Name      string
	External  string
	Protocol  string   // tcp, http, grpc
	Addresses []string // names or addresses, by which a proxy knows what is meant
	Port      uint16
	Callers   []ConsulCaller // by name
	From      From
}
