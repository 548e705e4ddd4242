package hosts

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// timesyncd writes the servers of systemd-timesyncd, for a system that has no other time service.
func timesyncd(p *ir.Plan, t *artifact.Tree, g *ir.HostGroup) {
	d := &g.Time
	f := file(p, t, g, d.Path)
	comments(f,
		"Read at start: systemctl restart systemd-timesyncd. It follows one server at a time, right or wrong, until that one is",
		"silent: there is no majority here, no NTS and no limit of distance. Watch these clocks from outside.")
	f.Line("[Time]")
	f.From("", append(d.From[:len(d.From):len(d.From)], "time.sources")...)
	f.Line("NTP=" + strings.Join(servers(d), " "))
	f.Fixed()
	comments(f, "None besides these.")
	f.Line("FallbackNTP=")
}

// servers are the sources as a client without NTS asks for them: by address.
func servers(d *ir.TimeDaemon) []string {
	out := make([]string, len(d.Sources))
	for i := range d.Sources {
		out[i] = d.Sources[i].Address
	}
	return out
}
