package lower

import "meshgen.dev/meshgen/compiler/ir"

// program decides the names that a gateway program gives to what it deploys. It runs in the mode in which the pods stand
// in the Gateway's namespace and everything is called as the Gateway is (envoyproxy/gateway v1.8.3 and v1.9.1,
// internal/infrastructure/kubernetes/proxy/resource_provider.go).
func (l *lowering) program(g *ir.Gateway) {
	prof := l.set.Gateway(g.Program.Kind)
	g.Program.Namespace, g.Program.Controller = prof.Namespace, prof.Controller
	g.Program.ControlPort, g.Program.MetricsPort, g.Program.HealthPort, g.Program.ShutdownPort = prof.Ports.Control, prof.Ports.Metrics, prof.Ports.Health, prof.Ports.Shutdown
	g.NoTimeout = "0s"              // else Envoy's own, 15 s: internal/xds/translator/route.go sets none
	g.Program.Zones = l.zones() > 1 // with one, no pod is nearer than another
	g.Release, g.ServiceAccount = g.Name, g.Name
	g.Selector = []ir.KV{{Key: "gateway.networking.k8s.io/gateway-name", Value: g.Name}}
	g.APIClass = g.Program.Kind
	g.Parameters = ir.ObjectRef{Group: "gateway.envoyproxy.io", Kind: "EnvoyProxy", Name: g.Name}
	d := prof.Resources
	g.Resources = ir.Resources{CPURequest: d.CPU.Request, CPULimit: d.CPU.Limit, MemoryRequest: d.Memory.Request, MemoryLimit: d.Memory.Limit}
	g.ByService = l.s.Mesh.Kind == "linkerd"
	g.From = append(append(g.From, g.Program.From...), "mesh.kind")
	if l.p.Program == nil {
		l.p.Program = &g.Program
	}
}

// zones counts the failure domains of the site.
func (l *lowering) zones() int {
	seen := map[string]bool{}
	for _, r := range l.s.Racks {
		seen[r.FailureDomain] = true
	}
	return len(seen)
}

// programReleases are the charts of the gateway program: its CRDs apart, because the controller's chart would bring those
// of the Gateway API as well.
func (l *lowering) programReleases() []ir.Release {
	pr := l.p.Program
	if pr == nil {
		return nil
	}
	charts := l.set.Gateway(pr.Kind).Charts
	r := ir.Release{Component: pr.Kind, Repository: charts.Repository, Version: "v" + pr.Version, Namespace: pr.Namespace, From: pr.From}
	crds, controller := r, r
	crds.Name, crds.Chart = pr.Kind+"-crds", charts.CRDs
	controller.Name, controller.Chart, controller.SkipCRDs = pr.Kind, charts.Controller, true
	return []ir.Release{crds, controller}
}
