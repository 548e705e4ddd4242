package linkerd

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// matchesOfRule is how many matches a rule of an HTTPRoute may have.
const matchesOfRule = 64

// serverRoutes tells requests on a Server apart. Policies name them; requests that no policy of theirs or of the Server
// admits are refused.
func (e *emitter) serverRoutes(phase backend.Phase, routes []ir.LinkerdServerRoute) {
	o := e.objects(phase, "HTTPRoute")
	for i := range routes {
		r := &routes[i]
		o.Add(backend.Meta{APIVersion: gatewayAPI, Namespace: r.Namespace, Name: r.Name, From: r.From}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.Seq("parentRefs", func() { y.Item(func() { ref(y, policyGroup, "Server", r.Server) }) })
				if r.Host != "" {
					y.KV("hostnames", []string{r.Host})
				}
				y.Seq("rules", func() {
					for some := range slices.Chunk(r.Matches, matchesOfRule) {
						y.Item(func() {
							y.Seq("matches", func() {
								for _, m := range some {
									y.Item(func() { match(y, m.Path, m.Method) })
								}
							})
						})
					}
				})
			})
		})
	}
}

func match(y *artifact.YAML, path ir.Path, method string) {
	kind := "PathPrefix"
	if path.Exact {
		kind = "Exact"
	}
	y.Map("path", func() {
		y.KV("type", kind)
		y.KV("value", path.Value)
	})
	if method != "" {
		y.KV("method", method)
	}
}

// routes says what callers' proxies do: shares, timeouts, retries. As producer routes they hold for every caller.
func (e *emitter) routes() {
	requests, calls := e.objects(backend.Policy, "HTTPRoute"), e.objects(backend.Policy, "GRPCRoute")
	for i := range e.k.Routes {
		r, o := &e.k.Routes[i], requests
		if e.k.Routes[i].GRPC {
			o = calls
		}
		meta := backend.Meta{APIVersion: gatewayAPI, Namespace: r.Namespace, Name: r.Name, Annotations: r.Annotations, From: r.From}
		o.Add(meta, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.Seq("parentRefs", func() {
					y.Item(func() {
						ref(y, "", "Service", r.Service)
						y.KV("port", r.Port)
					})
				})
				y.Seq("rules", func() {
					y.Item(func() {
						if len(r.Methods) > 0 {
							y.Seq("matches", func() {
								for _, m := range r.Methods {
									y.Item(func() { y.KV("method", m) })
								}
							})
						}
						y.Seq("backendRefs", func() {
							for _, b := range r.Backends {
								y.Item(func() {
									ref(y, "", "Service", b.Name)
									y.KV("port", r.Port)
									if len(r.Backends) > 1 || b.Weight > 0 {
										y.KV("weight", b.Weight)
									}
								})
							}
						})
					})
				})
			})
		})
	}
}

// outside closes and opens networks outside the cluster.
func (e *emitter) outside() {
	for i := range e.k.Outside {
		n := &e.k.Outside[i]
		phase := backend.Enforcement
		if n.Allow {
			phase = backend.Policy
		}
		e.objects(phase, "EgressNetwork").Add(backend.Meta{APIVersion: alpha, Namespace: n.Namespace, Name: n.Name, From: n.From}, func(y *artifact.YAML) {
			y.Comment(n.Reason)
			y.Map("spec", func() {
				if len(n.Networks) > 0 {
					y.Seq("networks", func() {
						for _, p := range n.Networks {
							y.Item(func() { y.KV("cidr", p) })
						}
					})
				}
				y.KV("trafficPolicy", trafficPolicy(n.Allow))
			})
		})
		for _, x := range n.Exits {
			meta := backend.Meta{APIVersion: gatewayGroup + "/" + x.Version, Namespace: n.Namespace, Name: x.Name, From: x.From}
			e.objects(backend.Policy, x.Kind).Add(meta, func(y *artifact.YAML) {
				y.Map("spec", func() {
					y.Seq("parentRefs", func() {
						y.Item(func() {
							ref(y, policyGroup, "EgressNetwork", n.Name)
							y.KV("port", x.Port)
						})
					})
					if len(x.Hosts) > 0 {
						y.KV("hostnames", x.Hosts)
					}
					y.Comment("To where the client was going.")
					y.Seq("rules", func() {
						y.Item(func() {
							if x.Kind != "HTTPRoute" { // whose rules must name an end
								y.Seq("backendRefs", func() { y.Item(func() { ref(y, policyGroup, "EgressNetwork", n.Name) }) })
								return
							}
							y.Seq("matches", func() { y.Item(func() { match(y, ir.Path{Value: "/"}, "") }) })
						})
					})
				})
			})
		}
	}
}

func trafficPolicy(allow bool) string {
	if allow {
		return "Allow"
	}
	return "Deny"
}
