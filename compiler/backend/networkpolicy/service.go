package networkpolicy

import (
	"fmt"
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// service admits the callers of a service to its pods, and its pods to what they call.
func service(p *ir.Plan, s *ir.Service) policy {
	o := policy{namespace: s.Namespace, name: "service-" + s.Name, selector: s.Labels, from: s.EdgesFrom}
	for _, c := range s.Callers {
		o.ingress = merge(o.ingress, rule{
			comment: "from " + c.Kind + " " + c.Namespace + "/" + c.Name,
			peers:   ends(c.Namespace, c.Labels, c.Addresses),
			ports:   wirePorts(p, c.Ports, c.Tunnel, s.Waypoint != "", c.Plain),
			from:    c.From,
		})
	}
	o.crossSite(p, s)
	if s.Waypoint != "" && slices.ContainsFunc(s.Callers, func(c ir.Caller) bool { return c.Tunnel && carried(c.Ports) }) {
		o.ingress = append(o.ingress, rule{
			comment: "from the waypoint, which all requests of the mesh pass",
			peers:   []peer{waypointPods(p, s.Namespace)},
			ports:   fromWaypoint(p, s),
			from:    s.EdgesFrom,
		})
	}
	if h := s.Health; h != nil {
		o.probe(p, s, h)
	}
	for _, e := range p.ExposuresOf(s) {
		o.ingress = append(o.ingress, exposure(*e))
		o.from = append(o.from[:len(o.from):len(o.from)], e.From...)
	}
	for _, c := range s.Callees {
		if c.Through != nil {
			o.egress = merge(o.egress, rule{comment: "to machines " + c.Namespace + "/" + c.Name + ", by way of " + c.Through.Name,
				peers: []peer{{namespace: c.Through.Namespace, labels: c.Through.Selector}}, ports: tcp(c.Through.Port), from: c.From})
			continue
		}
		o.egress = merge(o.egress, rule{
			comment: "to service " + c.Namespace + "/" + c.Name,
			peers:   ends(c.Namespace, c.Labels, c.Addresses),
			ports:   wirePorts(p, c.Ports, c.Tunnel, c.Waypoint, c.Plain),
			from:    c.From,
		})
		if c.Waypoint && carried(c.Ports) {
			o.egress = merge(o.egress, toWaypoint(p, c.Namespace, c.From))
		}
	}
	for i := range p.Externals {
		if x := &p.Externals[i]; slices.Contains(s.Externals, x.Name) {
			if r, ok := byProxy(p, s, x); ok {
				o.egress = merge(o.egress, r)
				continue
			}
			if x.Through != nil && s.Meshed {
				o.egress = merge(o.egress, toPassage(s, x))
				o.egress = merge(o.egress, external(p, s, byUDP(x)))
				continue
			}
			o.egress = merge(o.egress, external(p, s, x))
		}
	}
	if j := s.JWT; j != nil && j.Keys != nil && s.Meshed { // Envoy fetches them past the registry of the mesh
		o.egress = merge(o.egress, external(p, s, j.Keys))
	}
	return o
}

// ends are a caller or callee: pods by their labels, or machines outside the cluster by their addresses.
func ends(namespace string, labels []ir.KV, machines []netip.Addr) []peer {
	if len(machines) > 0 {
		return blocks(ir.Blocks(machines))
	}
	return []peer{{namespace: namespace, labels: labels}}
}

// probe admits kubelets to the declared health endpoint, or says how they reach it: in a meshed pod the probe is
// rewritten to the proxy's agent, which the platform policy opens.
func (o *policy) probe(p *ir.Plan, s *ir.Service, h *ir.Health) {
	what := fmt.Sprintf("kubelets probe GET %s on port %d", h.Path, h.Port)
	if s.Meshed && len(p.Mesh.ProxyPorts.Probes) > 0 {
		o.comment, o.commentFrom = what+", by way of the proxy", h.From
		return
	}
	if s.Meshed && p.Mesh.ProxyPorts.Tunnel != 0 {
		o.ingress = append(o.ingress, hostProbe(p, what, h))
		return
	}
	if s.Meshed && p.Mesh.ProxyPorts.Metrics != 0 {
		o.comment = fmt.Sprintf("%s, by way of port %d of the proxy's agent", what, p.Mesh.ProxyPorts.Metrics)
		o.commentFrom = h.From
		return
	}
	o.ingress = append(o.ingress, rule{
		comment: what,
		peers:   blocks(p.Cluster.NodeSubnets),
		ports:   tcp(h.Port),
		from:    append(append(ir.From{}, h.From...), nodeFrom(&p.Cluster)...),
	})
}

// exposure admits clients to what has a virtual address of its own.
func exposure(e ir.Exposure) rule {
	way := ", from anywhere"
	if e.Local && len(e.NodePorts) > 0 {
		way = ", by way of the balancers outside"
	}
	r := rule{comment: "clients of exposure " + e.Exposure + way, ports: containerPorts(e.Ports), from: e.From}
	for _, c := range e.Clients {
		x := peer{block: c}
		for _, q := range e.Except {
			if q.Addr().Is4() == c.Addr().Is4() {
				x.except = append(x.except, q)
			}
		}
		r.peers = append(r.peers, x)
	}
	if len(e.Except) > 0 {
		r.comment += " but pods"
	}
	return r
}

// merge adds a rule, unless it has no ports (which would admit all of them). Equal rules become one: a gateway that
// exposes a service twice is one caller here.
func merge(list []rule, r rule) []rule {
	if len(r.ports) == 0 {
		return list
	}
	for i := range list {
		if list[i].comment == r.comment {
			for _, x := range r.ports {
				if !slices.Contains(list[i].ports, x) {
					list[i].ports = append(list[i].ports, x)
				}
			}
			list[i].from = append(append(ir.From{}, list[i].from...), r.from...)
			return list
		}
	}
	return append(list, r)
}

// external admits a service to a destination outside: to its addresses, or, known by name alone, to everything that is
// neither pod, Service nor node.
func external(p *ir.Plan, s *ir.Service, x *ir.External) rule {
	r := rule{comment: "to external " + x.Name, peers: blocks(x.Addresses), ports: containerPorts(x.Ports), from: x.From}
	for _, u := range x.Users {
		if u.Namespace == s.Namespace && u.Name == s.Name {
			r.from = append(append(ir.From{}, u.From...), x.From...)
		}
	}
	if len(x.Addresses) > 0 {
		return r
	}
	c := &p.Cluster
	r.comment += ", whose addresses are not declared: anywhere outside the cluster"
	r.from = append(append(append(ir.From{}, r.from...), c.From.Of("podCIDRs", "serviceCIDRs")...), nodeFrom(c)...)
	inside := slices.Concat(c.PodCIDRs, c.ServiceCIDRs, c.NodeSubnets)
	for _, family := range []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")} {
		is4 := family.Addr().Is4()
		if !slices.ContainsFunc(c.PodCIDRs, func(q netip.Prefix) bool { return q.Addr().Is4() == is4 }) {
			continue
		}
		out := peer{block: family}
		for _, q := range inside {
			if q.Addr().Is4() == is4 && !slices.Contains(out.except, q) {
				out.except = append(out.except, q)
			}
		}
		r.peers = append(r.peers, out)
	}
	return r
}
