package istio

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// httpRoutes writes the routes of gateways with frontend "gateway-api". Retries are not among them: HTTPRoute has the
// field in the experimental channel alone.
func (e *emitter) httpRoutes() {
	o := e.objects(backend.Gateways, "HTTPRoute")
	sni := e.objects(backend.Gateways, "TLSRoute")
	for i := range e.p.Gateways {
		if g := &e.p.Gateways[i]; g.Frontend == frontendGatewayAPI {
			e.redirects(o, g)
		}
	}
	for _, h := range e.exposedHosts(frontendGatewayAPI) {
		for _, listeners := range h.listenerSets() {
			meta := backend.Meta{APIVersion: gatewayAPIV1, Namespace: h.namespace, Name: h.name, From: h.from}
			if !h.everywhere() {
				meta.Name += "-" + strings.Join(listeners, "-")
			}
			l := listener(h.gateway, listeners[0])
			if l == nil {
				continue
			}
			if passesThrough(l) {
				sni.add(meta, func(y *artifact.YAML) { y.Map("spec", func() { h.route(y, listeners, false) }) })
			} else {
				o.add(meta, func(y *artifact.YAML) { y.Map("spec", func() { h.route(y, listeners, true) }) })
			}
		}
	}
}

// listenerSets returns the different sets of listeners that carry routes of the host: a route object is attached to
// listeners as a whole.
func (h *exposedHost) listenerSets() [][]string {
	var out [][]string
	for _, r := range h.routes {
		set := r.expose.Listeners
		if len(set) > 0 && !slices.ContainsFunc(out, func(o []string) bool { return slices.Equal(o, set) }) {
			out = append(out, set)
		}
	}
	return out
}

func (h *exposedHost) route(y *artifact.YAML, listeners []string, requests bool) {
	parentRefs(y, h.gateway, listeners)
	if h.host != "" {
		y.KV("hostnames", []string{h.host})
	}
	y.Seq("rules", func() {
		for _, r := range h.routes {
			if !slices.Equal(r.expose.Listeners, listeners) {
				continue
			}
			y.Item(func() {
				y.From("", r.expose.From...)
				if requests {
					pathMatch(y, r.expose.Path)
				}
				backendRefs(y, r)
				if t := r.service.Timeout; t != nil && requests {
					y.From("", t.From...)
					y.Map("timeouts", func() { y.KV("request", t.Text) })
				}
				y.Fixed()
			})
		}
	})
}

func parentRefs(y *artifact.YAML, g *ir.Gateway, listeners []string) {
	y.Seq("parentRefs", func() {
		for _, name := range listeners {
			y.Item(func() {
				y.KV("group", "gateway.networking.k8s.io")
				y.KV("kind", "Gateway")
				y.KV("namespace", g.Namespace)
				y.KV("name", g.Name)
				y.KV("sectionName", name)
			})
		}
	})
}

// pathMatch writes a path as it is: PathPrefix compares whole segments.
func pathMatch(y *artifact.YAML, p ir.Path) {
	kind := "PathPrefix"
	if p.Exact {
		kind = "Exact"
	}
	y.Seq("matches", func() {
		y.Item(func() {
			y.Map("path", func() {
				y.KV("type", kind)
				y.KV("value", p.Value)
			})
		})
	})
}

// backendRefs writes where a route leads. All of it is in the route's own namespace, so that no grant is needed.
func backendRefs(y *artifact.YAML, r exposure) {
	one := func(name string, weight int) {
		y.Item(func() {
			y.KV("group", "")
			y.KV("kind", "Service")
			y.KV("name", name)
			y.KV("port", r.expose.Port.Port)
			if weight > 0 {
				y.KV("weight", weight)
			}
		})
	}
	y.From("", append(append(ir.From{}, r.expose.From...), r.service.From...)...)
	y.Seq("backendRefs", func() {
		if len(r.service.Split) == 0 {
			one(r.service.Name, 0)
			return
		}
		for _, w := range r.service.Split {
			y.From("", append(append(ir.From{}, w.From...), r.expose.From...)...)
			one(w.Name, w.Weight)
		}
	})
	y.Fixed()
}

// redirects sends the requests of listeners that only redirect to the gateway's HTTPS listener.
func (e *emitter) redirects(o *objects, g *ir.Gateway) {
	for i := range g.Listeners {
		l := &g.Listeners[i]
		if !l.Redirect || len(l.Hosts) == 0 {
			continue
		}
		o.add(backend.Meta{APIVersion: gatewayAPIV1, Namespace: g.Namespace, Name: g.Name + "-" + l.Name, From: append(slices.Clone(l.From), g.From.Of("frontend")...)}, func(y *artifact.YAML) {
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
