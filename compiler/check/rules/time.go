package rules

import (
	"cmp"
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// timeRules are the rules about clocks.
var timeRules = []*check.Rule{
	TimeSourceCount,
	NTSByAddress,
	TimeUpstreamMajority,
	TimeSourceFamily,
	TimeSmear,
	NTSClient,
	TimeSNTP,
	NTPDClocks,
	IsolationServers,
	OrphanStratum,
	TimeServers,
	RefclockAlone,
	RefclockTwice,
	ClockBudget,
	ClockTight,
	NTSMixed,
	NTPDPackage,
	NTPDStep,
	TimeServerDaemon,
	ClockHardwareDaemon,
	RefclockDevice,
	TalosClock,
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

// TimeSourceCount counts independent time sources.
var TimeSourceCount = &check.Rule{
	ID: "MG3001", Name: "time-source-count", Severity: diag.Error, On: check.OnSite,
	Doc: `too few independent time sources

A clock follows the majority of its sources. One is followed wherever it goes; of two that differ neither is believed;
three find one liar, and none once one of them is gone. Sources with one upstream are one source.
Source: chrony with one, two, three and four servers, one of them wrong, measured.`,
	Run: func(p *check.Pass) {
		var upstreams []string
		for name, s := range byKey(p.Site.Time.Sources) {
			if u := cmp.Or(s.Upstream, name); !slices.Contains(upstreams, u) {
				upstreams = append(upstreams, u)
			}
		}
		switch n := len(upstreams); {
		case n < 3:
			p.Reportf("time.sources", "%s: a wrong one cannot be told from a right one", []string{"no time source", "one independent time source", "two independent time sources"}[n]).
				Hintf("declare four, with different upstreams")
		case n == 3:
			p.Reportf("time.sources", "three independent time sources: a wrong one goes unseen once another is lost").
				Hintf("declare a fourth, with an upstream of its own").Warning()
		}
	},
}
