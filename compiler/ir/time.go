package ir

import "net/netip"

// TimeDaemon is the configuration of the time service on a group's hosts.
type TimeDaemon struct {
	Daemon       string // chrony, ntpd, timesyncd or talos
	Release      string // the lowest of the daemon on these hosts, "4.3"; "" where nothing depends on it
	Path         string // absolute path of the configuration on the host
	DriftFile    string // absolute path
	DumpDir      string // absolute; where NTS keys and cookies are kept
	Sources      []TimeSource
	Refclocks    []Refclock
	MinSources   int
	AnySource    bool   // sources with NTS count no more than those without
	MaxDistance  string // seconds, "1.0"
	MakeStep     string // chrony: "1.0 3": step if off by more than 1 s, in the first three updates only
	StepLimit    string // ntpd: seconds; off by more for five minutes, the clock is stepped, at any time
	LogChange    string // seconds; corrections above it are logged
	LeapTimeZone string // "right/UTC"; empty when a source smears
	LeapFile     string // absolute path of a leap second list, for a daemon that reads one
	OptionsFile  string // ntpd: absolute path of the environment of its service
	CardStamps   bool   // network cards stamp the packets
	Serves       *TimeService
	From         From
}

// TimeService is what a host that serves time does besides following it.
type TimeService struct {
	Allow         []netip.Prefix // who may ask, sorted
	OrphanStratum int            // served among the designated hosts of a site that is cut off; 0: not one of them
	From          From
}

// TimeSource is one server, with the name that its certificate carries when NTS is on.
type TimeSource struct {
	Name     string // key in the site, or the node
	Server   string // address or host name as written in the file
	Address  string // the declared address
	Upstream string // where its time comes from; empty for a node of the site
	Prefer   bool   // a time server of the same rack
	Isolated bool   // goes on serving when the site is cut off
	Fellow   int    // both do: the stratum that it counts as, so that it is followed without any other source alone; 0: not
	NTS      bool
	From     From
}

// Refclock is a reference clock in the machine.
type Refclock struct {
	Driver string // as chrony calls it: PHC or PPS
	Device string // absolute path
	ID     string // at most four characters
	Unit   int    // of the device, 0 for /dev/pps0
	Lock   string // PPS: the ID of the clock that says which second it is; empty: the servers say it
	From   From
}
