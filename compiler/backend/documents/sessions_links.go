package documents

import (
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// cables lists the sessions of switches with the routing of nodes that live on loopback addresses, and says what that
// routing has to do: it is no part of Kubernetes, and comes with the machine.
//
// That it must not be FRR where FRR announces the virtual addresses was seen with FRR 8.4.4 on 2026-11-21: the second
// zebra of a network namespace deletes the routes of the first one at its start, and takes no notice of them later
// (zebra/rt_netlink.c, ZEBRA_FLAG_SELFROUTE), so that its session with the switch's loopback stays down. BIRD 2.0.12
// marks its routes as its own, and with it all sessions come up.
func cables(m *backend.Markdown, p *ir.Plan) {
	var with []*ir.Switch
	for i := range p.Switches {
		if len(p.Switches[i].Links) > 0 {
			with = append(with, &p.Switches[i])
		}
	}
	if len(with) == 0 {
		return
	}
	m.Heading("Cables to nodes on loopback addresses")
	m.Head("node", "interface", "AS", "announces", "switch", "AS", "hold / keepalive")
	for _, sw := range with {
		for i := range sw.Links {
			l := &sw.Links[i]
			var own []string
			for _, a := range l.Addresses {
				own = append(own, a.String())
			}
			m.Row(code(l.Node), code(l.Interface), number(l.NodeASN), codes(own), code(sw.Hostname), number(sw.ASN), timers(l.HoldSecs, l.KeepaliveSecs))
		}
	}
	m.Text("The node's end is the routing of its operating system, which comes with the machine as its interfaces do: it runs before Kubernetes, announces the address above from the loopback interface, and takes the default route and the address of the switch. It sends router advertisements on each cable (lifetime 0), by which the switch finds it, and takes the session from any neighbor there. It has no BFD: one process of a machine can have it, and that is the load balancer's. It must not be FRR where FRR announces the virtual addresses (MetalLB with frr-k8s or frr): at its start the second zebra deletes the routes of the first. BIRD can.")
}
