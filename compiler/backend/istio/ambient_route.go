package istio

import (
	"strconv"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// serviceRoutes writes what waypoints follow to a service: an HTTPRoute, or a VirtualService where the HTTPRoute of the
// standard channel has no words for it. Never both: which of them holds for one host is not defined.
func (e *emitter) serviceRoutes() {
	routes, virtual := e.objects(backend.Policy, "HTTPRoute"), e.objects(backend.Policy, "VirtualService")
	for i := range e.p.Services {
		s := &e.p.Services[i]
		http, other := httpPorts(s.Ports)
		switch {
		case s.Waypoint == "":
		case s.Retries != nil || s.Fault != nil || len(s.Split) > 0 && len(other) > 0:
			meshRoute(virtual, s)
		case len(s.Split) > 0 || s.Timeout != nil:
			for _, p := range http {
				requestRoute(routes, s, p, len(http) > 1)
			}
		}
	}
}

// requestRoute writes the route of one port: an end needs a port number, and a rule takes requests of all parents.
func requestRoute(o *backend.Writer, s *ir.Service, p ir.Port, several bool) {
	meta := backend.Meta{APIVersion: gatewayAPIGroup + "/v1", Namespace: s.Namespace, Name: s.Name, From: s.From}
	if several {
		meta.Name += "-" + strconv.Itoa(int(p.Port))
	}
	o.Add(meta, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.From("", p.From...)
			y.Seq("parentRefs", func() {
				y.Item(func() {
					y.KV("group", "")
					y.KV("kind", "Service")
					y.KV("name", s.Name)
					y.KV("port", p.Port)
				})
			})
			y.Fixed()
			y.Seq("rules", func() {
				y.Item(func() {
					routeBackends(y, s, p)
					if t := s.Timeout; t != nil {
						y.From("", t.From...)
						y.Map("timeouts", func() { y.KV("request", t.Text) })
						y.Fixed()
					}
				})
			})
		})
	})
}

func routeBackends(y *artifact.YAML, s *ir.Service, p ir.Port) {
	one := func(name string, weight int) {
		y.Item(func() {
			y.KV("group", "")
			y.KV("kind", "Service")
			y.KV("name", name)
			y.KV("port", p.Port)
			if weight >= 0 {
				y.KV("weight", weight)
			}
		})
	}
	y.Seq("backendRefs", func() {
		if len(s.Split) == 0 {
			y.From("", p.From...)
			one(s.Name, -1)
		}
		for _, w := range s.Split {
			y.From("", w.From...)
			one(w.Name, w.Weight)
		}
		y.Fixed()
	})
}

// atGateway is a service as a gateway's route sees it: what its waypoint does to requests, the gateway leaves to it.
func atGateway(s *ir.Service) *ir.Service {
	if s.Waypoint == "" {
		return s
	}
	plain := *s
	plain.Split, plain.Retries, plain.Timeout, plain.Fault = nil, nil, nil, nil
	return &plain
}

// fault holds back a share of the requests.
func fault(y *artifact.YAML, s *ir.Service) {
	if s.Fault == nil {
		return
	}
	y.From("", s.Fault.From...)
	backend.Nested(y, []string{"fault", "delay"}, func() {
		y.Map("percentage", func() { y.KV("value", s.Fault.DelayPercent) })
		y.KV("fixedDelay", s.Fault.Delay)
	})
	y.Fixed()
}
