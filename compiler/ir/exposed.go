package ir

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// Route is one route from a gateway to a service.
type Route struct {
	Service *Service
	Expose  *Expose
}

// ExposedHost is every route of one host name on one gateway, out of one namespace. Two namespaces never share a host
// of a gateway: in which order their routes would be tried is nobody's decision.
type ExposedHost struct {
	Namespace string
	Host      string
	Gateway   *Gateway
	Name      string // of the object that holds the routes
	Routes    []Route
	From      From
}

// ExposedHosts groups the routes of the gateways of one frontend, in the order of namespace, gateway and host. Within a
// host the longest path comes first, an exact one before a prefix.
func (p *Plan) ExposedHosts(frontend string) []ExposedHost {
	var out []ExposedHost
	for i := range p.Services {
		s := &p.Services[i]
		for j := range s.Exposes {
			x := &s.Exposes[j]
			g := p.Gateway(x.Gateway)
			if g == nil || g.Frontend != frontend {
				continue
			}
			k := slices.IndexFunc(out, func(h ExposedHost) bool {
				return h.Namespace == s.Namespace && h.Gateway == g && h.Host == x.Host
			})
			if k < 0 {
				k = len(out)
				out = append(out, ExposedHost{Namespace: s.Namespace, Host: x.Host, Gateway: g, Name: exposedName(g, x.Host)})
			}
			out[k].Routes = append(out[k].Routes, Route{s, x})
			out[k].From = append(out[k].From, x.From...)
		}
	}
	slices.SortFunc(out, func(a, b ExposedHost) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Gateway.Name, b.Gateway.Name), cmp.Compare(a.Host, b.Host))
	})
	for _, h := range out {
		slices.SortStableFunc(h.Routes, func(a, b Route) int {
			p, q := a.Expose.Path, b.Expose.Path
			return cmp.Or(cmp.Compare(len(q.Value), len(p.Value)), cmp.Compare(p.Value, q.Value), -boolCompare(p.Exact, q.Exact))
		})
	}
	return out
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// exposedName is "<gateway>-<host>", with a wildcard spelled out: an asterisk is no part of a name.
func exposedName(g *Gateway, host string) string {
	if host == "" {
		return g.Name
	}
	return g.Name + "-" + strings.Replace(host, "*", "wildcard", 1)
}

// RouteObject is what a route of the Gateway API holds of a host: it is attached to listeners as a whole.
type RouteObject struct {
	Name      string
	Listeners []string
	Routes    []Route
}

// Objects returns the objects that the routes of a host take, one for each set of listeners that carry some.
func (h *ExposedHost) Objects() []RouteObject {
	var out []RouteObject
	for _, r := range h.Routes {
		set := r.Expose.Listeners
		if len(set) == 0 {
			continue
		}
		k := slices.IndexFunc(out, func(o RouteObject) bool { return slices.Equal(o.Listeners, set) })
		if k < 0 {
			k = len(out)
			out = append(out, RouteObject{Name: h.Name, Listeners: set})
			if !h.Everywhere() {
				out[k].Name += "-" + strings.Join(set, "-")
			}
		}
		out[k].Routes = append(out[k].Routes, r)
	}
	return out
}

// CallName names the rule of a route to a service of gRPC, so that a policy of who serves the gateway can be for it alone;
// "" for any other rule.
func (o *RouteObject) CallName(i int) string {
	if !o.Routes[i].IsGRPC() {
		return ""
	}
	n := 0
	for _, r := range o.Routes[:i+1] {
		if r.IsGRPC() {
			n++
		}
	}
	return "grpc-" + strconv.Itoa(n)
}

// IsGRPC reports whether a route leads to a port that takes HTTP/2 alone.
func (r Route) IsGRPC() bool { return r.Expose.Port.Protocol == "grpc" }

// Listener returns a listener by name, or nil.
func (g *Gateway) Listener(name string) *Listener {
	for i := range g.Listeners {
		if g.Listeners[i].Name == name {
			return &g.Listeners[i]
		}
	}
	return nil
}

// Carriers returns the listeners that carry a route.
func (h *ExposedHost) Carriers(x *Expose) []*Listener {
	var out []*Listener
	for _, name := range x.Listeners {
		if l := h.Gateway.Listener(name); l != nil {
			out = append(out, l)
		}
	}
	return out
}

// Everywhere reports whether all routes of the host are carried by the same listeners.
func (h *ExposedHost) Everywhere() bool {
	for _, r := range h.Routes[1:] {
		if !slices.Equal(r.Expose.Listeners, h.Routes[0].Expose.Listeners) {
			return false
		}
	}
	return true
}

// PassesThrough reports whether a listener hands TLS on as it is, so that routes see the name of the server and no more.
func (l *Listener) PassesThrough() bool { return l.TLS != nil && l.TLS.Mode == "passthrough" }

// IsStream reports whether a listener hands on connections or datagrams of which nothing is known but the port.
func (l *Listener) IsStream() bool {
	return !l.PassesThrough() && (l.Protocol == "tcp" || l.Protocol == "udp")
}

// Streams reports whether a gateway has a listener of connections or datagrams.
func (g *Gateway) Streams() bool {
	return slices.ContainsFunc(g.Listeners, func(l Listener) bool { return l.IsStream() })
}

// Transport is the protocol by which packets come to a listener: "tcp" or "udp".
func (l *Listener) Transport() string {
	if l.Protocol == "udp" {
		return "udp"
	}
	return "tcp"
}

// SeesRequests reports whether routes on a listener match requests, not connections.
func (l *Listener) SeesRequests() bool {
	return !l.PassesThrough() && (IsHTTP(l.Protocol) || l.Protocol == "https")
}

// IsHTTP reports whether a proxy sees requests on a port of this protocol, and not only a connection.
func IsHTTP(protocol string) bool { return protocol == "http" || protocol == "grpc" }

// Gateway returns a gateway by name, or nil.
func (p *Plan) Gateway(name string) *Gateway {
	for i := range p.Gateways {
		if p.Gateways[i].Name == name {
			return &p.Gateways[i]
		}
	}
	return nil
}
