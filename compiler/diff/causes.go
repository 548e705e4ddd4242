package diff

import (
	"slices"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// mostCauses is how many causes a hunk names.
const mostCauses = 3

// tracer finds the causes of hunks of one site.
type tracer struct {
	old, new *Site
	edits    map[string]Edit   // by path
	below    map[string][]near // the first edits below each path
	count    map[string]int    // how many there are
	only     *Edit             // nil where there are several, or none
}

// near is an edit and how far it is from an origin.
type near struct {
	path     string
	distance int
}

func newTracer(old, new *Site, all []Edit) *tracer {
	t := &tracer{old: old, new: new, edits: map[string]Edit{}, below: map[string][]near{}, count: map[string]int{}}
	if len(all) == 1 {
		t.only = &all[0]
	}
	for _, e := range all {
		t.edits[e.Path] = e
		depth := 1
		for p := e.Path; p != ""; depth++ {
			p = site.Parent(p)
			if t.count[p]++; len(t.below[p]) <= mostCauses {
				t.below[p] = append(t.below[p], near{e.Path, 1 + depth})
			}
		}
	}
	return t
}

// causes names the edits that the lines of a hunk come from, the closest first; where none is known to be behind it, what
// the lines come from.
func (t *tracer) causes(h *Hunk, old, new *entity) {
	type found struct {
		Cause
		distance int
	}
	var edited, origins []found
	seen := map[string]bool{}
	more := 0
	look := func(s *Site, f *File, first, last int) {
		for n := first; n <= last; n++ {
			why, paths := f.Origin(n)
			for rank, p := range paths {
				if seen[p] {
					continue
				}
				seen[p] = true
				all, count := t.editsAt(p)
				more += count - len(all)
				for _, e := range all {
					if !slices.ContainsFunc(edited, func(o found) bool { return o.Path == e.path }) {
						edited = append(edited, found{Cause{Path: e.path, Pos: t.edits[e.path].Pos, Edit: true, Why: why}, e.distance})
					}
				}
				var pos diag.Pos
				if s.PosOf != nil && len(edited) == 0 && len(origins) < mostCauses {
					pos = s.PosOf(p)
				}
				origins = append(origins, found{Cause{Path: p, Pos: pos, Why: why, Whole: s.Values == nil}, rank})
			}
		}
	}
	if new != nil && h.NewLine > 0 {
		look(t.new, new.file, h.NewLine, max(h.NewLine, h.newLast))
	}
	if old != nil && h.OldLine > 0 {
		look(t.old, old.file, h.OldLine, max(h.OldLine, h.oldLast))
	}
	all := edited
	if len(all) == 0 {
		all, more = origins, 0
		if e := t.only; e != nil { // there is nothing else that it could come from
			all = []found{{Cause{Path: e.Path, Pos: e.Pos, Edit: true}, 0}}
		}
	}
	slices.SortStableFunc(all, func(a, b found) int { return a.distance - b.distance })
	for i, f := range all {
		if i > 0 && f.Edit && f.distance > all[0].distance && all[0].distance < 2 {
			more = 0 // what stands further off is behind the whole object, not this line
			break
		}
		if i == mostCauses {
			more += len(all) - i
			break
		}
		h.Causes = append(h.Causes, f.Cause)
	}
	h.More = more
}

// editsAt returns the edits that an origin stands for: itself, one above it, or the first of those below, and how many
// those are.
func (t *tracer) editsAt(origin string) ([]near, int) {
	if _, ok := t.edits[origin]; ok {
		return []near{{origin, 0}}, 1
	}
	for p := site.Parent(origin); p != ""; p = site.Parent(p) {
		if _, ok := t.edits[p]; ok {
			return []near{{p, 1}}, 1
		}
	}
	return t.below[origin], t.count[origin]
}
