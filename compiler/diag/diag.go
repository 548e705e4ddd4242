// Package diag holds findings: what is wrong with a site, where, and what to do about it.
//
// Every stage of the compiler returns a List. A finding names the place by site path
// ("racks.r3.nodes.fra1-r3-w4.kernel"); the position in the user's file is filled in last, by whoever knows the
// source (load.Source.PosOf). Nothing in this package prints: see diag/format.
package diag

import (
	"cmp"
	"fmt"
	"slices"
)

// Severity orders findings by what they stop. The zero value is Note.
type Severity int

const (
	Note    Severity = iota // advice; never stops a build
	Warning                 // likely to hurt; a build goes on
	Error                   // nothing is written
)

// String returns "note", "warning" or "error".
func (s Severity) String() string { return [...]string{"note", "warning", "error"}[s] }

// Pos is a place in a file of the user's. Line and Column are 1-based, in bytes; 0 means unknown.
// File is as the user named it, relative where possible, with forward slashes.
type Pos struct {
	File   string
	Line   int
	Column int
}

// IsValid reports whether the position names at least a file.
func (p Pos) IsValid() bool { return p.File != "" }

// String returns "file:line:col", "file", or "-".
func (p Pos) String() string {
	switch {
	case p.File == "":
		return "-"
	case p.Line == 0:
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Related is a second party of a finding: "first used here".
type Related struct {
	Path    string // site path; may be empty when Pos is already known
	Site    int    // whose path, as Finding.Site
	Pos     Pos
	Message string
}

// Finding is one fault. Message stands alone on one line, names the offending value and the other party, and ends
// without a full stop. Hint says what to write instead.
type Finding struct {
	Rule     string // "MG1003"; never empty
	Name     string // "tor-asn-unique"; the rule's second name
	Severity Severity
	Path     string // site path in dotted names; empty when the fault belongs to no field
	Site     int    // which site of a fleet the path belongs to, from 0; set by the rules across sites alone
	Pos      Pos    // filled from Path at the end; stages that know the position better fill it themselves
	Message  string
	Hint     string
	Related  []Related
	Fix      *Fix   // nil unless one edit mends it for certain
	Secret   bool   // its line holds a secret: no form shows the line
	Waived   string // reason of the waiver that covers it; a waived finding stops nothing
}

// Fix is one edit that mends a finding for certain. A stage that knows site paths only gives Path and New; the edit is
// made at the end (List.Mend), and a fix whose place cannot be edited is dropped.
type Fix struct {
	Path    string // site path of the value that is replaced
	New     string // CUE text of the new value
	Message string // "write 3s"
	Edit    Edit
}

// Edit replaces the bytes [Start, End) of a file, 0-based, by New.
type Edit struct {
	File       string
	Start, End int
	New        string
}

// List is a set of findings.
type List []Finding

// HasErrors reports whether an unwaived finding stops the build.
func (l List) HasErrors() bool { return l.Count(Error) > 0 }

// Count returns how many unwaived findings have the severity.
func (l List) Count(s Severity) int {
	n := 0
	for _, f := range l {
		if f.Severity == s && f.Waived == "" {
			n++
		}
	}
	return n
}

// Locate fills each missing position from its path with posOf.
func (l List) Locate(posOf func(path string) Pos) {
	for i := range l {
		f := &l[i]
		if !f.Pos.IsValid() {
			f.Pos = posOf(f.Path)
		}
		for j := range f.Related {
			if r := &f.Related[j]; !r.Pos.IsValid() {
				r.Pos = posOf(r.Path)
			}
		}
	}
}

// Mend makes the edit of each fix that has none. editOf returns the edit that replaces the value at a path by a text, and
// false where the value is not written as one literal of its own.
func (l List) Mend(editOf func(path, text string) (Edit, bool)) {
	for i := range l {
		fix := l[i].Fix
		if fix == nil || fix.Edit.File != "" {
			continue
		}
		edit, ok := editOf(fix.Path, fix.New)
		if !ok {
			l[i].Fix = nil
			continue
		}
		mended := *fix
		mended.Edit = edit
		l[i].Fix = &mended
	}
}

// Sorted returns the findings by file, line, column, rule, message and path. Findings that say the same of the same
// place, as those of a comprehension's entries do, are one that tells how many more there are.
func (l List) Sorted() List {
	out := slices.Clone(l)
	slices.SortStableFunc(out, func(a, b Finding) int {
		return cmp.Or(
			cmp.Compare(a.Pos.File, b.Pos.File),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column),
			cmp.Compare(a.Rule, b.Rule),
			cmp.Compare(a.Message, b.Message),
			cmp.Compare(a.Path, b.Path),
		)
	})
	same := func(a, b Finding) bool {
		return a.Pos == b.Pos && a.Rule == b.Rule && a.Message == b.Message && a.Waived == b.Waived && (a.Pos.Line > 0 || a.Path == b.Path)
	}
	merged := out[:0]
	for i := 0; i < len(out); {
		f, more := out[i], 0
		for i++; i < len(out) && same(f, out[i]); i++ {
			if out[i].Path != out[i-1].Path {
				more++
			}
		}
		if more > 0 {
			f.Message = fmt.Sprintf("%s (and %d more)", f.Message, more)
		}
		merged = append(merged, f)
	}
	return merged
}
