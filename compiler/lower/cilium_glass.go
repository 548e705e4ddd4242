package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// ciliumGlass takes the proxies of nodes out of the way of calls: a rule with requests sends a port to the node's proxy, one
// without does not. Who may call whom at which port stays as it is, and so do names, which the agent itself reads.
// Where ztunnel carries what pods say, plain text is let in beside it, so that it can be taken away; where agents authenticate
// callers, they pass without.
func (l *lowering) ciliumGlass() {
	m := l.p.CiliumMesh
	g := &ir.BreakGlass{From: ir.From{"mesh.kind"}}
	for _, p := range m.Policies {
		if !slices.ContainsFunc(slices.Concat(p.Ingress, p.Egress), func(r ir.CiliumRule) bool { return len(r.HTTP)+len(r.Plain) > 0 || r.Proves }) {
			continue
		}
		p.Ingress, p.Egress = slices.Clone(p.Ingress), slices.Clone(p.Egress)
		for i := range p.Ingress {
			p.Ingress[i].HTTP, p.Ingress[i].Proves = nil, false
			p.Ingress[i].Ports = slices.Concat(p.Ingress[i].Ports, p.Ingress[i].Plain)
		}
		for i := range p.Egress { // to machines, which nobody else holds to requests
			p.Egress[i].HTTP = nil
			p.Egress[i].Ports = slices.Concat(p.Egress[i].Ports, p.Egress[i].Plain)
		}
		g.Policies = append(g.Policies, p)
	}
	if len(g.Policies) > 0 {
		l.p.BreakGlass = g
	}
}
