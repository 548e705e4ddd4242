package rules

import (
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// ConsulAuthorityDiffers finds datacenters that do not sign by one root.
var ConsulAuthorityDiffers = &check.Rule{
	ID: "MG5802", Name: "consul-authority-differs", Severity: diag.Error, On: check.OnFleet,
	Doc: `two datacenters of a federation do not sign by one root, or sign with one intermediate

The primary's root signs for all: with Vault the primary has the intermediates of all datacenters signed by one engine, which every
secondary is told of too, and each keeps its own in an engine that nobody else has. All use one Vault; by which address, each may
say for itself.
Source: Consul, Vault as a service mesh certificate authority: RootPKIPath, IntermediatePKIPath, under WAN federation;
hashicorp/consul agent/consul/leader_connect_ca.go secondaryInitialize, read 2026-11-22.`,
	Run: func(p *check.Pass) {
		eachDatacenter(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			if !isDatacenter(there) {
				return
			}
			a, b := vaultOf(here), vaultOf(there)
			const engine = "mesh.ca.vault.intermediatePKIPath"
			if a != nil && b != nil && n < other && a.Address != b.Address && a.Namespace == b.Namespace && a.IntermediatePKIPath == b.IntermediatePKIPath {
				p.ReportIn(n, engine, "engine %q signs for datacenter %s too, of the same federation and the same Vault", a.IntermediatePKIPath, name).
					RelatedIn(other, engine, "the other datacenter").Hintf("an engine of its own for each site")
			}
			if name != here.Federation.Consul.Primary {
				return
			}
			differs := func(at, mine, theirs string) {
				p.ReportIn(n, at, "it is %s here and %s in site %s, whose root signs for all datacenters", mine, theirs, name).RelatedIn(other, at, "what is said there").Hintf("as it is said there")
			}
			switch {
			case (a == nil) != (b == nil):
				who := map[bool]string{true: "the servers' own authority", false: "Vault"}
				differs("mesh.ca", who[a == nil], who[b == nil])
			case a == nil:
			case a.Namespace != b.Namespace:
				differs("mesh.ca.vault.namespace", quotedOrNone(a.Namespace), quotedOrNone(b.Namespace))
			case a.RootPKIPath != b.RootPKIPath:
				differs("mesh.ca.vault.rootPKIPath", quotedOrNone(a.RootPKIPath), quotedOrNone(b.RootPKIPath))
			}
		})
	},
}

// quotedOrNone is a text in quotation marks, or that there is none.
func quotedOrNone(s string) string {
	if s == "" {
		return "none"
	}
	return `"` + s + `"`
}

// VaultLoginShared finds clusters that log in to Vault by one mount.
var VaultLoginShared = &check.Rule{
	ID: "MG5803", Name: "vault-login-shared", Severity: diag.Error, On: check.OnFleet,
	Doc: `servers of two sites log in to Vault by one mount of its auth method

A mount asks the API server of one cluster whose token it was shown. Set up for the second, it knows no token of the first any
more: its servers get nothing signed from the next login on.
Source: Vault, Kubernetes auth method: kubernetes_host.`,
	Run: func(p *check.Pass) {
		const at = "mesh.ca.vault.authPath"
		vaultTwice(p, func(v *site.VaultCA) string { return v.AuthPath }, func(n, first int, path string) {
			p.ReportIn(n, at, "the auth method at %q of Vault knows tokens of one cluster, and site %s logs in there too", path, p.Fleet[first].Name).
				RelatedIn(first, at, "the other site").Hintf("authPath: %q", "kubernetes-"+p.Fleet[n].Name)
		})
	},
}

// ConsulIntermediateLives finds a datacenter whose certificates outlive the intermediate that the primary gives it.
var ConsulIntermediateLives = &check.Rule{
	ID: "MG5804", Name: "consul-intermediate-lives", Severity: diag.Error, On: check.OnFleet,
	Doc: `workload certificates of a secondary datacenter live too long for what the primary signs

How long the intermediates of all datacenters live the primary decides: it has them signed. A secondary renews its own at half of
that, and three lives of a workload's certificate must fit in: Vault signs nothing that ends after the intermediate.
Source: hashicorp/consul agent/connect/ca/provider_vault.go SignIntermediate, agent/structs/connect_ca.go
CommonCAProviderConfig.Validate, read 2026-11-22.`,
	Run: func(p *check.Pass) {
		eachDatacenter(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			if name != here.Federation.Consul.Primary || here.Mesh.CA == nil || there.Mesh.Kind != "consul" {
				return
			}
			life, text, at := time.Duration(consulIntermediate), "8760h", "mesh.kind"
			if v := vaultOf(there); v != nil {
				life, text, at = site.ParseDuration(v.IntermediateTTL), v.IntermediateTTL, "mesh.ca.vault.intermediateTTL"
			}
			if consulLeafShare*site.ParseDuration(here.Mesh.CA.WorkloadTTL) > life {
				p.ReportIn(n, "mesh.ca.workloadTTL", "workload certificates live %s, and three lives of one do not fit into that of the intermediate, %s, which site %s has signed", here.Mesh.CA.WorkloadTTL, text, name).
					RelatedIn(other, at, "the primary's").Hintf("workloadTTL: \"72h\", or a longer intermediateTTL there")
			}
		})
	},
}
