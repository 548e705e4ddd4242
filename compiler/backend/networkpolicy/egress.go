package networkpolicy

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// egressGateway admits services to the pods of an egress gateway, and these to the destinations.
func egressGateway(p *ir.Plan, x *ir.EgressProxy) policy {
	o := policy{namespace: x.Pods.Namespace, name: "egress-" + x.Pods.Name, selector: x.Pods.Selector, from: x.From}
	for _, r := range x.Routes {
		for _, u := range r.Users {
			o.ingress = merge(o.ingress, rule{
				comment: "from service " + u.Namespace + "/" + u.Name,
				peers:   []peer{{namespace: u.Namespace, labels: u.Labels}},
				ports:   tcp(x.Port),
				from:    slices.Concat(u.From, x.From),
			})
		}
	}
	o.ingress = append(o.ingress, proxyIngress(p)...)
	o.egress = append([]rule{dns()}, proxyEgress(p)...)
	for _, r := range x.Routes {
		out := rule{
			comment: "to external " + r.External + ", " + r.Address.String(),
			peers:   blocks([]netip.Prefix{netip.PrefixFrom(r.Address, r.Address.BitLen())}),
			from:    r.From,
		}
		for _, port := range r.Ports {
			out.ports = append(out.ports, tcp(port.Port.Port)...)
		}
		o.egress = append(o.egress, out)
	}
	return o
}

// byProxy is the way of a service to a destination behind an egress gateway; ok is false for another destination.
func byProxy(p *ir.Plan, s *ir.Service, external *ir.External) (r rule, ok bool) {
	for i := range p.EgressProxies {
		x := &p.EgressProxies[i]
		for _, route := range x.Routes {
			if route.External != external.Name {
				continue
			}
			for _, u := range route.Users {
				if u.Namespace == s.Namespace && u.Name == s.Name {
					return rule{
						comment: "to egress gateway " + x.Pods.Name,
						peers:   []peer{{namespace: x.Pods.Namespace, labels: x.Pods.Selector}},
						ports:   tcp(x.Port),
						from:    slices.Concat(u.From, route.From, x.From),
					}, true
				}
			}
		}
	}
	return rule{}, false
}
