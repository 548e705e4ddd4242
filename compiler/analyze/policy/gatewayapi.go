package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// gatewayNameLabel is on the pods that istiod makes for a Gateway of the Gateway API.
const gatewayNameLabel = "gateway.networking.k8s.io/gateway-name"

// apiGateway is a gateway.networking.k8s.io Gateway.
type apiGateway struct {
	meta
	labels map[string]string
	spec   struct {
		GatewayClassName string `json:"gatewayClassName"`
		Infrastructure   struct {
			Annotations   map[string]string `json:"annotations"`
			ParametersRef struct {
				Group string `json:"group"`
				Kind  string `json:"kind"`
				Name  string `json:"name"`
			} `json:"parametersRef"`
		} `json:"infrastructure"`
		Listeners []apiListener `json:"listeners"`
		TLS       struct {
			Frontend struct {
				Default struct{} `json:"default"`
				PerPort []struct {
					Port uint16 `json:"port"`
					TLS  struct {
						Validation any `json:"validation"`
					} `json:"tls"`
				} `json:"perPort"`
			} `json:"frontend"`
		} `json:"tls"`
	}
}

type apiListener struct {
	Name     string `json:"name"`
	Port     uint16 `json:"port"`
	Protocol string `json:"protocol"`
	Hostname string `json:"hostname"`
	TLS      *struct {
		Mode            string `json:"mode"`
		CertificateRefs any    `json:"certificateRefs"`
		Options         any    `json:"options"`
	} `json:"tls"`
	AllowedRoutes struct {
		Namespaces struct {
			From     string    `json:"from"` // Same when not given
			Selector *selector `json:"selector"`
		} `json:"namespaces"`
	} `json:"allowedRoutes"`
}

// httpRoute is a gateway.networking.k8s.io HTTPRoute.
type httpRoute struct {
	meta
	spec struct {
		ParentRefs []parentRef `json:"parentRefs"`
		Hostnames  []string    `json:"hostnames"`
		Rules      []routeRule `json:"rules"`
	}
}

// parentRef is what a route is attached to: a Gateway, or a Service.
type parentRef struct {
	Group       string `json:"group"`
	Kind        string `json:"kind"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
	SectionName string `json:"sectionName"`
	Port        uint16 `json:"port"`
}

type routeRule struct {
	Name    string       `json:"name"`
	Matches []routeMatch `json:"matches"` // none: every request
	Filters []struct {
		Type            string `json:"type"`
		RequestRedirect any    `json:"requestRedirect"`
		ExtensionRef    struct {
			Group string `json:"group"`
			Kind  string `json:"kind"`
			Name  string `json:"name"`
		} `json:"extensionRef"`
	} `json:"filters"`
	BackendRefs []struct {
		Group     string `json:"group"`
		Kind      string `json:"kind"`
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
		Port      uint16 `json:"port"`
		Weight    *int   `json:"weight"` // 1 when not given
	} `json:"backendRefs"`
	Timeouts any `json:"timeouts"`
	Retry    any `json:"retry"`
}

type routeMatch struct {
	Path struct {
		Type  string `json:"type"` // PathPrefix when not given
		Value string `json:"value"`
	} `json:"path"`
	Method string `json:"method"`
}

func (r *routeMatch) matches(req Request) bool {
	value := cmp.Or(r.Path.Value, "/")
	path := req.Path == value
	if r.Path.Type != "Exact" { // whole segments, and a slash at the end counts for nothing
		base := strings.TrimSuffix(value, "/")
		path = req.Path == base || strings.HasPrefix(req.Path, base+"/")
	}
	return path && (r.Method == "" || r.Method == req.Method)
}

// rank orders matches: an exact path before prefixes, a longer prefix before a shorter one, a method before none.
func (r *routeMatch) rank() []int {
	exact, method := 0, 0
	if r.Path.Type == "Exact" {
		exact = 1
	}
	if r.Method != "" {
		method = 1
	}
	return []int{exact, len(cmp.Or(r.Path.Value, "/")), method}
}

// apiGatewayOf returns the Gateway whose pods a workload is, or nil.
func (m *Model) apiGatewayOf(w *Workload) *apiGateway {
	name, ok := w.Labels[gatewayNameLabel]
	if !ok && m.consul != nil {
		name, ok = w.Labels[consulGateway]
	}
	i := slices.IndexFunc(m.apiGates, func(g apiGateway) bool { return ok && g.Namespace == w.Namespace && g.Name == name })
	if i < 0 {
		return nil
	}
	return &m.apiGates[i]
}

// apiFacts returns what the Service that istiod makes for a Gateway is like: a port for each listener, and what the
// ConfigMap of its parameters adds.
func (m *Model) apiFacts(w *Workload) serviceFacts {
	var out serviceFacts
	g := m.apiGatewayOf(w)
	if g == nil {
		return out
	}
	var patch struct {
		Spec struct {
			ExternalTrafficPolicy    string   `json:"externalTrafficPolicy"`
			LoadBalancerSourceRanges []string `json:"loadBalancerSourceRanges"`
		} `json:"spec"`
	}
	var doc yaml.Node
	text := m.config[g.Namespace+"/"+g.spec.Infrastructure.ParametersRef.Name]["service"]
	if yaml.Unmarshal([]byte(text), &doc) == nil && len(doc.Content) > 0 {
		// A patch that istiod cannot read leaves a Service without it, as here.
		_ = decode(doc.Content[0], &patch, false)
	}
	out.ExternalTrafficPolicy, out.LoadBalancerSourceRanges = patch.Spec.ExternalTrafficPolicy, patch.Spec.LoadBalancerSourceRanges
	if m.ciliumGateway(w) {
		out = m.ciliumFacts(g)
		out.Ports = nil
	}
	out.object = g.Object
	if k := m.consulService(w); k != nil {
		return k.facts()
	}
	for _, l := range g.spec.Listeners {
		out.Ports = append(out.Ports, servicePort{Port: l.Port})
	}
	return out
}

// apiOpen finds the listener of a Gateway for a request; the one with the longest host name wins.
func (m *Model) apiOpen(w *Workload, req Request) (opening, bool) {
	g := m.apiGatewayOf(w)
	if g == nil {
		return opening{}, false
	}
	o := opening{step: Step{Layer: Listener, At: w.Namespace + "/" + w.Name, Object: g.Object, Effect: Refuse, Why: fmt.Sprintf("no listener for %s on port %d", req.Host, req.Port)}}
	best := -1
	for i, l := range g.spec.Listeners {
		if l.Port == req.Port && (l.Protocol == "UDP") == req.UDP && (l.Hostname == "" || dnsMatch(l.Hostname, req.Host)) && (best < 0 || len(l.Hostname) > len(g.spec.Listeners[best].Hostname)) {
			best = i
		}
	}
	if best < 0 {
		return o, true
	}
	l := &g.spec.Listeners[best]
	o.step.Object, o.step.Effect, o.step.Why = g.at("spec", "listeners", best), Allow, "listener "+l.Name+" has the host"
	for _, p := range g.spec.TLS.Frontend.PerPort {
		o.certificate = o.certificate || p.Port == l.Port && p.TLS.Validation != nil
	}
	o.routes = func(req Request) (Step, []Lead) { return m.apiRoute(w, g, l, req) }
	o.past = l.streams() && !l.passesThrough()
	if o.streams = l.streams(); o.streams {
		return o, true
	}
	if l.Protocol != "HTTP" && (l.Protocol != "HTTPS" || l.TLS == nil || l.TLS.Mode == "Passthrough") {
		o.step.Effect, o.step.Why = Refuse, "protocol "+l.Protocol+" of this listener is not understood"
	}
	return o, true
}

// apiRoute asks the HTTPRoutes of a listener for the ends of a request: the longest host name first, then the match of
// the highest rank, then the first.
func (m *Model) apiRoute(w *Workload, g *apiGateway, l *apiListener, req Request) (Step, []Lead) {
	s := Step{Layer: Route, At: w.Namespace + "/" + w.Name, Effect: Refuse, Object: g.Object, Why: "no route takes " + req.Method + " " + req.Path + " of " + req.Host}
	var best *routeRule
	var rank []int
	var in *httpRoute
	for i := range m.routes {
		r := &m.routes[i]
		host := r.hosts(l, req.Host)
		if host < 0 || r.Kind != l.routeKind() || !r.attached(g, l) || !m.allowsRoute(g, l, r.Namespace) {
			continue
		}
		for k := range r.spec.Rules {
			rule := &r.spec.Rules[k]
			matches := rule.Matches
			if len(matches) == 0 {
				matches = []routeMatch{{}}
			}
			for _, match := range matches {
				at := append([]int{host}, match.rank()...)
				if match.matches(req) && slices.Compare(at, rank) > 0 {
					best, rank, in = rule, at, r
					s.Object = r.at("spec", "rules", k)
				}
			}
		}
	}
	if best == nil {
		return s, nil
	}
	return m.backends(s, in, best)
}

// backends turns the ends of a rule into leads.
func (m *Model) backends(s Step, r *httpRoute, rule *routeRule) (Step, []Lead) {
	for _, f := range rule.Filters {
		if f.ExtensionRef.Group == "consul.hashicorp.com" && (f.ExtensionRef.Kind == "RouteTimeoutFilter" || f.ExtensionRef.Kind == "RouteRetryFilter") {
			continue // how long and how often, not where to
		}
		s.Why = "the filter " + f.Type + " answers or is not understood"
		return s, nil
	}
	s.Effect, s.Why = Allow, "takes the request"
	var leads []Lead
	for _, b := range rule.BackendRefs {
		l := Lead{Namespace: cmp.Or(b.Namespace, r.Namespace), Name: b.Name, Port: b.Port, Weight: 1}
		if b.Weight != nil {
			l.Weight = *b.Weight
		}
		if l.Namespace != r.Namespace || b.Group != "" || b.Kind != "" && b.Kind != "Service" {
			s.Effect, s.Why = Refuse, "an end that is no Service of the route's namespace is not understood"
		}
		leads = append(leads, l)
	}
	return s, leads
}

// hosts returns the length of the longest host name of a route that a listener has too and that takes the host, or -1.
func (r *httpRoute) hosts(l *apiListener, host string) int {
	if len(r.spec.Hostnames) == 0 {
		return 0
	}
	longest := -1
	for _, h := range r.spec.Hostnames {
		if dnsMatch(h, host) && (l.Hostname == "" || dnsMatch(l.Hostname, h) || dnsMatch(h, l.Hostname)) {
			longest = max(longest, len(h))
		}
	}
	return longest
}

func (r *httpRoute) attached(g *apiGateway, l *apiListener) bool {
	for _, p := range r.spec.ParentRefs {
		if cmp.Or(p.Kind, "Gateway") == "Gateway" && cmp.Or(p.Namespace, r.Namespace) == g.Namespace && p.Name == g.Name &&
			(p.SectionName == "" || p.SectionName == l.Name) {
			return true
		}
	}
	return false
}

func (m *Model) allowsRoute(g *apiGateway, l *apiListener, namespace string) bool {
	a := l.AllowedRoutes.Namespaces
	switch a.From {
	case "All":
		return true
	case "Selector":
		return a.Selector != nil && a.Selector.matches(m.namespaceLabels(namespace))
	}
	return namespace == g.Namespace
}
