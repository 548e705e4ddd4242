package checks

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// egress writes the ways out with a fixed source address, in the order of who gives it: the pod network, pods of Calico, a
// gateway of the mesh.
func (w *writer) egress(p *ir.Plan) {
	var all []egress
	for i := range p.Egress {
		e := &p.Egress[i]
		all = append(all, egress{Name: e.Gateway, Provider: "cilium", Sources: sources(e.Sources),
			Kind: kind("CiliumEgressGatewayPolicy", "cilium.io/v2"), Object: e.Name, from: sourcesFrom(e.From, e.Sources)})
	}
	if p.CalicoEgress != nil {
		for i := range p.CalicoEgress.Gateways {
			g := &p.CalicoEgress.Gateways[i]
			out := egress{Name: g.Pods.Name, Provider: "calico", Kind: kind("EgressGateway", "operator.tigera.io/v1"), Object: g.Pods.Release,
				from: slices.Concat(g.From, g.Pods.From)}
			for _, pool := range g.Pools {
				out.Sources = append(out.Sources, egressSource{Address: pool.Network.String()})
				out.from = append(out.from, pool.From...)
			}
			out.pods(p, &g.Pods)
			out.Selector = ir.SelectorText([]ir.KV{g.Label})
			all = append(all, out)
		}
	}
	for i := range p.EgressProxies {
		x := &p.EgressProxies[i]
		out := egress{Name: x.Pods.Name, Provider: x.Provider, Sources: sources(x.Sources), from: sourcesFrom(slices.Concat(x.From, x.Pods.From), x.Sources)}
		out.pods(p, &x.Pods)
		if len(x.Pods.VIPs) > 0 {
			out.Service = x.Pods.Release
		}
		all = append(all, out)
	}
	if p.Consul != nil {
		for i := range p.Consul.Ways {
			c := &p.Consul.Ways[i]
			if len(c.Sources) == 0 {
				continue
			}
			out := egress{Name: c.Via, Provider: "host", Sources: sources(c.Sources), from: sourcesFrom(c.From, c.Sources)}
			out.pods(p, &ir.Gateway{Namespace: c.Passage.Namespace, Selector: c.Passage.Selector, Replicas: c.Replicas, Class: c.Class})
			all = append(all, out)
		}
	}
	if len(all) > 0 {
		list(w, "egress", all, func(e egress) any { w.From("", e.from...); return e })
	}
}

// pods fills in whose pods send, and where they may run.
func (e *egress) pods(p *ir.Plan, g *ir.Gateway) {
	e.Namespace, e.Selector, e.Replicas = g.Namespace, ir.SelectorText(g.Selector), g.Replicas
	for i := range p.Nodes {
		if n := &p.Nodes[i]; n.Class == g.Class && (len(g.Racks) == 0 || slices.Contains(g.Racks, n.Rack)) {
			e.Nodes = append(e.Nodes, n.Name)
		}
	}
}

func sources(all []ir.EgressSource) []egressSource {
	out := make([]egressSource, len(all))
	for i, s := range all {
		out[i] = egressSource{s.Address.String(), s.Node}
	}
	return out
}

// sourcesFrom adds what is behind the sources.
func sourcesFrom(from ir.From, all []ir.EgressSource) ir.From {
	out := slices.Clone(from)
	for _, s := range all {
		out = append(out, s.From...)
	}
	return out
}
