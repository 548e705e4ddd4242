package networkpolicy

import (
	"fmt"
	"net/netip"

	"meshgen.dev/meshgen/compiler/ir"
)

// everywhere is any address: a rule without peers would admit the same, and pods besides.
var everywhere = []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")}

// links admits the controllers of Linkerd's other sites, one a site, to what they read there. They stand beside the gateway,
// where there is one.
func links(p *ir.Plan, namespace string, from ir.From) policy {
	k := p.Linkerd
	o := policy{namespace: namespace, name: "links", selector: []ir.KV{k.Controllers}, from: append(append(ir.From{}, from...), "federation")}
	o.ingress = proxyIngress(p)
	if s := p.Scraper; s != nil {
		o.ingress = append(o.ingress, rule{comment: "metrics of the controllers", peers: []peer{{namespace: s.Namespace}}, ports: tcp(k.ControllerMetrics), from: s.From})
	}
	o.egress = append(o.egress, dns())
	o.egress = append(o.egress, apiServers(&p.Cluster)...)
	o.egress = append(o.egress, proxyEgress(p)...)
	for i := range k.Links {
		l := &k.Links[i]
		if l.Flat {
			continue
		}
		o.egress = append(o.egress, rule{comment: "whether the gateway of site " + l.Name + " is ready", peers: blocks(ir.Blocks(l.Addresses)), ports: tcp(l.ProbePort), from: l.From})
	}
	o.egress = append(o.egress, rule{comment: fmt.Sprintf("API servers of other sites: their addresses stand in Secrets, and the port is %d", k.PeerAPIPort), peers: blocks(everywhere), ports: tcp(k.PeerAPIPort),
		from: ir.From{"federation"}})
	return o
}

// crossSite admits the callers of other sites, who come through the gateway of the federation, and the service to the
// gateways of the sites that it calls.
func (o *policy) crossSite(p *ir.Plan, s *ir.Service) {
	f := p.Federation
	if f == nil {
		return
	}
	if f.Flat {
		o.betweenPods(p, s)
		return
	}
	if g := p.Gateway(f.Gateway); g != nil {
		for _, c := range s.Peers {
			o.ingress = merge(o.ingress, rule{
				comment: "from other sites, through gateway " + g.Name,
				peers:   []peer{{namespace: g.Namespace, labels: g.Selector}},
				ports:   wirePorts(p, c.Ports, c.Tunnel, false, false),
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

// betweenPods admits callers of other sites by the networks of their pods: who of them it is, certificates say. The service may
// go to the ports of what it calls, on every pod there: a policy here knows none by its labels.
func (o *policy) betweenPods(p *ir.Plan, s *ir.Service) {
	for _, c := range s.Peers {
		o.ingress = merge(o.ingress, rule{
			comment: "from pods of site " + c.Peer,
			peers:   blocks(p.Federation.Peer(c.Peer).Pods),
			ports:   wirePorts(p, c.Ports, false, false, false),
			from:    c.From,
		})
	}
	for _, a := range s.Away {
		o.egress = merge(o.egress, rule{
			comment: "to pods of site " + a.Peer,
			peers:   blocks(p.Federation.Peer(a.Peer).Pods),
			ports:   wirePorts(p, a.Ports, false, false, false),
			from:    a.From,
		})
	}
}
