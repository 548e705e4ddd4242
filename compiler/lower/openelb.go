package lower

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// openELB decides the objects of OpenELB 0.6.
//
// A speaker announces an address with the next hops of all nodes of its rack that have a pod behind it, by default up to
// ten of them over one session (add-path): each speaker would announce the others too, and a switch would count their
// paths against its limits. So every speaker is a rack by itself: it announces itself alone, once, and its AS is given
// for its rack (pkg/speaker/bgp/bgp/path.go SetBalancer, pkg/speaker/bgp/bgpconf_controller.go Reconcile).
func (l *lowering) openELB() {
	lb := &l.p.LoadBalancer
	if lb.Kind != "openelb" {
		return
	}
	o := &ir.OpenELB{RackLabel: l.set.LoadBalancer(lb.Kind).NodeLabel, From: lb.From}
	for i := range lb.Peerings {
		if CalicoAnnounces(l.s) { // which holds them
			break
		}
		pe := &lb.Peerings[i]
		for _, s := range pe.Speakers {
			if k := slices.IndexFunc(o.Speakers, func(have ir.OpenELBSpeaker) bool { return have.Node == s.Node }); k >= 0 {
				o.Speakers[k].From = union(o.Speakers[k].From, pe.From)
				continue
			}
			o.Speakers = append(o.Speakers, ir.OpenELBSpeaker{Node: s.Node, ASN: pe.NodeASN, From: slices.Concat(pe.From, s.From)})
		}
	}
	slices.SortFunc(o.Speakers, func(a, b ir.OpenELBSpeaker) int { return cmp.Compare(a.Node, b.Node) })
	for i := range l.p.Pools {
		o.Eips = append(o.Eips, eips(&l.p.Pools[i])...)
		o.Layer2 = o.Layer2 || l.p.Pools[i].Protocol == "l2"
	}
	l.openELBNodes(o)
	l.openELBServices(o)
	l.p.OpenELB = o
}

// eips are those of one pool. A guard has seen to it that one at layer 2 has exactly one interface.
func eips(p *ir.Pool) []ir.Eip {
	var out []ir.Eip
	for i, text := range p.Addresses {
		e := ir.Eip{Name: p.Name, Address: text, Protocol: "bgp", Prefixes: cover([]string{text}), From: p.From}
		if len(p.Addresses) > 1 {
			e.Name += "." + strconv.Itoa(i+1) // no pool has a dot in its name
		}
		if p.Protocol == "l2" {
			e.Protocol, e.Interface = "layer2", p.Interfaces[0]
		}
		out = append(out, e)
	}
	return out
}

// openELBNodes gives each node that announces its label. It is not among those that the kubelet gives itself: machines
// that share their files would all have the same.
func (l *lowering) openELBNodes(o *ir.OpenELB) {
	_, classFrom := l.speakerClasses()
	announces := map[string]bool{}
	for _, s := range o.Speakers {
		announces[s.Node] = true
	}
	for _, p := range l.p.Pools {
		for _, n := range p.Announcers {
			announces[n] = announces[n] || p.Protocol == "l2"
		}
	}
	o.Idle = true
	for i := range l.p.Nodes {
		n := &l.p.Nodes[i]
		if !announces[n.Name] {
			continue
		}
		o.Idle = false
		n.Labels = append(n.Labels, ir.KV{Key: o.RackLabel, Value: n.Name})
		slices.SortFunc(n.Labels, func(a, b ir.KV) int { return cmp.Compare(a.Key, b.Key) })
		n.From = slices.Concat(n.From, ir.From{"loadBalancer.kind", "pools", "racks"}, classFrom)
	}
}

// openELBExposures does for exposures what openELBServices does for gateways.
func (l *lowering) openELBExposures(o *ir.OpenELB) {
	prof := l.set.LoadBalancer(l.p.LoadBalancer.Kind)
	for i := range l.p.Exposures {
		x := &l.p.Exposures[i]
		for _, e := range o.Eips {
			if holds(e.Prefixes, x.VIPs[0]) {
				x.Annotations = append(x.Annotations, ir.KV{Key: prof.PoolAnnotation, Value: e.Name}, ir.KV{Key: prof.MarkAnnotation.Key, Value: prof.MarkAnnotation.Value})
				x.From = append(x.From, site.Join("pools", x.Pool, "addresses"))
			}
		}
	}
}

// openELBServices has the Services of gateways ask for their address: by the annotation that makes OpenELB look at them
// at all, and by the name of the Eip, without which it would search all of them.
func (l *lowering) openELBServices(o *ir.OpenELB) {
	prof := l.set.LoadBalancer(l.p.LoadBalancer.Kind)
	l.openELBExposures(o)
	for i := range l.p.Gateways {
		g := &l.p.Gateways[i]
		for _, e := range o.Eips {
			if len(g.VIPs) > 0 && holds(e.Prefixes, g.VIPs[0]) {
				g.Annotations = append(g.Annotations, ir.KV{Key: prof.PoolAnnotation, Value: e.Name}, ir.KV{Key: prof.MarkAnnotation.Key, Value: prof.MarkAnnotation.Value})
				g.From = append(g.From, site.Join("pools", g.Pool, "addresses"))
			}
		}
		if len(g.Infrastructure) > 0 { // whoever makes the Service copies them from there
			g.Infrastructure = g.Annotations
		}
	}
}

func holds(prefixes []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(a) })
}

// openELBWebhook validates Eips (charts/templates/webhook-cert): a Job fills in its CA, and until then every Eip is refused.
const openELBWebhook = "openelb-admission"

// openELBStep adds what the chart's installation must wait for, and what is written into its objects later.
func (l *lowering) openELBStep(step *ir.ChartStep) {
	if l.p.OpenELB == nil {
		return
	}
	const group, kind = "admissionregistration.k8s.io", "ValidatingWebhookConfiguration"
	from := l.p.LoadBalancer.From.Of("kind")
	step.Rewritten = []ir.Rewritten{{Group: group, Kind: kind, Name: openELBWebhook, Fields: []string{".webhooks[]?.clientConfig.caBundle"}, From: from}}
	step.Waits = []ir.Wait{{Object: "validatingwebhookconfiguration." + group + "/" + openELBWebhook, For: "jsonpath={.webhooks[0].clientConfig.caBundle}", From: from}}
}
