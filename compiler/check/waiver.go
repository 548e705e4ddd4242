package check

import (
	"slices"
	"time"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// Rules about waivers themselves. They report on the site's waivers, not through a Pass: what a waiver covers is known
// only after the other rules have run.
var (
	WaiverUnknown = &Rule{ID: "MG8001", Name: "waiver-unknown-rule", Severity: diag.Error, Guard: true, Doc: `a waiver names a rule that does not exist

A misspelt waiver covers nothing while its author believes that it does.`}
	WaiverGuard = &Rule{ID: "MG8002", Name: "waiver-of-guard", Severity: diag.Error, Guard: true, Doc: `a waiver names a rule that cannot be waived

Guards are what the compiler relies on: without them there is no output to speak of.`}
	WaiverUnused = &Rule{ID: "MG8003", Name: "waiver-unused", Severity: diag.Warning, Guard: true, Doc: `a waiver covers no finding

The fault is gone, or the path is wrong; either way the waiver would hide the next one.`}
	WaiverExpired = &Rule{ID: "MG8004", Name: "waiver-expired", Severity: diag.Warning, Guard: true, Doc: `a waiver is past its date

Its findings count again.`}
)

// WaiverRules are the rules above, for the catalogue.
var WaiverRules = []*Rule{WaiverUnknown, WaiverGuard, WaiverUnused, WaiverExpired}

// Terms say how waivers are held.
type Terms struct {
	Now     time.Time        // the day on which they may have expired; the zero time expires none
	Lenient bool             // an expired waiver still covers, and is reported: a build must not fail because of the day
	Ran     func(*Rule) bool // whether a rule has run; nil: all have. A waiver of one that has not is not called unused
}

// Waive marks the findings that the site's waivers cover, at their path or below it, and reports on the waivers.
func Waive(found diag.List, s *site.Site, rules []*Rule, terms Terms) diag.List {
	out := slices.Clone(found)
	add := func(r *Rule, i int, field, message, hint string) {
		out = append(out, diag.Finding{Rule: r.ID, Name: r.Name, Severity: r.Severity,
			Path: site.Join("waivers", site.Index(i), field), Message: message, Hint: hint})
	}
	for i, w := range s.Waivers {
		k := slices.IndexFunc(rules, func(r *Rule) bool { return r.ID == w.Rule || r.Name == w.Rule })
		switch {
		case k < 0:
			add(WaiverUnknown, i, "rule", "there is no rule "+w.Rule, "the ID or the name of a rule, as meshgen rules lists them")
			continue
		case rules[k].Guard:
			add(WaiverGuard, i, "rule", "rule "+w.Rule+" cannot be waived: the output depends on it", "mend what it finds, and remove the waiver")
			continue
		case expired(w.Until, terms.Now):
			add(WaiverExpired, i, "until", "the waiver of "+w.Rule+" ended on "+w.Until, "mend what it covers, or give a new date with a new reason")
			if !terms.Lenient {
				continue
			}
		}
		used := false
		for j := range out {
			f := &out[j]
			if f.Rule == rules[k].ID && site.IsAncestor(w.At, f.Path) {
				f.Waived, used = w.Reason, true
			}
		}
		if !used && (terms.Ran == nil || terms.Ran(rules[k])) {
			add(WaiverUnused, i, "at", "rule "+w.Rule+" finds nothing at "+w.At, "remove the waiver, or correct its path")
		}
	}
	return out
}

// expired reports whether the last day of a waiver lies before now. until is a date, its day included.
func expired(until string, now time.Time) bool {
	if now.IsZero() || until == "" {
		return false
	}
	day, err := time.Parse(time.DateOnly, until)
	return err == nil && !now.UTC().Before(day.AddDate(0, 0, 1))
}
