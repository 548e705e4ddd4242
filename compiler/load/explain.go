package load

import (
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/errors"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// walker lists the faults of what the user wrote, place by place along the language. It never looks at the file
// unified with the schema, where one fault hides others; merged is only asked whether a value is right after all.
type walker struct {
	user   cue.Value // as written
	merged cue.Value
	files  []file // as they were read
	faults diag.List
	doubts []errors.Error // conflicts with a default that was filled in: the walk mostly has better words for them
}

// explain returns every fault of a file that CUE refused for cause.
func (l *Loader) explain(user, merged cue.Value, cause error) diag.List {
	w := l.survey(user, merged)
	w.faults = append(w.faults, otherKinds(user)...)
	if len(w.faults) == 0 {
		w.unexplained(cause)
	}
	return collapse(w.faults)
}

// broken reports whether a block and something else stand in one place of the file. CUE's evaluator may then follow a
// block that embeds a field of its own for ever, once patterns of the schema come in.
func broken(user cue.Value) bool {
	if user.Validate() == nil {
		return false
	}
	return slices.ContainsFunc(errors.Errors(user.Validate(cue.All())), func(e errors.Error) bool {
		format, args := e.Msg()
		return strings.Contains(format, "mismatched types") && slices.ContainsFunc(args, func(a any) bool {
			return strings.Contains(fmt.Sprint(a), "struct")
		})
	})
}

// explainAlone is explain for a broken file, which is not unified with anything.
func (l *Loader) explainAlone(user cue.Value) diag.List {
	w := &walker{files: l.files, user: user, merged: user}
	w.own(user.Validate(cue.All()))
	w.walk(user, Language(), nil)
	w.faults = append(w.faults, otherKinds(user)...)
	return collapse(w.faults)
}

// survey walks the whole file.
func (l *Loader) survey(user, merged cue.Value) *walker {
	w := &walker{files: l.files, user: user, merged: merged}
	filled := user
	if user.Validate(cue.Concrete(true)) != nil {
		// Perhaps it refers to something that only a default supplies.
		filled = l.ctx.CompileString(Language().defaults(), cue.Filename(defaultsName)).Unify(user)
		w.own(user.Validate(cue.All()))
		w.own(filled.Validate(cue.All(), cue.Concrete(true)))
		w.overruled(filled)
	}
	w.walk(filled, Language(), nil)
	w.settleDoubts()
	return w
}

// passedOver returns what is wrong with a file that CUE accepts: misspelt fields with a question mark, which contradict
// nothing and would do nothing, and references to nothing that a default of the schema makes good.
func (l *Loader) passedOver(user, merged cue.Value) diag.List {
	return slices.DeleteFunc(l.survey(user, merged).faults, func(f diag.Finding) bool {
		return f.Rule != Unknown.ID && f.Rule != Unresolved.ID && f.Rule != Evaluation.ID
	})
}

// unexplained reports what CUE found and the walk did not: references in definitions of the file, which only the
// closedness of the schema makes wrong; fields that definitions of the file have no room for; and what we do not know of, where the place is right and the words are missing.
func (w *walker) unexplained(cause error) {
	for _, e := range errors.Errors(cause) {
		path := userPath(e.Path())
		if format, args := e.Msg(); refersToNothing(format) {
			w.undefined(e, path, args)
			continue
		}
		if w.closed(e, path) {
			continue
		}
		w.faults = append(w.faults, finding(Internal, nearest(w.user, path), join(path), "CUE refuses this place and meshgen cannot say why").
			hint("please report this with the file"))
	}
}

// walk checks the value u at the path against its shape.
func (w *walker) walk(u cue.Value, s *Shape, path []string) {
	if it, err := u.Fields(cue.Optional(true)); err == nil {
		switch {
		case s.IsBlock():
			w.block(u, it, s, path)
		case u.IncompleteKind() != cue.BottomKind:
			w.wrongType(u, s, path, "a block")
		case s.Elem != nil:
			w.brokenList(u, s, path)
		}
		return
	}
	if it, err := u.List(); err == nil {
		if s.Elem == nil {
			w.wrongType(u, s, path, "a list")
			return
		}
		w.list(u, &it, s, path)
		return
	}
	if u.Err() != nil {
		// Something conflicts. A scalar where a block stands conflicts only with the defaults that were filled in.
		if own, ok := lookup(w.user, path); ok && own.Err() == nil && own.IsConcrete() {
			w.scalar(own, s, path)
		}
		return
	}
	w.scalar(u, s, path)
}

func (w *walker) block(u cue.Value, it *cue.Iterator, s *Shape, path []string) {
	seen := map[string]bool{}
	for it.Next() {
		sel := it.Selector()
		if sel.LabelType() != cue.StringLabel {
			continue
		}
		name := sel.Unquoted()
		at := append(path[:len(path):len(path)], name)
		given := sel.ConstraintType() == 0
		if given {
			seen[name] = true
		}
		switch f := s.Fields[name]; {
		case f != nil:
			// The schema makes a field with a default present, so that an optional one of the user's holds for it.
			if given || !f.Optional && !f.Required {
				w.walk(it.Value(), f, at)
			}
		case s.Pattern == nil:
			// A required field that is misspelt is one fault, not two.
			seen[closest(name, s.Order)] = true
			w.unknown(it.Value(), s, at)
		default:
			if fault := s.Key.fault(name); fault != nil && given {
				w.badKey(it.Value(), s.Key, at)
			}
			if given {
				w.walk(it.Value(), s.Pattern, at)
			}
		}
	}
	w.missing(s, seen, path)
}

// missing reports the required fields of a block that are not given.
func (w *walker) missing(s *Shape, seen map[string]bool, path []string) {
	for _, name := range s.Order {
		f := s.Fields[name]
		at := append(path[:len(path):len(path)], name)
		switch {
		case seen[name]:
		case f.Required:
			d := finding(Missing, nearest(w.user, path), join(at), "%s is missing", describe(name, path))
			w.faults = append(w.faults, d.hint("%s", missingHint(name, f)))
		case !f.Optional && f.Fields != nil && f.Scalar == nil:
			w.missing(f, nil, at)
		}
	}
}

func (w *walker) list(u cue.Value, it *cue.Iterator, s *Shape, path []string) {
	n := 0
	for ; it.Next(); n++ {
		w.walk(it.Value(), s.Elem, append(path[:len(path):len(path)], index(n)))
	}
	name := describe(last(path), path[:max(0, len(path)-1)])
	switch {
	case n < s.MinItems:
		w.add(finding(WrongLength, w.at(u, path), join(path), "%s needs at least %s", name, count(s.MinItems)).
			hint("%s", s.exampleHint()))
	case s.MaxItems > 0 && n > s.MaxItems:
		w.add(finding(WrongLength, w.at(u, path), join(path), "%s holds %d entries; at most %d are allowed", name, n, s.MaxItems).
			hint("%s", s.exampleHint()))
	}
}

// brokenList checks the elements of a list that CUE does not call a list because some are in error.
func (w *walker) brokenList(u cue.Value, s *Shape, path []string) {
	for i := 0; ; i++ {
		e := u.LookupPath(cue.MakePath(cue.Index(i)))
		if !e.Exists() {
			return
		}
		w.walk(e, s.Elem, append(path[:len(path):len(path)], index(i)))
	}
}

// scalar checks a single value.
func (w *walker) scalar(u cue.Value, s *Shape, path []string) {
	if d, ok := u.Default(); ok {
		u = d
	}
	if !u.IsConcrete() {
		// CUE does not ask for values in a file that contradicts itself elsewhere.
		if m, ok := lookup(w.merged, path); !w.told(join(path), false) && u.Err() == nil && !(ok && m.Err() == nil && m.IsConcrete()) {
			w.typeOnly(w.at(u, path), path)
		}
		return
	}
	v, kind := scalarOf(u)
	if s.Scalar == nil || !s.Scalar.admits(kind) {
		w.wrongType(u, s, path, kindName(kind))
		return
	}
	fault := s.Scalar.fault(v)
	if fault == nil || w.rightAfterAll(path) {
		return
	}
	d := finding(fault.rule, w.at(u, path), join(path), "%s %s %s", describe(last(path), parent(path)), show(v), fault.text)
	w.add(w.fixWord(d.hint("%s", fault.hint), u, s.Scalar))
}

// rightAfterAll reports whether the merged value is sound here: a disjunction of the user's may have had another arm.
func (w *walker) rightAfterAll(path []string) bool {
	m, ok := lookup(w.merged, path)
	if !ok || m.Err() != nil || m.Validate(cue.Concrete(true)) != nil {
		return false
	}
	u, ok := lookup(w.user, path)
	if !ok {
		return false
	}
	op, _ := u.Expr()
	_, isDefault := u.Default()
	return op == cue.OrOp || isDefault && !u.IsConcrete()
}

func (w *walker) add(f diag.Finding) { w.faults = append(w.faults, f) }

// at returns where the value stands, or what is closest to it.
func (w *walker) at(u cue.Value, path []string) diag.Pos {
	if p := valuePos(u); p.IsValid() {
		return p
	}
	return nearest(w.user, path)
}

func (w *walker) wrongType(u cue.Value, s *Shape, path []string, is string) {
	d := finding(WrongType, w.at(u, path), join(path), "%s is %s; %s is expected", describe(last(path), parent(path)), is, s.expects())
	hint := s.exampleHint()
	if text, ok := numberText(u); ok && s.Scalar != nil && s.Scalar.Kind == String {
		hint = "quote it: \"" + text + "\""
	}
	w.add(w.fixValue(d.hint("%s", hint), u, s.Scalar))
}

func (w *walker) unknown(u cue.Value, s *Shape, path []string) {
	name, above := last(path), parent(path)
	pos := keyPos(u)
	if !pos.IsValid() {
		pos = nearest(w.user, path)
	}
	where := "the site"
	if len(above) > 0 {
		where = join(above)
	}
	d := finding(Unknown, pos, join(path), "%s has no field %s", where, site.Join(name))
	given := map[string]bool{}
	for field := range s.Fields {
		if v, ok := lookup(w.user, append(above[:len(above):len(above)], field)); ok && v.Exists() {
			given[field] = true
		}
	}
	hint := suggest(name, s, above)
	if block, ok := lookup(w.user, above); ok && len(above) > 0 && closest(name, s.Order) == "" && fromTemplate(block) { // it may be a parameter
		hint = strings.TrimSuffix(fmt.Sprintf("if a template needs it: name it _%s, which stays out of the site; %s", name, hint), "; ")
	}
	w.add(w.fixName(d.hint("%s", hint), u, s, given))
}

func (w *walker) badKey(u cue.Value, key *Scalar, path []string) {
	pos := keyPos(u)
	if !pos.IsValid() {
		pos = nearest(w.user, path)
	}
	d := finding(BadKey, pos, join(path), "%q cannot be the name of an entry of %s", last(path), join(parent(path)))
	w.add(d.hint("expected: %s, for example %s", key.form(), key.Example))
}

func last(path []string) string {
	if len(path) == 0 {
		return "the site"
	}
	return path[len(path)-1]
}

func parent(path []string) []string {
	if len(path) == 0 {
		return nil
	}
	return path[:len(path)-1]
}
