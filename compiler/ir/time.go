package ir

// TimeDaemon is the configuration of the time service on a group's hosts.
type TimeDaemon struct {
	Daemon       string // chrony
	Path         string // absolute path of the configuration on the host
	DriftFile    string // absolute path
	DumpDir      string // absolute; where NTS keys and cookies are kept
	Sources      []TimeSource
	MinSources   int
	MaxDistance  string // seconds, "1.0"
	MakeStep     string // "1.0 3": step if off by more than 1 s, in the first three updates only
	LogChange    string // seconds; corrections above it are logged
	LeapTimeZone string // "right/UTC"; empty when a source smears
	From         From
}

// TimeSource is one server, with the name that its certificate carries when NTS is on.
type TimeSource struct {
	Name     string // key in the site
	Server   string // address or host name as written in the file
	Address  string // the declared address
	Upstream string // where its time comes from
	NTS      bool
	From     From
}
