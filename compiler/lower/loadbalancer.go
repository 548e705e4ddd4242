package lower

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// loadBalancer decides what stands behind Services of type LoadBalancer.
func (l *lowering) loadBalancer() {
	lb := l.s.LoadBalancer
	prof := l.set.LoadBalancer(lb.Kind)
	p := &l.p.LoadBalancer
	p.Kind, p.Version, p.Class, p.Namespace = lb.Kind, lb.Version, prof.Class, prof.Namespace
	p.From = under("loadBalancer", "kind", "version", "metallb")
	bgp := false
	for i := range l.p.Pools {
		bgp = bgp || l.p.Pools[i].Protocol == "bgp"
		p.Members = p.Members || l.p.Pools[i].Protocol == "l2"
	}
	// Without anything to announce by BGP the default would be a DaemonSet with nothing to do.
	if b := l.s.Fabric.BGP; bgp {
		p.Backend = prof.DefaultBackend
	} else if b != nil && b.Advertise.Pods && lb.Kind == l.s.Kubernetes.CNI.Kind {
		p.Backend, p.From = prof.DefaultBackend, append(p.From, "fabric.bgp.advertise.pods")
	}
	if lb.MetalLB != nil {
		p.Backend = lb.MetalLB.Backend
	}
	if lb.MetalLB == nil {
		p.From = append(p.From, "pools")
	}
	l.tellPeers()
	if b := prof.Backends[p.Backend]; bgp && l.s.Fabric.BGP != nil && (b == nil || b.BFD) {
		p.BFD = l.bfd()
	}
	classes, classFrom := l.speakerClasses()
	p.From = append(p.From, classFrom...)
	if len(classes) > 0 {
		p.SpeakerLabels = []ir.Selector{{Terms: []ir.Term{{Key: classLabel, Values: classes}}, From: classFrom}}
	}
	for _, c := range classes {
		for _, t := range taints(l.s.NodeClasses[c].Taints) {
			if !slices.Contains(p.Tolerations, t) {
				p.Tolerations = append(p.Tolerations, t)
			}
		}
		p.From = append(p.From, site.Join("nodeClasses", c, "taints"))
	}
	l.announcers(classes, classFrom)
}

// tellPeers leaves out of the sessions what their program on the nodes does not take. An unknown program takes all.
func (l *lowering) tellPeers() {
	p := &l.p.LoadBalancer
	b := l.set.LoadBalancer(p.Kind).Backends[p.Backend]
	if CalicoAnnounces(l.s) {
		b = l.set.CNI("calico").BGP
	}
	if b == nil {
		return
	}
	p.OwnKeepalive = !b.KeepaliveTime
	tell := func(pe *ir.Peering) {
		if p.OwnKeepalive {
			pe.KeepaliveSecs = pe.HoldSecs / 3 // at the switch, too: both ends count alike
		}
		if !b.ConnectTime {
			pe.ConnectSecs = 0
		}
		if !b.GracefulRestart {
			pe.RestartSecs = 0
		}
		if !b.BFD {
			pe.BFD = nil // the hold time decides, whatever the site asks for
		}
	}
	for i := range p.Peerings {
		tell(&p.Peerings[i])
	}
	for i := range l.p.Switches {
		for j := range l.p.Switches[i].Peerings {
			tell(&l.p.Switches[i].Peerings[j])
		}
	}
}

// announcers names the nodes that may announce each pool. Those of pools at layer 2 carry virtual addresses whether or
// not the site has BGP.
func (l *lowering) announcers(classes []string, classFrom ir.From) {
	for i := range l.p.Pools {
		pool := &l.p.Pools[i]
		pool.Namespaces = l.owners(pool)
		if pool.Protocol == "" {
			continue
		}
		for j := range l.p.Nodes {
			n := &l.p.Nodes[j]
			if !slices.Contains(pool.Racks, n.Rack) || !slices.Contains(classes, n.Class) {
				continue
			}
			pool.Announcers = append(pool.Announcers, n.Name)
			n.Speaker = n.Speaker || pool.Protocol == "l2"
		}
		slices.Sort(pool.Announcers)
		if pool.Protocol == "l2" {
			pool.NodeSelector = l.selector(pool.Racks, classes, slices.Concat(pool.From, classFrom))
		}
	}
}

// owners are the namespaces of the Services with addresses of a pool. Any other could ask for one by its annotation, and
// would have it whenever the owner's Service is not there.
func (l *lowering) owners(pool *ir.Pool) []string {
	var out []string
	for _, g := range l.p.Gateways {
		if g.Pool == pool.Name {
			out = append(out, g.Namespace)
			pool.From = append(pool.From, site.Join("gateways", g.Name, "pool"))
		}
	}
	for name, e := range byKey(l.s.Exposures) {
		if e.Pool == pool.Name {
			namespace, _, _ := strings.Cut(e.Service, "/")
			out = append(out, namespace)
			pool.From = append(pool.From, under(site.Join("exposures", name), "pool", "service")...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
