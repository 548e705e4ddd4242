package lower

import (
	"cmp"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// KubeVIPSpeakers is what the pods are called that announce from a rack's nodes.
func KubeVIPSpeakers(rack string) string { return "kube-vip-" + rack }

// kubeVIP decides the DaemonSets of kube-vip: by BGP one a rack, because its peers stand in the environment of its pods
// and each rack has switches of its own; at layer 2 one for all nodes that answer. Whoever holds an address there is
// elected a Service at a time: with externalTrafficPolicy Local only nodes with a ready pod stand for election, which an
// election for all Services together would not heed (pkg/services/leader.go, EndpointsReady, in kube-vip 1.2.3).
//
// The cloud provider of kube-vip is left out: it only chooses addresses, and here each is declared. Services ask for
// theirs by annotation.
func (l *lowering) kubeVIP() {
	lb := &l.p.LoadBalancer
	if lb.Kind != "kube-vip" {
		return
	}
	k := &ir.KubeVIP{Class: lb.Class, From: lb.From, Image: l.kubeVIPImage()}
	if l.s.Registry != nil {
		k.From = append(k.From[:len(k.From):len(k.From)], "registry")
	}
	for name, g := range byKey(l.s.EgressGateways) {
		if g.Provider != "kube-vip" {
			continue
		}
		if k.Egress == nil {
			k.Egress = &ir.KubeVIPEgress{Pods: l.p.Cluster.PodCIDRs, Services: l.p.Cluster.ServiceCIDRs, From: under("kubernetes", "podCIDRs", "serviceCIDRs")}
		}
		k.Egress.From = append(k.Egress.From, site.Join("egressGateways", name, "provider"))
	}
	byRack := map[string]*ir.KubeVIPSpeaker{}
	for i := range lb.Peerings {
		if !CalicoAnnounces(l.s) { // which holds them
			l.kubeVIPPeer(byRack, &lb.Peerings[i])
		}
	}
	for _, s := range byKey(byRack) {
		k.Speakers = append(k.Speakers, *s)
	}
	if s := l.kubeVIPLayer2(); s != nil {
		k.Speakers = append(k.Speakers, *s)
	}
	l.p.KubeVIP = k
}

// kubeVIPPeer adds a peering to the speaker of its rack.
func (l *lowering) kubeVIPPeer(byRack map[string]*ir.KubeVIPSpeaker, pe *ir.Peering) {
	lb := &l.p.LoadBalancer
	s := byRack[pe.Rack]
	if s == nil {
		s = &ir.KubeVIPSpeaker{
			Name: KubeVIPSpeakers(pe.Rack), Nodes: pe.NodeSelector, Tolerations: lb.Tolerations, BGP: true,
			NodeASN: pe.NodeASN, HoldSecs: pe.HoldSecs, KeepaliveSecs: pe.KeepaliveSecs, Password: pe.PasswordSecret,
			From: slices.Concat(lb.From, pe.From),
		}
		byRack[pe.Rack] = s
	}
	s.From = union(s.From, pe.From)
	s.Peers = append(s.Peers, ir.KubeVIPPeer{Address: pe.SwitchAddress, ASN: pe.SwitchASN, BFD: pe.BFD, Multihop: pe.Multihop, From: pe.From})
	for _, name := range pe.Pools {
		s.Pools = l.kubeVIPPool(s.Pools, l.pool(name))
	}
}

// kubeVIPPool adds a pool to a sorted list that may have it already.
func (l *lowering) kubeVIPPool(list []ir.KubeVIPPool, p *ir.Pool) []ir.KubeVIPPool {
	if slices.ContainsFunc(list, func(o ir.KubeVIPPool) bool { return o.Name == p.Name }) {
		return list
	}
	list = append(list, ir.KubeVIPPool{Name: p.Name, Addresses: p.Addresses, From: p.From})
	slices.SortFunc(list, func(a, b ir.KubeVIPPool) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// kubeVIPLayer2 is the speaker of the pools at layer 2, nil without one. A guard has seen to it that they have the same
// nodes and interface.
func (l *lowering) kubeVIPLayer2() *ir.KubeVIPSpeaker {
	lb := &l.p.LoadBalancer
	var s *ir.KubeVIPSpeaker
	for i := range l.p.Pools {
		p := &l.p.Pools[i]
		if p.Protocol != "l2" {
			continue
		}
		if s == nil {
			s = &ir.KubeVIPSpeaker{Name: "kube-vip", Nodes: p.NodeSelector, Tolerations: lb.Tolerations, From: slices.Clone(lb.From)}
		}
		for _, name := range p.Interfaces {
			s.Interface = name
		}
		s.Pools = l.kubeVIPPool(s.Pools, p)
		s.From = union(s.From, p.From)
	}
	return s
}

// apiAddress decides the static pod of a group that moves the address of the API; nil where something else does. It is no
// DaemonSet: machines find the API by this address, and without them nothing of a DaemonSet would start. A machine's own
// kubeconfig leads to its own API server, so that the election does not need the address that it is about.
func (l *lowering) apiAddress(g *ir.HostGroup, n ir.Node, class *site.NodeClass) *ir.KubeVIPControlPlane {
	api := l.s.Kubernetes.APIServer
	if api.Provider != "kube-vip" || !class.ControlPlane {
		return nil
	}
	dist := l.set.Distribution(l.s.Kubernetes.Distribution)
	c := &ir.KubeVIPControlPlane{
		Image:   l.kubeVIPImage(),
		Address: addr(api.Address), Port: uint16(api.Port), Kubeconfig: dist.StaticPods.Kubeconfig, Path: dist.StaticPods.Folder + "/kube-vip.yaml",
		Interface: class.NIC.Interface,
		From: slices.Concat(under("kubernetes.apiServer", "address", "port", "provider"), under("loadBalancer", "kind", "version"), ir.From{"kubernetes.distribution"},
			under(site.Join("nodeClasses", n.Class), "nic.interface", "controlPlane"), g.From),
	}
	if l.s.Registry != nil {
		c.From = append(c.From, "registry")
	}
	if s := dist.Supervisor; s != nil {
		c.Join, c.Unit = s.Join, s.Units.Server
	}
	return c
}

// kubeVIPImage is the image of the release that the site declares, from where the site takes images.
func (l *lowering) kubeVIPImage() string { return l.image(l.kubeVIPUpstream()) }

// kubeVIPUpstream is where its project publishes it.
func (l *lowering) kubeVIPUpstream() string {
	lb := l.s.LoadBalancer
	return l.set.LoadBalancer("kube-vip").Release(lb.Version).Image + ":v" + lb.Version
}
