package rules

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// PodDensity finds a kubelet that admits more pods than its node has addresses for.
var PodDensity = &check.Rule{
	ID: "MG2005", Name: "pod-density", Severity: diag.Error, On: check.OnSite,
	Doc: `a kubelet admits more pods than its node's pod range has addresses

Pods beyond the range are scheduled to the node and never get an address.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		for i, mask := range k.NodeCIDRMask[:min(len(k.NodeCIDRMask), len(k.PodCIDRs))] {
			cidr, err := netip.ParsePrefix(k.PodCIDRs[i])
			if err != nil {
				continue
			}
			bits := cidr.Addr().BitLen() - mask
			if bits < 0 || bits > 16 {
				continue // longer than an address, which the schema bounds, or more room than any kubelet has pods
			}
			room := 1<<bits - 2 // the first and last address of a range are not given out
			for name, c := range byKey(p.Site.NodeClasses) {
				if c.MaxPods > room {
					p.Reportf(site.Join("nodeClasses", name, "maxPods"), "the kubelet of class %q admits %d pods, and a node's pod range, a /%d, has %d addresses",
						name, c.MaxPods, mask, max(room, 0)).Related("kubernetes.nodeCIDRMask", "the length of a node's range")
				}
			}
		}
	},
}
