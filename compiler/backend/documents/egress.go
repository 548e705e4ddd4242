package documents

import (
	"strings"

	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// egress writes which traffic leaves with a fixed source address, what the machines must have for it, and how to look.
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
	m.Text("With two source addresses each pod keeps to one of them, chosen by its identity: the other end admits both. Cilium does not look whether the node with the address is alive: when the machine is lost, the pods that keep to it reach nothing until its Node is deleted (`kubectl delete node`); then they keep to another address, and their connections break.")
	m.Text("meshgen does not configure interfaces. Each machine must have its addresses on an interface that Cilium serves, for good, before the policies are applied: as the network configuration of its system says, or until the next boot with")
	var add, look []string
	seen := map[string]bool{}
	for i := range p.Egress {
		for _, s := range p.Egress[i].Sources {
			if seen[s.Address.String()] {
				continue
			}
			seen[s.Address.String()] = true
			add = append(add, "ip address add "+s.Address.String()+"/"+number(s.Address.BitLen())+" dev "+interfaceOf(p, s.Node)+" # on "+s.Node)
			look = append(look, "kubectl -n kube-system exec "+agentOn(s.Node)+" -c cilium-agent -- cilium-dbg bpf egress list | grep -F "+s.Address.String())
		}
	}
	m.Commands(add...)
	m.Text("On Talos the addresses are the machine configuration's: `machine.network.interfaces[].addresses`. Where nodes live on loopback addresses the node's own routing announces these as well, and its switches take them.")
	m.Text("What the agents have made of it; a source `0.0.0.0` on the gateway's own node means that the address is on none of its interfaces, and that the packets are dropped:")
	m.Commands(look...)
	m.Text("An agent looks for the address when it reads the policy and not again: after a change of the interface delete the policy (`kubectl delete ciliumegressgatewaypolicy NAME`) and apply the phase 40-policy once more. A pod that has just started may for a moment send with the address of its node: the other end must refuse that one, not trust it.")
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
