package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// podFlows: services, gateways, the mesh's control plane and the scraper, from the records that NetworkPolicy is printed
// from. Ports are those of containers, because a filter in the pod network sees packets after the translation of Service
// addresses. Kubelets' probes stay on their node and are no flows.
func (l *lowering) podFlows() {
	for i := range l.p.Services {
		s := &l.p.Services[i]
		if len(s.Addresses) > 0 {
			l.machineFlows(s)
			continue
		}
		for _, c := range s.Callers {
			name := c.Kind + " " + c.Namespace + "/" + c.Name
			if c.Kind == "gateway" {
				if l.ciliumMeshed() && l.gateway(c.Name).Streams() {
					continue // clients come to pods of the node that took their packets
				}
				name = "gateway " + c.Name
			}
			ports := c.Ports
			if c.Tunnel {
				ports = l.tunnelFlows(s, name, c)
			}
			if n := l.p.Mesh.ProxyPorts.Streams; n != 0 && slices.ContainsFunc(ports, func(p ir.Port) bool { return p.Protocol == "tcp" }) {
				l.flow(ir.Flow{Area: ir.PodArea, From: l.pods(name), To: l.pods("service " + s.Namespace + "/" + s.Name), Protocol: "tcp", Port: n, Why: c.Why,
					Note: "streams of the mesh, encrypted"}, ir.From{"namespaces", "gateways", "mesh", "kubernetes"}, c.From)
			}
			for _, p := range ports {
				l.flow(ir.Flow{Area: ir.PodArea, From: l.pods(name), To: l.pods("service " + s.Namespace + "/" + s.Name),
					Protocol: portProtocol(p), Port: p.TargetPort, Why: c.Why}, ir.From{"namespaces", "gateways", "mesh", "kubernetes"}, c.From, p.From)
			}
		}
	}
	l.egressProxyFlows()
	l.calicoEgressFlows()
	l.meshFlows()
	l.consulWayFlows()
	l.issuerFlows()
	l.vaultFlows()
	from := l.p.Cluster.From.Of("podCIDRs")
	for _, protocol := range []string{"tcp", "udp"} {
		l.flow(ir.Flow{Area: ir.PodArea, From: l.pods("pods"), To: l.pods("cluster DNS"), Protocol: protocol, Port: 53, Why: "names"}, ir.From{"kubernetes"}, from)
	}
}

// pods is an end that lies in the pod network.
func (l *lowering) pods(name string) ir.FlowEnd {
	return ir.FlowEnd{Name: name, Addresses: l.p.Cluster.PodCIDRs}
}

// meshFlows: proxies to their control plane and to the collector of spans, API servers to webhooks, the scraper to
// metrics.
func (l *lowering) meshFlows() {
	m := &l.p.Mesh
	ports, reads := m.ProxyPorts, slices.Concat(ir.From{"kubernetes", "mesh"}, machinesFrom)
	add := func(a, b ir.FlowEnd, port uint16, why string, more ...ir.From) {
		if port != 0 {
			l.flow(ir.Flow{Area: ir.PodArea, From: a, To: b, Protocol: "tcp", Port: port, Why: why}, reads, append(more, m.From.Of("kind"))...)
		}
	}
	control, proxies := l.pods("control plane of the mesh"), l.pods("proxies")
	for _, port := range append([]uint16{ports.Control}, ports.Controls...) {
		add(proxies, control, port, "configuration and certificates")
	}
	add(l.controlPlaneEnd(), control, ports.Webhook, "injection and validation: calls of the API servers")
	if t := m.Tracing; t != nil {
		add(proxies, l.pods("tracing, namespace "+t.Namespace), t.Port, "spans", t.From)
	}
	s := l.p.Scraper
	if s == nil {
		return
	}
	scraper := l.pods("scraper, namespace " + s.Namespace)
	add(scraper, proxies, ports.Metrics, "metrics of proxy and application", s.From)
	add(scraper, proxies, ports.EnvoyMetrics, "metrics of the proxy", s.From)
	add(scraper, control, ports.ControlMetrics, "metrics", s.From)
	l.speakerMetrics(scraper)
	l.hostMetrics(scraper)
}

// hostMetrics: the scraper to agents in their hosts' own network, by the ports that their profiles have for metrics.
func (l *lowering) hostMetrics(scraper ir.FlowEnd) {
	for _, m := range l.p.Watch.Monitors {
		to, port := l.allNodes(), uint16(0)
		switch m.Name {
		case watchName + "-cilium":
			port = ciliumMetricsPort
		case watchName + "-kube-vip":
			port = kubeVIPMetricsPort
			to = l.nodeEnd("speakers", func(n *ir.Node) bool { return slices.Contains(l.speakerClassNames(), n.Class) })
		default:
			continue
		}
		l.flow(ir.Flow{Area: ir.PodArea, From: scraper, To: to, Protocol: "tcp", Port: port, Why: "metrics: " + m.Name,
			Note: "leaves with the address of the scraper's node where the pod network translates it"},
			slices.Concat(m.From, ir.From{"kubernetes", "observability", "fabric.bgp", "pools", "gateways", "loadBalancer"}, machinesFrom), slices.Concat(m.From, ir.From{"observability.scraper"}))
	}
}

// speakerMetrics: the scraper to the speakers, which are in their hosts' own network.
func (l *lowering) speakerMetrics(scraper ir.FlowEnd) {
	lb := &l.p.LoadBalancer
	for _, m := range l.p.Watch.Monitors {
		if m.Service == nil || m.Service.Namespace != lb.Namespace {
			continue
		}
		to := l.pods(m.Service.Name)
		if m.NodeLabel || m.HonorLabels {
			to = l.nodeEnd("speakers", func(n *ir.Node) bool { return slices.Contains(l.speakerClassNames(), n.Class) })
		}
		for _, p := range m.Service.Ports {
			l.flow(ir.Flow{Area: ir.PodArea, From: scraper, To: to, Protocol: "tcp", Port: p.Port, Why: "metrics: " + m.Service.Name,
				Note: "leaves with the address of the scraper's node where the pod network translates it"},
				slices.Concat(m.From, ir.From{"kubernetes", "observability", "fabric.bgp", "pools", "gateways", "loadBalancer"}, machinesFrom), ir.From{"observability.scraper", "loadBalancer"})
		}
	}
}

func (l *lowering) speakerClassNames() []string {
	classes, _ := l.speakerClasses()
	return classes
}

// outsideFlows: declared destinations, from the services that declare them. On the way out the pod network puts the
// address of the node in place of the pod's.
func (l *lowering) outsideFlows() {
	for i := range l.p.Externals {
		x := &l.p.Externals[i]
		to := ir.FlowEnd{Name: "external " + x.Name, Addresses: x.Addresses, Hosts: x.Hosts}
		for _, u := range l.leaving(x) {
			source := l.allNodes()
			source.Name, source.Nodes = "service "+u.Namespace+"/"+u.Name, nil
			through := x.Through != nil && u.Name == x.Through.Name && u.Namespace == x.Through.Namespace
			if through {
				source.Name = "way out " + u.Name
			}
			note := "leaves with the address of the pod's node"
			if x.Via != "" {
				source.Addresses, note = singles(x.Sources), "leaves with an address of egress gateway "+x.Via
			}
			for _, p := range x.Ports {
				if through && p.Protocol == "udp" || !through && p.Protocol != "udp" && x.Through != nil && l.find(u.Namespace+"/"+u.Name).Meshed {
					continue
				}
				l.flow(ir.Flow{Area: ir.OutsideArea, From: source, To: to, Protocol: portProtocol(p), Port: p.TargetPort, Why: "egress, " + p.Protocol,
					Note: note},
					slices.Concat(ir.From{"namespaces"}, machinesFrom, x.SourcesFrom, l.closedFrom()), u.From, ir.From{site.Join("external", x.Name)})
			}
		}
	}
}
