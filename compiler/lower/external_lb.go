package lower

import (
	"cmp"
	"fmt"
	"math/bits"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// machines returns how balancers in front of the cluster are set up, or nil where there are none.
func (l *lowering) machines() *profile.Machines {
	if l.s.LoadBalancer.External == nil {
		return nil
	}
	return l.set.LoadBalancer(l.s.LoadBalancer.Kind).Machines
}

// behindBalancers makes a gateway one that balancers outside lead to: fixed node ports, who opens its connections, and
// whether these begin with a PROXY header. Both ends print from here.
func (l *lowering) behindBalancers(g *ir.Gateway) {
	m := l.machines()
	if m == nil {
		return
	}
	g.NodePorts = true
	g.ProxyProtocol = l.s.LoadBalancer.External.ProxyProtocol
	g.ViaFrom = ir.From{"loadBalancer.external", site.Join("gateways", g.Name, "externalTrafficPolicy")}
	if g.Local {
		for _, b := range byKey(l.s.LoadBalancer.External.Balancers) {
			a := addr(b.Address)
			g.Via = append(g.Via, netip.PrefixFrom(a, a.BitLen()))
		}
	} else { // the node that takes a connection puts its own address in front
		g.Via = l.p.Cluster.NodeSubnets
		g.ViaFrom = append(g.ViaFrom, l.p.Cluster.NodeSubnetsFrom...)
		// The address of a tunnel is not known before the node is there: only its range is.
		if cni := l.s.Kubernetes.CNI; cni.Encapsulation != "none" && l.set.CNI(cni.Kind).TunnelAddress {
			g.Via = slices.Concat(g.Via, l.p.Cluster.PodCIDRs)
			g.ViaFrom = append(g.ViaFrom, "kubernetes.cni", "kubernetes.podCIDRs")
		}
	}
	g.From = append(g.From, "loadBalancer.external.proxyProtocol", "kubernetes.nodePorts")
	for _, f := range FixedPorts(l.s, m) {
		if f.Gateway != g.Name {
			continue
		}
		if f.Listener == "" {
			g.HealthPort = f.Port
		}
		for i := range g.Listeners {
			if li := &g.Listeners[i]; li.Name == f.Listener {
				li.NodePort = f.Port
				li.From = append(li.From, "kubernetes.nodePorts", site.Join("gateways", g.Name, "addresses"), site.Join("gateways", g.Name, "listeners"))
			}
		}
	}
}

// external decides the machines in front of the cluster: what each listens on, which nodes it leads to, and who of them
// has the virtual addresses.
func (l *lowering) external() {
	m := l.machines()
	if m == nil {
		return
	}
	b := &ir.Balancers{
		RouterID: m.RouterID, AdvertSecs: m.AdvertSeconds,
		IdleSecs: m.IdleSeconds, ConnectSecs: m.ConnectSeconds, CheckSecs: m.CheckSeconds, Fall: m.Fall, Rise: m.Rise,
		DeadSecs: m.DeadSeconds, StopSecs: m.StopSeconds, StatsPort: m.StatsPort,
		MachineFrom: ir.From{"loadBalancer.kind", "loadBalancer.external"}, From: ir.From{"loadBalancer.kind", "loadBalancer.external"},
	}
	l.balancerMembers(b, m)
	for i := range l.p.Gateways {
		l.fronts(b, &l.p.Gateways[i])
	}
	for i := range l.p.Exposures {
		l.exposureFronts(b, &l.p.Exposures[i])
	}
	slices.SortStableFunc(b.Fronts, func(x, y ir.Front) int {
		return cmp.Or(cmp.Compare(x.Gateway, y.Gateway), cmp.Compare(x.Exposure, y.Exposure), cmp.Compare(x.Port, y.Port))
	})
	l.carried(b)
	for _, f := range b.Fronts {
		b.MaxConn += f.MaxConn
	}
	b.OpenFiles = m.FilesPerConnection*b.MaxConn + m.FilesBesides
	b.OpenFilesWhy = fmt.Sprintf("%d x %d connections, and %d for listeners, health checks and logs", m.FilesPerConnection, b.MaxConn, m.FilesBesides)
	b.Sysctls = l.balancerSysctls(b, m)
	l.p.Balancers = b
}

// balancerMembers ranks the machines by name. Messages of VRRP go to the others by address.
func (l *lowering) balancerMembers(b *ir.Balancers, m *profile.Machines) {
	const path = "loadBalancer.external.balancers"
	all := l.s.LoadBalancer.External.Balancers
	for name, machine := range byKey(all) {
		o := ir.Balancer{Name: name, Address: addr(machine.Address), Interface: "@interface:" + name + "@",
			Priority: max(1, m.Priority-10*len(b.Members)), From: ir.From{path}}
		for other, peer := range byKey(all) {
			if other != name {
				o.Peers = append(o.Peers, addr(peer.Address))
			}
		}
		b.Members = append(b.Members, o)
		if o.Address.Is4() && len(all) > 1 {
			b.Password = "@secret:vrrp-" + l.s.Name + "/password@"
		}
	}
}

// fronts adds the listeners of one gateway, with the nodes that its pods may run on.
func (l *lowering) fronts(b *ir.Balancers, g *ir.Gateway) {
	if len(b.Members) == 0 {
		return
	}
	var servers []ir.Server
	from := slices.Clone(g.From)
	for _, n := range l.p.Nodes {
		if n.Class != g.Class || !slices.Contains(g.Racks, n.Rack) {
			continue
		}
		for _, a := range n.Addresses {
			if a.Is4() == b.Members[0].Address.Is4() {
				servers = append(servers, ir.Server{Node: n.Name, Address: a, From: append(under(site.Join("racks", n.Rack, "nodes", n.Name), "address", "class"), from.Of("class")...)})
				break
			}
		}
	}
	slices.SortFunc(servers, func(x, y ir.Server) int { return cmp.Compare(x.Node, y.Node) })
	from = append(from, "racks", "nodeClasses", "loadBalancer.external", site.Join("gateways", g.Name, "capacity"))
	for _, li := range g.Listeners {
		b.Fronts = append(b.Fronts, ir.Front{
			Name: g.Name + "-" + li.Name, Gateway: g.Name, VIPs: g.VIPs, Port: li.Port, NodePort: li.NodePort, HealthPort: g.HealthPort,
			ProxyProtocol: g.ProxyProtocol, MaxConn: g.Connections, SourceRanges: g.SourceRanges, Servers: servers,
			From: append(slices.Clone(from), li.From...),
		})
	}
}

// exposedBehind gives an exposure behind balancers its fixed node ports. Their connections come with their own addresses,
// or with a node's: no PROXY header tells the client, which the pods would not expect.
func (l *lowering) exposedBehind(e *ir.Exposure) {
	m := l.machines()
	if m == nil {
		return
	}
	e.NodePorts = make([]uint16, len(e.Ports))
	for _, f := range FixedPorts(l.s, m) {
		if f.Exposure != e.Exposure {
			continue
		}
		if f.Listener == "" {
			e.HealthPort = f.Port
		}
		for i, p := range e.Ports {
			if p.Name == f.Listener {
				e.NodePorts[i] = f.Port
			}
		}
	}
	e.From = append(e.From, "kubernetes.nodePorts")
	if !e.Local {
		return
	}
	e.Clients, e.Except = nil, nil
	for _, b := range byKey(l.s.LoadBalancer.External.Balancers) {
		a := addr(b.Address)
		e.Clients = append(e.Clients, netip.PrefixFrom(a, a.BitLen()))
	}
	e.From = append(e.From, "loadBalancer.external")
}

// exposureFronts adds the ports of one exposure. Whoever deploys its pods places them: every node may have one, but those
// of the control plane.
func (l *lowering) exposureFronts(b *ir.Balancers, e *ir.Exposure) {
	if len(b.Members) == 0 {
		return
	}
	var servers []ir.Server
	for _, n := range l.p.Nodes {
		if n.ControlPlane {
			continue
		}
		for _, a := range n.Addresses {
			if a.Is4() == b.Members[0].Address.Is4() {
				servers = append(servers, ir.Server{Node: n.Name, Address: a, From: under(site.Join("racks", n.Rack, "nodes", n.Name), "address", "class")})
				break
			}
		}
	}
	slices.SortFunc(servers, func(x, y ir.Server) int { return cmp.Compare(x.Node, y.Node) })
	from := append(slices.Clone(e.From), "racks", "nodeClasses", "loadBalancer.external")
	for i, p := range e.Ports {
		b.Fronts = append(b.Fronts, ir.Front{
			Name: e.Exposure + "-" + p.Name, Exposure: e.Exposure, VIPs: e.VIPs, Port: p.Port, NodePort: e.NodePorts[i], HealthPort: e.HealthPort,
			MaxConn: gatewayConnections, Servers: servers, From: append(slices.Clone(from), p.From...),
		})
	}
}

// carried sorts the virtual addresses. VRRP counts those that it announces, and a machine with another list ignores the
// message: announced is one, so that a list may grow machine by machine.
func (l *lowering) carried(b *ir.Balancers) {
	var all []netip.Addr
	for _, f := range b.Fronts {
		all = append(all, f.VIPs...)
		_, kind, name := f.Owner()
		b.From = append(b.From, site.Join(kind, name, "addresses"))
	}
	b.From = append(b.From, "gateways", "exposures") // one without listeners has addresses, too
	slices.SortFunc(all, netip.Addr.Compare)
	for _, a := range slices.Compact(all) {
		if len(b.Advertised) == 0 && len(b.Members) > 0 && a.Is4() == b.Members[0].Address.Is4() {
			b.Advertised = append(b.Advertised, a)
		} else {
			b.Carried = append(b.Carried, a)
		}
	}
}

// balancerSysctls are kernel settings of the machines, where HAProxy runs in the host's own network namespace.
func (l *lowering) balancerSysctls(b *ir.Balancers, m *profile.Machines) []ir.Sysctl {
	var out []ir.Sysctl
	add := func(key, value, why, reason string) {
		out = append(out, ir.Sysctl{Key: key, Value: value, Reason: reason, Why: why, From: b.From})
	}
	const nonlocal = "HAProxy listens on the virtual addresses also while another machine has them"
	vips := slices.Concat(b.Advertised, b.Carried)
	if slices.ContainsFunc(vips, netip.Addr.Is4) {
		add("net.ipv4.ip_nonlocal_bind", "1", "balancer/nonlocal-bind", nonlocal)
	}
	if slices.ContainsFunc(vips, netip.Addr.Is6) {
		add("net.ipv6.ip_nonlocal_bind", "1", "balancer/nonlocal-bind", nonlocal)
	}
	add("net.ipv4.ip_local_port_range", m.LocalPorts, "balancer/port-range", "so many connections to each node port of each node, instead of 28,232")
	reserved := []int{int(m.StatsPort)}
	for _, f := range b.Fronts {
		reserved = append(reserved, int(f.Port))
	}
	slices.Sort(reserved)
	var text []string
	for _, p := range slices.Compact(reserved) {
		text = append(text, strconv.Itoa(p))
	}
	add("net.ipv4.ip_local_reserved_ports", strings.Join(text, ","), "balancer/port-range", "no connection takes a port that HAProxy listens on")
	if b.OpenFiles > m.FilesMax {
		add("fs.nr_open", strconv.Itoa(1<<bits.Len(uint(b.OpenFiles-1))), "balancer/open-files",
			"the bound of a process's files, above what systemd gives to HAProxy")
	}
	return out
}
