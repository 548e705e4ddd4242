package rules

import (
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// RackMTU finds racks whose packets are larger or smaller than those between racks.
var RackMTU = &check.Rule{
	ID: "MG1166", Name: "rack-mtu", Severity: diag.Error, On: check.OnSite,
	Doc: `a rack has another packet size than the fabric

A node learns of a smaller size on the way only by ICMP of the router there, which filters like to drop; an encapsulated
packet is dropped without a word to the pod. Small requests pass, large answers hang, and only between some racks. Pods
get the least of all racks, so that the larger one gains nothing for them. It is an error with flannel as k3s and RKE2
bring it, which gives pods what each node has and cannot be told: others are, in the values of Cilium's chart or as
CAPACITY.md says.
Source: RFC 1191 and RFC 8201; RFC 7348, section 4.3.`,
	Run: func(p *check.Pass) {
		f := p.Site.Fabric.MTU
		for name, r := range byKey(p.Site.Racks) {
			if r.MTU == 0 || r.MTU == f {
				continue
			}
			report := p.Reportf(site.Join("racks", name, "mtu"), "rack %q has packets of %d bytes, and between racks they have %d", name, r.MTU, f).
				Related("fabric.mtu", "between racks")
			if !lower.BringsPodNetwork(p.Site, p.Profiles) || p.Site.Kubernetes.CNI.Kind != "flannel" {
				report.Warning()
			}
			if r.MTU < f {
				report.Hintf("fabric: mtu: %d until the rack has changed", r.MTU)
			} else {
				report.Hintf("leave it out until all racks and the fabric have %d", r.MTU)
			}
		}
	},
}

// EncapsulationUnknown refuses encapsulations that a pod network does not have.
var EncapsulationUnknown = &check.Rule{
	ID: "MG1167", Name: "encapsulation-unknown", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a pod network has no such encapsulation

Ports between nodes, kernel modules and packet sizes follow from the encapsulation: nothing of it would be true.`,
	Run: func(p *check.Pass) {
		c := p.Site.Kubernetes.CNI
		cni := p.Profiles.CNI(c.Kind)
		if cni == nil {
			return
		}
		who := "pod network " + c.Kind
		able := func(e string) bool { _, ok := cni.Overhead[e]; return ok }
		if lower.BringsPodNetwork(p.Site, p.Profiles) {
			who += " as " + p.Site.Kubernetes.Distribution + " brings it"
			packaged := p.Profiles.Distribution(p.Site.Kubernetes.Distribution).Supervisor.CNI.Packaged[c.Kind]
			able = func(e string) bool { return packaged[e] != "" }
		}
		if able(c.Encapsulation) {
			return
		}
		has := slices.DeleteFunc([]string{"none", "vxlan", "geneve", "ipip"}, func(e string) bool { return !able(e) })
		p.Reportf("kubernetes.cni.encapsulation", "%s has no encapsulation %s", who, c.Encapsulation).
			Related("kubernetes.cni.kind", "the pod network").Hintf("it has: %s", listed(has))
	},
}

// NodeInterfaceElsewhere finds an interface that carries the node network on some machines and another one on others.
var NodeInterfaceElsewhere = &check.Rule{
	ID: "MG1168", Name: "node-interface-elsewhere", Severity: diag.Error, On: check.OnSite,
	Doc: `an interface of one node class has the name of another class's node network

Cilium is told the interfaces of the node network in one list for all machines. On those where the name is another
network's it would serve Services there, and give what leaves by it the node's address.
Source: Cilium documentation, values of the chart, devices.`,
	Run: func(p *check.Pass) {
		if p.Site.Kubernetes.CNI.Kind != "cilium" {
			return
		}
		node := map[string]string{}
		for cn, c := range byKey(p.Site.NodeClasses) {
			if _, ok := node[c.NIC.Interface]; !ok {
				node[c.NIC.Interface] = cn
			}
		}
		for cn, c := range byKey(p.Site.NodeClasses) {
			for n, w := range byKey(c.Networks) {
				if other, ok := node[w.Interface]; ok && c.NIC.Interface != w.Interface {
					p.Reportf(site.Join("nodeClasses", cn, "networks", n, "interface"), "%s is network %q on class %q, and the node network on class %q", w.Interface, n, cn, other).
						Related(site.Join("nodeClasses", other, "nic", "interface"), "the node network there").
						Hintf("name interfaces by what they are for: systemd.link, or a bond")
				}
			}
		}
	},
}

// PodNetworkOfTalos refuses the flannel that Talos brings.
var PodNetworkOfTalos = &check.Rule{
	ID: "MG1170", Name: "pod-network-of-talos", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the pod network is flannel on Talos

Talos brings a flannel of its own, whose nodes talk on another port than every other flannel's: the list of flows and the
kernel's reserved ports would name the wrong one.
Source: siderolabs/talos v1.12 internal/app/machined/pkg/controllers/k8s, flannel templates.`,
	Run: func(p *check.Pass) {
		if k := p.Site.Kubernetes; k.Distribution == "talos" && k.CNI.Kind == "flannel" {
			p.Reportf("kubernetes.cni.kind", "not supported yet: pod network flannel with distribution talos").
				Related("kubernetes.distribution", "the distribution").Hintf("calico or cilium")
		}
	},
}

// podNetworkPolicy reports whether NetworkPolicy holds in the pod network: by itself, or by a controller that the
// distribution runs beside the one that it brings.
func podNetworkPolicy(p *check.Pass) bool {
	c := p.Site.Kubernetes.CNI
	if cni := p.Profiles.CNI(c.Kind); cni == nil || cni.EnforcesPolicy {
		return true
	}
	dist := p.Profiles.Distribution(p.Site.Kubernetes.Distribution)
	return lower.BringsPodNetwork(p.Site, p.Profiles) && dist.Supervisor != nil && len(dist.Supervisor.CNI.NoPolicy) > 0
}

// PolicyNotEnforced finds a pod network in which NetworkPolicy is a text.
var PolicyNotEnforced = &check.Rule{
	ID: "MG1169", Name: "policy-not-enforced", Severity: diag.Error, On: check.OnSite,
	Doc: `the pod network does not enforce NetworkPolicy

The API takes the policies and nothing reads them: every pod reaches every other, and the filters of this tree are a text.
k3s runs a controller for them beside the flannel that it brings; RKE2 and flannel itself do not. Where another
controller does it, waive this with its name.
Source: flannel documentation, network policy controller; k3s documentation, networking services; RKE2 pkg/cli/defaults.`,
	Run: func(p *check.Pass) {
		if !podNetworkPolicy(p) {
			c := p.Site.Kubernetes.CNI
			p.Reportf("kubernetes.cni.kind", "pod network %s of %s does not enforce NetworkPolicy", c.Kind, p.Site.Kubernetes.Distribution).
				Hintf("calico, cilium or kube-router; with flannel a controller such as kube-network-policies, and a waiver")
		}
	},
}
