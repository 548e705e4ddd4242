package diff

import "meshgen.dev/meshgen/compiler/diag"

// Result is what differs between two sides.
type Result struct {
	Old, New string // what the sides are called
	Summary  Summary
	Edits    []Edit   // of the descriptions, by site and path; none where a side has no description
	Changes  []Change // by component, in the order in which a tree takes effect, then by file and name
}

// Differs reports whether there is any difference in the output.
func (r *Result) Differs() bool { return len(r.Changes) > 0 }

// Edit is a difference of the descriptions: the highest place that was added or taken away, or a value that changed.
type Edit struct {
	Site     string
	Path     string   // site path
	Status   Status   // Added, Removed or Changed
	Old, New string   // of a value; "" for a block
	Pos      diag.Pos // in the new description, for what was removed in the old one
}

// Status is what happened to something.
type Status string

// Statuses of changes and edits.
const (
	Added    Status = "added"
	Removed  Status = "removed"
	Changed  Status = "changed"
	Renamed  Status = "renamed"  // or moved to another file; its content may differ besides
	Cosmetic Status = "cosmetic" // comments, layout, an order that means nothing: what programs read is equal
)

// Components of a tree, in the order in which it takes effect.
const (
	Fabric     = "fabric"
	Hosts      = "hosts"
	Kubernetes = "kubernetes"
	Charts     = "charts"
	GitOps     = "gitops"
	Checks     = "checks"
	Documents  = "docs"
	Others     = "other"
)

// Components lists them in that order.
var Components = []string{Fabric, Hosts, Kubernetes, Charts, GitOps, Checks, Documents, Others}

// Change is what happened to one entity, or to several in the very same way.
type Change struct {
	Site      string
	Component string
	Status    Status
	Kind      string  // of a Kubernetes object its kind; else what the file is: "switch", "kernel settings"
	Places    []Place // at least one; by name
	Hunks     []Hunk  // none for Cosmetic; lines are those of the first place
}

// Place is one entity that a change is about.
type Place struct {
	Name    string `json:"name"` // namespace and name of an object, else the path of the file below the site
	File    string `json:"file"`
	OldName string `json:"oldName,omitempty"` // of what was renamed
	OldFile string `json:"oldFile,omitempty"` // of what stood in another file
}

// Hunk is one difference within an entity.
type Hunk struct {
	At       string   // path of fields, statement around it, or heading; "" for the whole
	Old, New []string // lines or values that go and that come
	OldLine  int      // of the file, from 1; 0 where nothing goes
	NewLine  int      // the same where nothing comes
	Causes   []Cause  // the most telling first
	More     int      // causes beyond those

	oldLast, newLast int      // last lines
	more             []string // further causes at other places
}

// Cause is a place of the description that a hunk comes from.
type Cause struct {
	Path  string
	Pos   diag.Pos // where known
	Edit  bool     // the place was edited between the two sides; otherwise it is only what the lines come from
	Why   string   // rule or formula that made the line
	Whole bool     // what is known is the file, not the line
}

// Summary counts what was touched.
type Summary struct {
	Sites    Tally `json:"sites"`
	Racks    Tally `json:"racks"`
	Hosts    Tally `json:"hosts"`    // machines
	Switches Tally `json:"switches"` //
	Sessions Tally `json:"sessions"` // BGP, by both ends
	VIPs     Tally `json:"vips"`
	Objects  Tally `json:"objects"` // of Kubernetes
	Releases Tally `json:"releases"`
	Files    Tally `json:"files"`
	Cosmetic int   `json:"cosmetic"` // changes of comments and layout alone
}

// Tally names what was touched, each list sorted.
type Tally struct {
	Added   []string `json:"added"`
	Removed []string `json:"removed"`
	Changed []string `json:"changed"`
}

// Total is how many.
func (t Tally) Total() int { return len(t.Added) + len(t.Removed) + len(t.Changed) }
