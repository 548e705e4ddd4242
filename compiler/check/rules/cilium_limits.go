package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ciliumRules are about where the proxies of Cilium's nodes stand, and where they do not.
var ciliumRules = []*check.Rule{
	CiliumPassedBy,
	CiliumAccessLogs,
	CiliumListener,
	CiliumStreams,
	CiliumUncounted,
	CiliumRateLimit,
}

// CiliumPassedBy finds what no proxy would do, because no request of the service passes one.
var CiliumPassedBy = &check.Rule{
	ID: "MG5701", Name: "cilium-passed-by", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `mesh cilium is asked to handle requests that pass none of its proxies

Shares, timeouts, retries, bounds of requests and the removal of failing pods are those of the Service's address, on ports that carry requests:
clients of a headless Service dial its pods, and nobody looks into a stream.
Source: cilium/cilium v1.20.2 pkg/ciliumenvoyconfig/controller.go, getProxyRedirect; pkg/loadbalancer, ProxyRedirect.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "cilium" {
			return
		}
		for s := range services(p.Site) {
			if !p.Site.Namespaces[s.namespace].Mesh {
				continue
			}
			why, at := "is headless: its clients dial pods", s.path+".headless"
			if !s.Headless {
				if why, at = "has no port of requests", s.path+".ports"; hasPort(s.Service, "http") || hasPort(s.Service, "grpc") {
					continue
				}
			}
			for _, f := range []struct {
				given bool
				field string
			}{{s.Timeout != "", "timeout"}, {s.Retries != nil, "retries"}, {len(s.Split) > 0, "split"}, {s.OutlierDetection != nil, "outlierDetection"}, {s.RateLimit != nil, "rateLimit"}} {
				if f.given {
					p.Reportf(s.path+"."+f.field, "%s declares %s, and %s", s.full(), f.field, why).Hintf("leave %s out; or a Service with an address of its own and a port of http or grpc", f.field).Related(at, "the reason")
				}
			}
		}
	},
}

// CiliumAccessLogs finds logs of all requests where some pass no proxy.
var CiliumAccessLogs = &check.Rule{
	ID: "MG5702", Name: "cilium-access-logs", Severity: diag.Note, On: check.OnSite,
	Doc: `all requests are to be logged, and calls pass no proxy of Cilium where nothing looks into them

The agents report what a proxy has looked at: what comes through gateways, and calls of services with methods or paths,
shares, timeouts or retries. Other calls go from pod to pod as packets.
Source: cilium/cilium v1.20.2 Documentation/observability/visibility.rst, hubble/configuration/export.rst.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind == "cilium" && p.Site.Observability.AccessLogs == "all" {
			p.Reportf("observability.accessLogs", "the agents of Cilium log the requests that a proxy looks at: calls of which nothing of a request is declared pass none").
				Related("mesh.kind", "the mesh")
		}
	},
}

// CiliumListener finds a listener that ends TLS for a stream.
var CiliumListener = &check.Rule{
	ID: "MG5703", Name: "cilium-listener", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a listener of protocol tls ends TLS, which gateways of Cilium do for requests alone

They hand connections of protocol tls on, by the name that the client asks for, and open none.
Source: cilium/cilium v1.20.2 operator/pkg/gateway-api/status_listener.go.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "cilium" {
			return
		}
		for gn, g := range byKey(p.Site.Gateways) {
			for ln, l := range byKey(g.Listeners) {
				passes := l.TLS != nil && l.TLS.Mode == "passthrough"
				if podless(p.Site, g) && l.Protocol == "tls" && !passes {
					at := site.Join("gateways", gn, "listeners", ln)
					p.Reportf(at+".protocol", "listener %q of gateway %q ends TLS of a stream, which gateways of Cilium do not", ln, gn).
						Related("mesh.kind", "the mesh").Hintf(`tls: mode: "passthrough", and the certificate at the service`)
				}
			}
		}
	},
}
