package policy

import (
	"fmt"
	"slices"
)

// streamMatch is a route of connections in a VirtualService: by port, and of TLS by the name that the client asks for.
type streamMatch struct {
	Match []struct {
		Port     uint16   `json:"port"`
		SNIHosts []string `json:"sniHosts"`
	} `json:"match"`
	Route []destination `json:"route"`
}

// takes reports whether a route takes a connection; host is the name that a client of TLS asks for.
func (s *streamMatch) takes(port uint16, host string) bool {
	for _, m := range s.Match {
		if (m.Port == 0 || m.Port == port) && (len(m.SNIHosts) == 0 || slices.ContainsFunc(m.SNIHosts, func(h string) bool { return dnsMatch(h, host) })) {
			return true
		}
	}
	return len(s.Match) == 0
}

// streams reports whether a server hands connections on and sees no requests.
func (s *server) streams() bool {
	return s.Port.Protocol == "TCP" && s.TLS == nil || s.passesThrough()
}

func (s *server) passesThrough() bool {
	return s.Port.Protocol == "TLS" && s.TLS != nil && s.TLS.Mode == "PASSTHROUGH"
}

// answers reports whether a server takes a client that asks for a host: of plain connections it does not see any.
func (s *server) answers(host string) bool {
	return s.Port.Protocol == "TCP" && s.TLS == nil || slices.ContainsFunc(s.Hosts, func(h string) bool { return dnsMatch(afterSlash(h), host) })
}

// streamRoute asks the VirtualServices of a server of connections for the ends; the first route that takes it wins.
func (m *Model) streamRoute(w *Workload, g *gateway, srv *server, req Request) (Step, []Lead) {
	s := Step{Layer: Route, At: w.Namespace + "/" + w.Name, Effect: Refuse, Object: g.Object, Why: fmt.Sprintf("no route for connections on port %d to %q", req.Port, req.Host)}
	for i := range m.virtual {
		v := &m.virtual[i]
		if !v.atGateway(g.Namespace, g.Name) || !slices.ContainsFunc(v.spec.Hosts, func(h string) bool { return srv.takes(g.Namespace, v.Namespace, h) }) {
			continue
		}
		routes, kind := v.spec.TCP, "tcp"
		if srv.passesThrough() {
			routes, kind = v.spec.TLS, "tls"
		}
		for k := range routes {
			if !routes[k].takes(req.Port, req.Host) {
				continue
			}
			s.Object, s.Effect, s.Why = v.at("spec", kind, k), Allow, "takes the connection"
			return s, m.ends(routes[k].Route, 0)
		}
	}
	return s, nil
}

// streams reports whether a listener hands connections on and sees no requests.
func (l *apiListener) streams() bool {
	return (l.Protocol == "TCP" || l.Protocol == "UDP") && l.TLS == nil || l.passesThrough()
}

func (l *apiListener) passesThrough() bool {
	return l.Protocol == "TLS" && l.TLS != nil && l.TLS.Mode == "Passthrough"
}

// routeKind is the kind of route that a listener takes.
func (l *apiListener) routeKind() string {
	switch {
	case l.passesThrough():
		return "TLSRoute"
	case l.Protocol == "TCP":
		return "TCPRoute"
	case l.Protocol == "UDP":
		return "UDPRoute"
	}
	return "HTTPRoute"
}
