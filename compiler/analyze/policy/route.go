package policy

import (
	"regexp"
	"slices"
	"strings"
)

// virtualService is a networking.istio.io VirtualService.
type virtualService struct {
	meta
	spec struct {
		ExportTo []string      `json:"exportTo"` // everywhere when not given
		Hosts    []string      `json:"hosts"`
		Gateways []string      `json:"gateways"` // "mesh" alone when not given
		HTTP     []httpMatch   `json:"http"`
		TLS      []streamMatch `json:"tls"`
		TCP      []streamMatch `json:"tcp"`
	}
}

type httpMatch struct {
	Name    string         `json:"name"`
	Match   []requestMatch `json:"match"` // none: every request
	Route   []destination  `json:"route"`
	Timeout any            `json:"timeout"`
	Retries any            `json:"retries"`
	Fault   *struct {
		Delay any `json:"delay"` // an abort would change the answer
	} `json:"fault"`
}

type requestMatch struct {
	URI    *valueMatch `json:"uri"`
	Method *valueMatch `json:"method"`
}

// valueMatch has one of its fields. A prefix is one of text, not of path segments.
type valueMatch struct {
	Exact  *string `json:"exact"`
	Prefix *string `json:"prefix"`
	Regex  *string `json:"regex"`
}

type destination struct {
	Destination struct {
		Host   string `json:"host"`
		Subset string `json:"subset"`
		Port   struct {
			Number uint16 `json:"number"` // 0: that of the request
		} `json:"port"`
	} `json:"destination"`
	Weight *int `json:"weight"`
}

func (v *valueMatch) matches(s string) bool {
	switch {
	case v == nil:
		return true
	case v.Exact != nil:
		return s == *v.Exact
	case v.Prefix != nil:
		return strings.HasPrefix(s, *v.Prefix)
	case v.Regex != nil:
		re, err := regexp.Compile("^(?:" + *v.Regex + ")$")
		return err == nil && re.MatchString(s)
	}
	return false
}

// inMesh reports whether a VirtualService holds for sidecars.
func (v *virtualService) inMesh() bool {
	return len(v.spec.Gateways) == 0 || slices.Contains(v.spec.Gateways, "mesh")
}

// atGateway reports whether a VirtualService holds at a gateway: it names it "namespace/name", or "name" in its own
// namespace.
func (v *virtualService) atGateway(namespace, name string) bool {
	return slices.Contains(v.spec.Gateways, namespace+"/"+name) || v.Namespace == namespace && slices.Contains(v.spec.Gateways, name)
}

func (v *virtualService) leadsTo(host string) bool {
	return slices.ContainsFunc(v.spec.HTTP, func(h httpMatch) bool {
		return slices.ContainsFunc(h.Route, func(d destination) bool { return d.Destination.Host == host })
	})
}

// route returns the ends of the first route that takes a request, -1 where none does: the proxy then answers 404.
func (v *virtualService) route(req Request) (index int, leads []destination) {
	for i, h := range v.spec.HTTP {
		if len(h.Match) == 0 || slices.ContainsFunc(h.Match, func(m requestMatch) bool {
			return m.URI.matches(req.Path) && m.Method.matches(req.Method)
		}) {
			return i, h.Route
		}
	}
	return -1, nil
}

// meshRoute is the route that a sidecar takes to a service: that of a VirtualService that it imports, else the service
// itself.
func (m *Model) meshRoute(caller, to *Workload, port Port, req Request) (Step, []Lead) {
	s := Step{Layer: Route, At: caller.Namespace + "/" + caller.Name, Effect: Silent, Why: "straight to the service"}
	if speaksHTTP(port.Protocol) && to.Host != "" {
		sc := m.sidecarOf(caller)
		for i := range m.virtual {
			v := &m.virtual[i]
			if ok, _ := sc.knows(v.Namespace, to.Host); !ok || !v.inMesh() || !slices.ContainsFunc(v.spec.Hosts, func(h string) bool { return dnsMatch(h, to.Host) }) {
				continue
			}
			return m.routed(s, v.meta, v, port.Port, req)
		}
	}
	return s, []Lead{{Namespace: to.Namespace, Name: to.Name, Port: port.Port, Weight: 100}}
}

// routed turns the route of a VirtualService into ends.
func (m *Model) routed(s Step, o meta, v *virtualService, port uint16, req Request) (Step, []Lead) {
	i, route := v.route(req)
	if i < 0 {
		s.Object, s.Effect, s.Why = v.Object, Refuse, "no route takes "+req.Method+" "+req.Path
		return s, nil
	}
	s.Object, s.Effect, s.Why = o.at("spec", "http", i), Allow, "takes "+req.Method+" "+req.Path
	return s, m.ends(route, port)
}

// ends turns the destinations of a route into leads; port is that of the request.
func (m *Model) ends(route []destination, port uint16) []Lead {
	var leads []Lead
	for _, d := range route {
		l := Lead{Port: d.Destination.Port.Number}
		if l.Port == 0 {
			l.Port = port
		}
		if w := m.byHost(d.Destination.Host); w != nil {
			l.Namespace, l.Name = w.Namespace, w.Name
		} else {
			l.Name = d.Destination.Host
		}
		switch {
		case d.Weight != nil:
			l.Weight = *d.Weight
		case len(route) == 1:
			l.Weight = 100
		}
		leads = append(leads, l)
	}
	return leads
}

func speaksHTTP(protocol string) bool { return protocol == "http" || protocol == "grpc" }

// byHost returns the workload behind a host name, or nil.
func (m *Model) byHost(host string) *Workload {
	i := slices.IndexFunc(m.world.Workloads, func(w Workload) bool { return w.Host != "" && w.Host == host })
	if i < 0 {
		return nil
	}
	return &m.world.Workloads[i]
}

// find returns a workload by name, or nil.
func (m *Model) find(namespace, name string) *Workload {
	i := slices.IndexFunc(m.world.Workloads, func(w Workload) bool { return w.Namespace == namespace && w.Name == name })
	if i < 0 {
		return nil
	}
	return &m.world.Workloads[i]
}
