// Package external prints the machines in front of a cluster whose load balancer is external: HAProxy passes
// connections on to node ports, keepalived gives the virtual addresses to one machine.
//
// In come the plan's balancers and gateways. Out go, for each machine, the files of fabric/<site>/<machine>/ at the
// paths that they have on it (haproxy.cfg, keepalived.conf, sysctl.d, a drop-in of HAProxy's unit), and in phase
// 30-gateways a Service a gateway by which kube-proxy tells HAProxy whether a node has a ready pod.
//
// Facts about the two programs were read in HAProxy's configuration manual 2.6 and in keepalived.conf(5) 2.2.
package external

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes the files of every balancer, and nothing for a plan without one.
var Backend = backend.Backend{
	Name: "external",
	Kind: "loadbalancer",
	Doc:  "HAProxy, keepalived and kernel settings of the machines in front of the cluster, and the Services that answer their health checks",
	Emit: emit,
}

func emit(p *ir.Plan, t *artifact.Tree) {
	if p.Balancers == nil {
		return
	}
	for i := range p.Balancers.Members {
		m := &p.Balancers.Members[i]
		haproxy(p, t, m)
		limits(p, t, m)
		keepalived(p, t, m)
		sysctls(p, t, m)
	}
	healthServices(p, t)
}

// file starts a file that a machine has at the absolute path.
func file(p *ir.Plan, t *artifact.Tree, m *ir.Balancer, path string) *artifact.File {
	f := t.File("fabric/"+p.Name+"/"+m.Name+path, append(m.From[:len(m.From):len(m.From)], p.Balancers.From...)...)
	f.Header("#", p.Name)
	return f
}

func comments(f *artifact.File, texts ...string) {
	for _, s := range texts {
		f.Line("# " + s)
	}
}
