package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// istioNameRules are about names that Istio reads as something else.
var istioNameRules = []*check.Rule{IstioPathPattern, IstioCASecret}

// IstioPathPattern finds paths that Istio's policies take for patterns.
var IstioPathPattern = &check.Rule{
	ID: "MG5824", Name: "istio-path-pattern", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a path that callers are held to ends with an asterisk, which Istio takes for a pattern

In a policy of Istio "/v1*" stands for every path that begins with "/v1": callers may ask for more than the site says, and no
other form stands for the asterisk itself. Routes take it as it is, but who comes by a route is held to its path by a policy.
Source: istio.io 1.31, AuthorizationPolicy, Operation: prefix match "abc*"; istio/istio pilot/pkg/security/authz/matcher,
StringMatcherWithPrefix of string.go; read on 2026-11-22.`,
	Run: func(p *check.Pass) {
		if !isIstio(p.Site.Mesh.Kind) {
			return
		}
		look := func(at string, path site.PathMatch) {
			value := strings.TrimSuffix(path.Prefix, "/")
			if path.Exact != "" {
				at, value = at+".exact", path.Exact
			}
			if strings.HasSuffix(value, "*") {
				p.Reportf(at, "the path %q ends with an asterisk, and policies of mesh %s take it for everything that begins with %q", value, p.Site.Mesh.Kind, strings.TrimSuffix(value, "*")).
					Related("mesh.kind", "the mesh").Hintf("a path without the asterisk: a prefix of whole segments, or {exact: …}")
			}
		}
		for s := range services(p.Site) {
			for i, e := range s.Expose {
				if e.Path != nil {
					look(s.path+".expose."+site.Index(i)+".path", *e.Path)
				}
			}
			for i, a := range s.Allow {
				for j, path := range a.Paths {
					look(s.path+".allow."+site.Index(i)+".paths."+site.Index(j), path)
				}
			}
		}
	},
}

// istioCASuffix is the end of names of Secrets that hold roots for Istio's gateways, and nothing else.
const istioCASuffix = "-cacert"

// IstioCASecret finds certificates that Istio's gateways do not get, for the name of their Secret.
var IstioCASecret = &check.Rule{
	ID: "MG5830", Name: "istio-ca-secret", Severity: diag.Error, On: check.OnSite,
	Doc: `the Secret with a listener's certificate has the name of one with roots

A Secret whose name ends with "-cacert" is one with roots to Istio: a gateway that asks for its certificate gets the roots in it,
or nothing, and the listener answers no handshake.
Source: istio/istio pilot/pkg/xds/sds.go generate, SdsCaSuffix of pilot/pkg/model/credentials/resource.go; read on 2026-11-22.`,
	Run: func(p *check.Pass) {
		if !isIstio(p.Site.Mesh.Kind) {
			return
		}
		for gn, g := range byKey(p.Site.Gateways) {
			for ln, l := range byKey(g.Listeners) {
				if l.TLS == nil || g.Implementation != nil {
					continue
				}
				if other, is := strings.CutSuffix(l.TLS.Secret, istioCASuffix); is {
					p.Reportf(site.Join("gateways", gn, "listeners", ln, "tls", "secret"), "listener %s/%s has its certificate in Secret %q, and what ends with %s are roots to mesh %s", gn, ln, l.TLS.Secret, istioCASuffix, p.Site.Mesh.Kind).
						Related("mesh.kind", "the mesh").Hintf("secret: %q, and the same where it is made", other)
				}
			}
		}
	},
}
