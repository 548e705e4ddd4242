package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// timeRules are the rules about clocks.
var timeRules = []*check.Rule{
	TimeSourceCount,
	NTSByAddress,
}

// NTSByAddress finds a time source with NTS that has no name.
var NTSByAddress = &check.Rule{
	ID: "MG3002", Name: "nts-by-address", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a time source is to be authenticated by NTS and has no host name

Its certificate is issued to a name. Asked by address, the client refuses it, and the source is never used.
Source: RFC 8915, section 4.`,
	Run: func(p *check.Pass) {
		for name, s := range byKey(p.Site.Time.Sources) {
			if s.NTS && s.Hostname == "" {
				path := site.Join("time", "sources", name)
				p.Reportf(path+".nts", "time source %q uses NTS and has no host name for its certificate", name).
					Hintf("add hostname, the name in its certificate")
			}
		}
	},
}
