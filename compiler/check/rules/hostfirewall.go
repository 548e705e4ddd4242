package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// firewallRules are the guards of the packet filter of edge nodes.
var firewallRules = []*check.Rule{HostFirewallReach}

// HostFirewallReach finds sites whose edge nodes would not get the filter that they ask for, or lose traffic by it.
var HostFirewallReach = &check.Rule{
	ID: "MG1321", Name: "host-firewall-reach", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the packet filter of edge nodes cannot be written here, or would drop what it must not

What must come in besides declared connections depends on the pod network: packets on the way to a proxy of its own, say. It is
written down for Calico and Cilium. Talos writes its filter itself, and knows TCP and UDP alone: it drops every other protocol.
kube-proxy in mode ipvs takes packets for virtual addresses where they reach the machine itself, behind the filter.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if !s.Fabric.HostFirewall {
			return
		}
		const at = "fabric.hostFirewall"
		if len(s.Gateways) == 0 {
			p.Reportf(at, "there is no gateway, and so no edge node to filter for").Hintf("leave fabric.hostFirewall out")
		}
		if s.Kubernetes.KubeProxy.Mode == "ipvs" {
			p.Reportf("kubernetes.kubeProxy.mode", "kube-proxy in mode ipvs takes packets for virtual addresses behind the filter, which would drop them").Hintf("kubernetes: kubeProxy: mode: \"nftables\"")
		}
		if s.Kubernetes.Distribution == "talos" && s.Kubernetes.CNI.Encapsulation == "ipip" {
			p.Reportf("kubernetes.cni.encapsulation", "Talos' filter knows TCP and UDP alone, and would drop IP in IP between the nodes").Hintf("encapsulation: \"vxlan\"")
		}
		kind := s.Kubernetes.CNI.Kind
		if c := p.Profiles.CNI(kind); c == nil || c.HostFilter == nil {
			p.Reportf("kubernetes.cni.kind", "not supported yet: the packet filter beside pod network %q", kind).Hintf("leave fabric.hostFirewall out")
		}
	},
}
