package rules

import (
	"strings"
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// GatewayEOL finds a gateway implementation that gets no more fixes.
var GatewayEOL = &check.Rule{
	ID: "MG6007", Name: "gateway-implementation-eol", Severity: diag.Error, On: check.OnSite, Dated: true,
	Doc: `a gateway implementation is past its end of life

It faces the outside, and its next hole stays open. In production that is an error, elsewhere a warning.`,
	Run: func(p *check.Pass) {
		for gn, g := range byKey(p.Site.Gateways) {
			if g.Implementation == nil {
				continue
			}
			row := p.Profiles.Gateway(g.Implementation.Kind).Release(g.Implementation.Version)
			if row == nil || row.EOL == "" || p.Now.IsZero() || p.Now.UTC().Format(time.DateOnly) <= row.EOL {
				continue
			}
			r := p.Reportf(site.Join("gateways", gn, "implementation", "version"), "%s %s of gateway %q had its end of life on %s",
				g.Implementation.Kind, g.Implementation.Version, gn, row.EOL)
			if p.Site.Environment != "production" {
				r.Warning()
			}
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
		case m.Version == "" && prof.CNI != "": // it is released with the pod network
		case m.Version == "":
			p.Reportf("mesh", "mesh.version is missing: a mesh is installed by its charts, whose version is not a default")
		case prof.Release(m.Version) == nil:
			p.Reportf("mesh.version", "no profile row describes %s %s", m.Kind, m.Version).Hintf("known: %s", strings.Join(prof.Lines(), ", "))
		}
	},
}
