package lower

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// timeDaemon decides the configuration of the time service of a node. Constants, with chrony's own defaults beside them:
// maxdistance 1.0 s (3), makestep 1 s in the first three updates only (a later step breaks TLS and leases), minsources
// two where one may be lost and one may lie (1).
func (l *lowering) timeDaemon(n ir.Node, os, osPath string) ir.TimeDaemon {
	t := l.s.Time
	prof := l.set.OS(os)
	out := ir.TimeDaemon{
		Daemon: t.Daemon, Release: prof.Chrony.Version, Path: prof.Chrony.Config, DriftFile: prof.Chrony.DriftFile, DumpDir: prof.Chrony.DumpDir,
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
	if iso := t.Isolation; iso != nil {
		out.MinSources = min(out.MinSources, len(iso.Servers))
		out.From = append(out.From, "time.isolation")
	}
	out.Sources = append(out.Sources, l.timeNodes(n)...)
	if out.Serves = l.serving(n); out.Serves != nil && out.Serves.OrphanStratum > 0 {
		// One alone keeps the time of an isolated site, and the other designated hosts follow that one (chrony 4.3
		// sources.c, SRC_SelectSource): with a minimum of two, each would go by its own clock.
		out.MinSources = 1
		out.From = append(out.From, out.Serves.From...)
	}
	out.AnySource = t.Daemon == "chrony" && anySource(out.Sources, t.Isolation != nil)
	out.Refclocks = refclocks(n.Class, l.s.NodeClasses[n.Class])
	if l.s.NodeClasses[n.Class].NIC.HardwareTimestamps {
		out.CardStamps = true
		out.From = append(out.From, site.Join("nodeClasses", n.Class, "nic", "hardwareTimestamps"))
	}
	if t.Daemon == "ntpd" {
		ntpd(&out, prof)
	}
	return out
}

// ntpd decides what is different where NTPsec's ntpd keeps the time. It counts sources with NTS as it does the others,
// reads no PTP clocks and uses no time stamps of cards. Half a second is the highest threshold of a step at which the
// kernel still disciplines the clock (NTPsec 1.2.2 ntp_loopfilter.c, loop_config): without it the kernel's flag of an
// unsynchronised clock, which monitoring reads, is never cleared.
func ntpd(t *ir.TimeDaemon, os *profile.OS) {
	p := os.NTPsec
	t.Release, t.Path, t.DriftFile, t.LeapFile, t.OptionsFile = p.Version, p.Config, p.DriftFile, p.LeapFile, p.Options
	t.DumpDir, t.LeapTimeZone, t.MakeStep, t.LogChange, t.StepLimit = "", "", "", "", "0.5"
	t.CardStamps = false
	t.Refclocks = slices.DeleteFunc(t.Refclocks, func(c ir.Refclock) bool { return c.Driver != "PPS" })
}

// anySource reports whether sources with NTS must be told to count no more than those without. By default (authselectmode
// mix) chronyd sets nothing while none of them is selectable, although the others agree, as in a site that is cut off; and
// trusts them above the others, so that one of them that errs is followed against any number (chrony 4.3 sources.c,
// update_sel_options and SRC_SelectSource). The site counts sources by their upstreams, and each votes once.
func anySource(sources []ir.TimeSource, isolated bool) bool {
	plain := slices.ContainsFunc(sources, func(s ir.TimeSource) bool { return !s.NTS })
	return (plain || isolated) && slices.ContainsFunc(sources, func(s ir.TimeSource) bool { return s.NTS })
}

// servesTime reports whether others ask a node for the time, of its rack or of the isolated site. A system whose time
// service is a client alone is never asked.
func (l *lowering) servesTime(rack, node string) (ofRack, isolated bool) {
	n := l.s.Racks[rack].Nodes[node]
	if l.set.OS(cmp.Or(n.OS, l.s.NodeClasses[n.Class].OS)).TimeService != "" {
		return false, false
	}
	iso := l.s.Time.Isolation
	return slices.Contains(l.s.Racks[rack].TimeServers, node), iso != nil && slices.Contains(iso.Servers, node)
}

// timeServers are the nodes of a rack that are named as somebody's time server, in order.
func (l *lowering) timeServers(rack string) []string {
	named := slices.Clone(l.s.Racks[rack].TimeServers)
	if iso := l.s.Time.Isolation; iso != nil {
		named = append(named, iso.Servers...)
	}
	named = slices.DeleteFunc(named, func(name string) bool { return l.s.Racks[rack].Nodes[name] == nil })
	slices.Sort(named)
	return slices.Compact(named)
}

// timeNodes are the nodes that a node asks besides the sources of the site: those that keep the time when the site is cut
// off, and those of its rack, which are near and therefore preferred. A server of a rack does not ask the others of it:
// what it gets from them is what they have from the sources.
func (l *lowering) timeNodes(n ir.Node) []ir.TimeSource {
	ofRack, designated := l.servesTime(n.Rack, n.Name)
	var out []ir.TimeSource
	for rn, r := range byKey(l.s.Racks) {
		for _, name := range l.timeServers(rn) {
			node := r.Nodes[name]
			rackServer, isolated := l.servesTime(rn, name)
			near := rackServer && rn == n.Rack && !ofRack
			if name == n.Name || !near && !isolated {
				continue
			}
			from := ir.From{site.Join("racks", rn, "nodes", name, "address"), site.Join("racks", rn, "timeServers")}
			src := ir.TimeSource{Name: name, Server: node.Address[0], Address: node.Address[0], Prefer: near, Isolated: isolated}
			if isolated {
				from = append(from, "time.isolation.servers")
			}
			if isolated && designated {
				// Else they would follow each other in a circle after a cut, their strata rising by one in minutes to half an
				// hour, before one of them is the orphan (chronyd 4.3, seen).
				src.Fellow = l.s.Time.Isolation.OrphanStratum
				from = append(from, "time.isolation.orphanStratum")
			}
			src.From = from
			out = append(out, src)
		}
	}
	return out
}

// serving decides what a node does that others ask for the time; nil for one that nobody asks.
func (l *lowering) serving(n ir.Node) *ir.TimeService {
	ofRack, isolated := l.servesTime(n.Rack, n.Name)
	if !ofRack && !isolated {
		return nil
	}
	out := &ir.TimeService{From: ir.From{site.Join("racks", n.Rack, "timeServers")}}
	if isolated {
		out.OrphanStratum = l.s.Time.Isolation.OrphanStratum
		out.From = append(out.From, "time.isolation")
	}
	for rn, r := range byKey(l.s.Racks) {
		if rn != n.Rack && !isolated {
			continue
		}
		out.From = append(out.From, site.Join("racks", rn, "subnets"))
		out.Allow = append(out.Allow, prefixes(r.Subnets)...)
		for _, node := range byKey(r.Nodes) {
			// Nodes that live on loopback addresses have no subnet.
			for _, a := range addrs(node.Address) {
				if !slices.ContainsFunc(out.Allow, func(p netip.Prefix) bool { return p.Contains(a) }) {
					out.Allow = append(out.Allow, netip.PrefixFrom(a, a.BitLen()))
					out.From = append(out.From, site.Join("racks", rn, "nodes"))
				}
			}
		}
	}
	slices.SortFunc(out.Allow, func(a, b netip.Prefix) int {
		return cmp.Or(a.Addr().Compare(b.Addr()), cmp.Compare(a.Bits(), b.Bits()))
	})
	out.Allow = slices.Compact(out.Allow)
	return out
}

// refclocks are the reference clocks of a class. A pulse says when a second begins and not which one it is: a PTP clock
// beside it does, else the servers.
func refclocks(name string, class *site.NodeClass) []ir.Refclock {
	var out []ir.Refclock
	lock := ""
	for i, r := range class.Refclocks {
		c := ir.Refclock{Driver: strings.ToUpper(r.Kind), Device: r.Device, ID: fmt.Sprintf("%s%d", strings.ToUpper(r.Kind), i%10),
			From: ir.From{site.Join("nodeClasses", name, "refclocks")}}
		// The kernel's names end in the number; another name is refused.
		c.Unit, _ = strconv.Atoi(r.Device[len(strings.TrimRight(r.Device, "0123456789")):])
		if r.Kind == "phc" {
			lock = cmp.Or(lock, c.ID)
		}
		out = append(out, c)
	}
	for i := range out {
		if out[i].Driver == "PPS" {
			out[i].Lock = lock
		}
	}
	return out
}
