package rules

import (
	"cmp"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// NTSMixed finds sources without NTS that can outvote those with it.
var NTSMixed = &check.Rule{
	ID: "MG3114", Name: "nts-mixed", Severity: diag.Note, On: check.OnSite,
	Doc: `some time sources use NTS, and two or more others do not

Each source has one vote (authselectmode ignore in chrony.conf; ntpd knows nothing else), so that the clock goes on while
no source with NTS answers, and one with NTS that errs is outvoted. It also means that somebody between the nodes and the
others can answer in their place and, where these are enough, move the clocks.
Source: chrony 4.3 sources.c, update_sel_options and SRC_SelectSource; chrony documentation, authselectmode.`,
	Run: func(p *check.Pass) {
		nts, plain := "", 0
		for name, s := range byKey(p.Site.Time.Sources) {
			if s.NTS {
				nts = cmp.Or(nts, name)
			} else {
				plain++
			}
		}
		if nts != "" && plain > 1 {
			p.Reportf(site.Join("time", "sources", nts, "nts"), "%d of %d time sources do without NTS, and have as many votes", plain, len(p.Site.Time.Sources)).
				Hintf("nothing to do where the way to them is trusted; else use NTS with all of them")
		}
	},
}

// NTPDPackage finds machines that have no package of the site's ntpd.
var NTPDPackage = &check.Rule{
	ID: "MG3115", Name: "ntpd-package", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the daemon is ntpd, and an operating system of the nodes has no package of NTPsec

RHEL and Rocky Linux dropped ntp with release 8, and bring chrony alone. Debian and Ubuntu have the package ntpsec.
Source: RHEL 8, Considerations in adopting RHEL 8: ntp is replaced by chrony; Debian 12 package ntpsec.`,
	Run: func(p *check.Pass) {
		said := map[string]bool{}
		for m := range machines(p.Site) {
			os := cmp.Or(m.node.OS, classOS(m.class))
			prof := p.Profiles.OS(os)
			if keepsTime(p, m) != "ntpd" || prof == nil || prof.NTPsec.Config != "" || said[os] {
				continue
			}
			said[os] = true
			p.Reportf("time.daemon", "the daemon is ntpd, and %s of node %q has no package of NTPsec", os, m.name).Hintf("daemon: \"chrony\"").
				Related(m.path, "the node").Fix("time.daemon", `"chrony"`, `write daemon: "chrony"`)
		}
	},
}

// NTPDStep tells when ntpd steps the clock.
var NTPDStep = &check.Rule{
	ID: "MG3116", Name: "ntpd-step", Severity: diag.Note, On: check.OnSite,
	Doc: `the daemon is ntpd, which steps the clock under running pods when it is off by half a second

After five minutes at such an offset ntpd steps the clock, forwards or backwards, at any time and not after a start only,
as chronyd is told to here. A higher threshold is not to be had: with it the kernel would hold the clock for
unsynchronised for ever. Nor does its exporter tell which source lies: node_exporter shows the kernel's view alone.
Source: NTPsec 1.2.2 ntp_loopfilter.c, local_clock and loop_config.`,
	Run: func(p *check.Pass) {
		if p.Site.Time.Daemon == "ntpd" {
			p.Reportf("time.daemon", "ntpd steps a clock that is off by 0.5 s for five minutes, under running pods").
				Fix("time.daemon", `"chrony"`, `write daemon: "chrony", which steps after a start only`)
		}
	},
}
