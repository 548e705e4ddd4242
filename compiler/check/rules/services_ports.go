package rules

import (
	"cmp"
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ServicePortTwice finds a port number that a service has twice.
var ServicePortTwice = &check.Rule{
	ID: "MG7120", Name: "service-port-twice", Severity: diag.Error, On: check.OnSite,
	Doc: `two ports of a service have one number

The API server refuses such a Service: number and transport together are its key.
Source: kubernetes pkg/apis/core/validation, ValidateService.`,
	Run: func(p *check.Pass) {
		type key struct {
			port      int
			transport string
		}
		for s := range services(p.Site) {
			first := map[key]string{}
			for name, port := range byKey(s.Ports) {
				k := key{port.Port, carrier(port.Protocol)}
				if other, ok := first[k]; ok {
					p.Reportf(site.Join("namespaces", s.namespace, "services", s.name, "ports", name, "port"), "ports %q and %q of %s are both %s %d", name, other, s.full(), k.transport, k.port).
						Related(site.Join("namespaces", s.namespace, "services", s.name, "ports", other, "port"), "first used here").
						Hintf("leave one of them out, or give it a number of its own and keep targetPort: %d", cmp.Or(port.TargetPort, port.Port))
					continue
				}
				first[k] = name
			}
		}
	},
}

// TargetPortMixed finds a container port that is said to speak two protocols.
var TargetPortMixed = &check.Rule{
	ID: "MG7121", Name: "target-port-mixed", Severity: diag.Warning, On: check.OnSite,
	Doc: `two ports of a service lead to one container port and speak different protocols

A proxy has one listener for a container port: it reads requests there, or it does not. One of the two ports loses its
metrics and its rules about requests, or breaks.
Source: istio.io, Protocol selection.`,
	Run: func(p *check.Pass) {
		type target struct {
			port      int
			transport string
		}
		for s := range services(p.Site) {
			first := map[target]string{}
			for name, port := range byKey(s.Ports) {
				k := target{cmp.Or(port.TargetPort, port.Port), carrier(port.Protocol)}
				other, ok := first[k]
				if !ok {
					first[k] = name
					continue
				}
				if o := s.Ports[other]; o.Protocol != port.Protocol && o.Port != port.Port {
					p.Reportf(s.path+"."+site.Join("ports", name, "protocol"), "port %q of %s speaks %s, and port %q, which leads to container port %d as well, speaks %s",
						name, s.full(), port.Protocol, other, k.port, o.Protocol).
						Related(s.path+"."+site.Join("ports", other, "protocol"), "the other protocol").
						Hintf("a container port of its own for each protocol")
				}
			}
		}
	},
}

// ProxyPortTaken finds a container that listens where the mesh's proxy does.
var ProxyPortTaken = &check.Rule{
	ID: "MG7122", Name: "proxy-port-taken", Severity: diag.Error, On: check.OnSite,
	Doc: `a container listens on a port that the mesh's proxy takes in each pod

Application and proxy share the pod's network: one of the two cannot bind the port, and the pod crashes in a loop.
Source: istio.io, Application requirements, ports used by Istio; linkerd-control-plane chart, proxy.ports.`,
	Run: func(p *check.Pass) {
		m := p.Profiles.Mesh(p.Site.Mesh.Kind)
		if m == nil || len(m.PodPorts) == 0 {
			return
		}
		taken := func(port int) bool { return port > 0 && port <= 65535 && slices.Contains(m.PodPorts, uint16(port)) }
		free := func(port int) int {
			for taken(port) {
				port++
			}
			return port
		}
		for s := range services(p.Site) {
			if !p.Site.Namespaces[s.namespace].Mesh || s.Workload == "VM" {
				continue
			}
			report := func(path string, port int, what string) {
				p.Reportf(path, "%s of %s is %d, which the proxy of %s takes in each pod", what, s.full(), port, p.Site.Mesh.Kind).
					Hintf("the next port that it leaves free is %d", free(port))
			}
			for name, port := range byKey(s.Ports) {
				path := s.path + "." + site.Join("ports", name)
				switch {
				case carrier(port.Protocol) != "TCP":
				case taken(port.TargetPort):
					report(path+".targetPort", port.TargetPort, "the container port of port \""+name+"\"")
				case port.TargetPort == 0 && taken(port.Port):
					report(path+".port", port.Port, "the container port of port \""+name+"\"")
				}
			}
			if s.Health != nil && taken(s.Health.Port) && !hasTarget(s.Service, s.Health.Port) {
				report(s.path+".health.port", s.Health.Port, "the health port")
			}
		}
	},
}

// hasTarget reports whether a port of a service leads to a container port.
func hasTarget(s *site.Service, number int) bool {
	for _, port := range s.Ports {
		if cmp.Or(port.TargetPort, port.Port) == number {
			return true
		}
	}
	return false
}

// UDPPastMesh finds UDP in a mesh that carries none.
var UDPPastMesh = &check.Rule{
	ID: "MG7123", Name: "udp-past-mesh", Severity: diag.Warning, On: check.OnSite,
	Doc: `a service of the mesh speaks UDP, which the mesh does not carry

Its packets go past the proxies: no identity, no encryption and no policy of the mesh, whatever its mode of mutual TLS.
Only NetworkPolicy holds there.
Source: istio.io, Traffic routing and Protocol selection; linkerd.io, Proxy features.`,
	Run: func(p *check.Pass) {
		m := p.Profiles.Mesh(p.Site.Mesh.Kind)
		if m == nil {
			return
		}
		none := m.Capability("protocol.udp").For("").Support == "none"
		for s := range services(p.Site) {
			if !none || !p.Site.Namespaces[s.namespace].Mesh {
				continue
			}
			for name, port := range byKey(s.Ports) {
				if port.Protocol == "udp" {
					p.Reportf(s.path+"."+site.Join("ports", name, "protocol"), "port %q of %s speaks udp, which mesh %s does not carry", name, s.full(), p.Site.Mesh.Kind).
						Hintf("a namespace with mesh: false says openly that it has none").
						Related("mesh.kind", "the mesh")
				}
			}
		}
	},
}

// carrier is the transport under a protocol of the language, as Kubernetes writes it.
func carrier(protocol string) string {
	if protocol == "udp" {
		return "UDP"
	}
	return "TCP"
}
