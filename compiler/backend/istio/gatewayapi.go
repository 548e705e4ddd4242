package istio

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// namespaceLabel is on every namespace and carries its name.
const namespaceLabel = "kubernetes.io/metadata.name"

// gatewayAPI writes a Gateway that istiod deploys, and the ConfigMap with what the Gateway API has no words for.
//
// The addresses never stand in spec.addresses: with two of them istiod takes the Gateway for one that somebody else
// deploys, and with one it fills the Service's loadBalancerIP beside the load balancer's annotation, which MetalLB
// refuses.
func (e *emitter) gatewayAPI(o, parameters *objects, g *ir.Gateway) {
	meta := backend.Meta{APIVersion: gatewayAPIV1, Namespace: g.Namespace, Name: g.Name, From: g.From,
		Labels: []ir.KV{{Key: revisionLabel, Value: e.p.Mesh.RevisionLabel()}}}
	o.add(meta, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.KV("gatewayClassName", "istio")
			nested(y, []string{"infrastructure", "parametersRef"}, func() {
				y.KV("group", "")
				y.KV("kind", "ConfigMap")
				y.KV("name", parametersName(g))
			})
			clientAuthorities(y, g)
			y.Seq("listeners", func() {
				for i := range g.Listeners {
					y.Item(func() { apiListener(y, &g.Listeners[i]) })
				}
			})
		})
	})
	e.parameters(parameters, g)
}

func parametersName(g *ir.Gateway) string { return g.Name + "-parameters" }

// clientAuthorities says by which authority clients are known, for each port that asks them for a certificate.
func clientAuthorities(y *artifact.YAML, g *ir.Gateway) {
	mutual := func(l ir.Listener) bool { return l.TLS != nil && l.TLS.Mode == "mutual" }
	if !slices.ContainsFunc(g.Listeners, mutual) {
		return
	}
	nested(y, []string{"tls", "frontend"}, func() {
		y.KV("default", map[string]string{})
		y.Seq("perPort", func() {
			for _, l := range g.Listeners {
				if !mutual(l) {
					continue
				}
				y.From("", append(append(ir.From{}, l.TLS.From...), l.From...)...)
				y.Item(func() {
					y.KV("port", l.Port)
					nested(y, []string{"tls", "validation"}, func() {
						y.Seq("caCertificateRefs", func() { y.Item(func() { secretRef(y, l.TLS.ClientCA) }) })
					})
				})
			}
			y.Fixed()
		})
	})
}

func secretRef(y *artifact.YAML, name string) {
	y.KV("group", "")
	y.KV("kind", "Secret")
	y.KV("name", name)
}

func apiListener(y *artifact.YAML, l *ir.Listener) {
	y.From("", l.From...)
	y.KV("name", l.Name)
	y.KV("port", l.Port)
	y.KV("protocol", apiProtocol(l))
	if len(l.Hosts) == 1 && l.Hosts[0].Host != "" { // a listener has one host name or none
		y.From("", l.Hosts[0].From...)
		y.KV("hostname", l.Hosts[0].Host)
	}
	if t := l.TLS; t != nil {
		y.From("", t.From...)
		y.Map("tls", func() {
			if t.Mode == "passthrough" {
				y.KV("mode", "Passthrough")
				return
			}
			y.KV("mode", "Terminate")
			y.Seq("certificateRefs", func() { y.Item(func() { secretRef(y, t.Secret) }) })
		})
	}
	y.From("", l.From...)
	nested(y, []string{"allowedRoutes", "namespaces"}, func() { allowedNamespaces(y, l) })
	y.Fixed()
}

// allowedNamespaces admits routes from the namespaces that expose something here. A redirect is a route of the
// gateway's own namespace.
func allowedNamespaces(y *artifact.YAML, l *ir.Listener) {
	var names []string
	var from ir.From
	for _, h := range l.Hosts {
		names = append(names, h.Namespaces...)
		from = append(from, h.From...)
	}
	if l.Redirect || len(names) == 0 {
		y.KV("from", "Same")
		return
	}
	slices.Sort(names)
	y.KV("from", "Selector")
	y.From("", from...)
	y.Map("selector", func() {
		backend.Expressions(y, ir.Selector{Terms: []ir.Term{{Key: namespaceLabel, Values: slices.Compact(names)}}})
	})
}

func apiProtocol(l *ir.Listener) string {
	switch {
	case passesThrough(l) || l.Protocol == "tls":
		return "TLS"
	case l.TLS != nil:
		return "HTTPS"
	case isHTTP(l.Protocol):
		return "HTTP"
	}
	return "TCP"
}

// parameters writes the ConfigMap that istiod merges into what it deploys: strategic merge patches, one a kind. Its
// keys are closed; an unknown one and nothing is deployed.
func (e *emitter) parameters(o *objects, g *ir.Gateway) {
	from := append(ir.From{}, g.From...)
	for _, s := range g.PodSysctls {
		from = append(from, s.From...)
	}
	from = append(from, g.Resources.From...)
	meta := backend.Meta{APIVersion: "v1", Namespace: g.Namespace, Name: parametersName(g), From: from}
	o.add(meta, func(y *artifact.YAML) {
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
				nested(y, []string{"metadata", "annotations"}, proxyProtocol(y))
			}
			y.Map("spec", func() {
				podSecurity(y, g)
				placement(y, g)
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
