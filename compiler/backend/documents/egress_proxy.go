package documents

import (
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// egressProxies writes which connections leave by an egress gateway of the mesh, with which source addresses, and what
// the machines must have for it.
func egressProxies(m *backend.Markdown, p *ir.Plan) {
	for i := range p.EgressProxies {
		x := &p.EgressProxies[i]
		m.Heading("Way out " + x.Pods.Name)
		who, without := "The sidecars of services lead", "A service that is looked at without its sidecar"
		if x.Pods.APIClass != "" {
			who, without = "ztunnel leads, for the pods of services,", "A pod that ztunnel has not captured"
		}
		m.Text(who + " what they send to these addresses to the pods of " + code(x.Pods.Namespace+"/"+x.Pods.Release) +
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
		if len(x.Pods.VIPs) == 0 {
			hostEgress(m, p, x.Sources)
		}
		m.Text(without + " does not reach these destinations: nothing leads it to the gateway, and the policy of its namespace refuses the way past it. While the mesh is out of the path (see the runbook) they are not reached at all, and that is meant: the other end would refuse an address that it does not know.")
	}
}

// consulWays writes the same of Consul's terminating gateways whose pods are on machines with source addresses.
func consulWays(m *backend.Markdown, p *ir.Plan) {
	if p.Consul == nil {
		return
	}
	for i := range p.Consul.Ways {
		w := &p.Consul.Ways[i]
		if len(w.Sources) == 0 {
			continue
		}
		m.Heading("Way out " + w.Via)
		m.Text("The proxies of services hand what they send to these addresses to the pods of terminating gateway " + code(w.Service) +
			", in which the intentions of each destination say who may. " + ownSources)
		m.Head("destination", "addresses", "port", "from")
		for _, d := range w.Destinations {
			var users []string
			for _, c := range d.Callers {
				users = append(users, c.Name)
			}
			m.Row(code(d.Name), codes(d.Addresses), code(number(d.Port)), codes(users))
		}
		hostEgress(m, p, w.Sources)
		m.Text("While proxies are out of the path (see the runbook) these destinations are not reached at all, and that is meant: the other end would refuse an address that it does not know.")
	}
}

// ownSources says what gives the source address where each machine has one.
const ownSources = "Each machine gives what its pod sends there an address of the machine's own, in its kernel (`/etc/meshgen/egress.nft`" +
	"). meshgen does not configure interfaces: each must have its address on one, for good, before that file is loaded. " + seeRunbook

// egressSource says what gives the source address.
func egressSource(x *ir.EgressProxy) string {
	if len(x.Pods.VIPs) > 0 {
		return "There is one such pod. kube-vip holds the address of its Service on the machine that it runs on, and gives what it sends there that address. " + seeRunbook
	}
	return ownSources
}

// hostEgress: each machine has an address.
func hostEgress(m *backend.Markdown, p *ir.Plan, sources []ir.EgressSource) {
	m.Head("source", "on machine", "interface")
	for _, s := range sources {
		m.Row(code(s.Address.String()), code(s.Node), code(interfaceOf(p, s.Node)))
	}
}
