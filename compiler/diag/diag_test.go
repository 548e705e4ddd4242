package diag

import "testing"

func TestSortedMerges(t *testing.T) {
	at := func(line int) Pos { return Pos{File: "site.cue", Line: line, Column: 3} }
	got := List{
		{Rule: "MG2", Path: "b", Pos: at(9), Message: "later"},
		{Rule: "MG1", Path: "racks.r2", Pos: at(4), Message: "copied"},
		{Rule: "MG1", Path: "racks.r1", Pos: at(4), Message: "copied"},
		{Rule: "MG1", Path: "racks.r1", Pos: at(4), Message: "copied"},
		{Rule: "MG1", Path: "racks.r3", Pos: at(4), Message: "copied"},
		{Rule: "MG1", Path: "racks.r1", Pos: at(4), Message: "another"},
		{Rule: "MG1", Path: "x", Message: "nowhere"},
		{Rule: "MG1", Path: "y", Message: "nowhere"},
	}.Sorted()
	want := []string{"nowhere", "nowhere", "another", "copied (and 2 more)", "later"}
	if len(got) != len(want) {
		t.Fatalf("%d findings, want %d: %v", len(got), len(want), got)
	}
	for i, f := range got {
		if f.Message != want[i] {
			t.Errorf("%d: %q, want %q", i, f.Message, want[i])
		}
	}
}

func TestCount(t *testing.T) {
	l := List{{Severity: Error}, {Severity: Error, Waived: "known"}, {Severity: Warning}}
	if l.Count(Error) != 1 || l.Count(Warning) != 1 || l.Count(Note) != 0 || !l.HasErrors() {
		t.Error("a waived error counts, or another does not")
	}
	if (List{{Severity: Error, Waived: "known"}}).HasErrors() {
		t.Error("a waived error stops the build")
	}
}

func TestLocate(t *testing.T) {
	l := List{{Path: "a", Related: []Related{{Path: "b"}, {Path: "b", Pos: Pos{File: "kept"}}}}, {Path: "a", Pos: Pos{File: "kept"}}}
	l.Locate(func(path string) Pos { return Pos{File: path} })
	if l[0].Pos.File != "a" || l[0].Related[0].Pos.File != "b" || l[0].Related[1].Pos.File != "kept" || l[1].Pos.File != "kept" {
		t.Errorf("%+v", l)
	}
}
