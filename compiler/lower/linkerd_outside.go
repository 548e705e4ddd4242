package lower

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// linkerdOutside closes the way out of the cluster, and opens it for what is declared: by address and port, or for requests
// and handshakes by name. A namespace with networks of its own is asked for no others, and what none of them has is let
// through: so it has one for all the rest too, and routes by name are on that, because of two networks for the same
// addresses only one is looked at (edge-26.6.3, policy-controller/k8s/index/src/outbound/index/egress_network.rs).
func (l *lowering) linkerdOutside() {
	k, m := l.p.Linkerd, &l.p.Mesh
	if !m.RegistryOnly {
		return
	}
	k.Outside = append(k.Outside, ir.LinkerdNetwork{Namespace: linkerdEgress, Name: "outside", From: m.From.Of("egressPolicy"),
		Reason: "All that is not the cluster's, for the pods of every meshed namespace without networks of its own: refused."})
	for i := range l.p.Namespaces {
		n := &l.p.Namespaces[i]
		if n.Purpose != "services" || !n.Meshed {
			continue
		}
		rest := ir.LinkerdNetwork{Namespace: n.Name, Name: "outside", From: m.From.Of("egressPolicy"),
			Reason: "All that is not the cluster's and has no network here: refused. Where a namespace has networks, those for all namespaces do not hold."}
		var used []linkerdWay
		for j := range l.p.Externals {
			x := &l.p.Externals[j]
			if users := x.UsersIn(n.Name); len(users) > 0 {
				used = append(used, linkerdWay{x, slices.Concat(users, x.From, m.From.Of("egressPolicy"))})
			}
		}
		for _, w := range used {
			rest.From = append(rest.From, w.from...)
			if len(w.Addresses) == 0 {
				for _, p := range w.Ports {
					if exit, ok := l.linkerdExit(w, w, p); ok {
						rest.Exits = append(rest.Exits, exit)
					}
				}
			}
		}
		k.Outside = append(k.Outside, l.linkerdAddresses(n.Name, used)...)
		if len(used) > 0 {
			k.Outside = append(k.Outside, rest)
		}
	}
}

// linkerdWay is a destination outside that a namespace uses.
type linkerdWay struct {
	*ir.External
	from ir.From
}

// linkerdAddresses are the networks of destinations that are known by their addresses. Each address is in one network, which
// lets out what is for the ports of all destinations that have it. Without the routes that it takes it lets out everything,
// and NetworkPolicy alone tells ports apart.
func (l *lowering) linkerdAddresses(namespace string, used []linkerdWay) (out []ir.LinkerdNetwork) {
	taken := map[netip.Prefix]bool{}
	for _, w := range used {
		n := ir.LinkerdNetwork{Namespace: namespace, Name: "to-" + w.Name, From: w.from,
			Reason: "Declared by its addresses, whatever the name: its ports have routes, what is for others is refused, and NetworkPolicy says which pods may go there."}
		for _, a := range w.Addresses {
			if !taken[a] {
				n.Networks = append(n.Networks, a)
			}
			taken[a] = true
		}
		streams := 0 // ports that proxies see
		for _, other := range used {
			if !slices.ContainsFunc(other.Addresses, func(a netip.Prefix) bool {
				return slices.ContainsFunc(n.Networks, func(b netip.Prefix) bool { return a.Overlaps(b) })
			}) {
				continue
			}
			for _, p := range other.Ports {
				if p.Protocol == "udp" {
					continue
				}
				streams++
				if exit, ok := l.linkerdExit(w, other, p); ok && !slices.ContainsFunc(n.Exits, func(x ir.LinkerdExit) bool { return x.Port == p.Port }) {
					n.Exits = append(n.Exits, exit)
				} else if !ok {
					n.Allow = true
				}
			}
		}
		if n.Allow {
			n.Exits, n.Reason = nil, "Declared by its addresses: NetworkPolicy says which pods may go there, and on which ports."
		}
		if len(n.Networks) > 0 && streams > 0 {
			out = append(out, n)
		}
	}
	return out
}

// linkerdExit is the route to a port of a destination on a network that is named after one, and whether there can be one.
// Where a destination has addresses, they tell it and its names do not.
func (l *lowering) linkerdExit(network, x linkerdWay, p ir.Port) (ir.LinkerdExit, bool) {
	exit := ir.LinkerdExit{Name: "to-" + network.Name + "-" + strconv.Itoa(int(p.Port)), Port: p.Port, From: x.from}
	if len(x.Addresses) == 0 {
		exit.Hosts = x.Hosts
	}
	switch {
	case p.Protocol == "udp":
		return exit, false // which no proxy takes
	case ir.IsHTTP(p.Protocol):
		exit.Kind, exit.Version = "HTTPRoute", routesNewest
		return exit, l.s.Kubernetes.GatewayAPI != nil || len(exit.Hosts) > 0
	case len(exit.Hosts) == 0:
		exit.Kind = "TCPRoute"
	case p.Protocol == "tls":
		exit.Kind = "TLSRoute"
	default:
		return exit, false // a stream carries no name
	}
	exit.Version = linkerdRoutes(l.s, l.set, exit.Kind)
	exit.From = append(x.from[:len(x.from):len(x.from)], "kubernetes.gatewayAPI")
	return exit, exit.Version != ""
}

// LinkerdTLSNames returns at which version of its API a TLSRoute is written, which tells connections by the names in their
// handshakes: the newest where the cluster serves it, else the one that Linkerd reads. It is "" where the bundle and channel of
// the Gateway API do not serve that one.
func LinkerdTLSNames(s *site.Site, set *profile.Set) string { return linkerdRoutes(s, set, "TLSRoute") }

// linkerdRoutes is the same for a kind of route.
func linkerdRoutes(s *site.Site, set *profile.Set, kind string) string {
	if s.Kubernetes.GatewayAPI == nil {
		return ""
	}
	bundle := set.Kubernetes().GatewayAPIRelease(s.Kubernetes.GatewayAPI.Version)
	release := set.Mesh(s.Mesh.Kind).Release(s.Mesh.Version)
	if bundle == nil || release == nil {
		return ""
	}
	read, served := cmp.Or(release.GatewayAPI.Reads[kind], routesNewest), bundle.Routes[kind].Of(s.Kubernetes.GatewayAPI.Channel)
	switch {
	case !slices.Contains(served, read):
		return ""
	case slices.Contains(served, routesNewest):
		return routesNewest
	}
	return read
}
