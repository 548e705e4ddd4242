package consul

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// service writes the configuration of one service.
func (e *emitter) service(s *ir.ConsulService) {
	mode := ""
	switch {
	case s.Permissive:
		mode = "permissive"
	case s.Migrating: // left out, what a stage said that somebody else applied would hold
		mode = "strict"
	}
	e.defaults(backend.Policy, s, mode, s.From, s.PermissiveFrom)
	if len(s.Callers) > 0 {
		e.add(backend.Policy, "ServiceIntentions", s.Namespace, s.Name, s.From, func(y *artifact.YAML) {
			y.Map("destination", func() { y.KV("name", s.Name) })
			y.Seq("sources", func() {
				for i := range s.Callers {
					c := &s.Callers[i]
					y.From("", c.From...)
					y.Item(func() { source(y, c) })
				}
				y.Fixed()
			})
			wanted(y, s)
		})
	}
	e.located(s)
	if s.Token != nil {
		e.tokens(s)
	}
	if len(s.Routes) > 0 && s.DialedFrom == nil { // callers that dial pods pass it by
		e.add(backend.Policy, "ServiceRouter", s.Namespace, s.Name, append(s.RoutesFrom, s.From...), func(y *artifact.YAML) {
			y.Seq("routes", func() {
				for i := range s.Routes {
					y.Item(func() { route(y, &s.Routes[i]) })
				}
			})
		})
	}
	if s.ExposedFrom != nil {
		e.routeFilters(s)
	}
	if len(s.Split) > 0 {
		e.split(s)
	}
}

// defaults writes what a service speaks, and in which mode of mutual TLS it is called; "" is that of the mesh.
func (e *emitter) defaults(phase backend.Phase, s *ir.ConsulService, mode string, from, modeFrom ir.From) {
	e.add(phase, "ServiceDefaults", s.Namespace, s.Name, from, func(y *artifact.YAML) {
		y.KV("protocol", s.Protocol)
		if mode != "" {
			y.From("", modeFrom...)
			if mode == "permissive" {
				y.Comment("Callers without a proxy are told apart by NetworkPolicy alone: intentions do not hold for plain text.")
			}
			y.KV("mutualTLSMode", mode)
			y.Fixed()
		}
		if s.DialedFrom != nil {
			y.From("", s.DialedFrom...)
			y.Comment("Its Service has no address: proxies of callers take those of its pods for it, and encrypt what is sent there.")
			y.Map("transparentProxy", func() { y.KV("dialedDirectly", true) })
			y.Fixed()
		}
		if len(s.Upstreams) == 0 {
			return
		}
		y.Map("upstreamConfig", func() {
			y.Seq("overrides", func() {
				for i := range s.Upstreams {
					y.Item(func() { upstream(y, &s.Upstreams[i]) })
				}
			})
		})
	})
}

// source admits one caller: to everything, or to some requests. Consul refuses the rest of a source with permissions.
func source(y *artifact.YAML, c *ir.ConsulCaller) {
	y.KV("name", c.Name)
	if c.Peer != "" {
		y.KV("peer", c.Peer)
	}
	if len(c.Permissions) == 0 {
		y.KV("action", "allow")
		return
	}
	y.Seq("permissions", func() {
		for _, p := range c.Permissions {
			y.Item(func() {
				y.KV("action", "allow")
				y.Map("http", func() {
					if p.Path.Exact {
						y.KV("pathExact", p.Path.Value)
					} else {
						y.KV("pathPrefix", p.Path.Value)
					}
					if len(p.Methods) > 0 {
						y.KV("methods", p.Methods)
					}
				})
			})
		}
	})
}

func upstream(y *artifact.YAML, u *ir.ConsulUpstream) {
	y.KV("name", u.Name)
	o := &u.Outlier
	y.From("", o.From...)
	y.Map("passiveHealthCheck", func() {
		y.KV("interval", o.Interval)
		y.KV("maxFailures", o.Consecutive5xx)
		y.Comment("Part of the pods, in percent, that is found so and is really taken out.")
		y.KV("enforcingConsecutive5xx", 100)
		y.KV("maxEjectionPercent", o.MaxEjectionPercent)
		y.KV("baseEjectionTime", o.BaseEjectionTime)
	})
	y.Fixed()
}

// timeout writes the time that a request may take, all attempts together.
func timeout(y *artifact.YAML, r *ir.ConsulRoute) {
	if r.Timeout[0] == '-' {
		y.Comment("None: left out it would be 15 s.")
	}
	y.KV("requestTimeout", r.Timeout)
}

func route(y *artifact.YAML, r *ir.ConsulRoute) {
	y.Map("match", func() {
		y.Map("http", func() {
			y.KV("pathPrefix", "/")
			if len(r.Methods) > 0 {
				y.KV("methods", r.Methods)
			}
		})
	})
	y.Map("destination", func() {
		timeout(y, r)
		if r.Retries > 0 {
			y.KV("numRetries", r.Retries)
			y.KV("retryOn", r.RetryOn)
		}
	})
}

func (e *emitter) split(s *ir.ConsulService) {
	from := append(ir.From{}, s.From...)
	for _, w := range s.Split {
		from = append(from, w.From...)
	}
	e.add(backend.Policy, "ServiceSplitter", s.Namespace, s.Name, from, func(y *artifact.YAML) {
		y.Seq("splits", func() {
			for _, w := range s.Split {
				y.From("", w.From...)
				y.Item(func() {
					y.KV("weight", w.Weight)
					y.KV("service", w.Name)
				})
			}
			y.Fixed()
		})
	})
}
