// Package check runs rules over a site and over its plan.
//
// A rule is a value: what it looks for, why that matters, and a function that reports what it finds. Rules speak in
// site paths; they print nothing and know no file. The list of rules stands above this package, in check/rules, and
// is handed to Run. Those of one stage run at the same time, so that none may change what another sees. Findings come
// back sorted by nothing yet: their positions are found last.
package check

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/parallel"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// Stage is when a rule runs.
type Stage int

const (
	OnSite  Stage = iota // reads Pass.Site and Pass.Values; before lowering
	OnPlan               // reads Pass.Plan as well; after lowering
	OnTree               // reads Pass.Patched as well; of a site with patches, after its tree is printed
	OnFleet              // reads Pass.Fleet alone: all sites of a run; before the rules of each site
)

// Rule is one check.
type Rule struct {
	ID       string        // "MG2003": block by subject, never reused
	Name     string        // "kernel-skew": what waivers and people say
	Severity diag.Severity // of its findings, unless one says otherwise; Note is advice, which runs only when asked for
	On       Stage
	Guard    bool             // lowering relies on it: it can be neither waived nor left out
	Dated    bool             // what it finds depends on the day: in a build it is a warning at most
	Against  bool             // it judges a change, and runs only where there is a plan from before
	Doc      string           // a title line without full stop; a blank line; the failure that it prevents, and the source
	When     func(*Pass) bool // on the plan: false where the site alone shows that nothing can be found; nil: never
	Run      func(*Pass)
}

// Pass is one run of one rule.
type Pass struct {
	Site     *site.Site
	Values   any        // the resolved site as decoded JSON, for rules about fields as such
	Plan     *ir.Plan   // nil on the site
	Before   *ir.Plan   // of the state that the site comes from; nil where none was given
	Patched  []Patched  // by the site's patches, one each; on the tree
	Fleet    site.Fleet // the sites compiled together, this one among them; nil for a site alone
	Profiles *profile.Set
	Now      time.Time // the day; zero where none is to count

	rule *Rule
	list diag.List
	memo *sync.Map // of func() any, by key; shared by the rules of a run
}

// Memo returns what make returns, and makes it once for all rules of a run, which run at the same time. What it returns
// must not be changed, and make must not ask for what is being made.
func Memo[T any](p *Pass, key string, make func() T) T {
	if p.memo == nil {
		return make()
	}
	once, _ := p.memo.LoadOrStore(key, sync.OnceValue(func() any { return make() }))
	return once.(func() any)().(T)
}

// Reportf adds a finding at a site path. The returned report takes a hint and further parties.
func (p *Pass) Reportf(path, format string, args ...any) *Report {
	p.list = append(p.list, diag.Finding{
		Rule: p.rule.ID, Name: p.rule.Name, Severity: p.rule.Severity,
		Path: path, Message: fmt.Sprintf(format, args...),
	})
	return &Report{pass: p, index: len(p.list) - 1}
}

// ReportIn is Reportf for a path of one site of the fleet.
func (p *Pass) ReportIn(n int, path, format string, args ...any) *Report {
	r := p.Reportf(path, format, args...)
	p.list[r.index].Site = n
	return r
}

// Report is a finding in the making.
type Report struct {
	pass  *Pass
	index int
}

// Hintf says what to write instead. A list of names to choose from may be empty: "gateways: ".
func (r *Report) Hintf(format string, args ...any) *Report {
	hint := fmt.Sprintf(format, args...)
	if strings.HasSuffix(hint, ": ") {
		hint += "none is declared"
	}
	r.pass.list[r.index].Hint = hint
	return r
}

// Related names another party and what it has to do with the finding.
func (r *Report) Related(path, format string, args ...any) *Report {
	f := &r.pass.list[r.index]
	f.Related = append(f.Related, diag.Related{Path: path, Message: fmt.Sprintf(format, args...)})
	return r
}

// RelatedIn is Related for a path of one site of the fleet.
func (r *Report) RelatedIn(n int, path, format string, args ...any) *Report {
	r.Related(path, format, args...)
	f := &r.pass.list[r.index]
	f.Related[len(f.Related)-1].Site = n
	return r
}

// Fix offers to replace the value at a path by a text of CUE: only where that mends the finding for certain, whatever
// else the site says. message says what the edit does: "write 3s".
func (r *Report) Fix(path, text, message string) *Report {
	r.pass.list[r.index].Fix = &diag.Fix{Path: path, New: text, Message: message}
	return r
}

// Secret keeps the line of the finding out of every report: it holds what must not be read there.
func (r *Report) Secret() *Report {
	r.pass.list[r.index].Secret = true
	return r
}

// Warning makes this one finding a warning.
func (r *Report) Warning() *Report {
	r.pass.list[r.index].Severity = diag.Warning
	return r
}

// Input is what the rules of a stage read.
type Input struct {
	Site     *site.Site
	Values   any
	Plan     *ir.Plan
	Before   *ir.Plan
	Patched  []Patched
	Fleet    site.Fleet
	Profiles *profile.Set
	Now      time.Time
}

// Patched is what one of the site's patches does to the objects of its overlay.
type Patched struct {
	Targets []string // objects that it aims at, with their folders: "40-policy: NetworkPolicy shop/web"
	Near    []string // names of objects of its kind, where others have it
	Err     string   // why it cannot be applied; "": it can
}

// NeedsPlan reports whether any rule has to see the plan of a site.
func NeedsPlan(rules []*Rule, in Input) bool {
	for _, r := range rules {
		p := &Pass{Site: in.Site, Values: in.Values, Fleet: in.Fleet, Profiles: in.Profiles, Now: in.Now, rule: r}
		if r.On == OnPlan && (r.When == nil || r.When(p)) || r.On == OnTree && len(in.Site.Patches) > 0 {
			return true
		}
	}
	return false
}

// Run runs the rules of one stage, several at a time, and returns all that they find, in the order of the rules. ran counts
// them.
func Run(rules []*Rule, on Stage, in Input) (found diag.List, ran int) {
	memo := new(sync.Map)
	var passes []*Pass
	for _, r := range rules {
		if r.On == on {
			passes = append(passes, &Pass{Site: in.Site, Values: in.Values, Plan: in.Plan, Before: in.Before, Patched: in.Patched, Fleet: in.Fleet, Profiles: in.Profiles, Now: in.Now, rule: r, memo: memo})
		}
	}
	if on == OnSite || on == OnFleet || in.Plan != nil { // without a plan nothing can be found; see NeedsPlan
		parallel.Each(len(passes), func(i int) { passes[i].rule.Run(passes[i]) })
	}
	for _, p := range passes {
		found = append(found, p.list...)
	}
	return found, len(passes)
}
