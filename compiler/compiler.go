package compiler

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"sync"
	"time"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/lower"
	"meshgen.dev/meshgen/compiler/parallel"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
	"meshgen.dev/meshgen/compiler/verify"
	"meshgen.dev/meshgen/profiles"
)

// Options are what a compilation depends on besides the site.
type Options struct {
	// Now is the day against which waivers expire. It touches findings only, never output. The zero time expires none.
	Now time.Time
	// Advice runs the rules whose findings are notes as well.
	Advice bool
	// Only runs no other rules than these, by ID or name, whether advice or not; Skip leaves rules out. Guards always run.
	Only, Skip []string
	// Before returns the plan of the state that a site comes from, nil for a new one. Without it no change is judged.
	Before func(site string) *ir.Plan
	// Profiles take the place of the embedded ones; nil: these.
	Profiles *profile.Set
	// OnPage puts the findings on the page of docs/<site>, too. Builds leave them out: what the day changes is no output.
	OnPage bool
	// Keep says which findings to return, and the counts with them; nil: all. What stops a run stops it all the same.
	Keep func(*site.Site, diag.Finding) bool
}

// picks reports whether a rule is to run.
func (o Options) picks(r *check.Rule) bool {
	listed := func(list []string) bool { return slices.Contains(list, r.ID) || slices.Contains(list, r.Name) }
	switch {
	case r.Guard:
		return true
	case listed(o.Skip):
		return false
	case len(o.Only) > 0:
		return listed(o.Only)
	}
	return o.Advice || r.Severity != diag.Note
}

// Output is what a compilation found and made.
type Output struct {
	Findings diag.List // of every stage that ran, located and sorted
	Plan     *ir.Plan  // nil when the site did not pass, or nothing asked for it
	Tree     *artifact.Tree
	Verified verify.Report
	Ran      int             // rules that ran
	Rules    map[string]bool // IDs of the rules that were looked for, of every stage
	Waiting  int             // rules that could not run yet, because an earlier stage found errors
}

// profileSet is the embedded data, read once: it does not change while the program runs.
var profileSet = sync.OnceValues(func() (*profile.Set, error) { return profile.Read(profiles.FS) })

// profiles returns the data that a compilation goes by.
func (o Options) profiles() (*profile.Set, error) {
	if o.Profiles != nil {
		return o.Profiles, nil
	}
	return profileSet()
}

// Vet runs the stages that find faults of the site: the rules, and lowering between them. The error is a fault of
// meshgen itself, not of the site.
func Vet(src *load.Source, opt Options) (*Output, error) { return vet(src, opt, false) }

// Plan is Vet with the plan, for analyses of it: Output.Plan is nil where a finding forbids one.
func Plan(src *load.Source, opt Options) (*Output, error) { return vet(src, opt, true) }

// surroundings are what a site's fleet adds to it; none for a site alone.
type surroundings struct {
	fleet site.Fleet
	found diag.List // of the rules across sites, in this one
	// built reports whether kustomize has built a tree of the same layout; nil: none.
	built func(t *artifact.Tree, name string) bool
}

// vet is Vet; for a build, what depends on the day is a warning at most.
func vet(src *load.Source, opt Options, building bool) (*Output, error) {
	return vetAmong(surroundings{}, src, opt, building)
}

// vetAmong is vet for a site among others.
func vetAmong(around surroundings, src *load.Source, opt Options, building bool) (*Output, error) {
	in := check.Input{Site: src.Site, Fleet: around.fleet, Now: opt.Now}
	var err, unread error
	parallel.Do( // the data is read for the first site, which takes as long as reading values
		func() { in.Profiles, err = opt.profiles() },
		func() { in.Values, unread = src.Values() },
	)
	if err = errors.Join(err, unread); err != nil {
		return nil, err
	}
	set := in.Profiles
	if opt.Before != nil {
		in.Before = opt.Before(src.Site.Name)
	}
	list := slices.DeleteFunc(slices.Clone(rules.All), func(r *check.Rule) bool {
		return r.On == check.OnFleet || !opt.picks(r) || r.Against && in.Before == nil
	})
	out := &Output{Rules: map[string]bool{}}
	for _, r := range load.Rules {
		out.Rules[r.ID] = true
	}
	for _, r := range check.WaiverRules {
		out.Rules[r.ID] = true
	}
	known := append(slices.Clone(rules.All), check.WaiverRules...)
	// settle makes what the rules found, less what the site waives, the output's findings. It reports whether they pass.
	settle := func(found diag.List, last check.Stage) (passed bool) {
		for _, r := range list {
			if r.On <= last {
				out.Rules[r.ID] = true
			}
		}
		if building {
			found = undated(found)
		}
		hasRun := func(r *check.Rule) bool { return r.On <= last && slices.Contains(list, r) }
		found = check.Waive(found, src.Site, known, check.Terms{Now: opt.Now, Lenient: building, Ran: hasRun})
		found.Locate(src.PosOf)
		found.Mend(src.EditOf)
		passed = !found.HasErrors()
		if opt.Keep != nil { // before findings of one line are merged: each has its own path
			found = slices.DeleteFunc(found, func(f diag.Finding) bool { return !opt.Keep(src.Site, f) })
		}
		out.Findings = found.Sorted()
		return passed
	}
	found, ran := check.Run(list, check.OnSite, in)
	found = append(slices.Clone(around.found), found...)
	out.Ran, out.Waiting = ran, len(list)-ran
	if !settle(found, check.OnSite) {
		return out, nil
	}
	if building || check.NeedsPlan(list, in) {
		in.Plan = lower.Among(around.fleet, src.Site, set)
	}
	more, ran := check.Run(list, check.OnPlan, in)
	out.Ran, out.Waiting = out.Ran+ran, 0
	found = append(found, more...)
	passed := settle(found, check.OnPlan)
	if passed && in.Plan != nil && len(in.Plan.Patches) > 0 {
		if in.Patched, err = Patched(in.Plan, src); err != nil {
			return nil, err
		}
		more, ran = check.Run(list, check.OnTree, in)
		out.Ran += ran
		passed = settle(append(found, more...), check.OnTree)
	}
	if passed {
		out.Plan = in.Plan
	}
	return out, nil
}

// Patched prints the tree of a plan with patches, and says what each of them does to it.
func Patched(p *ir.Plan, src *load.Source) ([]check.Patched, error) {
	t, err := emit(p, src.Resolved())
	if err != nil {
		return nil, err
	}
	var out []check.Patched
	for _, x := range verify.Patches(t, p.Name, releases(p).Patches) {
		out = append(out, check.Patched{Targets: x.Targets, Near: x.Near, Err: x.Err})
	}
	return out, nil
}

// undated makes warnings of the errors of rules that go by the day.
func undated(found diag.List) diag.List {
	for i := range found {
		dated := slices.ContainsFunc(rules.All, func(r *check.Rule) bool { return r.Dated && r.ID == found[i].Rule })
		if dated && found[i].Severity == diag.Error {
			found[i].Severity = diag.Warning
		}
	}
	return found
}

// Compile runs every stage but the last: what it returns is ready to be written when no finding is an error.
func Compile(src *load.Source, opt Options) (*Output, error) {
	return compileAmong(surroundings{}, src, opt)
}

// compileAmong is Compile for a site among others.
func compileAmong(around surroundings, src *load.Source, opt Options) (*Output, error) {
	out, err := vetAmong(around, src, opt, true)
	if err != nil || out.Plan == nil {
		return out, err
	}
	if opt.OnPage {
		out.Plan.Findings = remarks(out.Findings)
	}
	t, err := emit(out.Plan, src.Resolved())
	if err != nil {
		return nil, err
	}
	rel := releases(out.Plan)
	rel.Nearest = opt.Profiles != nil
	rel.SkipBuild = around.built != nil && around.built(t, out.Plan.Name)
	report, found := verify.Tree(t, rel)
	for _, r := range verify.Rules() {
		out.Rules[r.ID] = true
	}
	found.Locate(src.PosOf)
	out.Tree, out.Verified = t, report
	out.Findings = append(out.Findings, found...).Sorted()
	return out, nil
}

// remarks are findings as the page shows them. Those that the site waives stand there as waivers.
func remarks(found diag.List) []ir.Finding {
	out := []ir.Finding{}
	for _, f := range found {
		if f.Waived == "" {
			out = append(out, ir.Finding{Severity: f.Severity.String(), Rule: f.Rule, At: f.Pos.String(), Message: f.Message, Hint: f.Hint})
		}
	}
	return out
}

// emit prints a plan. The digest of the resolved site goes into the manifest.
func emit(p *ir.Plan, resolved []byte) (*artifact.Tree, error) {
	t := artifact.NewTree()
	for _, b := range targets {
		b.Emit(p, t)
	}
	digest := sha256.Sum256(resolved)
	t.Seal(p.Name, hex.EncodeToString(digest[:]))
	return t, t.Err()
}
