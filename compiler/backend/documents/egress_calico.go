package documents

import (
	"slices"

	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// egressCalico writes which traffic leaves by egress gateways of Calico, and what Calico and the switches must have for it.
func egressCalico(m *backend.Markdown, p *ir.Plan) {
	e := p.CalicoEgress
	if e == nil {
		return
	}
	m.Heading("Ways out by Calico's egress gateways")
	m.Text("Nodes hand what pods of these namespaces send to the destinations to pods of Calico's, which send it on with addresses of their own. Everything else that is sent outside leaves with the address of the pod's node.")
	m.Head("destination", "address", "from", "egress gateway")
	for i := range e.Policies {
		for _, r := range e.Policies[i].Rules {
			var users []string
			for _, u := range r.Users {
				users = append(users, u.Namespace+"/"+u.Name)
			}
			m.Row(code(r.External), code(r.Destination.String()), codes(users), code(r.Gateway))
		}
	}
	m.Head("egress gateway", "sources", "pods", "machines")
	for i := range e.Gateways {
		g := &e.Gateways[i]
		var pools []string
		for _, pool := range g.Pools {
			pools = append(pools, pool.Network.String())
		}
		m.Row(code(g.Pods.Name), codes(pools), number(g.Pods.Replicas), codes(placed(p, &g.Pods)))
	}
	m.Text("The switches of these machines need a route to each source, and pass it on to wherever answers come from. meshgen prints none:")
	m.Head("route to", "next hops")
	for i := range e.Gateways {
		g := &e.Gateways[i]
		for _, pool := range g.Pools {
			m.Row(code(pool.Network.String()), codes(hops(p, placed(p, &g.Pods))))
		}
	}
	m.Text("Any of these machines will do: it hands what is for a pod elsewhere on inside the pod network. A next hop that is dead must leave the route, by BFD or by what the switch has instead; else answers are lost with the machine. Calico can announce the sources itself (BGPConfiguration and BGPPeer, not part of this output), but not over sessions between the same two addresses as those of the load balancer: a switch takes one.")
	m.Text("Relied upon, and not printed, because whoever installs Calico owns it: Calico Enterprise or Calico Cloud with a licence that has egress gateways, and in its one FelixConfiguration that namespaces may name a policy. Have both before the phase " + code(string(backend.Egress)) + ":")
	m.Commands("kubectl get licensekeys.projectcalico.org default",
		`kubectl get felixconfigurations.projectcalico.org default -o jsonpath='{.spec.egressIPSupport}' # EnabledPerNamespace, or EnabledPerNamespaceOrPerPod`)
	m.Text("From a namespace that names a policy which is not there Calico lets nothing out, inside the cluster neither. So the phase " + code(string(backend.Egress)) + " comes before the namespaces, is waited for, and is never pruned. What the site no longer has of it goes by hand, when no namespace names it any more: the policy first, then the gateway, then its pools.")
	m.Text(seeRunbook)
}

// hops are the addresses of IPv4 of machines in the node network.
func hops(p *ir.Plan, names []string) []string {
	var out []string
	for i := range p.Nodes {
		if !slices.Contains(names, p.Nodes[i].Name) {
			continue
		}
		for _, a := range p.Nodes[i].Addresses {
			if a.Is4() {
				out = append(out, a.String())
			}
		}
	}
	return out
}

// placed are the machines that a gateway's pods may run on.
func placed(p *ir.Plan, g *ir.Gateway) []string {
	var out []string
	for i := range p.Nodes {
		if p.Nodes[i].Class == g.Class {
			out = append(out, p.Nodes[i].Name)
		}
	}
	return out
}
