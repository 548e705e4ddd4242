package rules

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// TimeUpstreamMajority finds one upstream that outvotes all others.
var TimeUpstreamMajority = &check.Rule{
	ID: "MG3101", Name: "time-upstream-majority", Severity: diag.Warning, On: check.OnSite,
	Doc: `one upstream stands behind half of the time servers or more

Clocks follow the majority of servers, not of upstreams. When that one upstream is wrong, its servers outvote the others
or, at half, nobody is believed.
Source: RFC 5905, clock select algorithm; chrony with four servers, two of them wrong, measured.`,
	Run: func(p *check.Pass) {
		behind, independent := map[string][]string{}, 0
		for name, s := range byKey(p.Site.Time.Sources) {
			u := cmp.Or(s.Upstream, name)
			if behind[u] == nil {
				independent++
			}
			behind[u] = append(behind[u], name)
		}
		if independent < 4 {
			return // time-source-count says what matters more
		}
		for u, names := range byKey(behind) {
			if len(names) > 1 && 2*len(names) >= len(p.Site.Time.Sources) {
				r := p.Reportf(site.Join("time", "sources", names[1], "upstream"), "upstream %q stands behind %d of %d time servers (%s): wrong, it outvotes the others",
					u, len(names), len(p.Site.Time.Sources), strings.Join(names, ", "))
				r.Related(site.Join("time", "sources", names[0], "upstream"), "first named here").Hintf("one server of each upstream is enough")
			}
		}
	},
}

// TimeSourceFamily finds a time source that no node can reach.
var TimeSourceFamily = &check.Rule{
	ID: "MG3102", Name: "time-source-family", Severity: diag.Error, On: check.OnSite,
	Doc: `a time source has an address of a family that no node has

No packet reaches it: one source less than the site believes, and nothing says so but chronyc.
Source: RFC 5905 runs over the node's own IPv4 or IPv6.`,
	Run: func(p *check.Pass) {
		var v4, v6 bool
		for m := range machines(p.Site) {
			for _, text := range m.node.Address {
				if a, err := netip.ParseAddr(text); err == nil {
					v4, v6 = v4 || a.Unmap().Is4(), v6 || a.Unmap().Is6()
				}
			}
		}
		for name, s := range byKey(p.Site.Time.Sources) {
			a, err := netip.ParseAddr(s.Address)
			if err != nil || !v4 && !v6 {
				continue
			}
			if a.Unmap().Is4() && !v4 {
				p.Reportf(site.Join("time", "sources", name, "address"), "time source %q has the IPv4 address %s, and no node has one", name, s.Address).
					Hintf("an address of a family that nodes have")
			}
			if a.Unmap().Is6() && !v6 {
				p.Reportf(site.Join("time", "sources", name, "address"), "time source %q has the IPv6 address %s, and no node has one", name, s.Address).
					Hintf("an address of a family that nodes have")
			}
		}
	},
}

// smearers are public time services that spread a leap second over hours, by the end of their names (documentation of
// Google Public NTP, and of Meta's and Amazon's time services).
var smearers = []string{"time.google.com", "time1.google.com", "time2.google.com", "time3.google.com", "time4.google.com",
	"time.android.com", "time.facebook.com", "time.aws.com"}

// TimeSmear finds a source whose time is off on purpose for a day around a leap second.
var TimeSmear = &check.Rule{
	ID: "MG3103", Name: "time-smear", Severity: diag.Error, On: check.OnSite,
	Doc: `a time source spreads leap seconds over hours, while the nodes know when one is

For a day such a source is up to half a second away from the others, by intention. The daemon has a table of leap
seconds of its own and corrects a second time, and the sources fall apart into two groups.
Source: Google Public NTP, Leap Smear: do not mix; chrony documentation, leapsectz.`,
	Run: func(p *check.Pass) {
		for name, s := range byKey(p.Site.Time.Sources) {
			for field, host := range byKey(map[string]string{"hostname": s.Hostname, "upstream": s.Upstream}) {
				if slices.ContainsFunc(smearers, func(e string) bool { return host == e || strings.HasSuffix(host, "."+e) }) {
					p.Reportf(site.Join("time", "sources", name, field), "time source %q is %s, which spreads leap seconds", name, host).
						Hintf("take servers that announce leap seconds, of a national time institute for one")
					break
				}
			}
		}
	},
}

// NTSClient finds NTS where the daemon does not speak it.
var NTSClient = &check.Rule{
	ID: "MG3104", Name: "nts-client", Severity: diag.Error, On: check.OnSite,
	Doc: `a time source is to be authenticated by NTS, and the nodes' daemon does not speak it

Talos asks with plain SNTP, so that the source would be used without authentication.
Source: RFC 8915; Talos documentation, TimeSyncConfig.`,
	Run: func(p *check.Pass) {
		for name, s := range byKey(p.Site.Time.Sources) {
			if !s.NTS {
				continue
			}
			path := site.Join("time", "sources", name, "nts")
			if p.Site.Kubernetes.Distribution == "talos" {
				p.Reportf(path, "time source %q uses NTS, and Talos speaks SNTP only", name).Hintf("nts: false").Related("kubernetes.distribution", "the nodes run Talos").
					Fix(path, "false", "write false")
			}
		}
	},
}

// TimeSNTP tells what Talos makes of the sources.
var TimeSNTP = &check.Rule{
	ID: "MG3105", Name: "time-sntp", Severity: diag.Note, On: check.OnSite,
	Doc: `the nodes run Talos, whose clock follows one server at a time

SNTP has no majority: a server that is wrong is followed until it is silent. The sources are only there for one another.
Watch the clocks from outside.
Source: Talos documentation, TimeSyncConfig; siderolabs/talos internal/pkg/ntp.`,
	Run: func(p *check.Pass) {
		if n := len(p.Site.Time.Sources); p.Site.Kubernetes.Distribution == "talos" {
			p.Reportf("time.sources", "Talos speaks SNTP: of %d time sources one is followed, right or wrong", n).
				Related("kubernetes.distribution", "the nodes run Talos")
		}
	},
}

// NTPDClocks finds clock hardware that ntpd makes nothing of.
var NTPDClocks = &check.Rule{
	ID: "MG3106", Name: "ntpd-clocks", Severity: diag.Warning, On: check.OnSite,
	Doc: `the daemon is ntpd, and a class declares clock hardware that only chrony uses

ntpd reads no PTP hardware clock and takes no time stamps from network cards: they are left out, and the clocks are no
better than without.
Source: NTPsec 1.2.2, list of reference clock drivers; chrony documentation, Comparison of NTP implementations.`,
	Run: func(p *check.Pass) {
		if p.Site.Time.Daemon != "ntpd" {
			return
		}
		for name, c := range byKey(p.Site.NodeClasses) {
			for i, r := range c.Refclocks {
				if r.Kind == "phc" {
					p.Reportf(site.Join("nodeClasses", name, "refclocks", site.Index(i), "kind"), "class %q has a PTP hardware clock, %s, which ntpd cannot read", name, r.Device).
						Related("time.daemon", "the daemon").Hintf("write daemon: \"chrony\"")
				}
			}
			if c.NIC.HardwareTimestamps {
				p.Reportf(site.Join("nodeClasses", name, "nic", "hardwareTimestamps"), "class %q stamps packets in hardware, which ntpd does not use", name).
					Related("time.daemon", "the daemon").Hintf("write daemon: \"chrony\"")
			}
		}
	},
}
