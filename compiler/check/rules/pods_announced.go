package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
)

// AnnouncedPodsLength finds announced pods whose ranges have no known length.
var AnnouncedPodsLength = &check.Rule{
	ID: "MG1301", Name: "announced-pods-length", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `nodes announce their ranges of pods, and the site does not say how long a range is

A switch takes a range from a node by its exact length, and refuses the whole network and any half of it: what is longer
or shorter comes from a node that is not what it should be. Without the length the switch would have to take every one. Of
Calico it is that of the blocks of its pools, of which a node has several.
Source: RFC 7454, section 6.1; Kubernetes controller manager, node-cidr-mask-size; Calico IPPool, spec.blockSize.`,
	Run: func(p *check.Pass) {
		b, k := p.Site.Fabric.BGP, p.Site.Kubernetes
		if lower.CalicoAnnounces(p.Site) {
			if k.CNI.Calico == nil {
				p.Reportf("fabric.bgp.advertise.pods", "ranges of pods are announced, and the length of Calico's blocks is not given").
					Related("kubernetes.podCIDRs", "the networks of pods").Hintf("kubernetes: cni: calico: blockSize: 26, as the IPPool has it")
			}
			return
		}
		if b != nil && b.Advertise.Pods && len(k.NodeCIDRMask) == 0 {
			p.Reportf("fabric.bgp.advertise.pods", "ranges of pods are announced, and the length of a node's range is not given").
				Related("kubernetes.podCIDRs", "the networks of pods").Hintf("kubernetes: nodeCIDRMask: 24")
		}
	},
}

// AnnouncedPodsWithoutOutput finds announced pods whose sessions meshgen does not write.
var AnnouncedPodsWithoutOutput = &check.Rule{
	ID: "MG1302", Name: "announced-pods-without-output", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `nodes announce their ranges of pods by a program that meshgen writes no sessions for

The switches would wait for sessions that no node opens. Cilium announces pods and virtual addresses over one session.
Calico announces pods beside a load balancer that opens none: one at layer 2, or machines in front of the cluster. Of
kube-router the sessions are its own configuration's.`,
	Run: func(p *check.Pass) {
		b, cni := p.Site.Fabric.BGP, p.Site.Kubernetes.CNI.Kind
		if b == nil || !b.Advertise.Pods || cni == "calico" { // two-bgp-speakers is about another speaker beside Calico
			return
		}
		switch lb := p.Site.LoadBalancer.Kind; {
		case cni == "cilium" && lb != "cilium":
			p.Reportf("fabric.bgp.advertise.pods", "not supported yet: pods announced by cilium beside load balancer %s", lb).
				Related("kubernetes.cni.kind", "the pod network").Hintf("loadBalancer: kind: \"cilium\", which announces both")
		case cni != "cilium":
			p.Reportf("fabric.bgp.advertise.pods", "not supported yet: pods announced by %s", cni).
				Related("kubernetes.cni.kind", "the pod network").Hintf("supported: calico, or cilium as load balancer too")
		}
	},
}
