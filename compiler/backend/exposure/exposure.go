// Package exposure prints the Services of type LoadBalancer that no gateway serves.
//
// In comes an *ir.Plan. Out goes kubernetes/overlays/<site>/30-gateways/service.yaml, with one Service for each exposure
// beside whatever else stands there: in the namespace of the service that it exposes, over the same pods.
package exposure

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend prints the Services of exposures.
var Backend = backend.Backend{
	Name: "exposure",
	Kind: "exposure",
	Doc:  "Services of type LoadBalancer over pods of the site's own services",
	Emit: emit,
}

const portsComment = `TCP and UDP in one Service: one address, and no load balancer has to be told that two share it.`

func emit(p *ir.Plan, t *artifact.Tree) {
	w := backend.NewWriter(p, t, backend.Gateways, "Service")
	for i := range p.Exposures {
		e := &p.Exposures[i]
		w.Add(backend.Meta{APIVersion: "v1", Namespace: e.Namespace, Name: e.Name, Annotations: e.Annotations, From: e.From}, func(y *artifact.YAML) {
			y.Comment("For " + e.Owner + ".")
			y.Map("spec", func() { spec(y, e) })
		})
	}
}

func spec(y *artifact.YAML, e *ir.Exposure) {
	if len(e.NodePorts) > 0 {
		y.Comment("Balancers outside lead to fixed node ports.")
		y.KV("type", "NodePort")
	} else {
		y.KV("type", "LoadBalancer")
	}
	if e.LBClass != "" {
		y.KV("loadBalancerClass", e.LBClass)
	}
	switch {
	case e.Local && len(e.NodePorts) > 0:
		y.Comment("A node without a pod takes nothing, and the balancers ask each.")
		y.KV("externalTrafficPolicy", "Local")
	case e.Local:
		y.Comment("Keeps the client's address, and takes no second hop: a node without a pod takes nothing.")
		y.KV("externalTrafficPolicy", "Local")
	}
	backend.Families(y, e.VIPs)
	backend.Pairs(y, "selector", e.Selector)
	if mixed(e.Ports) {
		y.Comment(portsComment)
	}
	y.Seq("ports", func() {
		for i, p := range e.Ports {
			y.From("", p.From...)
			y.Item(func() {
				y.KV("name", p.Name)
				y.KV("port", p.Port)
				y.KV("targetPort", p.TargetPort)
				if len(e.NodePorts) > 0 {
					y.From("", e.From...)
					y.KV("nodePort", e.NodePorts[i])
					y.From("", p.From...)
				}
				y.KV("protocol", transport(p))
			})
		}
	})
	y.Fixed()
}

// transport is the protocol of a port as Kubernetes has it.
func transport(p ir.Port) string {
	if strings.EqualFold(p.Protocol, "udp") {
		return "UDP"
	}
	return "TCP"
}

// mixed reports whether ports have both transports.
func mixed(ports []ir.Port) bool {
	for _, p := range ports {
		if transport(p) != transport(ports[0]) {
			return true
		}
	}
	return false
}
