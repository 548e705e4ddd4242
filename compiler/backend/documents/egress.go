package documents

import (
	"strings"

	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// seeRunbook ends what is said of a way out.
const seeRunbook = "How to look at it, what is lost with a machine, and one address more: see [the runbook](RUNBOOK.md)."

// egress writes which traffic leaves with a fixed source address, and what the machines must have for it.
func egress(m *backend.Markdown, p *ir.Plan) {
	if len(p.Egress) == 0 {
		return
	}
	m.Heading("Ways out with a fixed source address")
	m.Text("Cilium carries the packets to the node that has the address and rewrites them there. Everything else that is sent outside leaves with the address of the pod's node.")
	m.Head("destination", "addresses", "from", "egress gateway", "source", "on node")
	for i := range p.Egress {
		e := &p.Egress[i]
		var users []string
		for _, u := range e.Users {
			users = append(users, u.Namespace+"/"+u.Name)
		}
		for _, s := range e.Sources {
			m.Row(code(e.External), codes(ir.Prefixes(e.Destinations)), codes(users), code(e.Gateway), code(s.Address.String()), code(s.Node))
		}
	}
	m.Text("meshgen does not configure interfaces. Each machine must have its addresses on an interface that Cilium serves, for good, before the policies are applied: as the network configuration of its system says, or until the next boot with")
	var add []string
	seen := map[string]bool{}
	for i := range p.Egress {
		for _, s := range p.Egress[i].Sources {
			if seen[s.Address.String()] {
				continue
			}
			seen[s.Address.String()] = true
			add = append(add, "ip address add "+s.Address.String()+"/"+number(s.Address.BitLen())+" dev "+interfaceOf(p, s.Node)+" # on "+s.Node)
		}
	}
	m.Commands(add...)
	m.Text("On Talos the addresses are the machine configuration's: `machine.network.interfaces[].addresses`. Where nodes live on loopback addresses the node's own routing announces these as well, and its switches take them.")
	m.Text(seeRunbook)
}

func agentOn(node string) string {
	return "$(kubectl -n kube-system get pods -l k8s-app=cilium --field-selector " + strings.Join([]string{"spec.nodeName=" + node, "-o", "name"}, " ") + ")"
}

// interfaceOf is the interface of the node network.
func interfaceOf(p *ir.Plan, node string) string {
	for i := range p.Nodes {
		if p.Nodes[i].Name != node {
			continue
		}
		for _, l := range p.Packets.Layers {
			if l.Class == p.Nodes[i].Class && strings.HasPrefix(l.What, "node network") {
				return l.Interface
			}
		}
	}
	return "INTERFACE"
}
