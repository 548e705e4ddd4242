package rules

import (
	"net/netip"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// consulTokens calls f for each service of Consul's mesh that asks for tokens.
func consulTokens(p *check.Pass, f func(s placed)) {
	if p.Site.Mesh.Kind != "consul" {
		return
	}
	for s := range services(p.Site) {
		if s.JWT != nil && p.Site.Namespaces[s.namespace].Mesh {
			f(s)
		}
	}
}

// ConsulKeys finds tokens whose keys nobody would find.
var ConsulKeys = &check.Rule{
	ID: "MG5486", Name: "consul-jwt-keys", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service of Consul asks for tokens, and nothing says where the keys of their issuer are

Other meshes ask the issuer where its keys are. Consul does not: its servers refuse a JWTProvider without keys, and the
proxies of a service whose intentions name one that is not there get no configuration at all.
Source: hashicorp/consul v1.22.0 agent/structs/config_entry_jwt_provider.go Validate, agent/xds/jwt_authn.go
makeJWTAuthFilter.`,
	Run: func(p *check.Pass) {
		consulTokens(p, func(s placed) {
			if s.JWT.JWKSURI == "" {
				p.Reportf(s.path+".jwt", "service %s asks for tokens of %s, and Consul does not ask that where its keys are", s.full(), withoutUser(s.JWT.Issuer)).
					Related("mesh.kind", "the mesh").Hintf("jwksURI: what the issuer calls jwks_uri at %s/.well-known/openid-configuration", withoutUser(s.JWT.Issuer))
			}
		})
	},
}

// ConsulKeysServer says how little Consul's proxies look at who gives them keys.
var ConsulKeysServer = &check.Rule{
	ID: "MG5487", Name: "consul-jwt-server", Severity: diag.Note, On: check.OnSite,
	Doc: `Consul's proxies fetch the keys of tokens without saying or checking the name of the server

They say no name in the first packet of TLS: a server that holds certificates of many answers with another one, or ends the
connection, and no token is taken. And they look at who signed the certificate, which must be a public authority, not at
whose it is: whoever is on the way with any certificate of such an authority can put his own keys in place. To a server known by its name, whose addresses nobody
declares, the network policy opens the port to everywhere outside the cluster.
The definition of JWTProvider has useSNI; its controller reads that field by another name, so that it is never set.
Source: hashicorp/consul v1.22.0 agent/xds/clusters.go makeJWTProviderCluster, makeJWTCertValidationContext;
hashicorp/consul-k8s v2.0.3 control-plane/api/v1alpha1/jwtprovider_types.go RemoteJWKS.`,
	Run: func(p *check.Pass) {
		consulTokens(p, func(s placed) {
			host, _, ok := lower.KeysServer(s.JWT.JWKSURI)
			if !ok {
				return
			}
			name := "the name " + host
			if a, err := netip.ParseAddr(host); err == nil {
				name = "the address " + a.String()
			}
			p.Reportf(s.path+".jwt.jwksURI", "proxies of %s fetch keys without checking that %s is the server's", s.full(), name).
				Hintf("a way there that nobody else is on; the server must answer TLS without a name, by a certificate of a public authority")
		})
	},
}

// ConsulPlainToken finds tokens that plain text goes past.
var ConsulPlainToken = &check.Rule{
	ID: "MG5488", Name: "consul-jwt-plain", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a service of Consul asks for tokens, and takes plain text

Plain text is handed to the pod as it comes: nothing looks for a token in it, and whoever reaches the port needs none.
Source: hashicorp/consul agent/xds/listeners.go makePermissiveFilterChain.`,
	Run: func(p *check.Pass) {
		consulTokens(p, func(s placed) {
			if mode, at := mtlsMode(p.Site, s.namespace); mode == "permissive" {
				p.Reportf(s.path+".jwt", "service %s asks for tokens, and takes plain text, past which they are", s.full()).
					Related(at, "the mode").Hintf("%s: mtls: \"strict\"", site.Join("namespaces", s.namespace))
			}
		})
	},
}
