package lower

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// Roles of nodes in their rack: those that announce virtual addresses, and those that announce their range of pods alone.
const (
	roleVIPs = "vips"
	rolePods = "pods"
)

// podsAdvert is the name of the routes to ranges of pods. No pool can be called so: its name is a DNS label.
const podsAdvert = "node.pods"

// ciliumNamespace is where Cilium runs: its chart's own, and where its agents read the passwords of sessions.
const ciliumNamespace = "kube-system"

// podNetwork is the component of the release that is the pod network.
const podNetwork = "cilium"

// bgpInstance is the name of the one BGP instance of a node, which metrics carry.
const bgpInstance = "fabric"

// cilium decides Cilium's settings, where meshgen installs it, and its objects, where it is the load balancer.
func (l *lowering) cilium() {
	balancer := l.s.LoadBalancer.Kind == "cilium"
	managed := l.installsCilium()
	if !balancer && !managed && !ciliumEgress(l.s) {
		return
	}
	c := &ir.Cilium{From: append(ir.From{"kubernetes.cni", "loadBalancer.kind", "components.cni.managed"}, l.egressFrom()...)}
	if managed {
		c.Settings = l.ciliumSettings(balancer)
	} else {
		c.Expects = l.ciliumExpects(balancer)
	}
	if balancer {
		l.ciliumSessions(c)
		for i := range l.p.Pools {
			l.ciliumPool(c, &l.p.Pools[i])
		}
	}
	l.p.Cilium = c
}

// installsCilium reports whether Cilium's chart is among the releases.
func (l *lowering) installsCilium() bool {
	return l.s.Kubernetes.CNI.Kind == "cilium" && l.s.Components.CNI.Managed
}

// ciliumSettings decides what is set in the chart: what the site says, and what follows from it.
func (l *lowering) ciliumSettings(balancer bool) *ir.CiliumSettings {
	k, o := l.s.Kubernetes, l.s.Kubernetes.CNI.Cilium
	if o == nil {
		o = &site.Cilium{Exclusive: true}
	}
	s := &ir.CiliumSettings{
		APIHost: l.p.Cluster.APIHost, APIPort: uint16(k.APIServer.Port), ReplacesKubeProxy: !l.p.Cluster.KubeProxy.Managed,
		DirectRoutes: k.CNI.Encapsulation == "none", MTU: l.p.Packets.Nodes,
		Exclusive: o.Exclusive, HostSockets: o.SocketLB.HostNamespaceOnly, BPFMasquerade: o.BPFMasquerade,
		OperatorReplicas: min(2, l.nodes()), // two stand on two machines, or one waits for ever
		Metrics:          l.s.Observability.Scraper != nil || l.s.Observability.Rules == "files",
		From: ir.From{"kubernetes.cni", "kubernetes.apiServer.address", "kubernetes.apiServer.hostname", "kubernetes.apiServer.port", "kubernetes.kubeProxy.mode", "kubernetes.podCIDRs",
			"kubernetes.nodeCIDRMask", "fabric.mtu", "pools", "racks", "nodeClasses", "components.cni.managed", "observability.scraper", "observability.rules"},
	}
	if l.hasFurther() {
		s.Devices = l.nodeInterfaces()
	}
	if k.CNI.Encapsulation != "none" {
		s.Tunnel = k.CNI.Encapsulation
	}
	if f := l.p.Federation; f != nil && f.Flat {
		for i := range f.Peers {
			s.Unmasqueraded = append(s.Unmasqueraded, f.Peers[i].Pods...)
			s.UnmasqueradedFrom = append(s.UnmasqueradedFrom, f.Peers[i].From...)
		}
		s.UnmasqueradedFrom = append(s.UnmasqueradedFrom, "federation.linkerd")
	}
	if ciliumEgress(l.s) {
		s.Egress, s.EgressTunnel = true, encapsulation(l.s)
		s.From = append(s.From, l.egressFrom()...)
	}
	for i, p := range l.p.Cluster.PodCIDRs {
		pods := ir.CiliumPods{Network: p}
		if i < len(k.NodeCIDRMask) {
			pods.Bits = k.NodeCIDRMask[i]
		}
		if p.Addr().Is6() {
			s.Pods6 = pods
		} else {
			s.Pods4 = pods
		}
	}
	// One ConfigMap holds the setting for all nodes, so that the fullest class decides. Its size is that of the kernel's
	// table, twice the declared load: a connection by way of a Service has one entry for it and one for the pod.
	for _, g := range l.p.Groups {
		s.TCPConnections = max(s.TCPConnections, g.Conntrack.Max)
		s.ConnectionsFrom = append(s.ConnectionsFrom, g.Conntrack.From...)
	}
	s.ConnectionsFrom = append(s.ConnectionsFrom, "racks", "nodeClasses")
	for i := range l.p.Pools {
		s.BGP = s.BGP || balancer && l.p.Pools[i].Protocol == "bgp"
		s.Layer2 = s.Layer2 || balancer && l.p.Pools[i].Protocol == "l2"
	}
	s.BGP = s.BGP || balancer && l.s.Fabric.BGP != nil && l.s.Fabric.BGP.Advertise.Pods
	l.ciliumMeshSettings(s)
	// NetworkPolicies name API servers and kubelets by their addresses; policies of the pod network's own mesh by entity.
	s.NodesByAddress = !s.Meshed
	if s.NodesByAddress {
		s.From = append(s.From, l.p.Mesh.From.Of("kind")...)
	}
	// Every address has a declared owner, and the owner asks by class: a Service without one is not ours.
	s.ClasslessServices = "none"
	return s
}

// ciliumSessions makes the BGP objects of the peerings: a node reads one configuration, so that each rack has one for its
// nodes that carry virtual addresses and one for the others.
func (l *lowering) ciliumSessions(c *ir.Cilium) {
	racks := map[string][]*ir.Peering{}
	for i := range l.p.LoadBalancer.Peerings {
		pe := &l.p.LoadBalancer.Peerings[i]
		racks[pe.Rack] = append(racks[pe.Rack], pe)
	}
	pods := ir.From{}
	for rack, peerings := range byKey(racks) {
		carry := map[string]bool{} // nodes with virtual addresses, in either family
		for _, pe := range peerings {
			for _, sp := range pe.Speakers {
				carry[sp.Node] = carry[sp.Node] || sp.VIPs
			}
			for _, r := range pe.Pods {
				pods = append(pods, r.From...)
			}
		}
		l.ciliumCluster(c, rack, roleVIPs, peerings, func(node string) bool { return carry[node] })
		l.ciliumCluster(c, rack, rolePods, peerings, func(node string) bool { return !carry[node] })
	}
	if len(pods) > 0 {
		c.Adverts = append(c.Adverts, ir.CiliumAdvert{Name: podsAdvert, Pods: true, From: append(pods, "racks")})
	}
	slices.SortFunc(c.Peers, func(a, b ir.CiliumPeer) int { return strings.Compare(a.Name, b.Name) })
}

// ciliumCluster adds the configuration of the nodes of one role, and what its sessions share.
func (l *lowering) ciliumCluster(c *ir.Cilium, rack, role string, peerings []*ir.Peering, is func(node string) bool) {
	cl := ir.CiliumCluster{Name: rack + "." + role, Instance: bgpInstance}
	var classes []string
	for _, pe := range peerings {
		session := ir.CiliumSession{Name: pe.Name, Address: pe.SwitchAddress, ASN: pe.SwitchASN, From: pe.From}
		of := false
		for _, sp := range pe.Speakers {
			if !is(sp.Node) {
				continue
			}
			of = true
			session.From = append(session.From[:len(session.From):len(session.From)], sp.From...)
			if class := l.classOf(sp.Node); !slices.Contains(classes, class) {
				classes = append(classes, class)
			}
		}
		if !of {
			continue
		}
		peer := ir.CiliumPeer{Name: cl.Name + "." + string(ir.FamilyOf(pe.SwitchAddress)), Family: ir.FamilyOf(pe.SwitchAddress),
			HoldSecs: pe.HoldSecs, KeepaliveSecs: pe.KeepaliveSecs, ConnectSecs: pe.ConnectSecs, RestartSecs: pe.RestartSecs, PasswordSecret: pe.PasswordSecret, From: session.From}
		if role == roleVIPs {
			peer.Routes = slices.Clone(pe.Pools)
		}
		if len(pe.Pods) > 0 {
			peer.Routes = append(peer.Routes, podsAdvert)
		}
		session.Peer = peer.Name
		// The switches of a rack differ in address and AS alone: pools, pods and timers are the rack's and the site's.
		if i := slices.IndexFunc(c.Peers, func(p ir.CiliumPeer) bool { return p.Name == peer.Name }); i < 0 {
			c.Peers = append(c.Peers, peer)
		} else {
			c.Peers[i].From = append(c.Peers[i].From, peer.From...)
		}
		cl.ASN = pe.NodeASN
		cl.Sessions = append(cl.Sessions, session)
		cl.From = append(cl.From, session.From...)
	}
	if len(cl.Sessions) == 0 {
		return
	}
	slices.Sort(classes)
	cl.Nodes = l.selector([]string{rack}, classes, append(slices.Clone(cl.From), "nodeClasses"))
	c.Clusters = append(c.Clusters, cl)
}

func (l *lowering) classOf(name string) string {
	i := slices.IndexFunc(l.p.Nodes, func(n ir.Node) bool { return n.Name == name })
	return l.p.Nodes[i].Class
}

// ciliumPool makes the objects of one pool. Its addresses are for the Services in the namespaces of its gateways and
// exposures alone.
func (l *lowering) ciliumPool(c *ir.Cilium, pool *ir.Pool) {
	p := ir.CiliumPool{Name: pool.Name, Namespaces: pool.Namespaces, From: append(pool.From[:len(pool.From):len(pool.From)], "gateways")}
	for _, a := range pool.Addresses {
		var b ir.CiliumBlock
		if first, last, isRange := strings.Cut(a, "-"); isRange {
			b.Start, b.Stop = first, last
		} else if _, err := netip.ParsePrefix(a); err == nil {
			b.CIDR = a
		} else {
			b.Start, b.Stop = a, a
		}
		p.Blocks = append(p.Blocks, b)
	}
	switch pool.Protocol {
	case "bgp":
		ad := ir.CiliumAdvert{Name: pool.Name, Namespaces: p.Namespaces, From: p.From}
		for _, community := range pool.Communities {
			if strings.Count(community, ":") == 2 {
				ad.Large = append(ad.Large, community)
			} else {
				ad.Standard = append(ad.Standard, community)
			}
		}
		c.Adverts = append(c.Adverts, ad)
	case "l2":
		p.Layer2 = &ir.CiliumLayer2{Nodes: pool.NodeSelector}
		for _, name := range pool.Interfaces {
			// Cilium takes expressions: a name is one that matches more than itself.
			p.Layer2.Interfaces = append(p.Layer2.Interfaces, "^"+strings.ReplaceAll(name, ".", `\.`)+"$")
		}
	}
	c.Pools = append(c.Pools, p)
	slices.SortFunc(c.Adverts, func(a, b ir.CiliumAdvert) int { return strings.Compare(a.Name, b.Name) })
}

// ciliumKinds are the kinds of the objects above. No chart brings them: the operator registers them when it starts
// (pkg/k8s/apis/cell.go of Cilium 1.20.2).
var ciliumKinds = []string{"ciliumbgpadvertisements", "ciliumbgpclusterconfigs", "ciliumbgppeerconfigs", "ciliuml2announcementpolicies", "ciliumloadbalancerippools"}

// ciliumWaits are what must be there before an object of Cilium's is applied.
func (l *lowering) ciliumWaits() []ir.Wait {
	var out []ir.Wait
	add := func(kinds []string, from string) {
		for _, kind := range kinds {
			out = append(out, ir.Wait{Object: "customresourcedefinition.apiextensions.k8s.io/" + kind + ".cilium.io", For: "condition=Established",
				From: ir.From{from, "components.cni.managed"}})
		}
	}
	if l.s.LoadBalancer.Kind == "cilium" {
		add(ciliumKinds, "loadBalancer.kind")
	}
	if ciliumEgress(l.s) {
		add([]string{"ciliumegressgatewaypolicies"}, "egressGateways")
	}
	if l.p.Federation != nil && l.ciliumMeshed() {
		out = append(out, ir.Wait{Object: "customresourcedefinition.apiextensions.k8s.io/serviceexports.multicluster.x-k8s.io", For: "condition=Established",
			From: ir.From{"federation", "mesh.kind", "components.cni.managed"}})
	}
	if l.ciliumMeshed() {
		add(ciliumMeshKinds, "mesh.kind")
	}
	return out
}
