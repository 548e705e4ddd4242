package lower

import (
	"cmp"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// timeDaemon decides the configuration of the time service. Constants, with chrony's own defaults beside them:
// maxdistance 1.0 s (3), makestep 1 s in the first three updates only (a later step breaks TLS and leases), minsources
// two where one may be lost and one may lie (1).
func (l *lowering) timeDaemon(os, osPath string) ir.TimeDaemon {
	t := l.s.Time
	prof := l.set.OS(os)
	out := ir.TimeDaemon{
		Daemon: t.Daemon, Path: prof.Chrony.Config, DriftFile: prof.Chrony.DriftFile, DumpDir: prof.Chrony.DumpDir,
		MinSources: 1, MaxDistance: "1.0", MakeStep: "1.0 3",
		LogChange:    strconv.FormatFloat(site.ParseDuration(t.MaxOffset).Seconds(), 'f', -1, 64),
		LeapTimeZone: prof.Leap.TimeZone,
		From:         ir.From{"time.daemon", "time.sources", "time.maxOffset", osPath},
	}
	for name, s := range byKey(t.Sources) {
		src := ir.TimeSource{Name: name, Server: s.Address, Address: s.Address, Upstream: s.Upstream, NTS: s.NTS,
			From: ir.From{site.Join("time", "sources", name)}}
		if s.NTS {
			// The certificate is checked against the name that the server was asked for by.
			src.Server = cmp.Or(s.Hostname, s.Address)
		}
		out.Sources = append(out.Sources, src)
	}
	// A majority of two needs a third; and the daemon must still settle with one source gone.
	if len(out.Sources) > 2 {
		out.MinSources = 2
	}
	return out
}
