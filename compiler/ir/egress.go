package ir

import (
	"net/netip"
	"slices"
)

// EgressPolicy gives what some pods send to one destination outside a fixed source address, one family at a time.
type EgressPolicy struct {
	Name         string // the destination's, with the family: "erp.ipv4"
	Gateway      string // in the site's egressGateways
	External     string
	Users        []ExternalUser // whose pods it is for, by namespace and name
	Destinations []netip.Prefix
	Sources      []EgressSource // by address; each pod keeps to one of them
	From         From
}

// EgressSource is a source address and the node that has it.
type EgressSource struct {
	Node    string // "": that of the one pod behind the Service with the address
	Address netip.Addr
	From    From
}

// EgressProxy is an egress gateway of the mesh's own: connections to some destinations outside pass its pods, and what the
// pods send leaves with a fixed source address.
type EgressProxy struct {
	Provider string  // what rewrites the source address: "host" or "kube-vip"
	Pods     Gateway // without listeners; with virtual addresses where the provider takes those of a Service
	Host     string  // of its Service
	Port     uint16  // of its Service and its pods, for connections of the mesh
	Sources  []EgressSource
	Routes   []EgressRoute // by destination and address
	From     From
}

// EgressRoute is one address of a destination behind an EgressProxy.
type EgressRoute struct {
	External string
	Address  netip.Addr
	Host     string // that the mesh knows the address by, and nobody resolves
	Ports    []EgressPort
	Users    []EgressUser
	From     From
}

// UsersIn are the site paths by which services of a namespace declare the destination; none: none of them does.
func (r *EgressRoute) UsersIn(namespace string) From {
	var from From
	for _, u := range r.Users {
		if u.Namespace == namespace {
			from = append(from, u.From...)
		}
	}
	return from
}

// EgressPort is a port of the destination.
type EgressPort struct {
	Port
	Subset string // of the proxy's Service: one connection of the mesh for each address and port
	SNI    string // by which the proxy knows which of them is meant
}

// EgressUser is a service whose connections the proxy takes.
type EgressUser struct {
	ExternalUser
	Identity string // in the mesh
}

// SourceNAT is what a machine does to packets of its pods on their way out.
type SourceNAT struct {
	Rules []SourceRule // by family and source
	From  From
}

// SourceRule gives what pods of the machine send to some destinations one source address.
type SourceRule struct {
	Gateway      string
	Pods         []netip.Prefix // of the source's family
	Destinations []netip.Prefix
	Source       netip.Addr
	From         From
}

// Proxied reports whether connections to a destination pass an egress gateway of the mesh, whose node rewrites the source.
func (p *Plan) Proxied(x *External) bool {
	way := func(w ConsulWay) bool { return len(w.Sources) > 0 && w.Via == x.Via }
	return slices.ContainsFunc(p.EgressProxies, func(e EgressProxy) bool { return e.Pods.Name == x.Via }) || p.Consul != nil && slices.ContainsFunc(p.Consul.Ways, way)
}

// Destinations are the addresses of one family that connections through the gateway go to, sorted.
func (x *EgressProxy) Destinations(four bool) []netip.Prefix {
	var out []netip.Prefix
	for _, r := range x.Routes {
		if p := netip.PrefixFrom(r.Address, r.Address.BitLen()); r.Address.Is4() == four && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	return out
}
