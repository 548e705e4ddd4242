package gatewayapi

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// routes writes the routes of gateways. Retries are not among them: HTTPRoute has the
// field in the experimental channel alone.
func routes(p *ir.Plan, t *artifact.Tree) {
	o := backend.NewWriter(p, t, backend.Gateways, "HTTPRoute")
	streams := map[string]*backend.Writer{}
	for _, kind := range []string{"TLSRoute", "TCPRoute", "UDPRoute"} {
		streams[kind] = backend.NewWriter(p, t, backend.Gateways, kind)
	}
	for i := range p.Gateways {
		if g := &p.Gateways[i]; g.Frontend == ir.FrontendGatewayAPI {
			redirects(o, g)
		}
	}
	for _, h := range p.ExposedHosts(ir.FrontendGatewayAPI) {
		for _, object := range h.Objects() {
			meta := backend.Meta{APIVersion: apiVersion, Namespace: h.Namespace, Name: object.Name, From: h.From}
			l := h.Gateway.Listener(object.Listeners[0])
			if l == nil {
				continue
			}
			to := o
			if kind := streamKind(l); kind != "" {
				to = streams[kind]
				if i := slices.IndexFunc(h.Gateway.RouteVersions, func(v ir.KV) bool { return v.Key == kind }); i >= 0 {
					meta.APIVersion = group + "/" + h.Gateway.RouteVersions[i].Value
					meta.From = slices.Concat(meta.From, p.Cluster.GatewayAPI.From, h.Gateway.Program.From)
				}
			}
			to.Add(meta, func(y *artifact.YAML) { y.Map("spec", func() { route(y, &h, l, &object) }) })
		}
	}
}

// streamKind is the kind of the routes of a listener that sees no requests; "" for one that does.
func streamKind(l *ir.Listener) string {
	switch {
	case l.PassesThrough():
		return "TLSRoute"
	case l.Protocol == "udp":
		return "UDPRoute"
	case !l.SeesRequests():
		return "TCPRoute"
	}
	return ""
}

// route writes the routes of a host on listeners that are all of the kind of l. Connections have no host name that a
// TCPRoute could go by, and datagrams none for a UDPRoute.
func route(y *artifact.YAML, h *ir.ExposedHost, l *ir.Listener, object *ir.RouteObject) {
	requests := l.SeesRequests()
	parentRefs(y, h.Gateway, object.Listeners)
	if h.Host != "" && (requests || l.PassesThrough()) {
		y.KV("hostnames", []string{h.Host})
	}
	y.Seq("rules", func() {
		for i, r := range object.Routes {
			if group := h.Gateway.RouteFilters; group != "" && requests {
				filteredRules(y, h.Gateway, r, group)
				continue
			}
			y.Item(func() {
				y.From("", r.Expose.From...)
				if name := object.CallName(i); name != "" && requests && h.Gateway.Program.Kind != "" {
					y.KV("name", name)
				}
				if requests {
					pathMatch(y, r.Expose.Path)
				}
				backendRefs(y, h.Gateway, r)
				if requests {
					timeouts(y, h.Gateway, r.Service)
				}
				y.Fixed()
			})
		}
	})
}

// timeouts writes the time that a request may take.
func timeouts(y *artifact.YAML, g *ir.Gateway, s *ir.Service) {
	switch t := s.Timeout; {
	case t != nil && s.Waypoint == "": // which has its own route
		y.From("", t.From...)
		y.Map("timeouts", func() { y.KV("request", t.Text) })
	case t == nil && g.NoTimeout != "":
		y.From("", s.From...)
		y.Map("timeouts", func() {
			y.Comment("None: left out it would be 15 s.")
			y.KV("request", g.NoTimeout)
		})
	}
}

func parentRefs(y *artifact.YAML, g *ir.Gateway, listeners []string) {
	y.Seq("parentRefs", func() {
		for _, name := range listeners {
			y.Item(func() {
				y.KV("group", group)
				y.KV("kind", "Gateway")
				y.KV("namespace", g.Namespace)
				y.KV("name", g.Name)
				y.KV("sectionName", name)
			})
		}
	})
}

// filteredRules writes one route where timeouts and retries are filters: what may be sent again has a rule of its own.
func filteredRules(y *artifact.YAML, g *ir.Gateway, r ir.Route, group string) {
	rule := func(again bool, methods ...string) {
		y.Item(func() {
			y.From("", r.Expose.From...)
			if len(methods) > 0 {
				y.From("", append(append(ir.From{}, r.Expose.From...), r.Service.Retries.From...)...)
			}
			pathMatch(y, r.Expose.Path, methods...)
			filter := func(kind string, from ir.From) {
				y.From("", from...)
				y.Item(func() {
					y.KV("type", "ExtensionRef")
					y.Map("extensionRef", func() {
						y.KV("group", group)
						y.KV("kind", kind)
						y.KV("name", r.Service.Name)
					})
				})
				y.Fixed()
			}
			t, meshed := r.Service.Timeout, r.Service.Meshed || r.Service.Workload == ir.Machine
			if t != nil || meshed || again {
				y.Seq("filters", func() {
					if t != nil {
						filter("RouteTimeoutFilter", t.From)
					} else if meshed { // which says that there is no limit
						filter("RouteTimeoutFilter", r.Service.From)
					}
					if again {
						filter("RouteRetryFilter", r.Service.Retries.From)
					}
				})
			}
			backendRefs(y, g, r)
			y.Fixed()
		})
	}
	retries := r.Service.Retries
	if retries != nil {
		rule(true, retries.Methods...)
	}
	if retries == nil || len(retries.Methods) > 0 {
		rule(false)
	}
}

// pathMatch writes a path as it is: PathPrefix compares whole segments. With methods, requests match that have one of them.
func pathMatch(y *artifact.YAML, p ir.Path, methods ...string) {
	kind := "PathPrefix"
	if p.Exact {
		kind = "Exact"
	}
	match := func(method string) {
		y.Item(func() {
			y.Map("path", func() {
				y.KV("type", kind)
				y.KV("value", p.Value)
			})
			if method != "" {
				y.KV("method", method)
			}
		})
	}
	y.Seq("matches", func() {
		if len(methods) == 0 {
			match("")
		}
		for _, m := range methods {
			match(m)
		}
	})
}

// backendRefs writes where a route leads. All of it is in the route's own namespace, so that no grant is needed.
func backendRefs(y *artifact.YAML, g *ir.Gateway, r ir.Route) {
	one := func(name string, weight int) {
		y.Item(func() {
			y.KV("group", "")
			y.KV("kind", "Service")
			y.KV("name", name)
			y.KV("port", r.Expose.Port.Port)
			if weight > 0 {
				y.KV("weight", weight)
			}
		})
	}
	y.From("", append(append(ir.From{}, r.Expose.From...), r.Service.From...)...)
	y.Seq("backendRefs", func() {
		if len(r.Service.Split) == 0 || r.Service.Waypoint != "" || g.ByService { // which shares out what comes to it
			one(r.Service.Name, 0)
			return
		}
		for _, w := range r.Service.Split {
			y.From("", append(append(ir.From{}, w.From...), r.Expose.From...)...)
			one(w.Name, w.Weight)
		}
	})
	y.Fixed()
}

// redirects sends the requests of listeners that only redirect to the gateway's HTTPS listener.
func redirects(o *backend.Writer, g *ir.Gateway) {
	for i := range g.Listeners {
		l := &g.Listeners[i]
		if !l.Redirect || len(l.Hosts) == 0 {
			continue
		}
		o.Add(backend.Meta{APIVersion: apiVersion, Namespace: g.Namespace, Name: g.Name + "-" + l.Name, From: append(slices.Clone(l.From), g.From.Of("frontend")...)}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				parentRefs(y, g, []string{l.Name})
				y.Seq("hostnames", func() {
					for _, h := range l.Hosts {
						y.From("", h.From...)
						y.Elem(h.Host)
					}
					y.Fixed()
				})
				y.Seq("rules", func() { y.Item(func() { redirectFilter(y, g) }) })
			})
		})
	}
}

func redirectFilter(y *artifact.YAML, g *ir.Gateway) {
	y.Seq("filters", func() {
		y.Item(func() {
			y.KV("type", "RequestRedirect")
			y.Map("requestRedirect", func() {
				y.KV("scheme", "https")
				k := slices.IndexFunc(g.Listeners, func(l ir.Listener) bool { return l.Protocol == "https" })
				if k >= 0 && g.Listeners[k].Port != 443 { // 443 goes with the scheme
					y.From("", g.Listeners[k].From...)
					y.KV("port", g.Listeners[k].Port)
					y.Fixed()
				}
				y.KV("statusCode", 301)
			})
		})
	})
}
