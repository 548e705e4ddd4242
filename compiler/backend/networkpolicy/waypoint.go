package networkpolicy

import (
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// waypoint admits the callers of a namespace's services to its waypoint, and the waypoint to those services and to what
// proxies need. Which caller may do what, the waypoint decides.
func waypoint(p *ir.Plan, n *ir.Namespace, w *ir.Waypoint) policy {
	o := policy{namespace: n.Name, name: w.Name, selector: w.Selector, from: append(append(ir.From{}, w.From...), n.From...)}
	o.ingress = proxyIngress(p)
	o.egress = append([]rule{dns()}, proxyEgress(p)...)
	for i := range p.Services {
		s := &p.Services[i]
		if s.Namespace != n.Name || s.Waypoint == "" {
			continue
		}
		called := false
		for _, c := range s.Callers {
			if !c.Tunnel {
				continue
			}
			called = true
			o.ingress = merge(o.ingress, rule{
				comment: "from " + c.Kind + " " + c.Namespace + "/" + c.Name,
				peers:   []peer{{namespace: c.Namespace, labels: c.Labels}},
				ports:   tcp(p.Mesh.ProxyPorts.Tunnel),
				from:    c.From,
			})
		}
		if !called {
			continue
		}
		to := rule{
			comment: "to service " + s.Namespace + "/" + s.Name,
			peers:   ends(s.Namespace, s.Labels, s.Addresses),
			ports:   fromWaypoint(p, s),
			from:    s.EdgesFrom,
		}
		o.egress = append(o.egress, to)
	}
	return o
}

// fromWaypoint are the ports at which a waypoint reaches the pods of a service: that of the tunnel, and besides their own
// where they may not be captured yet. No tunnel ends at a machine.
func fromWaypoint(p *ir.Plan, s *ir.Service) []port {
	own := containerPorts(slices.DeleteFunc(slices.Clone(s.Ports), func(p ir.Port) bool { return p.Protocol == "udp" }))
	switch {
	case s.Workload == ir.Machine:
		return own
	case s.Migrating:
		return append(tcp(p.Mesh.ProxyPorts.Tunnel), own...)
	}
	return tcp(p.Mesh.ProxyPorts.Tunnel)
}

func waypointPods(p *ir.Plan, namespace string) peer {
	return peer{namespace: namespace, labels: p.Mesh.Waypoint.Selector}
}

func toWaypoint(p *ir.Plan, namespace string, from ir.From) rule {
	return rule{comment: "to the waypoint of " + namespace, peers: []peer{waypointPods(p, namespace)}, ports: tcp(p.Mesh.ProxyPorts.Tunnel), from: from}
}

// carried reports whether a port is of what goes through the tunnel: UDP goes past it.
func carried(ports []ir.Port) bool {
	return slices.ContainsFunc(ports, func(x ir.Port) bool { return x.Protocol != "udp" })
}

// wirePorts returns the ports that an edge has on the wire. In a tunnel TCP has that of the tunnel; by way of a waypoint
// it does not come from the caller at all. UDP goes past the mesh; and TCP too, of pods that may have no proxy yet.
func wirePorts(p *ir.Plan, ports []ir.Port, tunnel, waypoint, plain bool) []port {
	all := containerPorts(ports)
	if !tunnel {
		stream := func(x ir.Port) bool { return x.Protocol == "tcp" }
		if n := p.Mesh.ProxyPorts.Streams; n != 0 && slices.ContainsFunc(ports, stream) {
			all = append(all, tcp(n)...)
		}
		return all
	}
	var out []port
	carried := false
	for _, x := range all {
		if x.protocol == "UDP" {
			out = append(out, x)
		} else {
			carried = true
			if plain {
				out = append(out, x)
			}
		}
	}
	if carried && !waypoint {
		out = append(tcp(p.Mesh.ProxyPorts.Tunnel), out...)
	}
	return out
}

// Addresses that the node agent gives to the packets of kubelets' probes, so that the proxy of the node leaves them
// alone. Sources, read 2026-11-21: istio/istio 1.31.0 cni/pkg/nodeagent/options.go, DefaultHostProbeSNATIP and
// DefaultHostProbeSNATIPV6.
var hostProbeSources = []netip.Prefix{netip.MustParsePrefix("169.254.7.127/32"), netip.MustParsePrefix("fd16:9254:7127:1337:ffff:ffff:ffff:ffff/128")}

// probePeers are those of the families that pods have.
func probePeers(p *ir.Plan) []peer {
	return slices.DeleteFunc(blocks(hostProbeSources), func(x peer) bool {
		return !slices.ContainsFunc(p.Cluster.PodCIDRs, func(c netip.Prefix) bool { return c.Addr().Is4() == x.block.Addr().Is4() })
	})
}

// hostProbe admits the probes of a captured pod.
func hostProbe(p *ir.Plan, what string, h *ir.Health) rule {
	return rule{
		comment: what + ", from the address that the mesh gives to probes",
		peers:   probePeers(p),
		ports:   tcp(h.Port),
		from:    slices.Concat(h.From, p.Mesh.From.Of("kind"), p.Cluster.From.Of("podCIDRs")),
	}
}
