package rules

import (
	"cmp"
	"regexp"
	"slices"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// keepsTime names the program that keeps a machine's clock: what the site asks for, or the one that its system has.
func keepsTime(p *check.Pass, m machine) string {
	os := cmp.Or(m.node.OS, classOS(m.class))
	if prof := p.Profiles.OS(os); prof != nil && prof.TimeService != "" {
		return prof.TimeService
	}
	return p.Site.Time.Daemon
}

func classOS(c *site.NodeClass) string {
	if c == nil {
		return ""
	}
	return c.OS
}

// TimeServerDaemon finds nodes that others ask for the time and that cannot answer.
var TimeServerDaemon = &check.Rule{
	ID: "MG3201", Name: "time-server-daemon", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a node is to serve time, and its program does not serve, or not as it is asked to

systemd-timesyncd and Talos are clients alone. In timeServers of a rack such a node is left out, and the rack's nodes ask
the site's sources themselves: a warning. When it is to keep the time of a site that is cut off, nothing stands in for it.
chronyd and ntpd do both.
Source: systemd timesyncd documentation; Talos documentation, TimeSyncConfig; siderolabs/talos v1.12.11 internal/pkg/ntp.`,
	Run: func(p *check.Pass) {
		iso := p.Site.Time.Isolation
		for m := range machines(p.Site) {
			daemon := keepsTime(p, m)
			if daemon == "chrony" || daemon == "ntpd" {
				continue
			}
			if i := slices.Index(p.Site.Racks[m.rack].TimeServers, m.name); i >= 0 {
				p.Reportf(site.Join("racks", m.rack, "timeServers", site.Index(i)), "node %q cannot serve time with %s: it is left out, and the rack's nodes ask the site's sources", m.name, daemon).
					Related(m.path, "the node").Hintf("name nodes that run chrony, or none").Warning()
			}
			if iso == nil {
				continue
			}
			if i := slices.Index(iso.Servers, m.name); i >= 0 {
				p.Reportf(site.Join("time", "isolation", "servers", site.Index(i)), "node %q cannot keep the time of the isolated site with %s", m.name, daemon).
					Related(m.path, "the node").Hintf("name nodes that run chrony or ntpd")
			}
		}
	},
}

// ClockHardwareDaemon finds clock hardware that the machine's program does not read.
var ClockHardwareDaemon = &check.Rule{
	ID: "MG3202", Name: "clock-hardware-daemon", Severity: diag.Warning, On: check.OnSite, Guard: true,
	Doc: `a class has clock hardware, and the program that keeps its clocks does not read it

systemd-timesyncd and Talos read no pulses and no time stamps of network cards, timesyncd no PTP clock either: these are
left out, a warning. What ntpd leaves out is said by ntpd-clocks.
Source: systemd timesyncd documentation; siderolabs/talos v1.12.11 internal/pkg/ntp; chrony documentation, Comparison of
NTP implementations.`,
	Run: func(p *check.Pass) {
		said := map[string]bool{}
		for m := range machines(p.Site) {
			daemon := keepsTime(p, m)
			key := m.node.Class + " " + daemon
			if m.class == nil || daemon == "chrony" || daemon == "ntpd" || said[key] {
				continue
			}
			said[key] = true
			path := site.Join("nodeClasses", m.node.Class)
			report := func(path, format string) {
				p.Reportf(path, format, daemon, m.node.Class).Hintf("it does nothing here: leave it out")
			}
			for i, r := range m.class.Refclocks {
				if daemon != talosTime || r.Kind != "phc" {
					report(site.Join("nodeClasses", m.node.Class, "refclocks", site.Index(i)), "%s on nodes of class %q does not read this reference clock")
				}
			}
			if m.class.NIC.HardwareTimestamps {
				report(path+".nic.hardwareTimestamps", "%s on nodes of class %q uses no time stamps of network cards")
			}
		}
	},
}

// talosTime is the time service of Talos in the profiles.
const talosTime = "talos"

// TalosClock finds a PTP clock that Talos follows without asking anybody else.
var TalosClock = &check.Rule{
	ID: "MG3204", Name: "talos-clock", Severity: diag.Warning, On: check.OnSite,
	Doc: `a PTP clock on machines that run Talos is followed alone

Talos keeps to the first source that answers, and a clock always answers. One of a network card that nobody disciplines
counts from the start of the machine, and one that keeps TAI is ahead by the leap seconds: nothing outvotes it. Talos
itself brings no program that sets such a clock.
Source: siderolabs/talos v1.12.11 internal/pkg/ntp, query and queryPTP.`,
	Run: func(p *check.Pass) {
		said := map[string]bool{}
		for m := range machines(p.Site) {
			if m.class == nil || keepsTime(p, m) != talosTime || said[m.node.Class] {
				continue
			}
			said[m.node.Class] = true
			for i, r := range m.class.Refclocks {
				if r.Kind == "phc" {
					p.Reportf(site.Join("nodeClasses", m.node.Class, "refclocks", site.Index(i), "device"), "Talos follows %s alone, right or wrong, on nodes of class %q", r.Device, m.node.Class).
						Hintf("see to it that the clock keeps UTC by itself, as those of GNSS receivers and hypervisors do; else leave it out")
				}
			}
		}
	},
}

// RefclockDevice finds a reference clock behind a device that the daemon may not open.
var RefclockDevice = &check.Rule{
	ID: "MG3203", Name: "refclock-device", Severity: diag.Error, On: check.OnSite,
	Doc: `a reference clock's device is none of its kind

The kernel names PTP clocks /dev/ptp0 and so on, pulses /dev/pps0. chronyd ends at start when it cannot open the device as
what it should be, and packages let it open these names alone.
Source: chrony 4.3 refclock_phc.c and refclock_pps.c; Debian 12 package chrony: usr.sbin.chronyd for AppArmor and
DeviceAllow in chrony.service.`,
	Run: func(p *check.Pass) {
		for name, c := range byKey(p.Site.NodeClasses) {
			for i, r := range c.Refclocks {
				if want := refclockDevices[r.Kind]; want != nil && !want.MatchString(r.Device) {
					p.Reportf(site.Join("nodeClasses", name, "refclocks", site.Index(i), "device"), "%s is no device of a %s clock", r.Device, r.Kind).
						Hintf("the kernel's names are %s", map[string]string{"phc": "/dev/ptp0, /dev/ptp1", "pps": "/dev/pps0, /dev/pps1"}[r.Kind])
				}
			}
		}
	},
}

var refclockDevices = map[string]*regexp.Regexp{
	"phc": regexp.MustCompile(`^/dev/ptp[0-9]+$`),
	"pps": regexp.MustCompile(`^/dev/pps[0-9]+$`),
}
