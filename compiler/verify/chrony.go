package verify

import (
	"net/netip"
	"strconv"
	"strings"
)

// A chronyConf is what chrony.conf says, as far as the checks over several lines need it.
type chronyConf struct {
	sources  []chronySource
	lines    map[string]int    // line of each directive, the first where several stand
	args     map[string]string // the rest of that line
	refclock int               // how many reference clocks
	ids      map[string]int    // line of each reference clock's refid
	locks    map[string]int    // line of each clock that takes its seconds from another, by the other's refid
	allowed  []netip.Prefix    // who may ask
	needs    []chronyNeed      // what is younger than the first release in use
}

// A chronyNeed is a word of the file that an older chronyd does not know.
type chronyNeed struct {
	line  int
	what  string
	since chronyVersion
}

func (c *chronyConf) need(line int, what string, since chronyVersion) {
	if since != (chronyVersion{}) {
		c.needs = append(c.needs, chronyNeed{line, what, since})
	}
}

// newer reports what a chronyd of the given release does not know: it would not start.
func (c *chronyConf) newer(release chronyVersion) faults {
	var fs faults
	for _, n := range c.needs {
		if release.before(n.since) {
			fs.add(n.line, "%s needs chrony %s, and the hosts may have %s", n.what, n.since, release)
		}
	}
	return fs
}

// A chronySource is a server, pool or peer.
type chronySource struct {
	kind, name string
	options    map[string]string // "" for a flag
	line       int
}

// count is how many sources it stands for.
func (s chronySource) count() int {
	if s.kind != "pool" {
		return 1
	}
	if n, err := strconv.Atoi(s.options["maxsources"]); err == nil {
		return n
	}
	return 4 // chrony.conf(5)
}

// parseChrony reads chrony.conf.
func parseChrony(data []byte) (*chronyConf, faults) {
	var fs faults
	c := &chronyConf{lines: map[string]int{}, args: map[string]string{}, ids: map[string]int{}, locks: map[string]int{}}
	scanLines(data, &fs, func(n int, line string) {
		if line == "" || strings.ContainsRune("!;#%", rune(line[0])) {
			return
		}
		word, rest, _ := strings.Cut(line, " ")
		switch word {
		case "server", "pool", "peer":
			c.readSource(n, word, rest, &fs)
			return
		case "include", "confdir", "sourcedir":
			fs.add(n, "%s reads sources and directives that this file does not show", word)
			return
		}
		d, a := chronyDirectiveOf(word, line)
		switch {
		case d == nil:
			fs.add(n, "unknown directive %q", word)
			return
		case a == nil && len(d.forms[0]) > 1:
			fs.add(n, "%s: want %s, have %q", word, d.text, line)
			return
		}
		c.need(n, word, d.since)
		if first, ok := c.lines[word]; ok {
			if !d.many {
				fs.add(n, "%s stands twice, first in line %d: only one of the two holds", word, first)
			}
		} else {
			c.lines[word], c.args[word] = n, rest
		}
		switch word {
		case "refclock":
			c.refclock++
			if id := a["refid"]; id != "" {
				if c.ids[id] != 0 {
					fs.add(n, "two reference clocks are called %s", id)
				}
				c.ids[id] = n
			}
			if a["lock"] != "" {
				c.locks[a["lock"]] = n
			}
		case "allow":
			if subnet, err := netip.ParsePrefix(a["subnet"]); err == nil {
				c.allowed = append(c.allowed, subnet)
			}
		}
		checkChronyArgs(n, word, a, &fs)
	})
	return c, fs
}

// chronyDirectiveOf returns the directive of a line with its arguments. When the arguments are not of any form of the
// directive they are nil; when no directive has the name, both are.
func chronyDirectiveOf(word, line string) (*chronyDirective, args) {
	var named *chronyDirective
	for i := range chronyDirectives {
		d := &chronyDirectives[i]
		if d.firstWord() != word {
			continue
		}
		if a, ok := d.match(line); ok {
			if a == nil {
				a = args{}
			}
			return d, a
		}
		named = d
	}
	return named, nil
}

func checkChronyArgs(n int, word string, a args, fs *faults) {
	for name, value := range a {
		if b, ok := chronyBounds[word+" "+name]; ok {
			checkBounds(n, word, value, b, fs)
		}
	}
	if word == "log" {
		for _, w := range strings.Fields(a["what"]) {
			if !chronyLogs[w] {
				fs.add(n, "log: %q is not a log of chronyd", w)
			}
		}
	}
}

func checkBounds(n int, what, value string, b [2]float64, fs *faults) {
	v, err := strconv.ParseFloat(value, 64)
	if err != nil || v < b[0] || v > b[1] {
		fs.add(n, "%s %s is not within %v to %v", what, value, b[0], b[1])
	}
}

// readSource reads the name and options of a server, pool or peer.
func (c *chronyConf) readSource(n int, kind, rest string, fs *faults) {
	fields := strings.Split(rest, " ")
	s := chronySource{kind: kind, name: fields[0], options: map[string]string{}, line: n}
	if !isAddr(s.name) && (!hostName.MatchString(s.name) || looksLikeAddr(s.name)) {
		fs.add(n, "%s: %q is neither an address nor a host name", kind, s.name)
		return
	}
	for _, other := range c.sources {
		if other.name == s.name {
			fs.add(n, "%s %s stands twice, first in line %d: chronyd would count one clock as two", kind, s.name, other.line)
		}
	}
	for i := 1; i < len(fields); i++ {
		o := sourceOptionOf(fields[i])
		if o == nil {
			fs.add(n, "%s: unknown option %q", kind, fields[i])
			return
		}
		if _, ok := s.options[o.name]; ok {
			fs.add(n, "%s: option %s stands twice", kind, o.name)
		}
		if o.pool && kind != "pool" {
			fs.add(n, "%s: option %s means something on a pool only", kind, o.name)
		}
		c.need(n, kind+": option "+o.name, o.since)
		s.options[o.name] = ""
		if o.value == nil {
			continue
		}
		i++
		if i == len(fields) || !o.value.accepts(fields[i]) {
			fs.add(n, "%s: option %s has no value of its type", kind, o.name)
			return
		}
		s.options[o.name] = fields[i]
		for key, b := range chronyBounds {
			if name, _, _ := strings.Cut(key, " "); name == o.name {
				checkBounds(n, o.name, fields[i], b, fs)
			}
		}
	}
	c.sources = append(c.sources, s)
}

func sourceOptionOf(name string) *sourceOption {
	for i := range sourceOptions {
		if sourceOptions[i].name == name {
			return &sourceOptions[i]
		}
	}
	return nil
}

// looksLikeAddr reports a name of digits and dots: a mistyped IPv4 address, which a resolver would look up as a name.
func looksLikeAddr(name string) bool { return strings.Trim(name, "0123456789.") == "" }

// check reports what only the whole file shows. A designated time server may serve time and go on without sources.
func (c *chronyConf) check(designated bool) faults {
	var fs faults
	total := c.refclock
	for _, s := range c.sources {
		total += s.count()
		c.checkSource(s, &fs)
	}
	if total == 0 {
		fs.add(0, "the file names no source of time")
	}
	for _, id := range sortedKeys(c.locks) {
		if c.ids[id] == 0 {
			fs.add(c.locks[id], "no reference clock is called %s, from which this one takes the number of the second", id)
		}
	}
	if n, err := strconv.Atoi(c.args["minsources"]); err == nil && n > max(1, total-1) {
		fs.add(c.lines["minsources"], "minsources %d with %d sources: one wrong or dead source stops the clock from being set", n, total)
	}
	for _, want := range []struct{ directive, why string }{
		{"rtcsync", "without it the kernel never reports the clock as synchronised"},
		{"driftfile", "without it each restart begins with an unknown frequency"},
		{"makestep", "without it a clock that is hours off at boot is slewed for days"},
		{"minsources", "without it the first source that answers is followed, right or wrong"},
	} {
		if c.lines[want.directive] == 0 {
			fs.add(0, "no %s: %s", want.directive, want.why)
		}
	}
	if !designated {
		for _, d := range []string{"allow", "local"} {
			if n := c.lines[d]; n != 0 {
				fs.add(n, "%s on a machine that is no designated time server", d)
			}
		}
	}
	return fs
}

func (c *chronyConf) checkSource(s chronySource, fs *faults) {
	if _, ok := s.options["key"]; ok && c.lines["keyfile"] == 0 {
		fs.add(s.line, "%s %s has a key and the file names no keyfile", s.kind, s.name)
	}
	if _, ok := s.options["nts"]; ok {
		if _, err := netip.ParseAddr(s.name); err == nil {
			fs.add(s.line, "%s %s uses NTS by address: certificates are issued to names", s.kind, s.name)
		}
		if c.lines["ntsdumpdir"] == 0 {
			fs.add(s.line, "%s %s uses NTS and no ntsdumpdir keeps its keys: a restart needs the key server", s.kind, s.name)
		}
		if _, ok := s.options["key"]; ok {
			fs.add(s.line, "%s %s has both a key and NTS", s.kind, s.name)
		}
	}
	least, most := 6, 10 // the defaults
	if v, err := strconv.Atoi(s.options["minpoll"]); err == nil {
		least = v
	}
	if v, err := strconv.Atoi(s.options["maxpoll"]); err == nil {
		most = v
	}
	if least > most {
		fs.add(s.line, "%s %s: minpoll %d is above maxpoll %d", s.kind, s.name, least, most)
	}
}
