package istio

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// parameters writes the ConfigMap that istiod merges into what it deploys: strategic merge patches, one a kind. Its
// keys are closed; an unknown one and nothing is deployed.
func (e *emitter) parameters(o *backend.Writer, g *ir.Gateway) {
	from := append(ir.From{}, g.From...)
	for _, s := range g.PodSysctls {
		from = append(from, s.From...)
	}
	from = append(from, g.Resources.From...)
	meta := backend.Meta{APIVersion: "v1", Namespace: g.Namespace, Name: g.Parameters.Name, From: from}
	o.Add(meta, func(y *artifact.YAML) {
		y.Map("data", func() {
			y.Block("deployment", patch(func(y *artifact.YAML) { deploymentPatch(y, g) }))
			if g.Replicas > 1 {
				y.Block("podDisruptionBudget", patch(func(y *artifact.YAML) {
					y.Map("spec", func() { y.KV("maxUnavailable", 1) })
				}))
			}
			y.Block("service", patch(func(y *artifact.YAML) { servicePatch(y, g) }))
		})
	})
}

// patch returns YAML as a text. Its lines have the origin of the object that holds it.
func patch(write func(*artifact.YAML)) string {
	f := artifact.NewTree().File("patch.yaml")
	write(f.YAML())
	return string(f.Bytes())
}

func deploymentPatch(y *artifact.YAML, g *ir.Gateway) {
	y.Map("spec", func() {
		y.KV("replicas", g.Replicas)
		y.Map("template", func() {
			if g.ProxyProtocol {
				backend.Nested(y, []string{"metadata", "annotations"}, proxyProtocol(y))
			}
			y.Map("spec", func() {
				podSecurity(y, g)
				backend.Placement(y, g)
				y.Seq("containers", func() {
					y.Item(func() {
						y.KV("name", "istio-proxy")
						backend.Resources(y, g.Resources)
					})
				})
			})
		})
	})
}

func servicePatch(y *artifact.YAML, g *ir.Gateway) {
	if len(g.Annotations) > 0 {
		y.Map("metadata", func() { backend.Pairs(y, "annotations", g.Annotations) })
	}
	y.Map("spec", func() {
		if g.NodePorts {
			y.KV("type", serviceType(g))
		}
		serviceSpec(y, g)
		y.Comment("istiod publishes the proxy's health port on every gateway.")
		y.Seq("ports", func() {
			y.Item(func() {
				y.KV("port", 15021)
				y.KV("$patch", "delete")
			})
			for _, l := range g.Listeners { // merged by port
				if l.NodePort != 0 {
					y.Item(func() {
						y.KV("port", l.Port)
						y.KV("nodePort", l.NodePort)
					})
				}
			}
		})
	})
}
