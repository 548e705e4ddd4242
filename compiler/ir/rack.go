package ir

// Rack is what fails together: its machines and the switches that they hang on, whoever configures those.
type Rack struct {
	Name string
	Zone string   // failure domain
	ToRs []string // host names of its switches, sorted
	From From
}

// Resilience is what the site promises to survive, one loss at a time.
type Resilience struct {
	Survive         []string // node, tor, rack, spine; sorted
	MinimumCapacity int      // percent of every gateway's pods that must be left
	From            From
}
