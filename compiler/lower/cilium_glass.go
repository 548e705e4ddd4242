package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// ciliumGlass takes the proxies of nodes out of the way of calls: a rule with requests sends a port to the node's proxy, one
// without does not. Who may call whom at which port stays as it is, and so do names, which the agent itself reads.
func (l *lowering) ciliumGlass() {
	m := l.p.CiliumMesh
	g := &ir.BreakGlass{From: ir.From{"mesh.kind"}}
	for _, p := range m.Policies {
		if !slices.ContainsFunc(slices.Concat(p.Ingress, p.Egress), func(r ir.CiliumRule) bool { return len(r.HTTP) > 0 }) {
			continue
		}
		p.Ingress, p.Egress = slices.Clone(p.Ingress), slices.Clone(p.Egress)
		for i := range p.Ingress {
			p.Ingress[i].HTTP = nil
		}
		for i := range p.Egress { // to machines, which nobody else holds to requests
			p.Egress[i].HTTP = nil
		}
		g.Policies = append(g.Policies, p)
	}
	if len(g.Policies) > 0 {
		l.p.BreakGlass = g
	}
}
