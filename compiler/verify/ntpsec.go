package verify

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// ruleNTPsec is about the files of NTPsec's ntpd.
const ruleNTPsec = "MG9223"

// ntpsecGlob is where ntp.conf lies.
const ntpsecGlob = "hosts/*/*/etc/ntpsec/ntp.conf"

// ntpsecDirectives are the directives in use; ntpd goes on after a line that it cannot read. Source: ntp.conf(5) of
// NTPsec 1.2.2. Left out on purpose: includefile, pool and peer, unrestrict, and restrict nopeer, which ntpd ignores.
var ntpsecDirectives = []ntpsecDirective{
	{newShape("driftfile <file:path>"), false},
	{newShape("leapfile <file:path>"), false},
	{newShape("refclock pps unit <unit:0-9> minpoll <minpoll:0-10> maxpoll <maxpoll:0-10> prefer"), true},
	{newShape("restrict default ignore"), true},
	{newShape("restrict source nomodify noquery"), true},
	{newShape("restrict 127.0.0.1 nomodify"), true},
	{newShape("restrict ::1 nomodify"), true},
	{newShape("restrict <subnet:net> kod limited nomodify noquery"), true},
	{newShape("tinker step <seconds:decimal>"), false},
	{newShape("tos orphan <stratum:1-15> orphanwait <seconds:60-3600>"), false},
	{newShape("tos minsane <sources:1-10> maxdist <seconds:decimal>"), false},
}

type ntpsecDirective struct {
	shape
	many bool
}

// ntpsecOptions are the options of a server in use, with the type of the value; nil is a flag.
var ntpsecSourceOptions = map[string]*argType{"iburst": nil, "nts": nil, "prefer": nil, "minpoll": &pollType, "maxpoll": &pollType}

// ntpsecConf is what ntp.conf says, as far as the checks over several lines need it.
type ntpsecConf struct {
	sources  []chronySource
	refclock int
	lines    map[string]int // of directives by their text up to the first argument
	allowed  []netip.Prefix
	minsane  int
	orphan   string // stratum of the machine when the site is cut off; "": it keeps no time then
}

func checkNTPsecFile(f *artifact.File) faults {
	_, fs := parseNTPsec(f.Bytes()) // who it serves is known where groups are compared
	return fs
}

// parseNTPsec reads ntp.conf.
func parseNTPsec(data []byte) (*ntpsecConf, faults) {
	var fs faults
	c := &ntpsecConf{lines: map[string]int{}}
	scanLines(data, &fs, func(n int, line string) {
		word, rest, _ := strings.Cut(line, " ")
		switch {
		case line == "" || line[0] == '#':
		case word == "server":
			c.readServer(n, strings.Fields(rest), &fs)
		default:
			c.readDirective(n, line, &fs)
		}
	})
	c.check(&fs)
	return c, fs
}

func (c *ntpsecConf) readDirective(n int, line string, fs *faults) {
	for i := range ntpsecDirectives {
		d := &ntpsecDirectives[i]
		a, ok := d.match(line)
		if !ok {
			continue
		}
		name, _, _ := strings.Cut(d.text, " <")
		if c.lines[name] != 0 && !d.many {
			fs.add(n, "%s stands twice, first in line %d: only one of the two holds", name, c.lines[name])
		}
		c.lines[name] = n
		switch {
		case name == "refclock pps unit":
			c.refclock++
		case name == "tos orphan":
			c.orphan = a["stratum"]
		case name == "tos minsane":
			c.minsane, _ = strconv.Atoi(a["sources"])
			checkBounds(n, "maxdist", a["seconds"], chronyBounds["maxdistance seconds"], fs)
		case name == "tinker step":
			checkBounds(n, "tinker step", a["seconds"], [2]float64{0.1, 0.5}, fs)
		case a["subnet"] != "":
			if subnet, err := netip.ParsePrefix(a["subnet"]); err == nil {
				c.allowed = append(c.allowed, subnet)
			}
		}
		return
	}
	fs.add(n, "ntpd would leave out %q, or it is none that is in use", line)
}

func (c *ntpsecConf) readServer(n int, fields []string, fs *faults) {
	if len(fields) == 0 || !isAddr(fields[0]) && (!hostName.MatchString(fields[0]) || looksLikeAddr(fields[0])) {
		fs.add(n, "server: neither an address nor a host name")
		return
	}
	s := chronySource{kind: "server", name: fields[0], options: map[string]string{}, line: n}
	for i := 1; i < len(fields); i++ {
		kind, ok := ntpsecSourceOptions[fields[i]]
		if _, twice := s.options[fields[i]]; !ok || twice {
			fs.add(n, "server: option %q is unknown or stands twice", fields[i])
			return
		}
		s.options[fields[i]] = ""
		if kind == nil {
			continue
		}
		if i+1 == len(fields) || !kind.accepts(fields[i+1]) {
			fs.add(n, "server: option %s has no value of its type", fields[i])
			return
		}
		s.options[fields[i]] = fields[i+1]
		i++
	}
	least, errLeast := strconv.Atoi(s.options["minpoll"])
	most, errMost := strconv.Atoi(s.options["maxpoll"])
	if errLeast != nil || errMost != nil || least > most {
		fs.add(n, "server %s: polls from %q to %q", s.name, s.options["minpoll"], s.options["maxpoll"])
	}
	if _, ok := s.options["nts"]; ok && isAddr(s.name) {
		fs.add(n, "server %s uses NTS by address: certificates are issued to names", s.name)
	}
	if slices.ContainsFunc(c.sources, func(o chronySource) bool { return o.name == s.name }) {
		fs.add(n, "server %s stands twice", s.name)
	}
	c.sources = append(c.sources, s)
}

// check reports what only the whole file shows.
func (c *ntpsecConf) check(fs *faults) {
	total := len(c.sources) + c.refclock
	if total == 0 {
		fs.add(0, "the file names no source of time")
	}
	if c.minsane > max(1, total-1) {
		fs.add(c.lines["tos minsane"], "minsane %d with %d sources: one wrong or dead source stops the clock from being set", c.minsane, total)
	}
	for _, want := range []struct{ directive, why string }{
		{"driftfile", "without it each restart begins with an unknown frequency"},
		{"leapfile", "without it a leap second is what the sources say in the last hours"},
		{"tinker step", "without it an eighth of a second leads to a step"},
		{"tos minsane", "without it the first source that answers is followed, right or wrong"},
		{"restrict default ignore", "without it everybody gets an answer"},
		{"restrict source nomodify noquery", "without it the sources' own answers are ignored"},
		{"restrict 127.0.0.1 nomodify", "without it ntpq on the machine gets no answer"},
	} {
		if c.lines[want.directive] == 0 {
			fs.add(0, "no %s: %s", want.directive, want.why)
		}
	}
}

// checkNTPsec reports hosts that serve and should not, and hosts that are asked and do not answer.
func checkNTPsec(p *pass, groups []*hostGroup, inv *inventory) {
	byAddress := map[string]*hostGroup{}
	for _, g := range groups {
		for _, a := range inv.addresses(g.name) {
			byAddress[a] = g
		}
	}
	for _, g := range groups {
		if g.ntpsec == nil {
			continue
		}
		if len(g.ntpsec.allowed) > 0 && !g.designated(inv) {
			p.report(g.ntpsecFile, 0, ruleNTPsec, "it answers on a machine that is no designated time server")
		}
		if g.ntpsec.orphan != "" {
			p.checkNTPsecOrphan(g, groups, inv)
		}
		if !g.ntpsecOptions {
			p.report(g.ntpsecFile, 0, ruleNTPsec, "no file beside it keeps a file with the servers of DHCP from being read in its place")
		}
		for _, s := range g.ntpsec.sources {
			server := byAddress[s.name]
			if server == nil {
				continue
			}
			var allowed []netip.Prefix
			if server.ntpsec != nil {
				allowed = server.ntpsec.allowed
			}
			for _, client := range inv.addresses(g.name) {
				a, err := netip.ParseAddr(client)
				if err == nil && !slices.ContainsFunc(allowed, func(subnet netip.Prefix) bool { return subnet.Contains(a) }) {
					p.report(g.ntpsecFile, s.line, ruleNTPsec, "%s is asked by %s, which %s does not let in", s.name, client, server.name)
				}
			}
		}
	}
}

// checkNTPsecOrphan compares a machine that keeps the time of a cut-off site with the others that do: one of them is the
// parent, and all others follow it alone.
func (p *pass) checkNTPsecOrphan(g *hostGroup, groups []*hostGroup, inv *inventory) {
	at := g.ntpsec.lines["tos orphan"]
	if len(g.ntpsec.allowed) == 0 {
		p.report(g.ntpsecFile, at, ruleNTPsec, "it is to keep the time of the cut-off site and lets nobody ask")
	}
	if g.ntpsec.minsane != 1 {
		p.report(g.ntpsecFile, g.ntpsec.lines["tos minsane"], ruleNTPsec, "minsane %d with orphan: one machine alone keeps the time, and this one would not follow it", g.ntpsec.minsane)
	}
	for _, other := range groups {
		if other == g || other.ntpsec == nil || other.ntpsec.orphan == "" {
			continue
		}
		if other.ntpsec.orphan != g.ntpsec.orphan {
			p.report(g.ntpsecFile, at, ruleNTPsec, "orphan %s, and %s has %s: they would not agree on one", g.ntpsec.orphan, other.name, other.ntpsec.orphan)
		}
		addresses := inv.addresses(other.name)
		if !slices.ContainsFunc(g.ntpsec.sources, func(s chronySource) bool { return slices.Contains(addresses, s.name) }) {
			p.report(g.ntpsecFile, at, ruleNTPsec, "it does not ask %s, which keeps the time of the cut-off site as it does: both would", other.name)
		}
	}
}

// checkNTPsecOptions reads the environment of the service.
func checkNTPsecOptions(f *artifact.File) faults {
	var fs faults
	seen := map[string]bool{}
	scanLines(f.Bytes(), &fs, func(n int, line string) {
		if line == "" || line[0] == '#' {
			return
		}
		if line != `NTPD_OPTS="-g -N"` && line != `IGNORE_DHCP="yes"` || seen[line] {
			fs.add(n, "%q is unknown or stands twice", line)
		}
		seen[line] = true
	})
	if len(seen) != 2 {
		fs.add(0, "not both of NTPD_OPTS and IGNORE_DHCP")
	}
	return fs
}
