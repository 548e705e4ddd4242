package ir

import "net/netip"

// MachineService is the Service that stands for machines outside the cluster. meshgen makes it: there is no workload of
// the cluster whose owner would.
type MachineService struct {
	Namespace, Name string
	Selector        []KV     // of entries in the mesh's own registry; empty: Slices lead to the machines
	Families        []string // of its addresses, "IPv4" or "IPv6"; empty: the cluster's default
	Ports           []Port   // by name
	Spoken          bool     // what is spoken at a port stands there for the mesh to read
	Slices          []EndpointSlice
	From            From
}

// EndpointSlice lists machines of one family of addresses, at most MaxEndpoints.
type EndpointSlice struct {
	Name      string
	Family    string // "IPv4" or "IPv6"
	Addresses []netip.Addr
}

// MaxEndpoints is how many an EndpointSlice may list (kubernetes pkg/apis/discovery/validation, maxEndpoints, 1.36).
const MaxEndpoints = 1000
