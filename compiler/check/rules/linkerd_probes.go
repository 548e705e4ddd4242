package rules

import (
	"strconv"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// LinkerdProbes finds services whose HTTP probes Linkerd would refuse.
var LinkerdProbes = &check.Rule{
	ID: "MG5811", Name: "linkerd-probes", Severity: diag.Note, On: check.OnPlan,
	Doc: `callers of a service are held to what they ask for, and the site names no health endpoint of it

Linkerd admits kubelets to the paths that it finds in a pod's probes, and only where nothing tells requests apart: with routes on
a port it adds none of its own. A probe by HTTP of that port is then refused, and the pod is never ready; a probe by connection
is not concerned. With health the routes have one for it.
Source: linkerd/linkerd2 edge-26.6.3 policy-controller/k8s/index/src/inbound/index.rs http_routes; read on 2026-11-21.`,
	Run: func(p *check.Pass) {
		if p.Plan.Linkerd == nil {
			return
		}
		apart := map[string]bool{}
		for _, r := range p.Plan.Linkerd.ServerRoutes {
			apart[r.Namespace+"/"+r.Server] = true
		}
		for i := range p.Plan.Services {
			s := &p.Plan.Services[i]
			if s.Health != nil || s.Workload == ir.Machine {
				continue
			}
			for _, port := range s.Ports {
				if apart[s.Namespace+"/"+s.Name+"-"+strconv.Itoa(int(port.TargetPort))] {
					path := site.Join("namespaces", s.Namespace, "services", s.Name)
					p.Reportf(path, "callers of %s/%s are told apart by what they ask for: a probe of port %d by HTTP is refused, unless health names it", s.Namespace, s.Name, port.TargetPort).
						Related("mesh.kind", "the mesh").Hintf("health: {port: %d, path: \"…\"}, as the pods' probes have it", port.TargetPort)
					break
				}
			}
		}
	},
}
