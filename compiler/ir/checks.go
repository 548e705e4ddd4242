package ir

// Checks is what of the live state is decided beyond what other records of the plan hold: with them it is what the site
// looks like when all of its tree is in force.
type Checks struct {
	Paths     []SwitchPaths // by switch, in the order of Plan.Switches; switches without such routes are left out
	MaxOffset string        // seconds that a clock may be off, "0.1"
	Proxy     string        // container of the mesh's proxy in each meshed pod; "" where it stands in none
	OffsetWhy From
}

// SwitchPaths is how many paths of equal cost a switch has to each address of its pools.
type SwitchPaths struct {
	Switch string // host name
	Pools  []PoolPaths
}

// PoolPaths is the number of paths to an address of a pool while every node that may announce it does. Where the nodes
// without a pod of the gateway are silent, there are fewer, and one at least.
type PoolPaths struct {
	Pool   string
	Family Family
	All    int
	Why    string
	From   From
}
