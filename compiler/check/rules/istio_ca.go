package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
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

// SPIREFederation finds sites of one mesh of which SPIRE signs at some alone.
var SPIREFederation = &check.Rule{
	ID: "MG5480", Name: "istio-spire-federation", Severity: diag.Error, On: check.OnFleet,
	Doc: `SPIRE signs at one of two federated sites, and not at the other

A proxy takes from SPIRE's agent what it has, and the roots by which it knows others. Those are the roots of SPIRE's
servers, each for its trust domain: what istiod or cert-manager signs elsewhere is refused in every handshake. With SPIRE at
both sites its servers exchange their roots, or sign under one.
Source: istio/istio 1.31.0-rc.0 samples/security/spire-trust-domain-federation; SPIFFE Federation, trust bundles.`,
	Run: func(p *check.Pass) {
		signs := func(s *site.Site) bool { return s.Mesh.CA != nil && s.Mesh.CA.Kind == "spire" }
		eachPeer(p, func(n, other int, name string, _ *site.Peer) {
			if here, there := p.Fleet[n], p.Fleet[other]; isIstio(here.Mesh.Kind) && signs(here) && !signs(there) {
				p.ReportIn(n, "mesh.ca.kind", "SPIRE signs here, and at site %s it does not: proxies of the two refuse each other", name).
					Hintf("ca: kind: \"spire\" at both sites, or at none").RelatedIn(other, "mesh", "the mesh there")
			}
		})
	},
}
