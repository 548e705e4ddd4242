package verify

import (
	"strconv"
	"strings"
)

// chronyOldest is the oldest chrony that a supported distribution ships (Ubuntu 22.04 LTS: 4.2). A directive that is
// newer would keep the daemon from starting there. It is what hosts are held to that nobody says more of.
var chronyOldest = chronyVersion{4, 2}

// chronyVersionOf reads "4.3".
func chronyVersionOf(text string) (v chronyVersion, ok bool) {
	major, minor, _ := strings.Cut(text, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	return chronyVersion{a, b}, errA == nil && errB == nil
}

// chronyVersion is a release of chrony.
type chronyVersion [2]int

func (v chronyVersion) before(w chronyVersion) bool {
	return v[0] < w[0] || v[0] == w[0] && v[1] < w[1]
}

func (v chronyVersion) String() string { return strconv.Itoa(v[0]) + "." + strconv.Itoa(v[1]) }

// A chronyDirective is one statement of chrony.conf.
type chronyDirective struct {
	shape
	since chronyVersion // zero: before 4.0
	many  bool          // may stand more than once
}

// chronyDirectives are the directives in use. Source: chrony.conf(5) of 4.3 for arguments and their ranges, most of
// which chronyd itself does not check before 4.7; NEWS for the release that brought them. Left out on purpose: include,
// confdir and sourcedir (sources that nobody here can see), and what turns the daemon's checks off (nocerttimecheck,
// nosystemcert, manual, makestep without a limit).
var chronyDirectives = []chronyDirective{
	{newShape("allow <subnet:net>"), chronyVersion{}, true},
	{newShape("authselectmode <mode:require|prefer|mix|ignore>"), chronyVersion{4, 0}, false},
	{newShape("bindcmdaddress <address:127.0.0.1|::1|/run/chrony/chronyd.sock>"), chronyVersion{}, true},
	{newShape("clientloglimit <bytes:524288-2147483648>"), chronyVersion{}, false},
	{newShape("cmdport <port:1-65535>"), chronyVersion{}, false},
	{newShape("combinelimit <limit:decimal>"), chronyVersion{}, false},
	{newShape("driftfile <file:path>"), chronyVersion{}, false},
	{newShape("dumpdir <directory:path>"), chronyVersion{}, false},
	{newShape("hwtimestamp *"), chronyVersion{}, true},
	{newShape("hwtimestamp <interface:interface>"), chronyVersion{}, true},
	{newShape("hwtstimeout <seconds:decimal>"), chronyVersion{4, 4}, false},
	{newShape("keyfile <file:path>"), chronyVersion{}, false},
	{newShape("leapsecmode <mode:system|slew|step|ignore>"), chronyVersion{}, false},
	{newShape("leapseclist <file:path>"), chronyVersion{4, 6}, false},
	{newShape("leapsectz right/UTC"), chronyVersion{}, false},
	{newShape("local stratum <stratum:1-15> [orphan]"), chronyVersion{}, false},
	{newShape("lock_all"), chronyVersion{}, false},
	{newShape("log <what:text>"), chronyVersion{}, false},
	{newShape("logchange <seconds:decimal>"), chronyVersion{}, false},
	{newShape("logdir <directory:path>"), chronyVersion{}, false},
	{newShape("makestep <seconds:decimal> <updates:1-10>"), chronyVersion{}, false},
	{newShape("maxchange <seconds:decimal> <start:0-1000> <ignore:0-1000>"), chronyVersion{}, false},
	{newShape("maxclockerror <ppm:decimal>"), chronyVersion{}, false},
	{newShape("maxdistance <seconds:decimal>"), chronyVersion{}, false},
	{newShape("maxjitter <seconds:decimal>"), chronyVersion{}, false},
	{newShape("maxslewrate <ppm:decimal>"), chronyVersion{}, false},
	{newShape("maxupdateskew <ppm:decimal>"), chronyVersion{}, false},
	{newShape("minsources <sources:1-64>"), chronyVersion{}, false},
	{newShape("ntsdumpdir <directory:path>"), chronyVersion{4, 0}, false},
	{newShape("ntstrustedcerts <file:path>"), chronyVersion{4, 0}, true},
	{newShape("opencommands <commands:text>"), chronyVersion{4, 7}, false},
	{newShape("port <port:0-65535>"), chronyVersion{}, false},
	{newShape("ratelimit [interval <interval:1-12>] [burst <burst:1-255>] [leak <leak:1-4>]"), chronyVersion{}, false},
	{newShape("refclock <driver:PHC|SHM|SOCK|PPS> <device:word> [poll <poll:0-10>] [refid <refid:word>] [lock <lock:word>]"), chronyVersion{}, true},
	{newShape("rtcsync"), chronyVersion{}, false},
	{newShape("user <user:word>"), chronyVersion{}, false},
}

// chronyBounds are the ranges of decimal arguments, by directive and argument; chronyd 4.3 takes any number.
var chronyBounds = map[string][2]float64{
	"combinelimit limit":  {0, 100},
	"hwtstimeout seconds": {0, 1},
	"logchange seconds":   {0, 100},
	"makestep seconds":    {0.001, 1000},
	"maxchange seconds":   {0, 100000},
	"maxclockerror ppm":   {0, 1000},
	"maxdistance seconds": {0.001, 3},  // above the default of 3 s a source may be off by more than a mesh forgives
	"maxjitter seconds":   {0.001, 10}, //
	"maxslewrate ppm":     {1, 100000}, // the driver's limit on Linux
	"maxupdateskew ppm":   {1, 10000},  //
	"maxdelay seconds":    {0, 1000},   // options of sources from here
	"offset seconds":      {-1, 1},     //
	"maxdelayquant p":     {0.05, 0.95},
}

// A sourceOption is an option of server, pool or peer. value is nil for a flag.
type sourceOption struct {
	name  string
	value *argType
	since chronyVersion
	pool  bool // means something on a pool only; chronyd takes it elsewhere without a word
}

func optionType(name string) *argType { t := newArgType(name); return &t }

// sourceOptions are the options of server, pool and peer in use, from the same sources.
var sourceOptions = []sourceOption{
	{"iburst", nil, chronyVersion{}, false},
	{"burst", nil, chronyVersion{}, false},
	{"nts", nil, chronyVersion{4, 0}, false},
	{"ntsport", optionType("1-65535"), chronyVersion{4, 0}, false},
	{"certset", optionType("0-4294967295"), chronyVersion{4, 0}, false},
	{"key", optionType("1-4294967295"), chronyVersion{}, false},
	{"port", optionType("1-65535"), chronyVersion{}, false},
	{"minpoll", &pollType, chronyVersion{}, false},
	{"maxpoll", &pollType, chronyVersion{}, false},
	{"polltarget", optionType("6-60"), chronyVersion{}, false},
	{"presend", optionType("0-24"), chronyVersion{}, false},
	{"maxsources", optionType("1-16"), chronyVersion{}, true},
	{"minsamples", optionType("0-64"), chronyVersion{}, false},
	{"maxsamples", optionType("1-64"), chronyVersion{}, false},
	{"minstratum", optionType("0-15"), chronyVersion{}, false},
	{"filter", optionType("1-64"), chronyVersion{}, false},
	{"version", optionType("1-4"), chronyVersion{}, false},
	{"prefer", nil, chronyVersion{}, false},
	{"require", nil, chronyVersion{}, false},
	{"trust", nil, chronyVersion{}, false},
	{"xleave", nil, chronyVersion{}, false},
	{"copy", nil, chronyVersion{4, 1}, false},
	{"ipv4", nil, chronyVersion{4, 6}, false},
	{"ipv6", nil, chronyVersion{4, 6}, false},
	{"maxdelay", optionType("decimal"), chronyVersion{}, false},
	{"maxdelayquant", optionType("decimal"), chronyVersion{4, 3}, false},
	{"offset", optionType("decimal"), chronyVersion{}, false},
	{"maxunreach", optionType("1-100000"), chronyVersion{4, 8}, false},
}

// pollType is a polling interval as a power of two, in seconds: -7 is 1/128 s, 24 is six months.
var pollType = argType{accepts: func(s string) bool {
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		return isNumber(rest, 1, 7)
	}
	return isNumber(s, 0, 24)
}}

// chronyLogs are the words that "log" takes.
var chronyLogs = words("measurements rawmeasurements statistics tracking rtc refclocks tempcomp")
