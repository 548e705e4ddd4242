package load

import (
	"cmp"
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// collapse sorts the findings and makes one of those that a comprehension copied: same place in the file, same rule,
// same field of different entries.
func collapse(all diag.List) diag.List {
	type key struct {
		pos  diag.Pos
		rule string
		name string
	}
	var out diag.List
	first := map[key]int{}
	more := map[int]int{}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b diag.Finding) int { return cmp.Compare(a.Path, b.Path) })
	for _, f := range all {
		segments := site.Split(f.Path)
		k := key{f.Pos, f.Rule, last(segments)}
		i, seen := first[k]
		switch {
		case !seen || !f.Pos.IsValid():
			first[k] = len(out)
			out = append(out, f)
		case out[i].Path != f.Path:
			more[i]++
		}
	}
	for i, n := range more {
		out[i].Message += fmt.Sprintf(" (and %d more)", n)
	}
	return out.Sorted()
}
