package consul

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// publicAuthorities is where the image of the proxies keeps the certificates of public authorities: its base is
// distroless, made of Debian (hashicorp/consul-dataplane Dockerfile, target release-default, read 2026-11-21).
const publicAuthorities = "/etc/ssl/certs/ca-certificates.crt"

// keysTimeout bounds a request for an issuer's keys, in milliseconds. The servers cut it to whole seconds: below 1000 it
// is none (hashicorp/consul v1.22.0 agent/xds/jwt_authn.go makeRemoteJWKS, read 2026-11-21).
const keysTimeout = 5000

// keysDiscovery resolves the name of the issuer's server again and again. The servers do so by default; the webhook takes no
// object that leaves it out (hashicorp/consul-k8s v2.0.3 control-plane/api/v1alpha1/jwtprovider_types.go,
// ClusterDiscoveryType.validate; refused by that code, run on 2026-11-21).
const keysDiscovery = "STRICT_DNS"

// clockSkew is by how much the dates of a token may be past or to come, in seconds: the servers' own value. The controller
// takes an entry in which they have filled it in for another one, and writes it again and again (MatchesConsul, the same file).
const clockSkew = 30

// wanted writes that whoever comes must bring a token of the service's provider.
func wanted(y *artifact.YAML, s *ir.ConsulService) {
	if s.Token == nil {
		return
	}
	y.From("", s.Token.From...)
	y.Comment("Besides: whoever comes must bring a token.")
	y.Map("jwt", func() { y.Seq("providers", func() { y.Item(func() { y.KV("name", s.Name) }) }) })
	y.Fixed()
}

// tokens writes which tokens the proxies of a service take for good: a provider of its own, since the audiences are the
// provider's. A bad token is none to the proxies; it is the intentions that refuse whoever has none.
//
// No cacheDuration: its nanoseconds are read as seconds, of which Envoy takes no such number; its own default is ten
// minutes.
func (e *emitter) tokens(s *ir.ConsulService) {
	j := s.Token
	from := append(append(ir.From{}, j.From...), s.From...)
	e.add(backend.Policy, "JWTProvider", s.Namespace, s.Name, from, func(y *artifact.YAML) {
		y.From("", j.From...)
		y.KV("issuer", j.Issuer)
		if len(j.Audiences) > 0 {
			y.KV("audiences", j.Audiences)
		}
		y.KV("clockSkewSeconds", clockSkew)
		y.Map("jsonWebKeySet", func() {
			y.Map("remote", func() {
				y.KV("uri", j.KeysURI)
				y.KV("requestTimeoutMs", keysTimeout)
				y.Map("jwksCluster", func() {
					y.KV("discoveryType", keysDiscovery)
					y.Comment("Without it no certificate would be looked at. Who signed it is, and not whose it is.")
					y.Map("tlsCertificates", func() {
						y.Map("trustedCA", func() { y.KV("filename", publicAuthorities) })
					})
				})
			})
		})
		y.Seq("locations", func() {
			y.Item(func() {
				y.Map("header", func() {
					y.KV("name", "Authorization")
					y.KV("valuePrefix", "Bearer ")
					y.Comment("The application reads the token too.")
					y.KV("forward", true)
				})
			})
		})
		y.Fixed()
	})
}
