package lower

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// ntpPort, and that on which a server hands out keys for NTS (RFC 5905, RFC 8915).
const (
	ntpPort = 123
	ntsPort = 4460
)

// ICMP by its names among protocols.
const (
	icmp   = "icmp"
	icmpv6 = "ipv6-icmp"
)

// timeFlows: every node to every source.
func (l *lowering) timeFlows() {
	for name, s := range byKey(l.s.Time.Sources) {
		declared := ir.From{site.Join("time", "sources", name)}
		f := ir.Flow{Area: ir.NodeArea, From: l.allNodes(), Protocol: "udp", Port: ntpPort, Why: "time",
			To: ir.FlowEnd{Name: "time source " + name, Addresses: singles([]netip.Addr{addr(s.Address)})}}
		if s.NTS {
			f.Note = "answers are longer than questions by NTS cookies: do not limit their length"
		}
		l.flow(f, machinesFrom, declared)
		if s.NTS {
			f.Protocol, f.Port, f.Why, f.Note = "tcp", ntsPort, "keys for authenticated time (NTS-KE, TLS)", ""
			l.flow(f, machinesFrom, declared)
		}
	}
	l.timeNodeFlows()
}

// timeNodeFlows: the nodes that ask others of the site for the time, to each of these.
func (l *lowering) timeNodeFlows() {
	for i := range l.p.Nodes {
		n := &l.p.Nodes[i]
		ofRack, isolated := l.servesTime(n.Rack, n.Name)
		if !ofRack && !isolated {
			continue
		}
		to := l.nodeEnd("time server "+n.Name, func(m *ir.Node) bool { return m.Name == n.Name })
		from := l.nodeEnd("nodes of rack "+n.Rack, func(m *ir.Node) bool { return m.Rack == n.Rack })
		declared := ir.From{site.Join("racks", n.Rack, "timeServers")}
		if isolated {
			from = l.allNodes()
			declared = append(declared, "time.isolation")
		}
		l.flow(ir.Flow{Area: ir.NodeArea, From: from, To: to, Protocol: "udp", Port: ntpPort, Why: "time"},
			slices.Concat(machinesFrom, ir.From{"time.isolation"}), declared)
	}
}

// clusterFlows: what the programs on the nodes say to each other. Which ports there are is in the profiles; who opens
// connections to them is said here, and a port without a peer on another machine has no flow.
func (l *lowering) clusterFlows() {
	k := l.s.Kubernetes
	from := slices.Concat(ir.From{"kubernetes"}, machinesFrom)
	distribution := ir.From{"kubernetes.distribution"}
	nodes, control := l.allNodes(), l.controlPlaneEnd()
	l.apiFlows(from, nodes)
	for _, p := range l.set.Distribution(k.Distribution).HostPorts {
		f := ir.Flow{Area: ir.NodeArea, Protocol: p.Protocol, Port: p.Port, Why: p.Use}
		switch p.Port {
		case 2379, 2380: // etcd
			f.From, f.To = control, control
		case 10250, 50000: // kubelet, Talos' own interface
			f.From, f.To = control, nodes
		case 9345, 50001: // where nodes join: RKE2, Talos
			f.From, f.To = nodes, control
		default:
			continue
		}
		l.flow(f, from, distribution)
		if p.Port == 10250 { // pods that read it: the metrics server, and the scraper where there is one
			f.Area, f.From, f.Why = ir.PodArea, l.pods("pods"), "kubelet: metrics of pods and nodes"
			f.Note = "leaves with the address of the pod's node where the pod network translates it"
			l.flow(f, from, distribution)
		}
	}
	for _, p := range l.set.CNI(k.CNI.Kind).HostPorts {
		if strings.HasPrefix(p.Use, "Hubble Relay") { // a pod, which comes with the address of its node or its own
			l.flow(ir.Flow{Area: ir.PodArea, From: l.pods("pods"), To: nodes, Protocol: p.Protocol, Port: p.Port, Why: "pod network " + k.CNI.Kind + ": " + p.Use,
				Note: "leaves with the address of the pod's node where the pod network translates it"}, from, ir.From{"kubernetes.cni"})
		} else if l.overlay(p) {
			l.flow(ir.Flow{Area: ir.NodeArea, From: nodes, To: nodes, Protocol: p.Protocol, Port: p.Port, Why: "pod network " + k.CNI.Kind + ": " + p.Use},
				from, l.carriedFrom(p))
		}
	}
	if k.CNI.Encapsulation == "ipip" {
		l.flow(ir.Flow{Area: ir.NodeArea, From: nodes, To: nodes, Protocol: "ipip", Why: "pod network " + k.CNI.Kind + ": IP in IP", Note: "protocol number 4"},
			from, ir.From{"kubernetes.cni"})
	}
	l.encryptedFlows(from, nodes)
	l.spireFlows(from, nodes)
	if k.CNI.Encapsulation == "none" {
		pods := ir.FlowEnd{Name: "pods", Addresses: l.p.Cluster.PodCIDRs}
		l.flow(ir.Flow{Area: ir.NodeArea, From: pods, To: pods, Protocol: "any", Why: "pod network " + k.CNI.Kind + ": nothing encapsulates packets between pods",
			Note: "what of it is needed, the area of pods says"}, from, ir.From{"kubernetes.cni", "kubernetes.podCIDRs"})
	}
	l.speakerFlows(append(from, "gateways", "fabric"))
}

// overlay reports whether nodes use a port of the pod network among each other, as the site has it set up.
func (l *lowering) overlay(p profile.Listener) bool {
	e := encapsulation(l.s)
	switch {
	case strings.HasPrefix(p.Use, "WireGuard"):
		return l.encrypts() == byWireGuard
	case p.Local, strings.Contains(p.Use, "metrics"), strings.Contains(p.Use, "when enabled"), p.Use == "health":
		return false
	case strings.HasPrefix(p.Use, "VXLAN"):
		return e == "vxlan"
	case strings.HasPrefix(p.Use, "Geneve"):
		return e == "geneve"
	case p.Port == bgpPort: // the pod network's own sessions, which an overlay without BGP does not have
		return e == "ipip" || e == "none"
	}
	return true
}

// carriedFrom is what decides that nodes use a port of the pod network: for a tunnel that is there for source addresses
// alone, those as well.
func (l *lowering) carriedFrom(p profile.Listener) ir.From {
	if l.s.Kubernetes.CNI.Encapsulation == "none" && strings.HasPrefix(p.Use, "VXLAN") {
		return append(l.egressFrom(), "kubernetes.cni")
	}
	if strings.HasPrefix(p.Use, "WireGuard") {
		return append(ir.From{"kubernetes.cni", "mesh.kind", "components.cni.managed"}, l.encryptionFrom()...)
	}
	return ir.From{"kubernetes.cni"}
}

// apiFlows: nodes to where the API answers.
// apiUse is what the API servers are reached for.
const apiUse = "Kubernetes API"

func (l *lowering) apiFlows(from ir.From, nodes ir.FlowEnd) {
	c := &l.p.Cluster
	for _, port := range l.apiPorts() {
		to := ir.FlowEnd{Name: "API servers"}
		for _, a := range c.APIServers {
			if a.Port() == port {
				to.Addresses = append(to.Addresses, singles([]netip.Addr{a.Addr()})...)
			}
		}
		sortPrefixes(to.Addresses)
		to.Addresses = slices.Compact(to.Addresses)
		for i := range l.p.Nodes {
			if n := &l.p.Nodes[i]; slices.ContainsFunc(to.Addresses, func(p netip.Prefix) bool { return slices.Contains(n.Addresses, p.Addr()) }) {
				to.Nodes = append(to.Nodes, n.Name)
			}
		}
		slices.Sort(to.Nodes)
		f := ir.Flow{Area: ir.NodeArea, From: nodes, To: to, Protocol: "tcp", Port: port, Why: apiUse}
		l.flow(f, from, c.APIServerFrom)
		f.Area, f.From = ir.PodArea, ir.FlowEnd{Name: "pods", Addresses: c.PodCIDRs}
		f.Note = "leaves with the address of the pod's node where the pod network translates it"
		l.flow(f, from, c.APIServerFrom)
	}
}

func (l *lowering) apiPorts() []uint16 {
	var out []uint16
	for _, a := range l.p.Cluster.APIServers {
		if !slices.Contains(out, a.Port()) {
			out = append(out, a.Port())
		}
	}
	return out
}

// speakerFlows: the speakers of the load balancer among each other, where they elect one that answers for an address.
func (l *lowering) speakerFlows(from ir.From) {
	lb := &l.p.LoadBalancer
	if !lb.Members {
		return
	}
	var names []string
	for _, p := range l.p.Pools {
		if p.Protocol == "l2" {
			names = append(names, p.Announcers...)
		}
	}
	speakers := l.nodeEnd("speakers", func(n *ir.Node) bool { return slices.Contains(names, n.Name) })
	for _, p := range l.set.LoadBalancer(lb.Kind).HostPorts {
		if strings.Contains(p.Use, "memberlist") {
			l.flow(ir.Flow{Area: ir.NodeArea, From: speakers, To: speakers, Protocol: p.Protocol, Port: p.Port, Why: "load balancer " + lb.Kind + ": " + p.Use},
				from, ir.From{"loadBalancer", "pools"})
		}
	}
}
