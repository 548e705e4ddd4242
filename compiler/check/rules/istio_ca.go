package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// CANotBuilt refuses authorities that Istio has no way to ask.
var CANotBuilt = &check.Rule{
	ID: "MG5342", Name: "istio-ca-not-built", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an Istio mesh has an authority that its proxies have no way to ask

A sidecar asks a server of Istio's protocol, or an agent of SPIRE on its node; ztunnel asks a server of that protocol
alone. Nothing translates for Vault but cert-manager, whose issuers it can be behind.
Source: istio.io, SPIRE; istio/ztunnel src/identity/caclient.rs.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		if !isIstio(m.Kind) || m.CA == nil {
			return
		}
		if m.CA.Kind == "vault" || m.CA.Kind == "spire" && m.Kind == "istio-ambient" {
			r := p.Reportf("mesh.ca.kind", "proxies of mesh %s have no way to ask authority %s", m.Kind, m.CA.Kind)
			if m.CA.Kind == "vault" {
				r.Hintf(`kind: "cert-manager", with an issuer that asks Vault`)
			} else {
				r.Hintf(`mesh istio-sidecar can`)
			}
		}
	},
}

// SPIREFederation refuses other sites where SPIRE signs.
var SPIREFederation = &check.Rule{
	ID: "MG5480", Name: "istio-spire-federation", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a federated site's certificates are signed by SPIRE

The sites' roots meet in SPIRE: its servers are nested or exchange bundles, and its agents hand out those of both. Nothing
of that is in this tree, and no finding could tell whether it is so: every call between the sites may fail in the
handshake. Not supported yet.
Source: istio/istio samples/security/spire-trust-domain-federation.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		if isIstio(m.Kind) && m.CA != nil && m.CA.Kind == "spire" && p.Site.Federation != nil {
			p.Reportf("mesh.ca.kind", "not supported yet: authority spire at a site that is federated with %s", keys(p.Site.Federation.Peers)).
				Hintf("kind: \"plugin\" or \"cert-manager\", under a root that all sites share").Related("federation", "the federation")
		}
	},
}
