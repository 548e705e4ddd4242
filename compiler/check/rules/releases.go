package rules

import (
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
