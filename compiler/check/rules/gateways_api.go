package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ownGateway reports whether a mesh brings a gateway that serves the Gateway API.
func ownGateway(mesh string) bool { return mesh != "linkerd" && mesh != "none" }

// GatewayProgram finds a gateway that no program serves.
var GatewayProgram = &check.Rule{
	ID: "MG6121", Name: "gateway-without-program", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `nothing on the site serves a gateway's frontend

Objects are taken by the API server and read by nobody: no pods, no address, no word about it. Linkerd and a site without
a mesh bring no gateway; Istio's own objects are read by Istio alone, and not by a gateway that does not come with it.
Source: Linkerd documentation, Ingress traffic; Gateway API, GatewayClass.spec.controllerName.`,
	Run: func(p *check.Pass) {
		kind := p.Site.Mesh.Kind
		for n, g := range byKey(p.Site.Gateways) {
			path := site.Join("gateways", n, "frontend")
			switch {
			case g.Frontend == "istio" && !strings.HasPrefix(kind, "istio-"):
				p.Reportf(path, "the frontend of gateway %q is Istio's, and the mesh is %q", n, kind).
					Hintf("frontend: \"gateway-api\"").Related("mesh.kind", "the mesh")
			case g.Frontend == "istio" && g.Implementation != nil:
				p.Reportf(path, "the frontend of gateway %q is Istio's, which %s does not read", n, g.Implementation.Kind).
					Hintf("frontend: \"gateway-api\", or remove implementation").Related(site.Join("gateways", n, "implementation"), "the program")
			case g.Frontend == "gateway-api" && g.Implementation == nil && !ownGateway(kind) && g.Purpose != "federation":
				p.Reportf(site.Join("gateways", n), "gateway %q has no program: mesh %q brings none, and implementation is not given", n, kind).
					Hintf("implementation: {kind: \"envoy-gateway\", version: …}, of releases %s", offeredGateways(p, "envoy-gateway")).Related("mesh.kind", "the mesh")
			}
		}
	},
}

// GatewayProgramNeedless finds a second gateway program.
var GatewayProgramNeedless = &check.Rule{
	ID: "MG6122", Name: "gateway-program-needless", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a gateway has an implementation of its own beside a mesh that has one

Istio, Cilium and Consul bring the proxies of their gateways, which have an identity of the mesh, and services admit those by
it. A program from outside has none: under strict mutual TLS nobody takes its connections. And where its pods were taken into
the mesh, two programs would decide the way of each request, with two windows of the Gateway API to fit.
Source: istio.io, Consul and Cilium documentation, Gateway API: each has a controllerName and a proxy of its own.`,
	Run: func(p *check.Pass) {
		for n, g := range byKey(p.Site.Gateways) {
			if g.Implementation != nil && g.Frontend == "gateway-api" && ownGateway(p.Site.Mesh.Kind) {
				p.Reportf(site.Join("gateways", n, "implementation"), "gateway %q is to run %s, which mesh %s cannot take: it has a gateway of its own", n, g.Implementation.Kind, p.Site.Mesh.Kind).
					Related("mesh.kind", "the mesh").Hintf("leave implementation out; what can: %s", meshesThat(p.Profiles, func(kind string) bool { return !ownGateway(kind) })+", none")
			}
		}
	},
}

// GatewayTwoReleases finds one gateway program in two releases.
var GatewayTwoReleases = &check.Rule{
	ID: "MG6124", Name: "gateway-two-releases", Severity: diag.Error, On: check.OnSite,
	Doc: `two gateways name different releases of one implementation

Its controller and its CRDs are there once in a cluster: whichever is applied last serves both gateways, and the next
apply turns it back.
Source: Envoy Gateway documentation, Install with Helm: CRDs are cluster-wide.`,
	Run: func(p *check.Pass) {
		first := map[string]string{}
		for n, g := range byKey(p.Site.Gateways) {
			if g.Implementation == nil {
				continue
			}
			kind, version := g.Implementation.Kind, g.Implementation.Version
			o, ok := first[kind]
			if !ok {
				first[kind] = n
				continue
			}
			if other := p.Site.Gateways[o].Implementation.Version; other != version {
				p.Reportf(site.Join("gateways", n, "implementation", "version"), "gateway %q runs %s %s, and gateway %q %s: a cluster has one release of it", n, kind, version, o, other).
					Hintf("one release for both").Related(site.Join("gateways", o, "implementation", "version"), "the other release")
			}
		}
	},
}

// GatewayRelease finds a release of a gateway program that no profile row describes.
var GatewayRelease = &check.Rule{
	ID: "MG6123", Name: "unknown-gateway-release", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `no profile row describes the release of a gateway's implementation

Its end of life and the releases of the Gateway API that it takes are unknown: it may ignore what it is given.`,
	Run: func(p *check.Pass) {
		for n, g := range byKey(p.Site.Gateways) {
			if g.Implementation == nil {
				continue
			}
			prof := p.Profiles.Gateway(g.Implementation.Kind)
			if prof == nil || prof.Release(g.Implementation.Version) != nil {
				continue
			}
			p.Reportf(site.Join("gateways", n, "implementation", "version"), "no profile row describes %s %s of gateway %q", g.Implementation.Kind, g.Implementation.Version, n).
				Hintf("known: %s", offeredGateways(p, g.Implementation.Kind))
		}
	},
}
