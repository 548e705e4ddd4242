package networkpolicy

import (
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// gateway admits clients to a gateway's listeners, and its proxies to what it exposes and to what proxies need.
func gateway(p *ir.Plan, g *ir.Gateway) policy {
	o := policy{namespace: g.Namespace, name: "gateway-" + g.Name, selector: g.Selector, from: g.From}
	clients := rule{comment: "clients", peers: blocks(g.SourceRanges), from: g.From}
	if len(g.SourceRanges) == 0 {
		clients.comment = "clients, from anywhere"
	}
	if len(g.Via) > 0 {
		clients.comment, clients.peers = "clients, through the balancers in front of the cluster", blocks(g.Via)
		clients.from = append(append(ir.From{}, g.From...), g.ViaFrom...)
	}
	for _, l := range g.Listeners {
		clients.ports = append(clients.ports, port{l.ContainerPort(), strings.ToUpper(l.Transport())})
		clients.from = append(append(ir.From{}, clients.from...), l.From...)
	}
	o.ingress = append(merge(nil, clients), proxyIngress(p)...)
	o.egress = append([]rule{dns()}, proxyEgress(p)...)
	if g.Program.Kind != "" {
		o.ingress = append(o.ingress, programIngress(p, g)...)
		o.egress = append(o.egress, rule{
			comment: "the gateway program's controller: configuration",
			peers:   []peer{{namespace: g.Program.Namespace}},
			ports:   tcp(g.Program.ControlPort),
			from:    g.Program.From,
		})
	}
	for i := range p.Services {
		s := &p.Services[i]
		if p.CrossesSites(g) {
			for _, c := range s.Peers {
				o.egress = merge(o.egress, rule{comment: "to service " + s.Namespace + "/" + s.Name, peers: ends(s.Namespace, s.Labels, nil), ports: wirePorts(p, c.Ports, c.Tunnel, false, false), from: c.From})
			}
		}
		for _, c := range s.Callers {
			if c.Kind != "gateway" || c.Name != g.Name {
				continue
			}
			o.egress = merge(o.egress, rule{
				comment: "to service " + s.Namespace + "/" + s.Name,
				peers:   ends(s.Namespace, s.Labels, s.Addresses),
				ports:   wirePorts(p, c.Ports, c.Tunnel, s.Waypoint != "", c.Plain),
				from:    c.From,
			})
			if c.Tunnel && s.Waypoint != "" {
				o.egress = merge(o.egress, toWaypoint(p, s.Namespace, c.From))
			}
		}
	}
	return o
}

// programIngress admits the scraper and the kubelets to the ports of a gateway program's proxies.
func programIngress(p *ir.Plan, g *ir.Gateway) []rule {
	var out []rule
	if s := p.Scraper; s != nil {
		out = append(out, rule{comment: "metrics of the gateway's proxies", peers: []peer{{namespace: s.Namespace}}, ports: tcp(g.Program.MetricsPort), from: s.From})
	}
	return append(out, rule{comment: "kubelets: readiness of the gateway's proxies, and their end", peers: blocks(p.Cluster.NodeSubnets), ports: tcp(g.Program.HealthPort, g.Program.ShutdownPort), from: nodeFrom(&p.Cluster)})
}
