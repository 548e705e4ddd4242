package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// firewallRules are the guards of the packet filter of edge nodes.
var firewallRules = []*check.Rule{HostFirewallReach}

// HostFirewallReach finds sites whose edge nodes would not get the filter that they ask for, or lose traffic by it.
var HostFirewallReach = &check.Rule{
	ID: "MG1321", Name: "host-firewall-reach", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the packet filter of edge nodes cannot be written here, or would drop what it must not

It is a file and a systemd unit, which the forms of host configuration other than plain files do not carry yet, or rules
of Talos, which knows TCP and UDP and drops every other protocol. kube-proxy in mode ipvs takes packets for virtual
addresses where they reach the machine itself, behind the filter. Which packets Cilium's proxy takes from its hosts'
input is not written down yet.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if !s.Fabric.HostFirewall {
			return
		}
		const at = "fabric.hostFirewall"
		if len(s.Gateways) == 0 {
			p.Reportf(at, "there is no gateway, and so no edge node to filter for").Hintf("leave fabric.hostFirewall out")
		}
		for i, form := range s.Delivery.Hosts {
			if form != "files" && form != "talos" {
				p.Reportf(site.Join("delivery", "hosts", site.Index(i)), "not supported yet: the packet filter in host configuration of form %q", form).Hintf("delivery: hosts: [\"files\"]")
			}
		}
		if s.Kubernetes.KubeProxy.Mode == "ipvs" {
			p.Reportf("kubernetes.kubeProxy.mode", "kube-proxy in mode ipvs takes packets for virtual addresses behind the filter, which would drop them").Hintf("kubernetes: kubeProxy: mode: \"nftables\"")
		}
		if s.Kubernetes.Distribution == "talos" && s.Kubernetes.CNI.Encapsulation == "ipip" {
			p.Reportf("kubernetes.cni.encapsulation", "Talos' filter knows TCP and UDP alone, and would drop IP in IP between the nodes").Hintf("encapsulation: \"vxlan\"")
		}
		if kind := s.Kubernetes.CNI.Kind; kind != "calico" {
			p.Reportf("kubernetes.cni.kind", "not supported yet: the packet filter beside pod network %q", kind).Hintf("leave fabric.hostFirewall out")
		}
	},
}
