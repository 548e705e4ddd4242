package rules

import (
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// linkerdRules are about what a site can ask for and Linkerd cannot do, or does under one name alone.
var linkerdRules = []*check.Rule{
	LinkerdAccessLogs,
	LinkerdFixedNames,
	LinkerdGRPCMethods,
	LinkerdExternalByName,
	LinkerdStreamNumber,
	LinkerdOutlier,
	LinkerdProbes,
	LinkerdNameless,
}

// LinkerdAccessLogs finds logs of errors, which Linkerd does not have.
var LinkerdAccessLogs = &check.Rule{
	ID: "MG5251", Name: "linkerd-access-logs", Severity: diag.Note, On: check.OnSite,
	Doc: `Linkerd's proxies log all requests or none, and are to log those that fail

"errors" is the language's default. The proxies log nothing then, as without the setting; gateways of an implementation
log as they are told.
Source: linkerd/linkerd2 edge-26.6.3 pkg/k8s/labels.go, config.linkerd.io/access-log: apache or json; read on 2026-11-21.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind == "linkerd" && p.Site.Observability.AccessLogs == "errors" {
			p.Reportf("observability.accessLogs", "the proxies of mesh linkerd log every request or none: with accessLogs \"errors\" they log none").
				Related("mesh.kind", "the mesh").Hintf(`accessLogs: "all", or "off" to say so`)
		}
	},
}

// The names that Linkerd's control plane and its proxies read, whatever a site calls its own.
const (
	linkerdRoots  = "linkerd-identity-trust-roots"
	linkerdIssuer = "linkerd-identity-issuer"
)

// LinkerdFixedNames finds a root or an intermediate where Linkerd does not look for it.
var LinkerdFixedNames = &check.Rule{
	ID: "MG5252", Name: "linkerd-fixed-names", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the root or the intermediate of Linkerd has a name that Linkerd does not read

Both names are written in the chart's templates: under others nothing is found, and the control plane does not start.
Source: linkerd/linkerd2 edge-26.6.3 charts/linkerd-control-plane/templates/identity.yaml, destination.yaml and
proxy-injector.yaml, volumes; charts/partials/templates/_proxy.tpl LINKERD2_PROXY_IDENTITY_TRUST_ANCHORS; read on 2026-11-21.`,
	Run: func(p *check.Pass) {
		ca := p.Site.Mesh.CA
		if p.Site.Mesh.Kind != "linkerd" || ca == nil {
			return
		}
		report := func(at, what, is, must string) {
			if is != "" && is != must {
				p.Reportf(at, "the %s is called %q, and mesh linkerd reads %q alone", what, is, must).
					Related("mesh.kind", "the mesh").Hintf("%s", quoted(must)).Fix(at, quoted(must), "write "+quoted(must))
			}
		}
		if a := ca.TrustAnchor; a != nil {
			report("mesh.ca.trustAnchor.configMap", "ConfigMap with the root", a.ConfigMap, linkerdRoots)
		}
		if i := ca.Issuer; i != nil {
			report("mesh.ca.issuer.secret", "Secret with the intermediate", i.Secret, linkerdIssuer)
		}
	},
}

// LinkerdGRPCMethods finds retries of gRPC that no request would have.
var LinkerdGRPCMethods = &check.Rule{
	ID: "MG5253", Name: "linkerd-grpc-methods", Severity: diag.Error, On: check.OnSite,
	Doc: `requests are sent again by methods that no request of gRPC has

Every call of gRPC is a POST. A retry for other methods never happens, and the site reads as if it did.
Source: gRPC over HTTP2, Requests, "Method"; linkerd/linkerd2 edge-26.6.3 policy-controller/k8s/index/src/outbound/index/grpc.rs.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "linkerd" {
			return
		}
		for s := range services(p.Site) {
			if s.Retries == nil || len(s.Retries.Methods) == 0 || slices.Contains(s.Retries.Methods, "POST") || hasPort(s.Service, "http") {
				continue
			}
			for pn, port := range byKey(s.Ports) {
				if port.Protocol == "grpc" {
					p.Reportf(s.path+".retries.methods", "%s speaks gRPC, whose requests are all POST, and repeats other methods alone", s.full()).
						Related(s.path+"."+site.Join("ports", pn), "the port").Hintf(`methods: ["POST"], where every call may be repeated`)
					break
				}
			}
		}
	},
}

// LinkerdExternalByName finds destinations that Linkerd's proxies cannot tell by name.
var LinkerdExternalByName = &check.Rule{
	ID: "MG5254", Name: "linkerd-external-by-name", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a destination outside is known by name alone, on a port where Linkerd sees no names

The way out is closed, and opened for what is declared: by the name in a request of HTTP, by that in a handshake of TLS, or by
address. A stream carries no name. Names in TLS are matched by TLSRoutes of version v1alpha2, which the Gateway API serves in
its experimental channel alone. On one port number proxies look for the one or for the other: requests go first, and every
connection of TLS would be refused.
Source: linkerd.io, egress networks; linkerd/linkerd2 edge-26.6.3 policy-controller/k8s/api/src/lib.rs and
policy-controller/grpc/src/outbound.rs; read on 2026-11-21.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "linkerd" || p.Site.Mesh.EgressPolicy != "registry-only" {
			return
		}
		handshakes := lower.LinkerdTLSNames(p.Site, p.Profiles) != ""
		requests := map[int]string{} // number → path of the first port whose requests have the name
		byName := func(found func(path, external, name string, port *site.PlainPort)) {
			for n, e := range byKey(p.Site.External) {
				if len(e.Addresses) > 0 || len(e.Hosts) == 0 {
					continue
				}
				for pn, port := range byKey(e.Ports) {
					found(site.Join("external", n, "ports", pn), n, pn, port)
				}
			}
		}
		byName(func(path, _, _ string, port *site.PlainPort) {
			if (port.Protocol == "http" || port.Protocol == "grpc") && requests[port.Port] == "" {
				requests[port.Port] = path
			}
		})
		byName(func(path, n, pn string, port *site.PlainPort) {
			const known = "port %q of destination %q speaks %s and is known by name alone: mesh linkerd lets it through by address"
			names, tls := site.Join("external", n, "hosts"), port.Protocol == "tls"
			switch {
			case port.Protocol == "http" || port.Protocol == "grpc" || port.Protocol == "udp": // proxies take TCP alone
			case !tls:
				p.Reportf(path, known, pn, n, port.Protocol).
					Related(names, "the names").Related("mesh.kind", "the mesh").Hintf("addresses: […] in place of hosts, or beside them")
			case !handshakes:
				p.Reportf(path, known+", or by TLSRoutes, which the Gateway API does not serve here", pn, n, port.Protocol).
					Related(names, "the names").Related("mesh.kind", "the mesh").
					Hintf(`kubernetes: gatewayAPI: channel: "experimental"; or addresses: […] in place of hosts, or beside them`)
			case requests[port.Port] != "":
				p.Reportf(path, "port %d of destination %q carries TLS that is known by its name, and requests in another place: proxies would look for requests alone", port.Port, n).
					Related(requests[port.Port], "the requests").Hintf("addresses: […] in place of hosts, for one of the two")
			}
		})
	},
}

// LinkerdStreamNumber finds a port number that is a stream here and requests there.
var LinkerdStreamNumber = &check.Rule{
	ID: "MG5255", Name: "linkerd-stream-number", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a port number carries a stream in one place and requests in another

Callers' proxies know streams by number, from one list for the whole mesh: they would take the requests for a stream as
well, and retries, timeouts, splits and policy by method or path would stop to hold for them. What says otherwise for one
Service is an annotation of it, and the Service is the user's.
Source: linkerd/linkerd2 edge-26.6.3 charts/linkerd-control-plane/values.yaml proxy.opaquePorts,
controller/api/destination/endpoint_translator.go createWeightedAddr; read on 2026-11-21.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "linkerd" {
			return
		}
		const tlsByName = "TLS known by its name"
		streams := map[int]string{} // number → path of the first port of a stream
		visit := func(found func(path string, number int, protocol string)) {
			for s := range services(p.Site) {
				for pn, port := range byKey(s.Ports) {
					path := s.path + "." + site.Join("ports", pn)
					found(path, port.Port, port.Protocol)
					if port.TargetPort != 0 && port.TargetPort != port.Port {
						found(path, port.TargetPort, port.Protocol)
					}
				}
			}
			for n, e := range byKey(p.Site.External) {
				for pn, port := range byKey(e.Ports) {
					protocol := port.Protocol
					if protocol == "tls" && len(e.Addresses) == 0 && p.Site.Mesh.EgressPolicy == "registry-only" {
						protocol = tlsByName
					}
					found(site.Join("external", n, "ports", pn), port.Port, protocol)
				}
			}
		}
		visit(func(path string, number int, protocol string) {
			if protocol == "tcp" && streams[number] == "" {
				streams[number] = path
			}
		})
		visit(func(path string, number int, protocol string) {
			if stream := streams[number]; stream != "" && (protocol == "http" || protocol == "grpc" || protocol == tlsByName) {
				p.Reportf(path, "port %d carries %s here and a stream in another place, and mesh linkerd knows streams by number", number, protocol).
					Related(stream, "the stream").Hintf("another number for one of the two, as port and as targetPort")
			}
		})
	},
}
