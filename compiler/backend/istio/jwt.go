package istio

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// requestAuthentications say which tokens the proxies of a service take for good. They refuse a bad token alone: that
// there is one at all is asked for by the service's AuthorizationPolicy.
//
// The keys come from where the site says they are, which istiod asks (PILOT_JWT_ENABLE_REMOTE_JWKS is false by default).
// Without jwksUri it asks the issuer for its keys by OpenID Connect discovery (pilot/pkg/model/jwks_resolver.go).
// As long as it gets none, every token is refused.
func (e *emitter) requestAuthentications() {
	o := e.objects(backend.Policy, "RequestAuthentication")
	for i := range e.p.Services {
		s := &e.p.Services[i]
		if s.JWT == nil || !s.Meshed || e.ambient() && s.Waypoint == "" {
			continue
		}
		from := append(append(ir.From{}, s.JWT.From...), s.From...)
		o.Add(backend.Meta{APIVersion: securityV1, Namespace: s.Namespace, Name: s.Name, From: from}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				if e.ambient() {
					target(y, "", "Service", s.Name)
				} else {
					y.Map("selector", func() { backend.Pairs(y, "matchLabels", s.Labels) })
				}
				y.From("", s.JWT.From...)
				y.Seq("jwtRules", func() {
					y.Item(func() {
						y.KV("issuer", s.JWT.Issuer)
						if len(s.JWT.Audiences) > 0 {
							y.KV("audiences", s.JWT.Audiences)
						}
						if s.JWT.KeysURI != "" {
							y.KV("jwksUri", s.JWT.KeysURI)
						}
						y.Comment("The application reads the token too.")
						y.KV("forwardOriginalToken", true)
					})
				})
				y.Fixed()
			})
		})
	}
}

// requestPrincipal is whoever the issuer of a token says: Istio calls the bearer "<issuer>/<subject>".
func requestPrincipal(j *ir.JWT) string { return j.Issuer + "/*" }
