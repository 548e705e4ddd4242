package istio

import (
	"cmp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// exposure is one route from a gateway to a service.
type exposure struct {
	service *ir.Service
	expose  *ir.Expose
}

// exposedHost is every route of one host name on one gateway, out of one namespace. Two namespaces never share a host
// of a gateway: in which order their routes would be tried is nobody's decision.
type exposedHost struct {
	namespace string
	host      string
	gateway   *ir.Gateway
	name      string // of the object that holds the routes
	routes    []exposure
	from      ir.From
}

// exposedHosts groups the routes of the gateways of one frontend, in the order of namespace, gateway and host. Within a
// host the longest path comes first, an exact one before a prefix.
func (e *emitter) exposedHosts(frontend string) []exposedHost {
	var out []exposedHost
	for i := range e.p.Services {
		s := &e.p.Services[i]
		for j := range s.Exposes {
			x := &s.Exposes[j]
			g := e.gateway(x.Gateway)
			if g == nil || g.Frontend != frontend {
				continue
			}
			k := slices.IndexFunc(out, func(h exposedHost) bool {
				return h.namespace == s.Namespace && h.gateway == g && h.host == x.Host
			})
			if k < 0 {
				k = len(out)
				out = append(out, exposedHost{namespace: s.Namespace, host: x.Host, gateway: g, name: exposedName(g, x.Host)})
			}
			out[k].routes = append(out[k].routes, exposure{s, x})
			out[k].from = append(out[k].from, x.From...)
		}
	}
	slices.SortFunc(out, func(a, b exposedHost) int {
		return cmp.Or(cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.gateway.Name, b.gateway.Name), cmp.Compare(a.host, b.host))
	})
	for _, h := range out {
		slices.SortStableFunc(h.routes, func(a, b exposure) int {
			p, q := a.expose.Path, b.expose.Path
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
func exposedName(g *ir.Gateway, host string) string {
	if host == "" {
		return g.Name
	}
	return g.Name + "-" + strings.Replace(host, "*", "wildcard", 1)
}

// listener returns a listener of the gateway by name, or nil.
func listener(g *ir.Gateway, name string) *ir.Listener {
	for i := range g.Listeners {
		if g.Listeners[i].Name == name {
			return &g.Listeners[i]
		}
	}
	return nil
}

// carriers returns the listeners that carry a route.
func (h *exposedHost) carriers(x *ir.Expose) []*ir.Listener {
	var out []*ir.Listener
	for _, name := range x.Listeners {
		if l := listener(h.gateway, name); l != nil {
			out = append(out, l)
		}
	}
	return out
}

// everywhere reports whether all routes of the host are carried by the same listeners.
func (h *exposedHost) everywhere() bool {
	for _, r := range h.routes[1:] {
		if !slices.Equal(r.expose.Listeners, h.routes[0].expose.Listeners) {
			return false
		}
	}
	return true
}

// passesThrough reports whether a listener hands TLS on as it is, so that routes see the name of the server and no more.
func passesThrough(l *ir.Listener) bool { return l.TLS != nil && l.TLS.Mode == "passthrough" }

// seesRequests reports whether routes on a listener match requests, not connections.
func seesRequests(l *ir.Listener) bool {
	return !passesThrough(l) && (isHTTP(l.Protocol) || l.Protocol == "https")
}
