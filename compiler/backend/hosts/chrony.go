package hosts

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// chrony writes chrony.conf for a client: it serves time to nobody ("allow"), never takes its own clock for true
// ("local"), and reads no source that the site does not declare.
func chrony(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	d := &g.Time
	f := file(p, t, g, d.Path)
	comments(f,
		"Read at start: restart chronyd after a change. There is no confdir and no sourcedir: a server that DHCP or a",
		"package brings would vote beside those that are declared here.")
	for i := range d.Sources {
		source(f, &d.Sources[i])
	}
	chronyClock(f, d)
	chronyFiles(f, d)
}

// source writes one server. Polling between 16 s and 64 s finds a source that went astray within minutes; the servers
// are the site's own and can take it.
func source(f *artifact.File, s *ir.TimeSource) {
	f.From("", s.From...)
	f.Blank()
	what := s.Name + ", upstream " + s.Upstream
	if s.Address != s.Server {
		what += ", address " + s.Address
	}
	comments(f, what)
	if !s.NTS {
		f.Linef("server %s iburst minpoll 4 maxpoll 6", s.Server)
		return
	}
	comments(f, "NTS: this is the name in the server's certificate; its key exchange is TCP 4460.")
	f.Linef("server %s iburst minpoll 4 maxpoll 6 nts", s.Server)
}

// chronyClock writes how the clock follows the sources.
func chronyClock(f *artifact.File, d *ir.TimeDaemon) {
	f.From("time/minsources", d.From...)
	f.Blank()
	comments(f, "So many sources must be selectable before the clock follows any of them.")
	f.Linef("minsources %d", d.MinSources)

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
