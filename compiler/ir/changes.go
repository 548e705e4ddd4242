package ir

// Changes is how much one change may touch, and when.
type Changes struct {
	RacksAtOnce  int      // 0: no limit
	NodesPercent int      // of all machines; 0: no limit
	Windows      []Window // none: at any time
	From         From
}

// Window is a weekly span of time.
type Window struct {
	Days     []string // mon to sun, in the order of the site
	From, To string   // "02:00"; To before From: on the next day
	TimeZone string   // IANA name
	Origin   From
}
