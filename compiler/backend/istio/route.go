package istio

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// exposedRoutes writes the VirtualServices of gateways. A VirtualService without gateways holds for sidecars alone, so
// that split, retries and timeout of a service stand here again.
func (e *emitter) exposedRoutes() {
	o := e.objects(backend.Gateways, "VirtualService")
	for _, h := range e.p.ExposedHosts(ir.FrontendIstio) {
		meta := backend.Meta{APIVersion: networkingV1, Namespace: h.Namespace, Name: h.Name, From: h.From}
		o.Add(meta, func(y *artifact.YAML) { y.Map("spec", func() { virtualService(y, &h) }) })
	}
}

func virtualService(y *artifact.YAML, h *ir.ExposedHost) {
	y.KV("hosts", []string{serverHost(h.Host)})
	y.KV("gateways", []string{h.Gateway.Namespace + "/" + h.Gateway.Name})
	var http, tls, tcp []func()
	for _, r := range h.Routes {
		r.Service = atGateway(r.Service)
		for _, l := range h.Carriers(r.Expose) {
			switch {
			case l.PassesThrough():
				tls = append(tls, func() { sniRoute(y, h.Host, r, l) })
			case !l.SeesRequests():
				tcp = append(tcp, func() { connectionRoute(y, r.Service, l.Port, r.Expose.Port, r.Expose.From) })
			}
		}
		if ports, ok := requestPorts(h, r.Expose); ok {
			http = append(http, func() {
				requestRoutes(y, r.Service, &r.Expose.Path, r.Expose.From, ports, r.Expose.Port.Port)
			})
		}
	}
	for _, block := range []struct {
		key    string
		routes []func()
	}{{"http", http}, {"tls", tls}, {"tcp", tcp}} {
		if len(block.routes) > 0 {
			y.Seq(block.key, func() {
				for _, write := range block.routes {
					write()
				}
			})
		}
	}
}

// requestPorts returns the ports to which a route must be bound, none when it holds on every listener of its host, and
// whether any of its listeners sees requests at all.
func requestPorts(h *ir.ExposedHost, x *ir.Expose) (ports []uint16, ok bool) {
	for _, l := range h.Carriers(x) {
		if l.SeesRequests() {
			ok = true
			ports = append(ports, l.Port)
		}
	}
	if h.Everywhere() {
		ports = nil
	}
	return ports, ok
}

// meshRoutes writes the VirtualService that sidecars follow to a service which declares a split, retries or a timeout.
func (e *emitter) meshRoutes() {
	o := e.objects(backend.Policy, "VirtualService")
	for i := range e.p.Services {
		s := &e.p.Services[i]
		http, other := httpPorts(s.Ports)
		shaped := len(s.Split) > 0 || s.Timeout != nil || s.Retries != nil || s.Fault != nil
		if !isRouted(s) || !shaped || len(http) == 0 && (len(other) == 0 || len(s.Split) == 0) {
			continue
		}
		meshRoute(o, s)
	}
}

func meshRoute(o *backend.Writer, s *ir.Service) {
	http, other := httpPorts(s.Ports)
	meta := backend.Meta{APIVersion: networkingV1, Namespace: s.Namespace, Name: s.Name, From: s.From}
	o.Add(meta, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.KV("hosts", []string{s.Host})
			if len(http) > 0 {
				// Without a port, a destination has that of the listener: the one that the caller asked for.
				y.Seq("http", func() { requestRoutes(y, s, nil, nil, nil, 0) })
			}
			if len(other) > 0 && len(s.Split) > 0 {
				y.Seq("tcp", func() {
					for _, p := range other {
						connectionRoute(y, s, p.Port, p, p.From)
					}
				})
			}
		})
	})
}

// requestRoutes writes the HTTP routes to a service: one, or two where only some methods may be repeated. No path means
// every one; a port of 0 means that of the listener.
func requestRoutes(y *artifact.YAML, s *ir.Service, path *ir.Path, from ir.From, ports []uint16, port uint16) {
	if s.Retries != nil && len(s.Retries.Methods) > 0 {
		y.Item(func() {
			y.From("", append(append(ir.From{}, s.Retries.From...), from...)...)
			matches(y, path, ports, s.Retries.Methods)
			fault(y, s)
			destinations(y, s, port, from)
			timeout(y, s)
			retries(y, s.Retries)
		})
	}
	y.Item(func() {
		y.From("", from...)
		matches(y, path, ports, nil)
		fault(y, s)
		destinations(y, s, port, from)
		timeout(y, s)
		if s.Retries != nil && len(s.Retries.Methods) == 0 {
			retries(y, s.Retries)
			return
		}
		y.Comment("Sent once: a retry happens where it is declared, whatever the mesh-wide default.")
		y.Map("retries", func() { y.KV("attempts", 0) })
	})
}

// matches writes the alternatives of a route, or nothing where it takes everything.
func matches(y *artifact.YAML, path *ir.Path, ports []uint16, methods []string) {
	uris := [][2]string{{}}
	if path != nil {
		uris = uriMatches(*path)
	}
	if path == nil && len(methods) == 0 && len(ports) == 0 {
		return
	}
	if len(ports) == 0 {
		ports = []uint16{0}
	}
	y.Seq("match", func() {
		for _, port := range ports {
			for _, uri := range uris {
				y.Item(func() {
					if uri[0] != "" {
						y.Map("uri", func() { y.KV(uri[0], uri[1]) })
					}
					if len(methods) == 1 {
						y.Map("method", func() { y.KV("exact", methods[0]) })
					} else if len(methods) > 1 {
						y.Map("method", func() { y.KV("regex", strings.Join(methods, "|")) })
					}
					if port != 0 {
						y.KV("port", port)
					}
				})
			}
		}
	})
}

// uriMatches lowers a path: a prefix of whole segments is the path itself and whatever begins with it and a slash,
// because Istio's prefix compares characters.
func uriMatches(p ir.Path) [][2]string {
	switch {
	case p.Exact:
		return [][2]string{{"exact", p.Value}}
	case p.Value == "/" || p.Value == "":
		return [][2]string{{"prefix", "/"}}
	}
	dir := strings.TrimSuffix(p.Value, "/")
	return [][2]string{{"exact", dir}, {"prefix", dir + "/"}}
}

// destinations writes where a route leads: to the service, or to the shares of its split.
func destinations(y *artifact.YAML, s *ir.Service, port uint16, from ir.From) {
	one := func(host string, weight int) {
		y.Item(func() {
			y.Map("destination", func() {
				y.KV("host", host)
				if port != 0 {
					y.Map("port", func() { y.KV("number", port) })
				}
			})
			if weight > 0 {
				y.KV("weight", weight)
			}
		})
	}
	y.From("", append(append(ir.From{}, from...), s.From...)...)
	y.Seq("route", func() {
		if len(s.Split) == 0 {
			one(s.Host, 0)
			return
		}
		for _, w := range s.Split {
			y.From("", append(append(ir.From{}, w.From...), from...)...)
			one(w.Host, w.Weight)
		}
	})
	y.Fixed()
}

func timeout(y *artifact.YAML, s *ir.Service) {
	if s.Timeout != nil {
		y.From("", s.Timeout.From...)
		y.KV("timeout", s.Timeout.Text)
		y.Fixed()
	}
}

// retries writes when a request is sent again. The words of the site are those of Envoy.
func retries(y *artifact.YAML, r *ir.Retries) {
	y.From("", r.From...)
	y.Map("retries", func() {
		y.KV("attempts", r.Attempts)
		if r.PerTryTimeout != "" {
			y.KV("perTryTimeout", r.PerTryTimeout)
		}
		if len(r.On) > 0 {
			y.KV("retryOn", strings.Join(r.On, ","))
		}
	})
	y.Fixed()
}

// sniRoute leads a TLS connection on by the name that the client asks for.
func sniRoute(y *artifact.YAML, host string, r ir.Route, l *ir.Listener) {
	y.Item(func() {
		y.From("", append(append(ir.From{}, r.Expose.From...), l.From...)...)
		y.Seq("match", func() {
			y.Item(func() {
				y.KV("port", l.Port)
				y.KV("sniHosts", []string{host})
			})
		})
		destinations(y, r.Service, r.Expose.Port.Port, r.Expose.From)
	})
}

// connectionRoute leads a connection on by the port that it came in on.
func connectionRoute(y *artifact.YAML, s *ir.Service, in uint16, to ir.Port, from ir.From) {
	y.Item(func() {
		y.From("", from...)
		y.Seq("match", func() { y.Item(func() { y.KV("port", in) }) })
		destinations(y, s, to.Port, from)
	})
}
