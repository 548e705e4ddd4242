package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// serverFirst are ports on which nearly always a protocol runs that is no HTTP; in most the server speaks first, so that a
// proxy that waits for a request waits for good. From proxy.opaquePorts and proxyInit.ignoreOutboundPorts of Linkerd's
// charts, version-2.20, and from linkerd.io, protocol detection.
var serverFirst = map[int]string{
	25: "SMTP", 587: "SMTP", 3306: "MySQL", 4222: "NATS", 4567: "Galera", 4568: "Galera", 5432: "PostgreSQL",
	6222: "NATS", 6379: "Redis", 11211: "memcached",
}

// StreamPort finds a port of a database, a queue or a mail server that is declared to carry requests.
var StreamPort = &check.Rule{
	ID: "MG5190", Name: "stream-port-as-requests", Severity: diag.Warning, On: check.OnSite,
	Doc: `a port where the server speaks first is declared to carry requests

The proxy waits for a request that never comes: connections hang, in Linkerd for ten seconds each, or are reset at the
server's greeting. If it carries requests after all, nothing is wrong: Linkerd's own list of streams leaves out the numbers
that the site declares for requests.
Source: linkerd.io, TCP proxying and protocol detection; linkerd/linkerd2 version-2.20
charts/linkerd-control-plane/values.yaml proxy.opaquePorts; istio.io, protocol selection, server first protocols.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind == "none" {
			return
		}
		for s := range services(p.Site) {
			for pn, port := range byKey(s.Ports) {
				if port.Protocol != "http" && port.Protocol != "grpc" {
					continue
				}
				n := port.TargetPort // what the proxy in front of the container sees
				if n == 0 {
					n = port.Port
				}
				what := serverFirst[n]
				if what == "" {
					continue
				}
				at := s.path + "." + site.Join("ports", pn) + ".protocol"
				p.Reportf(at, "port %q of %s/%s, %d, is that of %s, and is declared to carry %s", pn, s.namespace, s.name, n, what, port.Protocol).
					Hintf("protocol: \"tcp\"")
			}
		}
	},
}

// LinkerdIdentity finds Linkerd without certificates to start from.
var LinkerdIdentity = &check.Rule{
	ID: "MG5191", Name: "linkerd-identity", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `Linkerd is given no trust anchor or no issuer

Its charts make neither: the installation stops at identityTrustAnchorsPEM and identity.issuer, or the proxies wait for
an identity that nobody signs.
Source: linkerd/linkerd2 version-2.20 charts/linkerd-control-plane/templates/identity.yaml (required values).`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		if m.Kind != "linkerd" {
			return
		}
		report := func(at, what string) {
			p.Reportf(at, "mesh linkerd has no %s: it makes none by itself", what).
				Hintf("ca: {trustAnchor: configMap: \"linkerd-identity-trust-roots\", issuer: {secret: \"linkerd-identity-issuer\", certManagerIssuer: …}}")
		}
		switch {
		case m.CA == nil:
			report("mesh", "trust anchor and no issuer (mesh.ca)")
		case m.CA.TrustAnchor == nil && m.CA.Issuer == nil:
			report("mesh.ca", "trust anchor and no issuer")
		case m.CA.TrustAnchor == nil:
			report("mesh.ca", "trust anchor (mesh.ca.trustAnchor)")
		case m.CA.Issuer == nil:
			report("mesh.ca", "issuer (mesh.ca.issuer)")
		}
	},
}
