package gatewayapi

import (
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// gateway writes a Gateway. What the Gateway API has no words for stands in the object that its parameters name, which
// the backend of the program that deploys it writes.
//
// The addresses never stand in spec.addresses: with two of them istiod takes the Gateway for one that somebody else
// deploys, and with one it fills the Service's loadBalancerIP beside the load balancer's annotation, which MetalLB
// refuses.
func gateway(o *backend.Writer, g *ir.Gateway) {
	meta := backend.Meta{APIVersion: apiVersion, Namespace: g.Namespace, Name: g.Name, From: g.From, Labels: g.Labels}
	o.Add(meta, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.KV("gatewayClassName", g.APIClass)
			if len(g.Infrastructure) > 0 {
				y.Map("infrastructure", func() { backend.Pairs(y, "annotations", g.Infrastructure) })
			}
			if ref := g.Parameters; ref.Name != "" {
				backend.Nested(y, []string{"infrastructure", "parametersRef"}, func() {
					y.KV("group", ref.Group)
					y.KV("kind", ref.Kind)
					y.KV("name", ref.Name)
				})
			}
			clientAuthorities(y, g)
			y.Seq("listeners", func() {
				for i := range g.Listeners {
					y.Item(func() { apiListener(y, &g.Listeners[i]) })
				}
			})
		})
	})
}

// clientAuthorities says by which authority clients are known, for each port that asks them for a certificate.
func clientAuthorities(y *artifact.YAML, g *ir.Gateway) {
	mutual := func(l ir.Listener) bool { return l.TLS != nil && l.TLS.Mode == "mutual" }
	if !slices.ContainsFunc(g.Listeners, mutual) {
		return
	}
	backend.Nested(y, []string{"tls", "frontend"}, func() {
		y.KV("default", map[string]string{})
		y.Seq("perPort", func() {
			for _, l := range g.Listeners {
				if !mutual(l) {
					continue
				}
				y.From("", append(append(ir.From{}, l.TLS.From...), l.From...)...)
				y.Item(func() {
					y.KV("port", l.Port)
					backend.Nested(y, []string{"tls", "validation"}, func() {
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
	if len(l.Hosts) == 1 && l.Hosts[0].Host != "" && !l.IsStream() { // a listener has one host name or none
		y.From("", l.Hosts[0].From...)
		y.KV("hostname", l.Hosts[0].Host)
	}
	if t := l.TLS; t != nil {
		y.From("", t.From...)
		y.Map("tls", func() {
			switch t.Mode {
			case "passthrough":
				y.KV("mode", "Passthrough")
				return
			case ir.MeshMutual:
				y.KV("mode", "Terminate")
				y.Map("options", func() { y.KV("gateway.istio.io/tls-terminate-mode", "ISTIO_MUTUAL") })
				return
			}
			y.KV("mode", "Terminate")
			y.Seq("certificateRefs", func() { y.Item(func() { secretRef(y, t.Secret) }) })
		})
	}
	y.From("", l.From...)
	backend.Nested(y, []string{"allowedRoutes", "namespaces"}, func() { allowedNamespaces(y, l) })
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
	case l.Protocol == ir.Tunnelled:
		return "HBONE"
	case l.PassesThrough() || l.Protocol == "tls" || l.TLS != nil && l.IsStream():
		return "TLS"
	case l.TLS != nil:
		return "HTTPS"
	case ir.IsHTTP(l.Protocol):
		return "HTTP"
	case l.Protocol == "udp":
		return "UDP"
	}
	return "TCP"
}
