package ciliummesh

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// routes are those between services: shares and timeouts. Cilium takes them in the namespace of their Service alone, and
// keeps the caller's address behind its proxy, so that policies know him.
func routes(p *ir.Plan, t *artifact.Tree, m *ir.CiliumMesh) {
	o := backend.NewWriter(p, t, backend.Policy, "HTTPRoute")
	for i := range m.Routes {
		r := &m.Routes[i]
		o.Add(backend.Meta{APIVersion: gatewayAPI, Namespace: r.Namespace, Name: r.Name, From: r.From}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.Seq("parentRefs", func() {
					y.Item(func() {
						serviceRef(y, r.Service)
						y.KV("port", r.Port)
					})
				})
				y.Seq("rules", func() { y.Item(func() { rule(y, r) }) })
			})
		})
	}
}

func rule(y *artifact.YAML, r *ir.ServiceRoute) {
	y.Seq("backendRefs", func() {
		for _, b := range r.Backends {
			y.Item(func() {
				serviceRef(y, b.Name)
				y.KV("port", r.Port)
				if len(r.Backends) > 1 || b.Weight > 0 {
					y.KV("weight", b.Weight)
				}
			})
		}
	})
	if r.Timeout != "" {
		y.Map("timeouts", func() { y.KV("request", r.Timeout) })
	}
}

func serviceRef(y *artifact.YAML, name string) {
	y.KV("group", "")
	y.KV("kind", "Service")
	y.KV("name", name)
}
