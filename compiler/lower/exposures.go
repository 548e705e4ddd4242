package lower

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// exposures decides the Services that no gateway serves: the pods of a service under a virtual address of their own.
// One Service has all ports, TCP and UDP, so that both have one address without a key that shares it.
func (l *lowering) exposures() {
	lb := l.set.LoadBalancer(l.s.LoadBalancer.Kind)
	for name, e := range byKey(l.s.Exposures) {
		path := site.Join("exposures", name)
		s := l.find(e.Service)
		out := ir.Exposure{
			Name: ir.ExposureService(name), Exposure: name, Owner: cmp.Or(e.Owner, l.s.Owner),
			Namespace: s.Namespace, Service: s.Name, Selector: s.Labels,
			Pool: e.Pool, VIPs: addrs(e.Addresses), Local: e.ExternalTrafficPolicy == "Local", LBClass: lb.Class,
			From: append(ir.From{path, site.Join("pools", e.Pool, "announce"), "loadBalancer.kind", "owner"}, s.From...),
		}
		if p := l.pool(e.Pool); p.Protocol == "l2" && lb.Layer2Class != "" {
			out.LBClass = lb.Layer2Class
		}
		if lb.AddressAnnotation != "" {
			out.Annotations = []ir.KV{{Key: lb.AddressAnnotation, Value: strings.Join(ir.Addrs(out.VIPs), ",")}}
		}
		for pn, p := range byKey(e.Ports) {
			i := slices.IndexFunc(s.Ports, func(o ir.Port) bool { return o.Name == pn })
			if i < 0 {
				continue // exposure-ports
			}
			out.Ports = append(out.Ports, ir.Port{Name: pn, Port: uint16(p.Port), TargetPort: s.Ports[i].TargetPort, Protocol: s.Ports[i].Protocol,
				From: append(ir.From{site.Join("exposures", name, "ports", pn)}, s.Ports[i].From...)})
		}
		out.Clients, out.Except = l.exposureClients(&out)
		l.exposedBehind(&out)
		l.p.Exposures = append(l.p.Exposures, out)
	}
}

// exposureClients are those whom the pods' network policy lets in. Under Local packets keep the client's address: all but
// pods, which have calls for that. Else they come from whatever address their node gave them, which is a pod's too where
// the pod network has one on each node.
func (l *lowering) exposureClients(e *ir.Exposure) (clients, except []netip.Prefix) {
	if !e.Local {
		return nil, nil
	}
	e.From = append(e.From, "kubernetes.podCIDRs")
	for _, all := range []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")} {
		if slices.ContainsFunc(e.VIPs, func(a netip.Addr) bool { return a.Is4() == all.Addr().Is4() }) {
			clients = append(clients, all)
		}
	}
	return clients, l.p.Cluster.PodCIDRs
}

// exposureFlows: clients to each port of each address. Under Local a node without a pod announces nothing at BGP, and
// which ones have a pod is not the site's to say: all that may announce are named.
func (l *lowering) exposureFlows() {
	for _, e := range l.p.Exposures {
		pool := l.pool(e.Pool)
		via := slices.Clone(pool.Announcers)
		if b := l.p.Balancers; b != nil {
			via = nil
			for _, m := range b.Members {
				via = append(via, m.Name)
			}
		}
		for _, p := range e.Ports {
			for _, v := range e.VIPs {
				l.flow(ir.Flow{Area: ir.EdgeArea, From: ir.FlowEnd{Name: "clients of exposure " + e.Exposure, Anybody: true}, Protocol: portProtocol(p), Port: p.Port,
					To:  ir.FlowEnd{Name: "exposure " + e.Exposure, Addresses: singles([]netip.Addr{v})},
					Via: via, Why: "port " + p.Name + ", " + p.Protocol},
					slices.Concat(e.From, ir.From{"fabric.bgp", "loadBalancer", "pools", "gateways", "namespaces"}, machinesFrom),
					ir.From{site.Join("exposures", e.Exposure), site.Join("pools", e.Pool)})
			}
		}
	}
}
