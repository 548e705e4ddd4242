package istio

import (
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// gatewayPolicies admits clients to each gateway: on its listeners, for their hosts, from its source ranges.
func (e *emitter) gatewayPolicies() {
	o := e.objects(backend.Gateways, "AuthorizationPolicy")
	for i := range e.p.Gateways {
		g := &e.p.Gateways[i]
		if e.p.CrossesSites(g) || !slices.ContainsFunc(g.Listeners, func(l ir.Listener) bool { return len(l.Hosts) > 0 }) {
			continue
		}
		o.Add(backend.Meta{APIVersion: securityV1, Namespace: g.Namespace, Name: g.Name, From: g.From}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				policyTarget(y, g)
				y.KV("action", "ALLOW")
				y.Seq("rules", func() {
					for j := range g.Listeners {
						if l := &g.Listeners[j]; len(l.Hosts) > 0 {
							y.Item(func() { clientRule(y, g, l) })
						}
					}
				})
			})
		})
	}
}

// policyTarget names the proxies of a gateway. One that istiod deploys is the Gateway's, whatever its pods are labelled.
func policyTarget(y *artifact.YAML, g *ir.Gateway) {
	if g.Frontend != ir.FrontendGatewayAPI {
		y.Map("selector", func() { backend.Pairs(y, "matchLabels", g.Selector) })
		return
	}
	y.Seq("targetRefs", func() {
		y.Item(func() {
			y.KV("group", "gateway.networking.k8s.io")
			y.KV("kind", "Gateway")
			y.KV("name", g.Name)
		})
	})
}

func clientRule(y *artifact.YAML, g *ir.Gateway, l *ir.Listener) {
	if len(g.SourceRanges) > 0 {
		y.From("", g.From.Of("sourceRanges")...)
		y.Seq("from", func() {
			y.Item(func() {
				y.Map("source", func() {
					if g.ProxyProtocol {
						y.Comment("The client of the PROXY header: the peer of the connection is a balancer. No X-Forwarded-For is trusted.")
					} else {
						y.Comment("The peer of the connection, which is the client itself: externalTrafficPolicy Local, no PROXY protocol.\n" +
							"remoteIpBlocks would go by X-Forwarded-For as soon as somebody trusts a proxy in front.")
					}
					y.KV(clientBlocks(g), ir.Prefixes(g.SourceRanges))
				})
			})
		})
	}
	y.From("", l.From...)
	y.Seq("to", func() {
		y.Item(func() {
			y.Map("operation", func() {
				y.KV("ports", []string{strconv.Itoa(int(l.Port))})
				if l.SeesRequests() {
					listenerHosts(y, "hosts", l, hostPatterns)
				}
			})
		})
	})
	if l.PassesThrough() {
		y.Seq("when", func() {
			y.Item(func() {
				y.KV("key", "connection.sni")
				listenerHosts(y, "values", l, func(h string) []string { return []string{serverHost(h)} })
			})
		})
	}
	y.Fixed()
}

func listenerHosts(y *artifact.YAML, key string, l *ir.Listener, patterns func(string) []string) {
	y.Seq(key, func() {
		for _, h := range l.Hosts {
			y.From("", h.From...)
			for _, p := range patterns(h.Host) {
				y.Elem(p)
			}
		}
		y.From("", l.From...)
	})
}

// clientBlocks is the condition on the client's address: Envoy's remote address is that of the PROXY header, its direct
// remote address the peer's (pilot/pkg/security/authz/model/generator.go).
func clientBlocks(g *ir.Gateway) string {
	if g.ProxyProtocol {
		return "remoteIpBlocks"
	}
	return "ipBlocks"
}
