package external

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// healthClass is a class of load balancers that nobody serves.
const healthClass = "meshgen.dev/external"

// healthServices writes, for each gateway with externalTrafficPolicy Local, a Service over the same pods that makes
// kube-proxy tell whether a node has a ready one. Only a Service of type LoadBalancer has such a port, and one of that
// type without an address is never ready for Helm, for Argo CD and for a Gateway's status: the gateway's own Service is
// of type NodePort therefore, and nobody waits for this one.
func healthServices(p *ir.Plan, t *artifact.Tree) {
	var y *artifact.YAML
	for i := range p.Gateways {
		g := &p.Gateways[i]
		if g.HealthPort == 0 || len(g.Listeners) == 0 {
			continue
		}
		if y == nil {
			y = backend.Objects(p, t, backend.Gateways, "Service")
		}
		healthService(p, y, g)
	}
}

func healthService(p *ir.Plan, y *artifact.YAML, g *ir.Gateway) {
	from := append(g.From[:len(g.From):len(g.From)], g.ViaFrom...)
	m := backend.Meta{APIVersion: "v1", Kind: "Service", Namespace: g.Namespace, Name: g.Release + "-health", Labels: backend.ManagedBy(p), From: from,
		// It has no address, and gets none.
		Annotations: []ir.KV{{Key: "argocd.argoproj.io/ignore-healthcheck", Value: "true"}}}
	backend.Object(y, m, func() {
		y.Map("spec", func() {
			y.KV("type", "LoadBalancer")
			y.Comment("Nobody serves this class: no address, and no traffic. The balancers ask healthCheckNodePort at each node.")
			y.KV("loadBalancerClass", healthClass)
			y.KV("allocateLoadBalancerNodePorts", false)
			y.KV("externalTrafficPolicy", "Local")
			y.KV("healthCheckNodePort", g.HealthPort)
			backend.Pairs(y, "selector", g.Selector)
			l := &g.Listeners[0]
			y.From("", l.From...)
			y.Seq("ports", func() {
				y.Item(func() {
					y.KV("name", l.Name)
					y.KV("port", l.Port)
					y.KV("targetPort", l.Port)
					y.KV("protocol", "TCP")
				})
			})
			y.Fixed()
		})
	})
}
