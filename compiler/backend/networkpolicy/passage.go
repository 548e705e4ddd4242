package networkpolicy

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// toPassage admits a service to the pods that its proxy hands over what is meant for the outside.
func toPassage(s *ir.Service, x *ir.External) rule {
	t := x.Through
	r := rule{comment: "out of the mesh, by way of " + t.Name, peers: []peer{{namespace: t.Namespace, labels: t.Selector}}, from: x.From}
	for _, u := range x.Users {
		if u.Namespace == s.Namespace && u.Name == s.Name {
			r.from = append(append(ir.From{}, u.From...), x.From...)
		}
	}
	if slices.ContainsFunc(x.Ports, func(p ir.Port) bool { return p.Protocol != "udp" }) {
		r.ports = tcp(t.Port)
	}
	return r
}

// byUDP is what of a destination no proxy takes.
func byUDP(x *ir.External) *ir.External {
	out := *x
	out.Ports = slices.DeleteFunc(slices.Clone(x.Ports), func(p ir.Port) bool { return p.Protocol != "udp" })
	return &out
}

// byTCP is what of a destination proxies take.
func byTCP(x *ir.External) *ir.External {
	out := *x
	out.Ports = slices.DeleteFunc(slices.Clone(x.Ports), func(p ir.Port) bool { return p.Protocol == "udp" })
	return &out
}

// passages admit the proxies to pods that lead out of the mesh, and these to what they lead to.
func passages(p *ir.Plan) []policy {
	if p.Consul == nil {
		return nil
	}
	var out []policy
	for i := range p.Consul.Ways {
		w := &p.Consul.Ways[i]
		o := policy{namespace: w.Passage.Namespace, name: w.Service, selector: w.Passage.Selector, from: w.From}
		o.egress = append([]rule{dns()}, proxyEgress(p)...)
		for j := range p.Externals {
			x := &p.Externals[j]
			led := slices.ContainsFunc(w.Destinations, func(d ir.ConsulDestination) bool { return d.External == x.Name })
			if !led || x.Through.Name != w.Passage.Name {
				continue
			}
			for _, u := range x.Users {
				if !slices.ContainsFunc(p.Services, func(s ir.Service) bool { return s.Meshed && s.Namespace == u.Namespace && s.Name == u.Name }) {
					continue // it goes there by itself
				}
				o.ingress = merge(o.ingress, rule{comment: "from service " + u.Namespace + "/" + u.Name, peers: []peer{{namespace: u.Namespace, labels: u.Labels}}, ports: tcp(w.Passage.Port), from: u.From})
			}
			out := external(p, &ir.Service{}, byTCP(x))
			out.from = append(append(ir.From{}, out.from...), w.From...)
			o.egress = merge(o.egress, out)
		}
		for _, m := range w.Machines {
			if len(m.Callers) == 0 {
				continue
			}
			name := m.Namespace + "/" + m.Name
			for _, c := range m.Callers {
				o.ingress = merge(o.ingress, rule{comment: "from " + c.Kind + " " + c.Namespace + "/" + c.Name, peers: []peer{{namespace: c.Namespace, labels: c.Labels}}, ports: tcp(w.Passage.Port), from: c.From})
			}
			o.egress = merge(o.egress, rule{comment: "to machines " + name, peers: blocks(ir.Blocks(m.Addresses)), ports: tcp(m.Port), from: m.From})
		}
		if s := p.Scraper; s != nil {
			o.ingress = append(o.ingress, rule{comment: "metrics", peers: []peer{{namespace: s.Namespace}}, ports: tcp(distinct(p.Mesh.ProxyPorts.EnvoyMetrics)...), from: s.From})
		}
		o.ingress = append(o.ingress, rule{comment: "kubelets: readiness", peers: blocks(p.Cluster.NodeSubnets), ports: tcp(w.Passage.Port), from: nodeFrom(&p.Cluster)})
		out = append(out, o)
	}
	return out
}
