package documents

import (
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// balancers writes the machines in front of the cluster, and the way of each listener through them.
func balancers(m *backend.Markdown, p *ir.Plan) {
	b := p.Balancers
	if b == nil {
		return
	}
	m.Heading("Balancers")
	m.Text("HAProxy on each machine leads to fixed node ports; keepalived gives all virtual addresses to one machine. " +
		"Calls from inside the cluster go to a virtual address, too: a gateway that expects a PROXY header refuses a connection without.")
	m.Head("machine", "own address", "priority", "files")
	for _, x := range b.Members {
		m.Row(code(x.Name), code(x.Address.String()), number(x.Priority), code("fabric/"+p.Name+"/"+x.Name+"/etc"))
	}
	m.Head("frontend", "port", "node port", "health port", "PROXY header", "connections", "nodes")
	for _, f := range b.Fronts {
		health, header := "the node port", "no"
		if f.HealthPort != 0 {
			health = number(f.HealthPort)
		}
		if f.ProxyProtocol {
			header = "version 2"
		}
		m.Row(code(f.Name), number(f.Port), number(f.NodePort), health, header, number(f.MaxConn), number(len(f.Servers)))
	}
	m.Text("How a machine is taken out of service, and a node emptied by hand: [the runbook](RUNBOOK.md#balancer-maintenance).")
}
