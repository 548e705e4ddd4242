package documents

import (
	"slices"

	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// layer2 writes what stands in for sessions where nodes answer for addresses themselves: which of them may, and where.
func layer2(m *backend.Markdown, p *ir.Plan) {
	if !hasLayer2(p) {
		return
	}
	m.Heading("Layer 2")
	m.Text("One node at a time answers for an address, and takes all of its traffic: the others stand by. " + elected(p))
	m.Head("address", "gateway", "answered by", "on interfaces", "nodes that may", "which of them")
	for i := range p.Gateways {
		g := &p.Gateways[i]
		pool := poolOf(p, g.Pool)
		if pool.Protocol != "l2" {
			continue
		}
		which := "any, while a pod is ready somewhere"
		if g.Local {
			which = "one with a ready pod"
		}
		interfaces := "all"
		if len(pool.Interfaces) > 0 {
			interfaces = codes(pool.Interfaces)
		}
		for _, a := range g.VIPs {
			how := "ARP"
			if a.Is6() {
				how = "neighbour discovery"
			}
			m.Row(code(a.String()), code(g.Name), how, interfaces, codes(pool.Announcers), which)
		}
	}
	votes := ""
	if p.LoadBalancer.Members {
		votes = "The speakers elect by what they hear of each other: memberlist, TCP and UDP 7946 between these nodes. "
	}
	m.Text(votes + "A new winner tells the segment by gratuitous ARP and unsolicited neighbour advertisements; a client or router that ignores them keeps the old one until its own entry ends.")
}

func hasLayer2(p *ir.Plan) bool {
	return slices.ContainsFunc(p.Pools, func(o ir.Pool) bool { return o.Protocol == "l2" })
}

// elected says how the one is chosen, and how to see it.
func elected(p *ir.Plan) string {
	switch p.LoadBalancer.Kind {
	case "metallb":
		return "MetalLB elects it for the Service as a whole, by a hash of node and address. Which one it is now: " +
			code("kubectl -n "+p.LoadBalancer.Namespace+" get servicel2statuses -o wide") + "."
	case "cilium":
		return "Cilium's agents elect it for the Service, by a Lease: " + code("kubectl -n "+p.LoadBalancer.Namespace+" get leases | grep cilium-l2announce") + "."
	case "kube-vip":
		return "kube-vip's pods elect it for the Service, by a Lease: " + code("kubectl get leases -A | grep kubevip-") + "."
	case "openelb":
		return "OpenELB elects it for the address, by a hash of node and address. The logs of its speakers say who wins."
	}
	return ""
}
