package istio

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// gateways writes what listens: a Gateway of networking.istio.io, or, for one of the Gateway API, the parameters of what
// istiod deploys for it.
func (e *emitter) gateways() {
	o := e.objects(backend.Gateways, "Gateway")
	parameters := e.objects(backend.Gateways, "ConfigMap")
	for i := range e.p.Gateways {
		g := &e.p.Gateways[i]
		switch {
		case g.Frontend == ir.FrontendIstio:
			e.istioGateway(o, g)
		case g.APIClass == apiClass, e.p.CrossesSites(g):
			e.parameters(parameters, g)
		}
	}
}

// apiClass is the GatewayClass of the gateways that istiod deploys.
const apiClass = "istio"

// istioGateway configures the proxies of a gateway release. A listener to which nothing is exposed is left out: a
// server without hosts is refused.
func (e *emitter) istioGateway(o *backend.Writer, g *ir.Gateway) {
	var used []ir.Listener
	for _, l := range g.Listeners {
		if len(l.Hosts) > 0 {
			used = append(used, l)
		}
	}
	if len(used) == 0 {
		return
	}
	o.Add(backend.Meta{APIVersion: networkingV1, Namespace: g.Namespace, Name: g.Name, From: g.From}, func(y *artifact.YAML) {
		y.Map("spec", func() {
			backend.Pairs(y, "selector", g.Selector)
			y.Seq("servers", func() {
				for _, l := range used {
					y.Item(func() { server(y, l) })
				}
			})
		})
	})
}

func server(y *artifact.YAML, l ir.Listener) {
	y.From("", l.From...)
	y.KV("name", l.Name)
	y.Map("port", func() {
		y.KV("name", l.Name)
		y.KV("number", l.Port)
		y.KV("protocol", serverProtocol(l))
	})
	y.Fixed()
	if l.TLS != nil && l.TLS.Mode == ir.AutoPassthrough {
		y.Comment("The services that admit callers of other sites.")
	} else {
		y.Comment("Only routes from these namespaces may use these hosts.")
	}
	y.Seq("hosts", func() {
		for _, h := range l.Hosts {
			y.From("", h.From...)
			for _, ns := range h.Namespaces {
				y.Elem(ns + "/" + serverHost(h.Host))
			}
		}
		y.From("", l.From...)
	})
	switch {
	case l.TLS != nil:
		y.From("", l.TLS.From...)
		y.Map("tls", func() { serverTLS(y, l.TLS) })
	case l.Redirect:
		y.Map("tls", func() { y.KV("httpsRedirect", true) })
	}
	y.Fixed()
}

// serverHost is the host of a server: every one where the listener sees no host name.
func serverHost(host string) string {
	if host == "" {
		return "*"
	}
	return host
}

// serverProtocol names what is on the wire. A connection that is passed through is TLS, whatever is inside.
func serverProtocol(l ir.Listener) string {
	switch {
	case l.PassesThrough(), l.TLS != nil && l.TLS.Mode == ir.AutoPassthrough:
		return "TLS"
	case l.TLS != nil && ir.IsHTTP(l.Protocol):
		return "HTTPS"
	}
	return protocol(l.Protocol)
}

// protocol is Istio's name of a protocol.
func protocol(p string) string {
	switch p {
	case "http":
		return "HTTP"
	case "https":
		return "HTTPS"
	case "grpc":
		return "GRPC"
	case "tls":
		return "TLS"
	}
	return "TCP"
}

func serverTLS(y *artifact.YAML, t *ir.TLS) {
	switch t.Mode {
	case "passthrough":
		y.KV("mode", "PASSTHROUGH")
		return
	case ir.AutoPassthrough:
		y.Comment("To the service that the connection asks for by name, among those above; its own proxy ends TLS and asks its policy.")
		y.KV("mode", "AUTO_PASSTHROUGH")
		return
	}
	if t.Mode == "mutual" {
		y.KV("mode", "MUTUAL")
	} else {
		y.KV("mode", "SIMPLE")
	}
	y.KV("credentialName", t.Secret)
	if t.Mode == "mutual" {
		// Istio takes a name as that of an authority only when it ends so, and looks for the Secret without the ending
		// where there is none with it (pilot/pkg/xds/sds.go, pilot/pkg/credentials/kube/secrets.go).
		y.Comment("Secret " + t.ClientCA + ", key ca.crt: the ending says that it holds an authority, and is not part of the name.")
		y.KV("caCertCredentialName", t.ClientCA+"-cacert")
	}
	y.KV("minProtocolVersion", "TLSV1_2")
}
