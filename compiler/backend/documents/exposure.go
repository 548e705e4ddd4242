package documents

import (
	"slices"

	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// exposure writes the chapter of one exposure in NORTH-SOUTH.md.
func exposure(m *backend.Markdown, p *ir.Plan, e *ir.Exposure) {
	m.Heading("Exposure " + e.Exposure)
	service := "Service: " + code(e.Namespace+"/"+e.Name)
	if e.LBClass != "" {
		service += ", class " + code(e.LBClass)
	}
	l2 := poolOf(p, e.Pool).Protocol == "l2"
	switch {
	case len(e.NodePorts) > 0 && e.Local:
		service += ". Balancers outside lead to nodes with a ready pod, each connection with the balancer's own address: the client's is lost."
	case len(e.NodePorts) > 0:
		service += ". Balancers outside lead to any node, which passes connections on; the client's address is lost."
	case e.Local && l2:
		service += ". Local: of the nodes with a ready pod one answers for the address and takes every connection; the client's address is kept."
	case e.Local:
		service += ". Local: only nodes with a ready pod announce the address, and the client's address is kept."
	case l2:
		service += ". Cluster: one node answers for the address, takes every connection and passes it on; the client's address is lost."
	default:
		service += ". Cluster: every announcing node takes connections and passes them on; the client's address is lost."
	}
	m.Items(
		"Owner: "+e.Owner,
		"Pods: those of service "+code(e.Namespace+"/"+e.Service)+", which are placed by whoever deploys them",
		service,
		"No gateway is on the way: no TLS is ended here, and no host name or path is looked at",
	)
	m.Head("port", "number", "protocol", "pods' port")
	for _, q := range e.Ports {
		m.From(q.From...)
		m.Row(code(q.Name), number(q.Port), q.Protocol, number(q.TargetPort))
	}
	m.Fixed()
	if p.CiliumMesh != nil {
		who := "whoever is outside the cluster, by whichever way they come"
		if !e.Local {
			m.From("kubernetes.cni.encapsulation", "kubernetes.kubeProxy.mode")
			if slices.ContainsFunc(p.CiliumMesh.Policies, func(c ir.CiliumPolicy) bool {
				return c.Namespace == e.Namespace && c.Name == "service-"+e.Service && slices.ContainsFunc(c.Ingress, func(r ir.CiliumRule) bool { return r.Entity == "remote-node" })
			}) {
				who += ", and the other nodes, in whose names clients come"
			}
		}
		m.Text("At the pods' ports the policies of the service admit " + who + ".")
		m.Fixed()
	}
}
