package documents

import (
	"strings"

	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// egressProxies writes which connections leave by an egress gateway of the mesh, with which source addresses, what the
// machines must have for it, and how to look.
func egressProxies(m *backend.Markdown, p *ir.Plan) {
	for i := range p.EgressProxies {
		x := &p.EgressProxies[i]
		m.Heading("Way out " + x.Pods.Name)
		m.Text("The sidecars of services lead what they send to these addresses to the pods of " + code(x.Pods.Namespace+"/"+x.Pods.Release) +
			", which know who calls and let nobody else through. " + egressSource(x))
		m.Head("destination", "address", "ports", "from")
		for _, r := range x.Routes {
			var ports, users []string
			for _, port := range r.Ports {
				ports = append(ports, number(port.Port.Port))
			}
			for _, u := range r.Users {
				users = append(users, u.Namespace+"/"+u.Name)
			}
			m.Row(code(r.External), code(r.Address.String()), codes(ports), codes(users))
		}
		m.Text("The other end admits every one of these sources: which pod of the gateway a connection takes nobody chooses.")
		m.Head("source", "on machine", "interface")
		var look []string
		for _, s := range x.Sources {
			m.Row(code(s.Address.String()), code(s.Node), code(interfaceOf(p, s.Node)))
			look = append(look, "nft list table inet meshgen_egress # on "+s.Node+": the counter of "+s.Address.String()+" grows",
				"ip -brief address show to "+s.Address.String()+" # on "+s.Node+": one line")
		}
		m.Text("Looking, on the machines; a pod of the gateway for each of them:")
		m.Commands(append(look, "kubectl -n "+x.Pods.Namespace+" get pods -o wide -l "+labelText(x.Pods.Selector))...)
		m.Text("A service that is looked at without its sidecar does not reach these destinations: nothing leads it to the gateway, and the policy of its namespace refuses the way past it. While the mesh is out of the path (see the runbook) they are not reached at all, and that is meant: the other end would refuse an address that it does not know.")
	}
}

// egressSource says what gives the source address.
func egressSource(x *ir.EgressProxy) string {
	return "Each machine gives what its pod sends there an address of the machine's own, in its kernel (" + code("/etc/meshgen/egress.nft") +
		"). meshgen does not configure interfaces: each must have its address on one, for good, before that file is loaded. With a machine its source is lost; " +
		"the other pods go on with theirs, and connections by way of the lost one break."
}

func labelText(labels []ir.KV) string {
	out := make([]string, len(labels))
	for i, l := range labels {
		out[i] = l.Key + "=" + l.Value
	}
	return strings.Join(out, ",")
}
