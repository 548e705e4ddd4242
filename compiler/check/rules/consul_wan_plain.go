package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// plainAt is the place where a site says of a namespace of the mesh that its services take plain text; "" where none does.
func plainAt(s *site.Site) (namespace, at string) {
	for nn, n := range byKey(s.Namespaces) {
		mode, at := mtlsMode(s, nn)
		for _, svc := range n.Services {
			if n.Mesh && mode == "permissive" && svc.Workload != "VM" && len(svc.Ports) > 0 {
				return nn, at
			}
		}
	}
	return "", ""
}

// ConsulPlainForAll finds plain text that the primary does not allow.
var ConsulPlainForAll = &check.Rule{
	ID: "MG5801", Name: "consul-plain-for-all", Severity: diag.Error, On: check.OnFleet,
	Doc: `a secondary datacenter of Consul takes plain text, which the primary allows to nobody

Servers of the primary refuse a service that is permissive for as long as Mesh does not allow it, and Mesh is one for all
datacenters: it is written from the primary's site, which allows it where a namespace of its own takes plain text.
Source: hashicorp/consul agent/consul/state/config_entry.go checkMutualTLSMode, agent/consul/config_endpoint.go Apply.`,
	Run: func(p *check.Pass) {
		eachDatacenter(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			if name != here.Federation.Consul.Primary || there.Mesh.Kind != "consul" {
				return
			}
			nn, at := plainAt(here)
			if _, allowed := plainAt(there); nn == "" || allowed != "" {
				return
			}
			p.ReportIn(n, at, "namespace %q takes plain text, and the primary, site %s, allows it to no datacenter: none of its namespaces does", nn, name).
				RelatedIn(other, "mesh.mtls", "the mode there").Hintf("mtls: \"strict\" here, or a namespace there that takes plain text")
		})
	},
}
