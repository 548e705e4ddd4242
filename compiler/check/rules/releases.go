package rules

import (
	"strings"

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
			if row == nil || !past(p.Now, row.EOL) {
				continue
			}
			r := p.Reportf(site.Join("gateways", gn, "implementation", "version"), "%s %s of gateway %q had its end of life on %s",
				g.Implementation.Kind, g.Implementation.Version, gn, row.EOL)
			if newer := livingGateways(p, g.Implementation.Kind); newer != "" {
				r.Hintf("%s", newer)
			}
			if p.Site.Environment != "production" {
				r.Warning()
			}
		}
	},
}

// livingGateways says which releases of a gateway program still get fixes.
func livingGateways(p *check.Pass, kind string) string {
	prof := p.Profiles.Gateway(kind)
	var supported, later []string
	for _, line := range prof.Lines() {
		switch {
		case past(p.Now, prof.Release(line).EOL):
		case printed(kind, line):
			supported = append(supported, line)
		default:
			later = append(later, line)
		}
	}
	switch {
	case len(supported) > 0:
		return "supported: " + strings.Join(supported, ", ")
	case len(later) > 0:
		return "supported: " + strings.Join(later, ", ") + ", for which no output is written yet: until then a waiver, or a profile of your own"
	}
	return ""
}
