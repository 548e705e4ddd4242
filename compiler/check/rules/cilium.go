package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// CiliumStrict finds mutual TLS asked of a mesh that has it in beta at most.
var CiliumStrict = &check.Rule{
	ID: "MG5193", Name: "cilium-strict", Severity: diag.Error, On: check.OnSite,
	Doc: `mesh cilium is asked for mutual TLS, which it has in beta and not between clusters

Nothing is encrypted unless it is switched on. Mutual TLS between workloads is encryption of type ztunnel: beta, TCP
alone, and not together with Cluster Mesh; WireGuard encrypts between nodes and knows no workloads; mutual
authentication by SPIRE is deprecated. In production that is a risk to know of; with a federation it cannot be.
Source: cilium/cilium v1.20.2 Documentation/security/network/encryption-ztunnel.rst, upgrade notes of 1.20.`,
	Run: func(p *check.Pass) {
		s := p.Site
		if s.Mesh.Kind != "cilium" {
			return
		}
		asks, at := s.Mesh.MTLS == "strict", "mesh.mtls"
		for nn := range byKey(s.Namespaces) {
			if !asks && strict(s, nn) {
				asks, at = true, site.Join("namespaces", nn, "mtls")
			}
		}
		if !asks {
			return
		}
		switch {
		case s.Federation != nil:
			p.Reportf(at, "mutual TLS is strict, and the site is federated by Cluster Mesh: Cilium has one without the other").
				Related("federation", "the federation").Hintf("mtls: \"permissive\", with encryption between nodes, or another mesh")
		case s.Environment == "production":
			p.Reportf(at, "mutual TLS is strict, which Cilium has in beta: for TCP alone, between workloads that are both enrolled").
				Related("mesh.kind", "the mesh").Warning()
		}
	},
}
