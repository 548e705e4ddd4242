package hosts

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// chrony writes chrony.conf. Only a host that the site names serves time ("allow"), only one that keeps the time of an
// isolated site takes its own clock for true ("local"), and none reads a source that the site does not declare.
func chrony(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	d := &g.Time
	f := timeFile(p, t, g, d.Path)
	comments(f,
		"Read at start: restart chronyd after a change. There is no confdir and no sourcedir: a server that DHCP or a",
		"package brings would vote beside those that are declared here.")
	for i := range d.Sources {
		source(f, &d.Sources[i])
	}
	for i := range d.Refclocks {
		refclock(f, &d.Refclocks[i])
	}
	if d.CardStamps {
		f.From("", d.From.Of("hardwareTimestamps")...)
		f.Blank()
		comments(f, "Time stamps from the network cards: every interface that has them, the members of a bond too.")
		f.Line("hwtimestamp *")
	}
	if d.Serves != nil {
		serve(f, d.Serves)
	}
	chronyClock(f, d)
	chronyFiles(f, d)
}

// source writes one server. Polling between 16 s and 64 s finds a source that went astray within minutes; the servers
// are the site's own and can take it.
func source(f *artifact.File, s *ir.TimeSource) {
	sourceComment(f, s)
	if !s.NTS {
		options := ""
		if s.Prefer {
			options = " prefer"
		}
		if s.Fellow > 0 {
			comments(f, "It counts as one without a source, so that this host follows it only when it has no source itself.")
			options += fmt.Sprintf(" minstratum %d", s.Fellow)
		}
		f.Linef("server %s iburst minpoll 4 maxpoll 6%s", s.Server, options)
		return
	}
	comments(f, "NTS: this is the name in the server's certificate; its key exchange is TCP 4460.")
	f.Linef("server %s iburst minpoll 4 maxpoll 6 nts", s.Server)
}

// sourceComment writes what a source is. Where it is asked by its name, its address stands at the end of the line.
func sourceComment(f *artifact.File, s *ir.TimeSource) {
	f.From("", s.From...)
	f.Blank()
	what := s.Name
	if s.Upstream != "" {
		what += ", upstream " + s.Upstream
	}
	if s.Prefer {
		what += ", a time server of this rack"
	}
	if s.Isolated {
		what += ", which goes on serving when the site is cut off"
	}
	if s.Address != s.Server {
		what += ", address " + s.Address
	}
	comments(f, what)
}

// refclock writes a clock in the machine. With poll 2 it is read four times as often as the fastest server is asked.
func refclock(f *artifact.File, c *ir.Refclock) {
	f.From("", c.From...)
	f.Blank()
	if c.Driver == "PHC" {
		comments(f, "A PTP hardware clock that keeps UTC. One that keeps TAI is off by the leap seconds, and the others outvote it.")
		f.Linef("refclock PHC %s poll 2 refid %s", c.Device, c.ID)
		return
	}
	if c.Lock != "" {
		comments(f, "A pulse per second; which second it is comes from "+c.Lock+".")
		f.Linef("refclock PPS %s poll 2 refid %s lock %s", c.Device, c.ID, c.Lock)
		return
	}
	comments(f, "A pulse per second; which second it is comes from the servers.")
	f.Linef("refclock PPS %s poll 2 refid %s", c.Device, c.ID)
}

// serve writes whom the host serves, and what it does when the site is cut off.
func serve(f *artifact.File, s *ir.TimeService) {
	f.From("", s.From...)
	f.Blank()
	comments(f, "These may ask for the time; nobody else gets an answer.")
	for _, p := range s.Allow {
		f.Linef("allow %s", p)
	}
	if s.OrphanStratum == 0 {
		return
	}
	f.Blank()
	comments(f,
		"Without any source the designated hosts, which ask each other, follow the one with the lowest address. It serves the",
		"time that it had last, and from an error of 1 s on its own clock at this stratum. Sources of the same stratum or",
		"above are ignored while there is a real one.")
	f.Linef("local stratum %d orphan", s.OrphanStratum)
}

// chronyClock writes how the clock follows the sources.
func chronyClock(f *artifact.File, d *ir.TimeDaemon) {
	f.From("time/minsources", d.From...)
	f.Blank()
	comments(f, "So many sources must be selectable before the clock follows any of them.")
	f.Linef("minsources %d", d.MinSources)

	if d.AnySource {
		f.From("", append(d.From.Of("isolation"), "time.sources")...)
		f.Blank()
		comments(f,
			"Each source has one vote. Otherwise nothing would be followed while no source with NTS answers, although the others",
			"agree; and one with NTS that errs, against all others. NTS keeps anybody from answering in a source's place; it does",
			"not make its clock right.")
		f.Line("authselectmode ignore")
	}

	f.From("", d.From...)
	f.Blank()
	comments(f, "A source further away than this, in seconds of root distance, is not selectable.")
	f.Line("maxdistance " + d.MaxDistance)

	f.Blank()
	comments(f,
		"A step is allowed in the first updates after start only. Later the clock is slewed: a step under running pods",
		"breaks certificates' validity, leases and timeouts.")
	f.Line("makestep " + d.MakeStep)

	f.Blank()
	comments(f, "Clears the kernel's \"unsynchronised\" flag, which monitoring reads, and keeps the hardware clock right for the next boot.")
	f.Line("rtcsync")

	if d.LeapTimeZone != "" {
		f.Blank()
		comments(f, "Leap seconds from the time zone database. None of the sources smears them.")
		f.Line("leapsectz " + d.LeapTimeZone)
	}
	f.Blank()
	comments(f, "Corrections above so many seconds are logged.")
	f.Line("logchange " + d.LogChange)
}

// chronyFiles writes what the daemon keeps on disk and who may talk to it.
func chronyFiles(f *artifact.File, d *ir.TimeDaemon) {
	f.From("", d.From...)
	f.Blank()
	f.Line("driftfile " + d.DriftFile)
	if d.DumpDir != "" {
		comments(f, "NTS keys and cookies survive a restart: no new key exchange, no burst at the servers.")
		f.Line("ntsdumpdir " + d.DumpDir)
	}
	f.Fixed()
	f.Blank()
	comments(f, "chronyc and a metrics exporter ask on UDP port 323 of the loopback addresses, and from nowhere else.")
	f.Line("bindcmdaddress 127.0.0.1")
	f.Line("bindcmdaddress ::1")
}
