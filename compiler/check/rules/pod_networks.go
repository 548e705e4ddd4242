package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// podNetworkRules are the rules about what installs the pod network, and what that means for the load balancer.
var podNetworkRules = []*check.Rule{
	BalancerOfOthersCNI,
	PodNetworkNotInstalled,
	PodNetworkOfTalos,
	EncapsulationUnknown,
	PolicyNotEnforced,
	CiliumPoolWithoutGateway,
}

// BalancerOfOthersCNI finds Cilium as load balancer in a pod network that somebody else installs.
var BalancerOfOthersCNI = &check.Rule{
	ID: "MG4231", Name: "balancer-of-others-cni", Severity: diag.Note, On: check.OnSite,
	Doc: `Cilium is the load balancer, and meshgen does not install it

The pools and sessions are objects that Cilium reads only where its BGP control plane or its announcements at layer 2 are
switched on. Those are values of its chart: whoever installs it has to keep them equal to the site. The runbook lists them,
and checks/run.sh compares them with the running Cilium.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.LoadBalancer.Kind == "cilium" && s.Kubernetes.CNI.Kind == "cilium" && !s.Components.CNI.Managed {
			p.Reportf("components.cni.managed", "somebody else sets the values of Cilium that its load balancer needs").
				Related("loadBalancer.kind", "the load balancer").Hintf("see the runbook; or managed: true")
		}
	},
}

// PodNetworkNotInstalled finds pod networks that meshgen is to install and has no chart of.
var PodNetworkNotInstalled = &check.Rule{
	ID: "MG4232", Name: "pod-network-not-installed", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `meshgen is to install a pod network that it has no output for

Cilium has a chart here, and k3s and RKE2 bring some by their own configuration. Any other can be relied on, with settings
that whoever installed the cluster chose. A site that calls it managed would compile to a cluster without a pod network,
where no pod but those of the host network ever starts.`,
	Run: func(p *check.Pass) {
		kind := p.Site.Kubernetes.CNI.Kind
		if p.Site.Components.CNI.Managed && kind != "cilium" && !lower.BringsPodNetwork(p.Site, p.Profiles) {
			p.Reportf("components.cni.managed", "not supported yet: installing pod network %s", kind).
				Related("kubernetes.cni.kind", "the pod network").Hintf("components: cni: managed: false").
				Fix("components.cni.managed", "false", "write false")
		}
	},
}

// CiliumPoolWithoutGateway finds pools that no Service of the tree may have an address of.
var CiliumPoolWithoutGateway = &check.Rule{
	ID: "MG4233", Name: "cilium-pool-without-gateway", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `Cilium is the load balancer, and no gateway uses a pool

A pool of Cilium's names the Services that it is for, and one that names none is for all of them: any Service of the
cluster could take an address that is nobody's. Switches would admit routes that no node may announce.
Source: Cilium documentation, LoadBalancer IP Address Management, service selectors.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.LoadBalancer.Kind != "cilium" {
			return
		}
		for name := range byKey(s.Pools) {
			used := false
			for _, g := range s.Gateways {
				used = used || g.Pool == name
			}
			if !used {
				p.Reportf(site.Join("pools", name), "no gateway uses pool %q, and Cilium would give its addresses to any Service", name).
					Hintf("leave it out, or give a gateway addresses of it")
			}
		}
	},
}
