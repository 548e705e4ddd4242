package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// LinkerdDeparture is what a proxy sees of a connection to the outside: the namespace of who opens it, where it goes, and
// what its first bytes are: a request, where it has a Method; a handshake of TLS with the name in it, where it has a Host
// alone; else anything.
type LinkerdDeparture struct {
	Namespace          string
	Address            netip.Addr
	Port               uint16
	Host, Method, Path string
}

// LinkerdExit is what becomes of it.
type LinkerdExit struct {
	Allowed bool
	Network Object // that has the address; none: the proxy lets it out as it is
	Route   Object // that takes it; none: the network's trafficPolicy decides
	Why     string
}

// Departs follows a connection to the outside. Of a namespace with networks of its own only those count, else those of the
// global one: the most specific that has the address. Of the routes on that network and port those of one kind are looked
// at, and what none of them takes is left to the network's trafficPolicy.
func (l *Linkerd) Departs(q LinkerdDeparture) LinkerdExit {
	o := &l.outside
	if slices.Contains(o.past, q.Port) || o.onlyIPv4 && q.Address.Is6() {
		return LinkerdExit{Allowed: true, Why: "it never gets to the proxy"}
	}
	n := o.networkOf(q)
	if n == nil {
		return LinkerdExit{Allowed: true, Why: "no EgressNetwork has " + q.Address.String() + ": the proxy lets it out as it is"}
	}
	exit := LinkerdExit{Network: n.at("spec", "trafficPolicy"), Allowed: n.spec.TrafficPolicy == "Allow"}
	kind, routes := o.routesOf(n, q)
	unlike := ""
	switch {
	case slices.Contains(o.streams, q.Port):
		if kind != "TCPRoute" {
			kind, routes = "", nil // no first bytes are read
		}
	case kind == "GRPCRoute" && q.Method != "POST":
		unlike = "requests of gRPC" // the port is taken to speak HTTP/2, without a look
	case kind == "TLSRoute" && (q.Host == "" || q.Method != ""):
		unlike = "handshakes of TLS that say a name"
	case kind == "HTTPRoute" && q.Method == "":
		routes = nil // no request: what is no HTTP is a stream, which no route of requests takes
	}
	if unlike != "" {
		exit.Allowed, exit.Why = false, fmt.Sprintf("on port %d the proxy takes %s alone", q.Port, unlike)
		return exit
	}
	if r, rule := best(kind, routes, q); r != nil {
		exit.Route, exit.Allowed, exit.Why = r.at("spec", "rules", rule), r.leadsOut(rule, n), r.takes(q)
		if _, name := r.named(q.Host); name >= 0 {
			exit.Route = r.at("spec", "hostnames", name)
		}
		if !exit.Allowed {
			exit.Why = "its backend is another network than its parent"
		}
		return exit
	}
	exit.Why = "trafficPolicy " + n.spec.TrafficPolicy + " for " + q.Address.String()
	if !exit.Allowed {
		exit.Why += fmt.Sprintf(", and no route of it takes port %d", q.Port)
		if q.Host != "" {
			exit.Why += " to " + q.Host
		}
	}
	return exit
}

// networkOf returns the network that has an address for pods of a namespace, or nil.
func (o *linkerdOutside) networkOf(q LinkerdDeparture) *egressNetwork {
	own := slices.ContainsFunc(o.networks, func(n egressNetwork) bool { return n.Namespace == q.Namespace })
	var found *egressNetwork
	var size egressBlock
	for i := range o.networks {
		n := &o.networks[i]
		if n.Namespace != q.Namespace && (own || n.Namespace != o.global) {
			continue
		}
		for _, b := range o.blocks(n) {
			if b.contains(q.Address) && (found == nil || b.size().Cmp(size.size()) < 0) {
				found, size = n, b
			}
		}
	}
	return found
}

// routesOf returns the routes of a port of a network that hold for pods of a namespace: those beside the network, and those
// of the namespace itself. A kind that comes first keeps the others from being accepted, whoever wrote it. None is
// accepted on a network that takes in addresses of the cluster.
func (o *linkerdOutside) routesOf(n *egressNetwork, q LinkerdDeparture) (kind string, routes []*egressRoute) {
	if o.overlaps(n) {
		return "", nil
	}
	for _, kind := range egressRouteKinds {
		any := false
		for i := range o.routes {
			r := &o.routes[i]
			if r.Kind != kind || !slices.ContainsFunc(r.attached, func(p parentRef) bool {
				return p.Namespace == n.Namespace && p.Name == n.Name && p.Port == q.Port
			}) {
				continue
			}
			any = true
			if r.Namespace == n.Namespace || r.Namespace == q.Namespace {
				routes = append(routes, r)
			}
		}
		switch {
		case len(routes) > 0:
			return kind, routes
		case any:
			return "", nil
		}
	}
	return "", nil
}

func (o *linkerdOutside) overlaps(n *egressNetwork) bool {
	return slices.ContainsFunc(o.blocks(n), func(b egressBlock) bool {
		return slices.ContainsFunc(o.cluster, func(c netip.Prefix) bool {
			within := slices.ContainsFunc(b.Except, func(x netip.Prefix) bool { return x.Contains(c.Addr()) && x.Bits() <= c.Bits() })
			return b.CIDR.Overlaps(c) && !within
		})
	})
}

// best returns the route that takes a connection, and its rule: that of the most specific name, then of the most specific
// match. One of names goes before those without.
func best(kind string, routes []*egressRoute, q LinkerdDeparture) (found *egressRoute, rule int) {
	var rank []int
	for _, r := range routes {
		named := []int{0, 0}
		if len(r.spec.Hostnames) > 0 && kind != "TCPRoute" {
			if named, _ = r.named(q.Host); named == nil {
				continue
			}
		}
		for k := range r.spec.Rules {
			matches := r.spec.Rules[k].Matches
			if len(matches) == 0 {
				matches = []routeMatch{{}}
			}
			for _, m := range matches {
				if kind == "HTTPRoute" && !m.matches(Request{Method: q.Method, Path: q.Path}) {
					continue
				}
				if at := append(slices.Clone(named), m.rank()...); found == nil || slices.Compare(at, rank) > 0 {
					found, rule, rank = r, k, at
				}
			}
		}
	}
	return found, rule
}

// named ranks the best of a route's names for a host, and says which it is: a whole name before the end of one, the longer
// before the shorter; nil and -1 where none is it. Names in requests are compared without their port and whatever their case.
func (r *egressRoute) named(host string) (rank []int, name int) {
	if r.Kind != "TLSRoute" {
		host, _, _ = strings.Cut(strings.ToLower(host), ":")
	}
	host, name = strings.TrimSuffix(host, "."), -1
	for i, h := range r.spec.Hostnames {
		rest, wild := strings.CutPrefix(h, "*")
		at := []int{1, len(rest)}
		if !wild {
			at[0] = 2
		}
		if (h == host || wild && strings.HasSuffix(host, rest)) && slices.Compare(at, rank) > 0 {
			rank, name = at, i
		}
	}
	return rank, name
}

// leadsOut reports whether a rule sends a connection on to where the client was going.
func (r *egressRoute) leadsOut(rule int, n *egressNetwork) bool {
	for _, b := range r.spec.Rules[rule].BackendRefs {
		namespace := b.Namespace
		if namespace == "" {
			namespace = r.Namespace
		}
		if b.Name != n.Name || namespace != n.Namespace {
			return false
		}
	}
	return true
}

func (r *egressRoute) takes(q LinkerdDeparture) string {
	switch {
	case r.Kind == "TCPRoute":
		return fmt.Sprintf("takes connections to port %d", q.Port)
	case r.Kind == "TLSRoute":
		return "takes TLS to " + q.Host
	}
	return "takes requests to " + q.Host
}
