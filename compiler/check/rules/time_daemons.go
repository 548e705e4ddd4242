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
	Doc: `a node is to serve time, and its program does not serve, or has no output for it yet

systemd-timesyncd and Talos are clients alone: whoever asks such a node gets no answer, and a site that is cut off falls
apart. For ntpd only the client is written.
Source: systemd timesyncd documentation; Talos documentation, TimeSyncConfig.`,
	Run: func(p *check.Pass) {
		iso := p.Site.Time.Isolation
		for m := range machines(p.Site) {
			daemon := keepsTime(p, m)
			if daemon == "chrony" {
				continue
			}
			path := ""
			if i := slices.Index(p.Site.Racks[m.rack].TimeServers, m.name); i >= 0 {
				path = site.Join("racks", m.rack, "timeServers", site.Index(i))
			} else if iso != nil {
				if i := slices.Index(iso.Servers, m.name); i >= 0 {
					path = site.Join("time", "isolation", "servers", site.Index(i))
				}
			}
			if path != "" {
				p.Reportf(path, "not supported yet: node %q serves time with %s", m.name, daemon).
					Related(m.path, "the node").Hintf("name nodes that run chrony")
			}
		}
	},
}

// ClockHardwareDaemon finds clock hardware that the machine's program does not read.
var ClockHardwareDaemon = &check.Rule{
	ID: "MG3202", Name: "clock-hardware-daemon", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a class has clock hardware, and the program that keeps its clocks does not read it

systemd-timesyncd and Talos ask servers by SNTP and read no clock of the machine, nor time stamps of network cards, which
ntpd does not read either. Pulses for ntpd are not written yet.
Source: systemd timesyncd documentation; Talos documentation, TimeSyncConfig; chrony documentation, Comparison of NTP
implementations.`,
	Run: func(p *check.Pass) {
		said := map[string]bool{}
		for m := range machines(p.Site) {
			daemon := keepsTime(p, m)
			if m.class == nil || daemon == "chrony" || said[m.node.Class] {
				continue
			}
			said[m.node.Class] = true
			path := site.Join("nodeClasses", m.node.Class)
			if len(m.class.Refclocks) > 0 {
				p.Reportf(path+".refclocks", "not supported yet: %s on nodes of class %q reads no reference clock", daemon, m.node.Class).
					Hintf("leave them out, or run chrony")
			}
			if m.class.NIC.HardwareTimestamps {
				p.Reportf(path+".nic.hardwareTimestamps", "not supported yet: %s on nodes of class %q uses no time stamps of network cards", daemon, m.node.Class).
					Hintf("leave it out, or run chrony")
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
