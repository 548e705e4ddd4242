package load

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// unresolved reports references to nothing. Such a file has no value at all, so they are a stage of their own.
func unresolved(err error) diag.List {
	var faults diag.List
	for _, e := range errors.Errors(err) {
		format, args := e.Msg()
		pos := firstUserPos(e)
		switch {
		case strings.HasPrefix(format, "reference %q not found") && len(args) > 0:
			name := fmt.Sprint(args[0])
			d := finding(Unresolved, pos, "", "%s refers to nothing", name)
			if Language().Fields[name] != nil {
				faults = append(faults, d.hint("mention the block in this file, so that its defaults can be referred to: %s: _", name))
			} else if near := closest(name, Language().Order); near != "" {
				faults = append(faults, d.hint("did you mean %s?", near))
			} else {
				faults = append(faults, d.hint("define it: let %s = …", name))
			}
		case strings.Contains(format, "builtin package"):
			faults = append(faults, finding(Import, pos, "", "CUE's standard library has no package %v", args[0]).Finding)
		case strings.Contains(format, "imported and not used"):
			faults = append(faults, finding(Unresolved, pos, "", "import %v is not used", args[0]).hint("remove it"))
		case strings.HasPrefix(format, "unreferenced"):
			faults = append(faults, finding(Unresolved, pos, "", "a let or alias is defined here and never used").hint("remove it, or make it a hidden field: _name"))
		default:
			faults = append(faults, finding(Evaluation, pos, "", "the file cannot be computed: %s", reason(e)).Finding)
		}
	}
	return faults
}

// own reports what is wrong with the file by itself, whatever the language says: two values for one field, a type
// without a value, an expression that cannot be computed.
func (w *walker) own(err error) {
	for _, e := range errors.Errors(err) {
		w.ownError(e, userPath(e.Path()))
	}
}

// overruled reports references to nothing that a default makes good: where a field has one, CUE takes it and drops an
// expression that cannot be computed. filled is the file with the defaults.
func (w *walker) overruled(filled cue.Value) {
	for _, e := range errors.Errors(w.user.Validate(cue.All(), cue.Concrete(true))) {
		path := userPath(e.Path())
		v, ok := lookup(filled, path)
		if !ok || w.told(join(path), false) {
			continue
		}
		for _, arm := range conjuncts(v) {
			if err := arm.Err(); err != nil && posOf(arm.Pos()).IsValid() {
				for _, cause := range errors.Errors(err) {
					w.ownError(cause, path)
				}
			}
		}
	}
}

// conjuncts returns the expressions that a value is unified from.
func conjuncts(v cue.Value) []cue.Value {
	op, args := v.Expr()
	if op != cue.AndOp {
		return []cue.Value{v}
	}
	var out []cue.Value
	for _, a := range args {
		out = append(out, conjuncts(a)...)
	}
	return out
}

func (w *walker) ownError(e errors.Error, path []string) {
	format, args := e.Msg()
	begins := func(texts ...string) bool {
		return slices.ContainsFunc(texts, func(t string) bool { return strings.HasPrefix(format, t) })
	}
	switch {
	case w.told(join(path), false):
	case strings.Contains(format, "empty disjunction"):
		w.doubts = append(w.doubts, e)
	case begins("conflicting values", "invalid value", "incompatible list lengths"):
		if involvesDefaults(e) {
			w.doubts = append(w.doubts, e)
			return
		}
		w.conflict(e, path)
	case refersToNothing(format):
		w.undefined(e, path, args)
	case begins("incomplete value", "non-concrete value", "unresolved disjunction"):
		w.noValue(e, path)
	case strings.Contains(format, "not allowed"):
		if _, given := lookup(w.user, path); !given && w.closed(e, path) {
			return
		}
		w.add(finding(Unknown, ownPos(w, e, path), join(path), "%s is not a field of the definition that this file uses here", last(path)).
			hint("the definition is the file's own: add the field there, or remove it here"))
	case strings.Contains(format, "required but not present"), begins("required field missing"):
		w.add(finding(Missing, ownPos(w, e, path), join(path), "%s is missing", describe(last(path), parent(path))).
			hint("a definition of the file itself requires it"))
	default:
		w.add(finding(Evaluation, ownPos(w, e, path), join(path), "%s cannot be computed: %s", placeName(path), reason(e)).Finding)
	}
}

func refersToNothing(format string) bool {
	return strings.HasPrefix(format, "undefined field") || strings.HasPrefix(format, "cannot reference optional field")
}

// told reports whether there is a finding for the place, or, if around is set, above or below it.
func (w *walker) told(path string, around bool) bool {
	return slices.ContainsFunc(w.faults, func(f diag.Finding) bool {
		return f.Path == path || around && (site.IsAncestor(f.Path, path) || site.IsAncestor(path, f.Path))
	})
}

// settleDoubts reports the conflicts with defaults that the walk did not explain. Of a place that has more than one form
// CUE may name a form that is not the user's, once the file is in error elsewhere: the value is sound there.
func (w *walker) settleDoubts() {
	for _, e := range w.doubts {
		path := userPath(e.Path())
		if m, ok := lookup(w.merged, path); !w.told(join(path), true) && !(ok && m.Validate(cue.Concrete(true)) == nil) {
			w.conflict(e, path)
		}
	}
}

func (w *walker) conflict(e errors.Error, path []string) {
	positions := userPositions(e)
	values := []string{}
	_, args := e.Msg()
	for _, a := range args {
		if s := fmt.Sprint(a); len(values) < 2 && len(s) < 60 && !strings.Contains(s, "\n") {
			values = append(values, s)
		}
	}
	pos := nearest(w.user, path)
	if v, ok := lookup(w.user, path); ok {
		if written := writtenAt(v); len(written) > 1 {
			positions = written
			pos = slices.MinFunc(written, comparePos)
		}
	}
	slices.SortFunc(positions, comparePos)
	d := finding(Conflict, pos, join(path), "%s is given values that do not agree", placeName(path))
	if len(values) == 2 && values[0] != values[1] {
		slices.Sort(values)
		d.Message = fmt.Sprintf("%s is given values that do not agree: %s and %s", placeName(path), values[0], values[1])
	}
	for _, p := range positions {
		if p != pos {
			d.Related = append(d.Related, diag.Related{Path: join(path), Pos: p, Message: "the other value"})
			break
		}
	}
	w.add(d.hint("keep one of them"))
}

func (w *walker) undefined(e errors.Error, path []string, args []any) {
	name := ""
	if len(args) > 0 {
		name = fmt.Sprint(args[0])
	}
	d := finding(Unresolved, ownPos(w, e, path), join(path), "%s refers to a field %s that does not exist", placeName(path), name)
	if places := homes()[name]; len(places) > 0 {
		w.add(d.hint("%s is a field of %s; give it a value there", name, strings.Join(nearby(places, path), " and of ")))
		return
	}
	var known []string
	for n := range homes() {
		known = append(known, n)
	}
	slices.Sort(known)
	if near := closest(name, known); near != "" {
		w.add(d.hint("did you mean %s?", near))
		return
	}
	w.add(d.Finding)
}

// noValue reports a field without a value, unless the language's own bounds make it one.
func (w *walker) noValue(e errors.Error, path []string) {
	if m, ok := lookup(w.merged, path); ok && m.Err() == nil && m.IsConcrete() {
		return
	}
	w.typeOnly(ownPos(w, e, path), path)
}

// typeOnly reports that a place has a type but no value.
func (w *walker) typeOnly(pos diag.Pos, path []string) {
	d := finding(NoValue, pos, join(path), "%s has a type but no value", placeName(path))
	if s := Language().Lookup(path...); s != nil {
		w.add(d.hint("%s", s.exampleHint()))
		return
	}
	w.add(d.Finding)
}

// reason says in words why CUE cannot compute something.
func reason(e errors.Error) string {
	text := e.Error()
	for _, r := range []struct{ has, say string }{
		{"division by zero", "it divides by zero"},
		{"cycle", "it depends on itself"},
		{"index", "an index leads outside the list"},
		{"out of range", "an index leads outside the list"},
		{"invalid operands", "the operands do not fit the operator"},
		{"cannot use", "a value is of the wrong type"},
		{"error in call", "a function refuses its arguments"},
		{"cannot call", "a function refuses its arguments"},
		{"cannot combine", "a block and a single value stand in one place"},
		{"explicit error", "it is an error on purpose"},
		{"regexp", "a regular expression is wrong"},
	} {
		if strings.Contains(text, r.has) {
			return r.say
		}
	}
	return "CUE refuses the expression"
}

func placeName(path []string) string {
	if len(path) == 0 {
		return "the file"
	}
	return describe(last(path), parent(path))
}

// userPath drops what CUE puts in front of and between names: definitions, and the selectors of hidden fields.
func userPath(path []string) []string {
	var out []string
	for i, p := range path {
		if i == 0 && p == "#Site" {
			continue
		}
		sel := cue.ParsePath(p)
		if sels := sel.Selectors(); sel.Err() == nil && len(sels) == 1 && sels[0].LabelType() == cue.StringLabel {
			p = sels[0].Unquoted()
		}
		out = append(out, p)
	}
	return out
}

func userPositions(e errors.Error) []diag.Pos {
	var out []diag.Pos
	for _, p := range errors.Positions(e) {
		if at := posOf(p); at.IsValid() && !slices.Contains(out, at) {
			out = append(out, at)
		}
	}
	return out
}

func comparePos(a, b diag.Pos) int {
	return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}

func firstUserPos(e errors.Error) diag.Pos {
	if all := userPositions(e); len(all) > 0 {
		return all[0]
	}
	return diag.Pos{}
}

// ownPos is the position that the error names, or that of its path.
func ownPos(w *walker, e errors.Error, path []string) diag.Pos {
	if p := firstUserPos(e); p.IsValid() {
		return p
	}
	return nearest(w.user, path)
}

func involvesDefaults(e errors.Error) bool {
	for _, p := range errors.Positions(e) {
		if p.Filename() == defaultsName {
			return true
		}
	}
	return false
}
