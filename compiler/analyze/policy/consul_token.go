package policy

import "slices"

// consulTokens are the providers of one of which whoever comes must bring a token.
type consulTokens struct {
	Providers []struct {
		Name string `json:"name"`
	} `json:"providers"`
}

// jwtProvider says which tokens proxies take for good. One that they do not is none to them.
type jwtProvider struct {
	meta
	spec struct {
		Issuer        string   `json:"issuer"`
		Audiences     []string `json:"audiences"` // empty: any
		ClockSkew     int      `json:"clockSkewSeconds"`
		JSONWebKeySet struct {
			Remote struct {
				URI              string `json:"uri"`
				RequestTimeoutMs int    `json:"requestTimeoutMs"`
				JWKSCluster      struct {
					DiscoveryType   string `json:"discoveryType"` // "": refused
					TLSCertificates struct {
						TrustedCA struct {
							Filename string `json:"filename"`
						} `json:"trustedCA"`
					} `json:"tlsCertificates"`
				} `json:"jwksCluster"`
			} `json:"remote"`
		} `json:"jsonWebKeySet"`
		Locations []struct {
			Header struct {
				Name        string `json:"name"`
				ValuePrefix string `json:"valuePrefix"`
				Forward     bool   `json:"forward"`
			} `json:"header"`
		} `json:"locations"`
	}
}

// brings reports whether a request has the token that intentions ask for. Of a stream they ask none, whatever they say. A
// provider that is not there leaves the proxy without configuration (hashicorp/consul v1.22.0 agent/xds/rbac.go
// intentionToIntermediateRBACForm, addJWTPrincipal; jwt_authn.go makeJWTAuthFilter; read 2026-11-21).
func (c *Consul) brings(in *consulIntentions, q ConsulRequest) bool {
	if p := c.protocols[q.To]; in.spec.JWT == nil || len(in.spec.JWT.Providers) == 0 || p == "" || p == "tcp" {
		return true
	}
	good := false
	for _, named := range in.spec.JWT.Providers {
		i := slices.IndexFunc(c.providers, func(p jwtProvider) bool { return p.Name == named.Name })
		if i < 0 {
			return false
		}
		good = good || c.providers[i].takes(q.Token)
	}
	return good
}

// takes reports whether a token is found where proxies look for one, and is of the issuer, whose keys they can fetch.
func (p *jwtProvider) takes(t *Token) bool {
	remote := &p.spec.JSONWebKeySet.Remote
	found := len(p.spec.Locations) == 0
	for _, l := range p.spec.Locations {
		found = found || l.Header.Name == "Authorization" && l.Header.ValuePrefix == "Bearer "
	}
	return t != nil && found && remote.URI != "" && remote.RequestTimeoutMs >= 1000 && remote.JWKSCluster.DiscoveryType != "" && t.Issuer == p.spec.Issuer &&
		(len(p.spec.Audiences) == 0 || slices.Contains(p.spec.Audiences, t.Audience))
}
