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

// Wave is a part of the machines that one change reaches before the next part begins: whole racks.
type Wave struct {
	Racks    []string // by name
	Switches int      // of these racks
	Nodes    int
	Steps    int // in so many the nodes are changed, for the budget; 1: all of them
	From     From
}

// Finding is what the rules say of the site, as people read it.
type Finding struct {
	Severity string // warning or note
	Rule     string // ID
	At       string // "site.cue:12:3"
	Message  string
	Hint     string // "" where there is none
}

// Waiver accepts one rule's findings at a place until a day.
type Waiver struct {
	Rule   string // ID or name
	At     string // site path; covers what lies below it
	Reason string
	Until  string // last day, "2027-03-31"
	From   From
}
