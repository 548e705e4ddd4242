package policy

import (
	"errors"
	"fmt"
	"slices"
)

// destinationRule has what a DestinationRule may say: what changes no answer, and connections of the mesh that show a name
// of their own.
type destinationRule struct {
	meta
	spec struct {
		ExportTo      []string `json:"exportTo"`
		Host          string   `json:"host"`
		TrafficPolicy struct {
			OutlierDetection any `json:"outlierDetection"`
			ConnectionPool   any `json:"connectionPool"`
			LoadBalancer     any `json:"loadBalancer"`
		} `json:"trafficPolicy"`
		Subsets []struct {
			Name          string `json:"name"`
			TrafficPolicy struct {
				TLS *struct {
					Mode string `json:"mode"`
					SNI  string `json:"sni"`
				} `json:"tls"`
			} `json:"trafficPolicy"`
		} `json:"subsets"`
	}
}

// understood refuses subsets that are anything but a connection of the mesh with a name.
func (d *destinationRule) understood() error {
	for _, s := range d.spec.Subsets {
		if t := s.TrafficPolicy.TLS; t == nil || t.Mode != "ISTIO_MUTUAL" || t.SNI == "" {
			return fmt.Errorf("subset %s is not understood", s.Name)
		}
	}
	return nil
}

// understood refuses subsets of services that requests go to: they could lead elsewhere.
func (v *virtualService) understood() error {
	for _, h := range v.spec.HTTP {
		for _, d := range h.Route {
			if d.Destination.Subset != "" {
				return errors.New("a subset for requests is not understood")
			}
		}
	}
	for _, s := range v.spec.TLS {
		for _, d := range s.Route {
			if d.Destination.Subset != "" {
				return errors.New("a subset for names is not understood")
			}
		}
	}
	return nil
}

// exported reports whether objects of a namespace with this exportTo are seen in another one; empty is everywhere.
func exported(exportTo []string, own, namespace string) bool {
	return len(exportTo) == 0 || slices.Contains(exportTo, "*") || own == namespace && slices.Contains(exportTo, ".") || slices.Contains(exportTo, namespace)
}

// sni is the name that connections of a namespace's pods to a subset of a host show; "" where there is no such subset.
func (m *Model) sni(namespace, host, subset string) string {
	for i := range m.rules {
		d := &m.rules[i]
		if d.spec.Host != host || !exported(d.spec.ExportTo, d.Namespace, namespace) {
			continue
		}
		for _, s := range d.spec.Subsets {
			if s.Name == subset {
				return s.TrafficPolicy.TLS.SNI
			}
		}
	}
	return ""
}

// detour is the route that a sidecar takes for a host outside in place of connecting to it; nil: none. Only connections
// have one: the sidecar tells them apart by the address.
func (m *Model) detour(w *Workload, e *serviceEntry, port uint16) (*virtualService, int) {
	for i := range m.virtual {
		v := &m.virtual[i]
		if !v.inMesh() || !exported(v.spec.ExportTo, v.Namespace, w.Namespace) || !slices.ContainsFunc(v.spec.Hosts, func(h string) bool { return slices.Contains(e.spec.Hosts, h) }) {
			continue
		}
		for k := range v.spec.TCP {
			if v.spec.TCP[k].takes(port, "") {
				return v, k
			}
		}
	}
	return nil, 0
}

// throughGateway follows a connection by way of an egress gateway: the gateway's own layers, its route, and what it may
// connect to. It ends where the address of the destination is reached, and nowhere else.
func (m *Model) throughGateway(w *Workload, v *virtualService, k int, to Target, port uint16) []Step {
	at := w.Namespace + "/" + w.Name
	step := Step{Layer: Route, At: at, Object: v.at("spec", "tcp", k), Effect: Allow, Why: "leads to an egress gateway"}
	refuse := func(s Step, why string, args ...any) Step {
		s.Effect, s.Why = Refuse, fmt.Sprintf(why, args...)
		return s
	}
	route := v.spec.TCP[k].Route
	if len(route) != 1 {
		return []Step{refuse(step, "%d destinations of one route are not understood", len(route))}
	}
	d := route[0].Destination
	i := slices.IndexFunc(m.world.Egress, func(g Workload) bool { return g.Host == d.Host })
	if i < 0 {
		return []Step{refuse(step, "there is no egress gateway %s", d.Host)}
	}
	g := &m.world.Egress[i]
	name := m.sni(w.Namespace, d.Host, d.Subset)
	if name == "" {
		return []Step{refuse(step, "%s has no subset %q for this namespace", d.Host, d.Subset)}
	}
	steps := []Step{step}
	facts := m.facts(g)
	target := facts.targetPort(d.Port.Number)
	in := Step{Layer: Listener, At: g.Namespace + "/" + g.Name, Object: facts.object, Effect: Refuse, Why: fmt.Sprintf("no server for %s on port %d", name, target)}
	steps = append(steps, m.networkStep(Egress, w, end{g, g.Address}, target, false), m.networkStep(Ingress, g, end{w, w.Address}, target, false))
	for i := range m.gateways {
		o := &m.gateways[i]
		if !subset(o.spec.Selector, g.Labels) {
			continue
		}
		for n := range o.spec.Servers {
			s := &o.spec.Servers[n]
			if s.Port.Number != target || s.Port.Protocol != "TLS" || s.TLS == nil || s.TLS.Mode != "ISTIO_MUTUAL" || !s.answers(name) {
				continue
			}
			in.Object, in.Effect, in.Why = o.at("spec", "servers", n), Allow, "server "+s.Port.Name+" has the name"
			steps = append(steps, in, m.authorize(g, connection{identity: m.identity(w), address: w.Address, port: target, sni: name}))
			return append(steps, m.lastLeg(g, o, s, name, to, port)...)
		}
	}
	return append(steps, in)
}

// lastLeg is the gateway's connection to the destination.
func (m *Model) lastLeg(g *Workload, o *gateway, srv *server, name string, to Target, port uint16) []Step {
	s := Step{Layer: Route, At: g.Namespace + "/" + g.Name, Object: o.Object, Effect: Refuse, Why: "no route for " + name}
	for i := range m.virtual {
		v := &m.virtual[i]
		if !v.atGateway(o.Namespace, o.Name) || !slices.ContainsFunc(v.spec.Hosts, func(h string) bool { return srv.takes(o.Namespace, v.Namespace, h) }) {
			continue
		}
		for k := range v.spec.TCP { // the first one wins
			if !v.spec.TCP[k].takes(srv.Port.Number, "") {
				continue
			}
			s.Object = v.at("spec", "tcp", k)
			if len(v.spec.TCP[k].Route) != 1 {
				s.Why = "several destinations of one route are not understood"
				return []Step{s}
			}
			d := v.spec.TCP[k].Route[0].Destination
			for n := range m.entries {
				e := &m.entries[n]
				if d.Port.Number != port || !exported(e.spec.ExportTo, e.Namespace, g.Namespace) || !slices.Contains(e.spec.Hosts, d.Host) ||
					len(e.spec.Endpoints) != 1 || e.spec.Endpoints[0].Address != to.Address.String() {
					continue
				}
				s.Effect, s.Why = Allow, "connects to "+to.Address.String()
				return []Step{s, m.networkStep(Egress, g, end{address: to.Address}, port, false)}
			}
			s.Why = fmt.Sprintf("%s port %d is not %s port %d", d.Host, d.Port.Number, to.Address, port)
			return []Step{s}
		}
	}
	return []Step{s}
}
