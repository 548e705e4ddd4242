package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// gateway is a networking.istio.io Gateway.
type gateway struct {
	meta
	spec struct {
		Selector map[string]string `json:"selector"`
		Servers  []server          `json:"servers"`
	}
}

type server struct {
	Name string `json:"name"`
	Port struct {
		Name     string `json:"name"`
		Number   uint16 `json:"number"` // of the Service
		Protocol string `json:"protocol"`
	} `json:"port"`
	Hosts []string `json:"hosts"` // "namespace/host"; the namespace restricts whose routes count
	TLS   *struct {
		Mode                 string `json:"mode"`
		HTTPSRedirect        bool   `json:"httpsRedirect"`
		CredentialName       string `json:"credentialName"`
		CACertCredentialName string `json:"caCertCredentialName"`
		MinProtocolVersion   string `json:"minProtocolVersion"`
	} `json:"tls"`
}

// opening is a listener of a gateway that takes a request.
type opening struct {
	step        Step
	redirect    bool
	certificate bool // the client must show one
	streams     bool // connections alone are seen, of TLS with the name that is asked for
	past        bool // nothing but a port is known of it: a gateway of Cilium does without its proxies
	routes      func(req Request) (Step, []Lead)
}

// facts returns what is known of the Service of a gateway.
func (m *Model) facts(w *Workload) serviceFacts {
	if g, ok := m.releases[w.Values]; ok && w.Values != "" {
		return g.Service
	}
	return m.apiFacts(w)
}

// targetPort returns the container port behind a port of a gateway's Service, 0 where there is none.
func (f *serviceFacts) targetPort(port uint16) uint16 {
	i := slices.IndexFunc(f.Ports, func(p servicePort) bool { return p.Port == port })
	if i < 0 {
		return 0
	}
	return cmp.Or(f.Ports[i].TargetPort, port)
}

// open finds the listener of a gateway for a request, or tells why there is none.
func (m *Model) open(w *Workload, req Request) opening {
	refused := Step{Layer: Listener, At: w.Namespace + "/" + w.Name, Effect: Refuse, Why: fmt.Sprintf("no listener for %s on port %d", req.Host, req.Port)}
	for i := range m.gateways {
		g := &m.gateways[i]
		if !subset(g.spec.Selector, w.Labels) {
			continue
		}
		refused.Object = g.Object
		for k := range g.spec.Servers {
			s := &g.spec.Servers[k]
			if s.Port.Number != req.Port || !s.answers(req.Host) {
				continue
			}
			o := opening{step: refused}
			o.step.Object, o.step.Effect, o.step.Why = g.at("spec", "servers", k), Allow, "server "+s.Name+" has the host"
			if s.TLS != nil {
				o.redirect, o.certificate = s.TLS.HTTPSRedirect, s.TLS.Mode == "MUTUAL"
			}
			o.routes = func(req Request) (Step, []Lead) { return m.gatewayRoute(w, g, s, req) }
			if o.streams = s.streams(); o.streams {
				o.routes = func(req Request) (Step, []Lead) { return m.streamRoute(w, g, s, req) }
			} else if !slices.Contains([]string{"HTTP", "HTTPS"}, s.Port.Protocol) || s.TLS != nil && !slices.Contains([]string{"", "SIMPLE", "MUTUAL"}, s.TLS.Mode) {
				o.step.Effect, o.step.Why = Refuse, "protocol "+s.Port.Protocol+" of this server is not understood"
			}
			return o
		}
	}
	if o, ok := m.apiOpen(w, req); ok {
		return o
	}
	return opening{step: refused}
}

func afterSlash(host string) string {
	if _, name, ok := strings.Cut(host, "/"); ok {
		return name
	}
	return host
}

// gatewayRoute asks the VirtualServices of a server for the ends of a request; the one with the longest host wins.
func (m *Model) gatewayRoute(w *Workload, g *gateway, srv *server, req Request) (Step, []Lead) {
	s := Step{Layer: Route, At: w.Namespace + "/" + w.Name, Effect: Refuse, Object: g.Object, Why: "no routes for " + req.Host}
	var best *virtualService
	longest := -1
	for i := range m.virtual {
		v := &m.virtual[i]
		if !v.atGateway(g.Namespace, g.Name) {
			continue
		}
		for _, h := range v.spec.Hosts {
			if dnsMatch(h, req.Host) && len(h) > longest && srv.takes(g.Namespace, v.Namespace, h) {
				best, longest = v, len(h)
			}
		}
	}
	if best == nil {
		return s, nil
	}
	return m.routed(s, best.meta, best, 0, req)
}

// takes reports whether a server takes routes of a namespace for a host.
func (s *server) takes(own, namespace, host string) bool {
	return slices.ContainsFunc(s.Hosts, func(h string) bool {
		ns, name, ok := strings.Cut(h, "/")
		if !ok {
			ns, name = "*", h
		}
		if ns == "." {
			ns = own
		}
		return (ns == "*" || ns == namespace) && (dnsMatch(name, host) || dnsMatch(host, name))
	})
}
