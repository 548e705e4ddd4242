package profile

import "regexp"

// Switch is the operating system of a top-of-rack switch or spine.
type Switch struct {
	Extension         string    `json:"extension"`          // of its configuration file, without the dot
	LabImage          string    `json:"labImage,omitempty"` // container image by which a lab has it; "": none
	Names             Names     `json:"names"`
	PasswordMaxLength int       `json:"passwordMaxLength"`
	Passive           bool      `json:"passive"`        // a neighbor can be told not to dial
	ListenRange       bool      `json:"listenRange"`    // sessions can be taken from a range of addresses
	BFDProfiles       bool      `json:"bfdProfiles"`    // timers of BFD can be named and shared
	Unnumbered        bool      `json:"unnumbered"`     // sessions over an interface without an address
	MultipathRelax    bool      `json:"multipathRelax"` // equal-cost paths through different ASNs need a statement
	BoundsRestart     bool      `json:"boundsRestart"`  // how long it helps a neighbor to restart can be bounded, and a dead one is told from it
	ACLIPv6           bool      `json:"aclIPv6"`        // how its access lists let in a TCP port and a type of ICMP over IPv6 is known
	Resilient         bool      `json:"resilient"`      // connections to the routes of a prefix stay when a next hop goes away, by a statement about it
	MaxPaths          int       `json:"maxPaths"`
	BFDIntervalMinMs  int       `json:"bfdIntervalMinMs"`
	HoldMaxSeconds    int       `json:"holdMaxSeconds"` // the longest hold time of a session that it takes
	BFDMultiplier     Range     `json:"bfdMultiplier"`  // what it takes
	MaxPrefix         MaxPrefix `json:"maxPrefix"`
	Proved            []Proof   `json:"proved"`
	Sources           Sources   `json:"sources"`
}

// Range bounds a number, both ends included.
type Range struct {
	Min int `json:"min"`
	Max int `json:"max"`
}

// Names bounds the names of objects in a switch's configuration.
type Names struct {
	Pattern   string `json:"pattern"` // regular expression
	MaxLength int    `json:"maxLength"`
}

// Accepts reports whether an object may have the name.
func (n Names) Accepts(name string) bool {
	ok, err := regexp.MatchString(n.Pattern, name)
	return err == nil && ok && len(name) <= n.MaxLength
}

// MaxPrefix is the limit of prefixes that a neighbor may send.
type MaxPrefix struct {
	Counts  string `json:"counts"`            // "accepted" or "received" prefixes
	Dynamic string `json:"dynamic"`           // neighbors of a listen range that exceed it: "flaps", "unknown"
	Default int    `json:"default,omitempty"` // where nothing is configured; 0 for none
}

// Proof is a release that the grammar of the output was proved against.
type Proof struct {
	Version string `json:"version"`
	How     string `json:"how"`
	Source
}
