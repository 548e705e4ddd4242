package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// podSpeakers are the pod networks that announce pod ranges by BGP themselves (Calico: BIRD; Cilium: its BGP control
// plane; kube-router: GoBGP). flannel has no BGP.
var podSpeakers = map[string]bool{"calico": true, "cilium": true, "kube-router": true}

// TwoSpeakers finds nodes on which two programs want the session with one switch.
var TwoSpeakers = &check.Rule{
	ID: "MG1225", Name: "two-bgp-speakers", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the pod network announces pods and another program announces virtual addresses from the same nodes

A switch keeps one session with an address. Two programs on a node take it from each other: the session flaps, and with
it both the pods and the virtual addresses of the node come and go.
Source: RFC 4271, section 6.8; MetalLB documentation, Calico and Cilium.`,
	Run: func(p *check.Pass) {
		s := p.Site
		b, cni, lb := s.Fabric.BGP, s.Kubernetes.CNI.Kind, s.LoadBalancer.Kind
		if b == nil || !b.Advertise.Pods || !podSpeakers[cni] || lb == cni || lb == "external" || !announcesBGP(s) {
			return
		}
		// Every node announces its pods, so the nodes that announce addresses are among them.
		for rn := range byKey(s.Racks) {
			if !rackAnnounces(s, rn) {
				continue
			}
			report := p.Reportf("loadBalancer.kind", "%s announces virtual addresses and %s the pods, both by BGP from nodes of class %s to the same switches",
				lb, cni, strings.Join(speakerClasses(s), ", ")).
				Related("fabric.bgp.advertise.pods", "the pods are announced").Related("kubernetes.cni.kind", "by this one")
			if cni == "cilium" {
				report.Hintf("kind: \"cilium\" announces both; or an encapsulation, and no announced pods")
			} else {
				report.Hintf("announce: protocol: \"l2\" for the pools; or give the pod network an encapsulation and leave out advertise: pods")
			}
			return
		}
	},
}

// PodsAnnouncedByNobody finds announced pods without a program that announces them.
var PodsAnnouncedByNobody = &check.Rule{
	ID: "MG1226", Name: "pods-announced-by-nobody", Severity: diag.Error, On: check.OnSite,
	Doc: `the site announces pod ranges, and its pod network speaks no BGP

The load balancer announces virtual addresses alone. The switches wait for routes to pods that nobody sends, and traffic
between racks that needs them is dropped at the first switch.
Source: flannel documentation, backends.`,
	Run: func(p *check.Pass) {
		b, cni := p.Site.Fabric.BGP, p.Site.Kubernetes.CNI.Kind
		if b != nil && b.Advertise.Pods && !podSpeakers[cni] {
			p.Reportf("fabric.bgp.advertise.pods", "pod ranges are to be announced, and pod network %s speaks no BGP", cni).
				Related("kubernetes.cni.kind", "the pod network").Hintf("leave it out and use an encapsulation; or one of calico, cilium, kube-router")
		}
	},
}

// NativeRoutingUnannounced finds pods that the network between the nodes has no route to.
var NativeRoutingUnannounced = &check.Rule{
	ID: "MG1227", Name: "native-routing-unannounced", Severity: diag.Error, On: check.OnSite,
	Doc: `pods are routed without encapsulation between several subnets, and nobody announces their ranges

Inside one subnet a node sends to the other directly. Between two there is a switch, which has no route to a pod's
address: pods of one rack reach each other, those of another rack never.
Source: Cilium documentation, native routing; Calico documentation, overlay networking.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Kubernetes.CNI.Encapsulation != "none" || s.Fabric.BGP != nil && s.Fabric.BGP.Advertise.Pods {
			return
		}
		var first, firstAt string
		for rn, r := range byKey(s.Racks) {
			nets := prefixes(r.Subnets)
			if len(nets) < len(r.Subnets) {
				continue // one of them cannot be read, which is told of elsewhere
			}
			for nn, n := range byKey(r.Nodes) {
				at := site.Join("racks", rn, "nodes", nn)
				segment := "node " + nn + " on its loopback address"
				if len(nets) > 0 {
					if segment = segmentOf(nets, n.Address); segment == "" {
						continue // in none of the rack's subnets, which is told of elsewhere
					}
				}
				if first == "" {
					first, firstAt = segment, at
				}
				if segment == first {
					continue
				}
				report := p.Reportf("kubernetes.cni.encapsulation", "pods are routed natively between %s and %s, and no switch is told where they are", first, segment).
					Related(firstAt, "a node there").Related(at, "a node here")
				// To announce pods beside another speaker would be the next fault.
				if cni := s.Kubernetes.CNI.Kind; podSpeakers[cni] && (s.LoadBalancer.Kind == cni || !announcesBGP(s)) {
					report.Hintf("fabric: bgp: advertise: pods: true, or an encapsulation such as \"vxlan\"")
				} else {
					report.Hintf("an encapsulation such as \"vxlan\"")
				}
				return
			}
		}
	},
}

// AnnouncerExcluded finds nodes that are told to announce and labelled not to.
var AnnouncerExcluded = &check.Rule{
	ID: "MG1228", Name: "announcer-excluded", Severity: diag.Error, On: check.OnSite,
	Doc: `nodes that are to announce carry the label that keeps load balancers away

Some installers put node.kubernetes.io/exclude-from-external-load-balancers on every control-plane node. A speaker there
runs, has its sessions up, and announces nothing. With all nodes excluded no virtual address is announced at all.
Source: Kubernetes well-known labels; MetalLB troubleshooting; kubeadm mark-control-plane phase.`,
	Run: func(p *check.Pass) {
		s := p.Site
		prof := p.Profiles.LoadBalancer(s.LoadBalancer.Kind)
		if prof == nil || prof.ExcludeNodeLabel == "" || s.Fabric.BGP == nil || !announcesBGP(s) {
			return
		}
		label := prof.ExcludeNodeLabel
		byInstaller := false
		if d := p.Profiles.Distribution(s.Kubernetes.Distribution); d != nil {
			byInstaller = slices.Contains(d.ControlPlane.Labels, label)
		}
		type party struct{ path, who string }
		var classes, nodes []party
		total, excluded := 0, 0
		announces := map[string]bool{}
		for rn := range s.Racks {
			announces[rn] = rackAnnounces(s, rn)
		}
		for i, cn := range speakerClasses(s) {
			c := s.NodeClasses[cn]
			if c == nil {
				continue
			}
			count, labelled := 0, c.ControlPlane && byInstaller
			for rn, r := range byKey(s.Racks) {
				if !announces[rn] {
					continue
				}
				for nn, n := range byKey(r.Nodes) {
					if n.Class != cn {
						continue
					}
					count++
					if _, ok := n.Labels[label]; ok && !labelled {
						excluded++
						nodes = append(nodes, party{site.Join("racks", rn, "nodes", nn, "labels", label), nn})
					}
				}
			}
			total += count
			if labelled && count > 0 {
				excluded += count
				at := site.Join("nodeClasses", cn, "controlPlane")
				if s.Fabric.BGP.Speakers != nil {
					at = site.Join("fabric", "bgp", "speakers", "classes", site.Index(i))
				}
				classes = append(classes, party{at, cn})
			}
		}
		settle := func(r *check.Report) {
			if excluded < total {
				r.Warning()
			}
		}
		for _, c := range classes {
			settle(p.Reportf(c.path, "nodes of class %q are to announce, and %s labels them %s: they announce nothing", c.who, s.Kubernetes.Distribution, label).
				Related(site.Join("nodeClasses", c.who, "controlPlane"), "a class of control-plane nodes").
				Hintf("announce from a class that is not of the control plane"))
		}
		for _, n := range nodes {
			settle(p.Reportf(n.path, "node %s is to announce, and its label %s forbids it", n.who, label).
				Hintf("take the label off, or give the node a class that does not announce"))
		}
	},
}

// SpeakersNowhere finds a class of speakers that no node has.
var SpeakersNowhere = &check.Rule{
	ID: "MG1229", Name: "speaker-class-empty", Severity: diag.Warning, On: check.OnSite,
	Doc: `a class of nodes that announce has no node, or none behind a switch that speaks BGP

Fewer nodes announce than the site says. Mostly the class was renamed, or its rack has lost its AS number.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Fabric.BGP == nil || s.Fabric.BGP.Speakers == nil {
			return
		}
		count := map[string]int{}
		any := map[string]int{}
		announcing := 0
		for rn, r := range s.Racks {
			speaks := rackAnnounces(s, rn)
			if speaks {
				announcing++
			}
			for _, n := range r.Nodes {
				any[n.Class]++
				if speaks {
					count[n.Class]++
				}
			}
		}
		if announcing == 0 {
			return // each pool says that nobody announces it
		}
		for i, c := range s.Fabric.BGP.Speakers.Classes {
			path := site.Join("fabric", "bgp", "speakers", "classes", site.Index(i))
			at := site.Join("nodeClasses", c)
			switch {
			case s.NodeClasses[c] == nil || !announcesBGP(s): // told of elsewhere; or nothing to announce
			case slices.Contains(s.Fabric.BGP.Speakers.Classes[:i], c):
				p.Reportf(path, "class %q announces already", c).Related(site.Join("fabric", "bgp", "speakers", "classes"), "the list")
			case any[c] == 0:
				p.Reportf(path, "class %q is to announce, and no node has it", c).Related(at, "the class")
			case count[c] == 0:
				p.Reportf(path, "class %q is to announce, and none of its %d node(s) is behind a switch with an AS number", c, any[c]).Related(at, "the class")
			}
		}
	},
}

// SpeakersOfNobody finds speakers that would run nowhere.
var SpeakersOfNobody = &check.Rule{
	ID: "MG5851", Name: "speakers-of-nobody", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `no node is of a class that fabric.bgp.speakers names

The load balancer is placed by these classes: its pods wait for a node that never comes, whatever the pools are announced by.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if b == nil || b.Speakers == nil || announcesBGP(p.Site) { // such pools say themselves that nobody announces them
			return
		}
		has := map[string]bool{}
		for _, r := range p.Site.Racks {
			for _, n := range r.Nodes {
				if slices.Contains(b.Speakers.Classes, n.Class) {
					return
				}
				has[n.Class] = true
			}
		}
		if len(has) == 0 {
			return // site-without-nodes says it
		}
		p.Reportf("fabric.bgp.speakers.classes", "no node is of class %s, which is to announce", strings.Join(b.Speakers.Classes, " or ")).
			Related("racks", "the nodes").Hintf("classes: of %s, or leave out fabric.bgp, by which nothing is announced", keys(has))
	},
}

// BGPAnnouncesNothing finds BGP that carries nothing.
var BGPAnnouncesNothing = &check.Rule{
	ID: "MG1230", Name: "bgp-announces-nothing", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the site has fabric.bgp, and nothing is announced by it

No pool says protocol bgp and pods are not announced: no node opens a session, and virtual addresses that were meant to
be routed are not. Where switches have uplinks this is an error: their sessions with the spines would carry nothing.`,
	Run: func(p *check.Pass) {
		b := p.Site.Fabric.BGP
		if b == nil || b.Advertise.Pods || announcesBGP(p.Site) {
			return
		}
		report := p.Reportf("fabric.bgp", "fabric.bgp is given, and no pool is announced by BGP").
			Hintf("announce: protocol: \"bgp\" for a pool, or leave out fabric.bgp")
		if len(p.Site.Pools) > 0 {
			report.Related("pools", "the pools: %s", keys(p.Site.Pools))
		}
		for _, r := range p.Site.Racks {
			for _, t := range r.ToRs {
				if t.ASN != 0 && len(t.Uplinks) > 0 {
					return
				}
			}
		}
		report.Warning()
	},
}

// SwitchesWithoutBGP finds switches with numbers that nobody uses.
var SwitchesWithoutBGP = &check.Rule{
	ID: "MG1231", Name: "switch-asn-unused", Severity: diag.Warning, On: check.OnSite,
	Doc: `a switch has an AS number, and the site has no fabric.bgp

meshgen configures neither the switch nor a session with it, and nothing else says so.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Fabric.BGP != nil || announcesBGP(s) { // a pool that needs it says so as an error
			return
		}
		for t := range tors(s) {
			if t.ASN != 0 {
				p.Reportf(t.path+".asn", "switch %s has AS number %d, and fabric.bgp is missing: it is not configured", t.Hostname, t.ASN).
					Hintf("add fabric: bgp: {nodeASN: …}, or leave out the number")
			}
		}
	},
}
