package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// istioRules are about what Istio with sidecars does and nobody else.
var istioRules = []*check.Rule{
	StreamShared,
	StreamTarget,
	CANotBuilt,
	SPIREFederation,
	TCPRouteAlpha,
	UpgradeStaged,
	MachineAsks,
	MachineCallers,
	MachineFamily,
	MachineSlices,
	MachineHeld,
	MachineNoWay,
}

// StreamShared finds two services behind one port of connections.
var StreamShared = &check.Rule{
	ID: "MG5340", Name: "stream-listener-shared", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `two services are exposed on one listener of plain connections

A connection tells its port and no name: the first route takes all of them, and the other service gets none. A name is
seen in TLS alone, where the listener passes it through.
Source: istio.io, VirtualService reference, TCPRoute; Gateway API 1.6, TCPRoute.`,
	Run: func(p *check.Pass) {
		first := map[string]placed{}
		for s := range services(p.Site) {
			for i, e := range s.Expose {
				li := streamListener(p.Site, e)
				if li == nil || passesThrough(li) {
					continue
				}
				key := e.Gateway + "/" + e.Listener
				other, taken := first[key]
				if !taken {
					first[key] = s
					continue
				}
				p.Reportf(s.path+".expose."+site.Index(i)+".listener", "%s is exposed on listener %s of plain connections, and so is %s", s.full(), key, other.full()).
					Related(other.path+".expose", "the other service").Hintf("a listener with a port of its own, or tls: mode: \"passthrough\" and a name each")
			}
		}
	},
}

// StreamTarget finds a route of connections to a service that cannot take them, or with a path.
var StreamTarget = &check.Rule{
	ID: "MG5341", Name: "stream-target", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service is exposed on a listener of connections, and has no port for them or asks for a path

What a listener passes through is TLS to the end: a port that speaks http answers it with an error. Where the gateway
sees connections alone, there are no paths to tell apart.
Source: istio.io, Gateway reference, TLSmode PASSTHROUGH; Gateway API 1.6, TLSRoute and TCPRoute.`,
	Run: func(p *check.Pass) {
		for s := range services(p.Site) {
			for i, e := range s.Expose {
				li := streamListener(p.Site, e)
				if li == nil {
					continue
				}
				path := s.path + ".expose." + site.Index(i)
				wanted := []string{"tcp", "tls"}
				switch {
				case passesThrough(li):
					wanted = []string{"tls", "https", "tcp"}
				case li.Protocol == "udp":
					wanted = []string{"udp"}
				}
				if !hasPort(s.Service, wanted...) {
					p.Reportf(path+".listener", "%s is exposed on listener %s/%s, and has no port that speaks %s", s.full(), e.Gateway, e.Listener, strings.Join(wanted, ", ")).
						Related(site.Join("gateways", e.Gateway, "listeners", e.Listener), "the listener").
						Hintf("a port of the service with one of these protocols, or another listener")
				}
				if e.Path != nil && (e.Path.Exact != "" || strings.Trim(e.Path.Prefix, "/") != "") {
					p.Reportf(path+".path", "listener %s/%s sees connections, and no path %s in them", e.Gateway, e.Listener, e.Path.String()).
						Hintf("leave path out")
				}
			}
		}
	},
}

// TCPRouteAlpha refuses connections by the Gateway API where Istio's support of them is switched off.
var TCPRouteAlpha = &check.Rule{
	ID: "MG5346", Name: "istio-tcp-route-alpha", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a gateway of the Gateway API has a listener of connections, and this release of Istio takes none

Before 1.31 istiod counts TCPRoute among its alpha features, which are off: the listener is refused in the Gateway's
status, and the port answers nobody.
Source: istio/istio release-1.30 pilot/pkg/config/kube/gateway/conversion.go listenerProtocolToIstio.`,
	Run: func(p *check.Pass) {
		v, err := profile.ParseVersion(mainline(p.Site.Mesh.Version))
		if !isIstio(p.Site.Mesh.Kind) || err != nil || v.Major > 1 || v.Minor >= 31 {
			return
		}
		for _, n := range routeNeeds(p.Site) {
			if n.kind == "TCPRoute" && n.program == nil {
				p.Reportf(n.path, "listener %s needs TCPRoute, which Istio %s has switched off", n.listener, p.Site.Mesh.Version).
					Related("mesh.version", "the release").Hintf(`frontend: "istio", or Istio 1.31`)
			}
		}
	},
}

// streamListener is the listener that a route names, where it is one of connections; nil otherwise.
func streamListener(s *site.Site, e site.Expose) *site.Listener {
	g := s.Gateways[e.Gateway]
	if g == nil {
		return nil
	}
	li := g.Listeners[e.Listener]
	if li == nil || li.RedirectToHTTPS || isRequest(li.Protocol) && !passesThrough(li) {
		return nil
	}
	return li
}

func passesThrough(li *site.Listener) bool { return li.TLS != nil && li.TLS.Mode == "passthrough" }
