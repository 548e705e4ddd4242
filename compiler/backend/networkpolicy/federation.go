package networkpolicy

import "meshgen.dev/meshgen/compiler/ir"

// crossSite admits the callers of other sites, who come through the gateway of the federation, and the service to the
// gateways of the sites that it calls.
func (o *policy) crossSite(p *ir.Plan, s *ir.Service) {
	f := p.Federation
	if f == nil {
		return
	}
	if g := p.Gateway(f.Gateway); g != nil {
		for _, c := range s.Peers {
			o.ingress = merge(o.ingress, rule{
				comment: "from other sites, through gateway " + g.Name,
				peers:   []peer{{namespace: g.Namespace, labels: g.Selector}},
				ports:   containerPorts(c.Ports),
				from:    append(append(ir.From{}, c.From...), g.From...),
			})
		}
	}
	for _, a := range s.Away {
		at := f.Peer(a.Peer)
		o.egress = merge(o.egress, rule{
			comment: "to the gateway of site " + a.Peer,
			peers:   blocks(ir.Blocks(at.Gateways)),
			ports:   tcp(f.Port),
			from:    a.From,
		})
	}
}
