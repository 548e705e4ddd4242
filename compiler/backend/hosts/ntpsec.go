package hosts

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// orphanWaitSecs is ntpd's own default (NTPsec 1.2.2 ntpd/ntp_proto.c, NTP_ORPHWAIT): a source that is away for less is
// waited for.
const orphanWaitSecs = 300

// ntpsec writes ntp.conf of NTPsec's ntpd. Unlike chronyd it answers whoever asks unless it is told not to, and goes on
// after a line that it does not understand.
func ntpsec(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	d := &g.Time
	f := timeFile(p, t, g, d.Path)
	comments(f,
		"Read at start: restart ntpsec after a change. ntpd leaves out a line that it cannot read and goes on: look for",
		"\"CONFIG:\" in its log. It also reads ntp.d beside this file: nothing may lie there.")
	for i := range d.Sources {
		ntpsecSource(f, &d.Sources[i])
	}
	for i := range d.Refclocks {
		c := &d.Refclocks[i]
		f.From("", c.From...)
		f.Blank()
		comments(f, "A pulse per second; which second it is comes from the servers. Without \"prefer\" it would not be used.")
		f.Linef("refclock pps unit %d minpoll 4 maxpoll 4 prefer", c.Unit)
	}
	ntpsecAccess(f, d)
	ntpsecClock(f, d)
}

// ntpsecSource writes one server, with the poll of chronyd's.
func ntpsecSource(f *artifact.File, s *ir.TimeSource) {
	sourceComment(f, s)
	options := ""
	if s.Prefer {
		options = " prefer"
	}
	if s.NTS {
		comments(f, "NTS: this is the name in the server's certificate; its key exchange is TCP 4460.")
		options += " nts"
	}
	f.Linef("server %s iburst minpoll 4 maxpoll 6%s", s.Server, options)
}

// ntpsecAccess writes who gets an answer. Servers are let in one by one: "noserve" would keep their answers out too.
func ntpsecAccess(f *artifact.File, d *ir.TimeDaemon) {
	f.Fixed()
	f.Blank()
	comments(f, "Nobody gets an answer but those below: ntpd takes the sources' own packets, and ntpq on this machine may look.")
	f.Line("restrict default ignore")
	f.Line("restrict source nomodify noquery")
	f.Line("restrict 127.0.0.1 nomodify")
	f.Line("restrict ::1 nomodify")
	if d.Serves == nil {
		return
	}
	f.From("", d.Serves.From...)
	f.Blank()
	comments(f, "These may ask for the time, and are told when they ask too often.")
	for _, p := range d.Serves.Allow {
		f.Linef("restrict %s kod limited nomodify noquery", p)
	}
}

// ntpsecClock writes how the clock follows the sources, and what ntpd keeps on disk.
func ntpsecClock(f *artifact.File, d *ir.TimeDaemon) {
	f.From("time/minsources", d.From...)
	f.Blank()
	comments(f,
		"So many sources must agree before the clock follows any of them, and none is further away than so many seconds of",
		"root distance.")
	f.Linef("tos minsane %d maxdist %s", d.MinSources, d.MaxDistance)
	if s := d.Serves; s != nil && s.OrphanStratum > 0 {
		f.From("", s.From...)
		f.Blank()
		comments(f,
			"So many seconds after its last source is gone, or after a start without any, a designated host follows the one of",
			"them with the lowest address. That one serves its own clock at this stratum. Hosts at that stratum or above are",
			"nobody's source while there is a real one.")
		f.Linef("tos orphan %d orphanwait %d", s.OrphanStratum, orphanWaitSecs)
	}

	f.From("", d.From...)
	f.Blank()
	comments(f,
		"A clock that is off by more seconds than this for five minutes is stepped, under running pods too. With a higher",
		"threshold, or none, the kernel would hold the clock for unsynchronised for ever.")
	f.Line("tinker step " + d.StepLimit)
	f.Blank()
	f.Line("driftfile " + d.DriftFile)
	comments(f, "Leap seconds. None of the sources smears them.")
	f.Line("leapfile " + d.LeapFile)
}

// ntpsecOptions writes the environment of the service.
func ntpsecOptions(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	f := timeFile(p, t, g, g.Time.OptionsFile)
	f.From("", g.Time.From...)
	comments(f, "-g: the first correction after a start may be of any size. -N: at a high priority.")
	f.Line(`NTPD_OPTS="-g -N"`)
	comments(f, "Otherwise a file with the servers that DHCP brings is read in place of "+g.Time.Path+".")
	f.Line(`IGNORE_DHCP="yes"`)
}
