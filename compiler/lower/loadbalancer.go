package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// loadBalancer decides what stands behind Services of type LoadBalancer.
func (l *lowering) loadBalancer() {
	lb := l.s.LoadBalancer
	prof := l.set.LoadBalancer(lb.Kind)
	p := &l.p.LoadBalancer
	p.Kind, p.Version, p.Class, p.Namespace = lb.Kind, lb.Version, prof.Class, prof.Namespace
	p.Backend = prof.DefaultBackend
	if lb.MetalLB != nil {
		p.Backend = lb.MetalLB.Backend
	}
	p.From = under("loadBalancer", "kind", "version", "metallb")
	if l.s.Fabric.BGP == nil {
		return
	}
	p.BFD = l.bfd()
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
}
