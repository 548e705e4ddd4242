package external

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// healthClass is a class of load balancers that nobody serves.
const healthClass = "meshgen.dev/external"

// healthServices writes, for each gateway and each exposure with externalTrafficPolicy Local, a Service over the same pods that makes
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
		l := &g.Listeners[0]
		from := append(g.From[:len(g.From):len(g.From)], g.ViaFrom...)
		healthService(p, y, health{g.Namespace, g.Release, g.Selector, g.HealthPort, l.Name, l.Port, l.Port, from, l.From})
	}
	for _, e := range p.Exposures {
		if e.HealthPort == 0 || len(e.Ports) == 0 {
			continue
		}
		if y == nil {
			y = backend.Objects(p, t, backend.Gateways, "Service")
		}
		q := e.Ports[0]
		healthService(p, y, health{e.Namespace, e.Name, e.Selector, e.HealthPort, q.Name, q.Port, q.TargetPort, e.From, q.From})
	}
}

// health is a Service by which kube-proxy tells of the pods of another one.
type health struct {
	namespace, name string
	selector        []ir.KV
	healthPort      uint16
	portName        string
	port, target    uint16
	from, portFrom  ir.From
}

func healthService(p *ir.Plan, y *artifact.YAML, h health) {
	m := backend.Meta{APIVersion: "v1", Kind: "Service", Namespace: h.namespace, Name: h.name + "-health", Labels: backend.ManagedBy(p), From: h.from,
		// It has no address, and gets none.
		Annotations: []ir.KV{{Key: "argocd.argoproj.io/ignore-healthcheck", Value: "true"}}}
	backend.Object(y, m, func() {
		y.Map("spec", func() {
			y.KV("type", "LoadBalancer")
			y.Comment("Nobody serves this class: no address, and no traffic. The balancers ask healthCheckNodePort at each node.")
			y.KV("loadBalancerClass", healthClass)
			y.KV("allocateLoadBalancerNodePorts", false)
			y.KV("externalTrafficPolicy", "Local")
			y.KV("healthCheckNodePort", h.healthPort)
			backend.Pairs(y, "selector", h.selector)
			y.From("", h.portFrom...)
			y.Seq("ports", func() {
				y.Item(func() {
					y.KV("name", h.portName)
					y.KV("port", h.port)
					y.KV("targetPort", h.target)
					y.KV("protocol", "TCP")
				})
			})
			y.Fixed()
		})
	})
}
