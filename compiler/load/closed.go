package load

import (
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"

	"meshgen.dev/meshgen/compiler/diag"
)

// closed reports whether CUE refused a field of the language itself: a definition of the file has closed the block, so
// that the schema cannot add what has a default there. There is one finding for each definition, at one of its uses.
func (w *walker) closed(e errors.Error, path []string) bool {
	if format, _ := e.Msg(); !strings.Contains(format, "not allowed") || Language().Lookup(path...) == nil {
		return false
	}
	for n := range path {
		v, ok := lookup(w.user, path[:n])
		if !ok {
			break
		}
		name, definition := definitionIn(v)
		if name == "" {
			continue
		}
		about := name + " is a definition, "
		if slices.ContainsFunc(w.faults, func(f diag.Finding) bool { return f.Rule == Closed.ID && strings.HasPrefix(f.Message, about) }) {
			return true
		}
		d := finding(Closed, w.at(v, path[:n]), join(path[:n]),
			"%swhich has no room for what it does not name itself: the language adds %s to %s, among others", about, join(path[n:]), join(path[:n]))
		d.Related = []diag.Related{{Path: d.Path, Pos: keyPos(definition), Message: "the definition"}}
		w.add(d.hint("name it _%s here and there: a hidden field is not closed", strings.TrimPrefix(name, "#")))
		return true
	}
	return false
}

// fromTemplate reports whether a value is made of another field of the file.
func fromTemplate(v cue.Value) bool {
	return slices.ContainsFunc(conjuncts(v), func(arm cue.Value) bool {
		_, to := arm.ReferencePath()
		return len(to.Selectors()) > 0
	})
}

// definitionIn returns the name of a definition of the file that a value is made of, and what it stands for.
func definitionIn(v cue.Value) (string, cue.Value) {
	for _, arm := range conjuncts(v) {
		root, to := arm.ReferencePath()
		all := to.Selectors()
		if i := slices.IndexFunc(all, func(s cue.Selector) bool { return s.IsDefinition() }); i >= 0 {
			if d := root.LookupPath(cue.MakePath(all[:i+1]...)); keyPos(d).IsValid() { // not one of the schema's
				return all[i].String(), d
			}
		}
	}
	return "", cue.Value{}
}
