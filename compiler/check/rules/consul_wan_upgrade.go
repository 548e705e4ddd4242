package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// ConsulSecondaryAhead finds a datacenter of a release that the primary has not.
var ConsulSecondaryAhead = &check.Rule{
	ID: "MG5800", Name: "consul-secondary-ahead", Severity: diag.Error, On: check.OnFleet,
	Doc: `a secondary datacenter of Consul runs, or is to run, a newer release than the primary

What its chart and its controllers write goes to the primary's servers: rules and entries of a release that they do not know
are refused or lose what is new. So the primary is upgraded first. Both may plan it: the script of a secondary asks the
primary's servers for their release before it changes anything.
Source: Consul, upgrade multiple federated datacenters; hashicorp/consul agent/consul/config_endpoint.go Apply.`,
	Run: func(p *check.Pass) {
		newest := func(s *site.Site) (string, string) {
			if u := s.Mesh.Upgrade; u != nil {
				return u.To, "mesh.upgrade.to"
			}
			return s.Mesh.Version, "mesh.version"
		}
		eachDatacenter(p, func(n, other int, name string, _ *site.Peer) {
			here, there := p.Fleet[n], p.Fleet[other]
			if name != here.Federation.Consul.Primary || there.Mesh.Kind != "consul" {
				return
			}
			if profile.CompareVersions(here.Mesh.Version, there.Mesh.Version) > 0 {
				p.ReportIn(n, "mesh.version", "this datacenter runs Consul %s, and the primary, site %s, %s", here.Mesh.Version, name, there.Mesh.Version).Hintf("the primary goes first: mesh: version: %q here until then", there.Mesh.Version).
					RelatedIn(other, "mesh.version", "the release there")
				return
			}
			mine, at := newest(here)
			if theirs, there := newest(there); at == "mesh.upgrade.to" && profile.CompareVersions(mine, theirs) > 0 {
				p.ReportIn(n, at, "the upgrade goes to Consul %s, and the primary, site %s, stays at %s", mine, name, theirs).
					RelatedIn(other, there, "the release there").Hintf("the primary first: its mesh: upgrade: to: %q", mine)
			}
		})
	},
}
