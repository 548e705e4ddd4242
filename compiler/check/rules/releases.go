package rules

import (
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// LoadBalancerRelease finds a load balancer release that no profile row describes.
var LoadBalancerRelease = &check.Rule{
	ID: "MG4001", Name: "unknown-load-balancer-release", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `no profile row describes the load balancer's release

Its objects and chart values change between releases: what another takes may be refused, or worse, ignored.`,
	Run: func(p *check.Pass) {
		lb := p.Site.LoadBalancer
		prof := p.Profiles.LoadBalancer(lb.Kind)
		switch {
		case prof == nil: // not-supported-yet says so
		case lb.Version == "":
			p.Reportf("loadBalancer", "loadBalancer.version is missing: %s is installed by its chart, whose version is not a default", lb.Kind)
		case prof.Release(lb.Version) == nil:
			p.Reportf("loadBalancer.version", "no profile row describes %s %s", lb.Kind, lb.Version).Hintf("known: %s", strings.Join(prof.Lines(), ", "))
		}
	},
}

// MeshRelease finds a mesh release that no profile row describes.
var MeshRelease = &check.Rule{
	ID: "MG5001", Name: "unknown-mesh-release", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `no profile row describes the mesh's release

Its objects and chart values change between releases: what another takes may be refused, or worse, ignored.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		prof := p.Profiles.Mesh(m.Kind)
		switch {
		case prof == nil: // not-supported-yet says so
		case m.Version == "":
			p.Reportf("mesh", "mesh.version is missing: a mesh is installed by its charts, whose version is not a default")
		case prof.Release(m.Version) == nil:
			p.Reportf("mesh.version", "no profile row describes %s %s", m.Kind, m.Version).Hintf("known: %s", strings.Join(prof.Lines(), ", "))
		}
	},
}
