package ir

// Upgrade is the way of a mesh with one control plane to another release, in steps that people take one by one. Until
// the site says the new release the tree holds the one that runs, and every step can be gone back.
type Upgrade struct {
	Running, To string          // releases of the mesh, as the site writes them
	Order       string          // which site is upgraded when, for people; "": this one for itself
	Values      []UpgradeValues // of charts, that only steps take
	Steps       []UpgradeStep   // in order
	After       string          // what the site says when all is done, in its own language
	From        From
}

// UpgradeValues is a file charts/<site>/upgrade/<name>/values.yaml. The mesh's backend writes it.
type UpgradeValues struct {
	Name    string
	Release Release // that takes them, at the version that they are for
}

// UpgradeStep is one step. Its commands come to the same when it is taken again.
type UpgradeStep struct {
	Name   string           // "preflight": what upgrade.sh takes
	Doc    string           // what it changes and who notices, for people
	Look   string           // what to look at before, where no command tells; "": nothing
	Before []UpgradeCommand // each must succeed before the step begins
	Run    []UpgradeCommand
	Back   []UpgradeCommand // what undoes it; empty: nothing has to be undone
	From   From
}

// UpgradeCommand is one command of a step: a chart that is installed, or a program.
type UpgradeCommand struct {
	Chart  *Release // nil: Args
	Values []string // files below charts/<site>/, a later one over an earlier one
	Args   []string // kubectl, helm or the mesh's own program, and its arguments, without context and time limit
}
