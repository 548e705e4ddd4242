package rules

import (
	"net/netip"
	"strings"
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/site"
)

// vaultRules are those of an authority whose keys Vault has.
var vaultRules = []*check.Rule{VaultMissing, VaultPaths, VaultLives, VaultInside, VaultShared, ConsulUnwatched, VaultReview,
	ConsulAuthorityDiffers, VaultLoginShared, ConsulIntermediateLives}

// vaultOf is what a site with Consul says of Vault; nil: nothing, or another authority signs.
func vaultOf(s *site.Site) *site.VaultCA {
	if m := &s.Mesh; m.Kind != "consul" || m.CA == nil || m.CA.Kind != "vault" {
		return nil
	}
	return s.Mesh.CA.Vault
}

// vaultTwice calls report for each site n of the fleet that uses a path of Vault which the site first uses already: the same
// address, namespace and path.
func vaultTwice(p *check.Pass, path func(*site.VaultCA) string, report func(n, first int, path string)) {
	type place struct{ address, namespace, path string }
	first := map[place]int{}
	for n, s := range p.Fleet {
		v := vaultOf(s)
		if v == nil {
			continue
		}
		at := place{v.Address, v.Namespace, path(v)}
		if o, taken := first[at]; taken {
			report(n, o, at.path)
			continue
		}
		first[at] = n
	}
}

// VaultMissing finds an authority in Vault that is nowhere.
var VaultMissing = &check.Rule{
	ID: "MG5510", Name: "vault-missing", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `Vault is to sign, and nothing says where it is; or the other way round

Servers of Consul that are told of the provider alone do not start: an address, a way to log in and two engines are
required. And what is said of a Vault that does not sign, nobody reads.
Source: hashicorp/consul v1.22.0 agent/connect/ca/provider_vault.go ParseVaultCAConfig.`,
	Run: func(p *check.Pass) {
		ca := p.Site.Mesh.CA
		switch {
		case ca == nil:
		case ca.Kind == "vault" && ca.Vault == nil && p.Site.Mesh.Kind == "consul":
			p.Reportf("mesh.ca.kind", "Vault is to sign for the mesh, and mesh.ca.vault is missing").
				Hintf("vault: {address: …, role: …, rootPKIPath: …, intermediatePKIPath: …}")
		case ca.Kind == "" && ca.Vault != nil:
			p.Reportf("mesh.ca.vault", "mesh.ca.vault is given, and mesh.ca.kind is not").Hintf("kind: %q", "vault")
		}
	},
}

// VaultPaths finds two engines that are one.
var VaultPaths = &check.Rule{
	ID: "MG5511", Name: "vault-paths", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the engine that signs for workloads is the one that has the root, or lies within it

Consul replaces what is in the engine for workloads: keys and issuers that it finds there are deleted when it has made new
ones. And Vault mounts nothing at a path within another mount.
Source: hashicorp/consul v1.22.0 agent/connect/ca/provider_vault.go setDefaultIntermediateIssuer; Vault, secrets engines: mounts
may not be nested.`,
	Run: func(p *check.Pass) {
		v := vaultOf(p.Site)
		if v == nil {
			return
		}
		root, leaf := v.RootPKIPath+"/", v.IntermediatePKIPath+"/"
		if strings.HasPrefix(root, leaf) || strings.HasPrefix(leaf, root) {
			p.Reportf("mesh.ca.vault.intermediatePKIPath", "engine %q, which signs for workloads, and engine %q, which has the root, are no two mounts", v.IntermediatePKIPath, v.RootPKIPath).
				Related("mesh.ca.vault.rootPKIPath", "the root's").Hintf("an engine of its own for site %s", p.Site.Name)
		}
	},
}

// What Consul holds lives of certificates to (hashicorp/consul v1.22.0 agent/structs/connect_ca.go; read 2026-11-21).
const (
	consulLongestLeaf = 365 * 24 * time.Hour
	consulRootLife    = 87600 * time.Hour // of a root, where it is told nothing
	consulLeafShare   = 3
	consulGaugeDays   = 24 * time.Hour // what Envoy counts in

	consulIntermediate = 8760 * time.Hour // of an intermediate, where it is told nothing
)

// VaultLives finds lives of certificates that Consul's servers do not start with.
var VaultLives = &check.Rule{
	ID: "MG5512", Name: "vault-lives", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `certificates of the mesh live longer than those that sign them may

A proxy gets the intermediate together with its own certificate: three lives of a certificate must fit into that of an
intermediate, or one ends before the next has come to everybody. Ten years are the most for an intermediate, and one for a
workload. Servers of Consul refuse to start with anything else.
Source: hashicorp/consul v1.22.0 agent/structs/connect_ca.go, CommonCAProviderConfig.Validate.`,
	Run: func(p *check.Pass) {
		m := &p.Site.Mesh
		if m.Kind != "consul" || m.CA == nil {
			return
		}
		leaf := site.ParseDuration(m.CA.WorkloadTTL)
		if leaf > consulLongestLeaf {
			p.Reportf("mesh.ca.workloadTTL", "workload certificates live %s, and Consul signs for 8760h at most", m.CA.WorkloadTTL).Hintf("workloadTTL: \"72h\"")
			return
		}
		v := vaultOf(p.Site)
		if v == nil {
			if consulLeafShare*leaf > consulIntermediate { // its own intermediates live a year
				p.Reportf("mesh.ca.workloadTTL", "workload certificates live %s, and three lives of one do not fit into that of Consul's own intermediate, 8760h", m.CA.WorkloadTTL).
					Hintf("workloadTTL: \"72h\"")
			}
			return
		}
		switch life := site.ParseDuration(v.IntermediateTTL); {
		case life < consulLeafShare*leaf:
			r := p.Reportf("mesh.ca.vault.intermediateTTL", "an intermediate lives %s, less than three lives of a workload's certificate (%s)", v.IntermediateTTL, m.CA.WorkloadTTL).
				Related("mesh.ca.workloadTTL", "the workload's")
			if consulLeafShare*leaf <= consulIntermediate {
				r.Hintf("intermediateTTL: \"8760h\"")
			} else {
				r.Hintf("workloadTTL: \"72h\"")
			}
		case life > consulRootLife:
			p.Reportf("mesh.ca.vault.intermediateTTL", "an intermediate lives %s, and Consul takes 87600h at most", v.IntermediateTTL).
				Hintf("intermediateTTL: \"8760h\"")
		}
	},
}

// VaultInside finds a Vault in the cluster whose mesh it signs for.
var VaultInside = &check.Rule{
	ID: "MG5513", Name: "vault-inside", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the Vault that signs for the mesh is in the same cluster

When the cluster comes back as a whole, its mesh waits for Vault, which comes back sealed: no pod of the mesh starts until
somebody has opened it, in the middle of an outage. What such a Vault may be reached by is not written either. Not
supported: a Vault outside.
Source: Vault, seal/unseal; hashicorp/consul v1.22.0 agent/consul/leader_connect_ca.go Initialize.`,
	Run: func(p *check.Pass) {
		v := vaultOf(p.Site)
		if v == nil {
			return
		}
		host, _, ok := lower.KeysServer(v.Address)
		at := "mesh.ca.vault.address"
		a, err := netip.ParseAddr(strings.Trim(host, "[]"))
		switch {
		case !ok:
			p.Reportf(at, "%s is no address with a host and a port", v.Address).Hintf("address: \"https://vault.example.net:8200\"")
		case err != nil && (strings.HasSuffix(host, ".svc") || strings.HasSuffix(host, ".svc."+p.Site.Kubernetes.ClusterDomain) || !strings.Contains(host, ".")):
			p.Reportf(at, "Vault at %s is in the cluster itself", host).Hintf("a Vault outside of the cluster")
		case err == nil:
			k := p.Site.Kubernetes
			for _, c := range append(append([]string{}, k.PodCIDRs...), k.ServiceCIDRs...) {
				if net, err := netip.ParsePrefix(c); err == nil && net.Contains(a) {
					p.Reportf(at, "Vault at %s is in the cluster itself, in %s", host, c).Hintf("a Vault outside of the cluster")
				}
			}
		}
	},
}

// VaultShared finds sites that delete each other's intermediate.
var VaultShared = &check.Rule{
	ID: "MG5514", Name: "vault-shared", Severity: diag.Error, On: check.OnFleet,
	Doc: `two sites let one engine of Vault sign for their workloads

Each leader of Consul puts an intermediate of its own into the engine and deletes the one that it finds: certificates of the
other site are then signed by what its proxies do not know, and its connections fail one after the other.
Source: hashicorp/consul v1.22.0 agent/connect/ca/provider_vault.go setDefaultIntermediateIssuer.`,
	Run: func(p *check.Pass) {
		const at = "mesh.ca.vault.intermediatePKIPath"
		vaultTwice(p, func(v *site.VaultCA) string { return v.IntermediatePKIPath }, func(n, first int, path string) {
			p.ReportIn(n, at, "engine %q of Vault signs for site %s too", path, p.Fleet[first].Name).
				RelatedIn(first, at, "the other site").Hintf("an engine of its own for each site")
		})
	},
}

// ConsulUnwatched finds certificates whose end no metric of a proxy announces.
var ConsulUnwatched = &check.Rule{
	ID: "MG5515", Name: "consul-ttl-unwatched", Severity: diag.Warning, On: check.OnSite,
	Doc: `certificates of Consul's proxies live a day or less, and no alert can tell that one is not renewed

Envoy says in whole days how long its certificates hold: of a life of a day that is always 0. What is left to see is
whether the proxies are connected to a server.
Source: Envoy, server statistics, days_until_first_cert_expiring; hashicorp/consul v1.22.0 agent/leafcert/util.go.`,
	Run: func(p *check.Pass) {
		m := &p.Site.Mesh
		if m.Kind != "consul" || m.CA == nil {
			return
		}
		if ttl := site.ParseDuration(m.CA.WorkloadTTL); ttl >= shortestTTL && ttl <= consulGaugeDays {
			p.Reportf("mesh.ca.workloadTTL", "workload certificates live %s, and Envoy counts what is left of them in whole days: no alert tells of one that is not renewed", m.CA.WorkloadTTL).
				Hintf("workloadTTL: \"72h\"")
		}
	},
}

// VaultReview finds a filter that keeps Vault from asking whose token it was shown.
var VaultReview = &check.Rule{
	ID: "MG5516", Name: "vault-review", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the filter of the machines keeps Vault from asking the API servers

Vault asks the API servers whose token a login shows. Where they run on machines of the edge and fabric.hostFirewall is on,
the filter lets in whom the site names by address: of a Vault that goes by a name it knows none, and nobody can log in.
Source: Vault, Kubernetes auth method: TokenReview.`,
	Run: func(p *check.Pass) {
		v := vaultOf(p.Site)
		if v == nil || !p.Site.Fabric.HostFirewall {
			return
		}
		host, _, ok := lower.KeysServer(v.Address)
		if _, err := netip.ParseAddr(strings.Trim(host, "[]")); !ok || err == nil {
			return
		}
		for gn, g := range byKey(p.Site.Gateways) {
			if !p.Site.NodeClasses[g.Placement.Class].ControlPlane {
				continue
			}
			p.Reportf("mesh.ca.vault.address", "Vault goes by the name %s, and the filter of the API servers' machines lets addresses in alone", host).
				Related("fabric.hostFirewall", "the filter").Related(site.Join("gateways", gn, "placement", "class"), "API servers and a gateway share the class").
				Hintf("the address of Vault in place of its name")
			return
		}
	},
}
