package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ConsulService finds a service that Consul's proxies cannot stand in front of.
var ConsulService = &check.Rule{
	ID: "MG5290", Name: "consul-service", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service has more ports or another account than Consul's proxies can take

A proxy takes one port of a service, and logs in by the ServiceAccount, which must be called as the service is: another one
is refused at the start of the pod.
Source: hashicorp/consul-k8s v2.0.3 control-plane/connect-inject/controllers/endpoints (one registered
port), control-plane/subcommand/connect-init (service and account of one name).`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "consul" {
			return
		}
		for s := range services(p.Site) {
			if !p.Site.Namespaces[s.namespace].Mesh {
				continue
			}
			if a := s.ServiceAccount; a != "" && a != s.name {
				p.Reportf(s.path+".serviceAccount", "service %s/%s runs as ServiceAccount %q: Consul admits it as %q alone", s.namespace, s.name, a, s.name).
					Hintf("leave serviceAccount out, or %q", s.name)
			}
			first := ""
			for pn, port := range byKey(s.Ports) {
				switch {
				case port.Protocol == "udp":
				case first == "":
					first = pn
				default:
					p.Reportf(s.path+"."+site.Join("ports", pn), "service %s/%s has ports %q and %q: Consul's proxies take one", s.namespace, s.name, first, pn).
						Hintf("a service of its own for port %q", pn)
				}
			}
		}
	},
}

// ConsulWithoutService finds workloads that only call.
var ConsulWithoutService = &check.Rule{
	ID: "MG5294", Name: "consul-without-service", Severity: diag.Note, On: check.OnSite,
	Doc: `a meshed workload has no port that proxies take, and Consul wants a Service for it

Consul knows pods by a Service that selects them. Without one a pod is registered nowhere, and its init container waits for that for good. meshgen makes no Services: one of
the service's name must come with the workload, with a port that nobody calls.
Source: hashicorp/consul-k8s v2.0.3 control-plane/connect-inject/controllers/endpoints, subcommand/connect-init.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "consul" {
			return
		}
		for s := range services(p.Site) {
			if p.Site.Namespaces[s.namespace].Mesh && !takesTCP(s.Service) {
				p.Reportf(s.path, "service %s/%s has no TCP port: Consul still wants a Service %q that selects its pods, or they do not start", s.namespace, s.name, s.name)
			}
		}
	},
}

// takesTCP reports whether a service has a port that proxies take.
func takesTCP(s *site.Service) bool {
	for _, port := range s.Ports {
		if port.Protocol != "udp" {
			return true
		}
	}
	return false
}

// ConsulNames finds two services of one name.
var ConsulNames = &check.Rule{
	ID: "MG5291", Name: "consul-equal-names", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `two meshed services, or a service and a gateway, have one name, and Consul knows no namespaces

Names of services are the cluster's in the community edition: the pods of both would be one service, with one set of
callers. A gateway is a service too.
Source: hashicorp/consul-k8s v2.0.3 charts/consul/values.yaml global.enableConsulNamespaces (Enterprise);
control-plane/api-gateway/gatekeeper/deployment.go (service name of a gateway).`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "consul" {
			return
		}
		at := map[string]string{}
		for name := range byKey(p.Site.Gateways) {
			at[name] = site.Join("gateways", name)
		}
		for s := range services(p.Site) {
			if !p.Site.Namespaces[s.namespace].Mesh {
				continue
			}
			if first := at[s.name]; first != "" {
				p.Reportf(s.path, "service %s/%s has a name that another has: Consul knows no namespaces", s.namespace, s.name).Related(first, "the other one").
					Hintf("another name for one of them")
				continue
			}
			at[s.name] = s.path
		}
	},
}

// ConsulGateway finds what is asked of a gateway and Consul's cannot do.
var ConsulGateway = &check.Rule{
	ID: "MG5292", Name: "consul-gateway", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a gateway is asked for something that Consul's API gateway does not do

Its pods prefer different nodes: there is no spread over racks. There are eight at the most. It answers with no redirects
and asks clients for no certificate. Connections it hands on by TCPRoute alone, which it reads at version v1alpha2
(route-kind-not-served says where that is); TLS it ends only in front of requests, since a listener of TCP has no certificate
and its controller takes none of protocol TLS.
Source: hashicorp/consul-k8s v2.0.3 control-plane/api-gateway/gatekeeper/deployment.go, common/translation.go
(translateHTTPFilters), binding/validation.go (supportedKindsForProtocol), controllers/gateway_controller.go (EnableTCP),
config/crd/bases/consul.hashicorp.com_gatewayclassconfigs.yaml; Gateway API, Listener, its rules on tls and protocol.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "consul" {
			return
		}
		for gn, g := range byKey(p.Site.Gateways) {
			if g.Purpose == "federation" {
				continue // its pods are the chart's, which takes a spread, and has no listeners
			}
			path := site.Join("gateways", gn)
			consulPlaces(p, path, gn, g)
			ports := map[int]string{}
			for ln, l := range byKey(g.Listeners) {
				at := path + "." + site.Join("listeners", ln)
				if l.RedirectToHTTPS {
					p.Reportf(at+".redirectToHTTPS", "listener %q of gateway %q redirects: Consul's API gateway has no such filter", ln, gn).
						Hintf("leave redirectToHTTPS out")
				}
				switch {
				case l.Protocol == "tcp" && l.TLS != nil && l.TLS.Mode != "passthrough":
					p.Reportf(at+".tls", "listener %q of gateway %q ends TLS in front of connections: Consul's API gateway does so in front of requests alone", ln, gn).
						Hintf("no tls here, and the service ends it")
				case l.Protocol == "udp", l.Protocol == "tls", l.TLS != nil && l.TLS.Mode == "passthrough":
					p.Reportf(at+".protocol", "listener %q of gateway %q hands on what it does not read: Consul's controller reads neither TLSRoutes nor UDPRoutes", ln, gn).
						Hintf("protocol: \"https\" with tls mode \"terminate\", or \"tcp\"; or an exposure")
				}
				if l.TLS != nil && l.TLS.Mode == "mutual" {
					p.Reportf(at+".tls", "listener %q of gateway %q asks clients for a certificate: Consul's API gateway does not", ln, gn).
						Hintf("tls: mode: \"terminate\"")
				}
				n := l.Port
				if n < 1024 {
					n += 8000 // the port of the pods
				}
				if other := ports[n]; other != "" {
					p.Reportf(at+".port", "listeners %q and %q of gateway %q have one port, %d, in its pods: 8000 is added to ports below 1024", other, ln, gn, n).
						Hintf("another port for one of them")
				}
				ports[n] = ln
			}
		}
	},
}

func consulPlaces(p *check.Pass, path, name string, g *site.Gateway) {
	if g.Placement.Spread == "rack" {
		p.Reportf(path+".placement.spread", "gateway %q is to be spread over racks: Consul's controller prefers different nodes, and knows no more", name).Hintf("spread: \"node\"")
	}
	if g.Replicas > 8 {
		p.Reportf(path+".replicas", "gateway %q has %d pods: Consul's controller makes 8 at the most", name, g.Replicas).Hintf("replicas: 8 at most")
	}
}

// ConsulOutside finds calls that leave the mesh where only services of the mesh may be called.
var ConsulOutside = &check.Rule{
	ID: "MG5293", Name: "consul-outside", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a meshed service calls what is outside the mesh, and Consul's proxies refuse that

With egressPolicy registry-only a proxy refuses every address that is no service's of the mesh.
Source: Consul, Mesh configuration entry, TransparentProxy.MeshDestinationsOnly.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "consul" || p.Site.Mesh.EgressPolicy != "registry-only" {
			return
		}
		for s := range services(p.Site) {
			if !p.Site.Namespaces[s.namespace].Mesh {
				continue
			}
			for i, callee := range s.Calls {
				ns, _, _ := strings.Cut(callee, "/")
				if n := p.Site.Namespaces[ns]; n != nil && !n.Mesh {
					p.Reportf(s.path+".calls."+site.Index(i), "%s/%s calls %s, which is outside the mesh: its proxy refuses that with egressPolicy registry-only", s.namespace, s.name, callee).
						Hintf("egressPolicy: \"allow-any\"")
				}
			}
		}
	},
}
