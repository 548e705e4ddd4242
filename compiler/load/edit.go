package load

import (
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"

	"github.com/agnivade/levenshtein"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// EditOf returns the edit that replaces the value at a site path by a text of CUE. It returns false where that would
// change more than this one value, or where the value is not written as a literal: made by an expression, a template
// or several places, or a default.
func (s *Source) EditOf(path, text string) (diag.Edit, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := lookup(s.written(), site.Split(path))
	if !ok {
		return diag.Edit{}, false
	}
	literal := literalOf(v)
	if literal == nil || s.shared()[posOf(literal.Pos())] > 1 {
		return diag.Edit{}, false
	}
	return replace(s.files, literal.Pos(), literal.Value, text)
}

// literalOf returns the literal that a value is written as, or nil.
func literalOf(v cue.Value) *ast.BasicLit {
	nodes := sources(v)
	if len(nodes) != 1 {
		return nil
	}
	node := nodes[0]
	if f, ok := node.(*ast.Field); ok {
		node = f.Value
	}
	literal, _ := node.(*ast.BasicLit)
	return literal
}

// replace returns the edit of the text old at a position. The bytes of the file are asked: in YAML a plain word is a
// literal without the quotes that CUE's syntax tree gives it.
func replace(files []file, at token.Pos, old, text string) (diag.Edit, bool) {
	name, start := posOf(at).File, at.Offset()
	end := start + len(old)
	for _, f := range files {
		if filepath.ToSlash(f.name) == name && start >= 0 && end <= len(f.data) && string(f.data[start:end]) == old {
			return diag.Edit{File: name, Start: start, End: end, New: text}, true
		}
	}
	return diag.Edit{}, false
}

// shared counts the leaves of the site that are written at one place: more than one in a template.
func (s *Source) shared() map[diag.Pos]int {
	if s.leavesAt == nil {
		s.leavesAt = map[diag.Pos]int{}
		for _, path := range s.Leaves() {
			if v, ok := lookup(s.written(), site.Split(path)); ok {
				if p := valuePos(v); p.IsValid() {
					s.leavesAt[p]++
				}
			}
		}
	}
	return s.leavesAt
}

// fixValue offers to write a value of the wrong type in the right one: a number as text, or the other way round.
func (w *walker) fixValue(f diag.Finding, u cue.Value, s *Scalar) diag.Finding {
	literal := literalOf(u)
	if literal == nil || s == nil {
		return f
	}
	text := ""
	switch inner, err := strconv.Unquote(literal.Value); {
	case s.Kind == String && (literal.Kind == token.INT || literal.Kind == token.FLOAT):
		text = strconv.Quote(literal.Value)
	case err != nil:
	case s.Kind == Bool && (inner == "true" || inner == "false"):
		text = inner
	case s.Kind == Int || s.Kind == Number:
		if n, err := strconv.ParseInt(inner, 10, 64); err == nil && strconv.FormatInt(n, 10) == inner &&
			(s.Min == nil || n >= *s.Min) && (s.Max == nil || n <= *s.Max) {
			text = inner
		}
	}
	if text != "" {
		f = w.fix(f, literal.Pos(), literal.Value, text)
	}
	return f
}

// fixWord offers the one allowed word that a misspelt one can only have been.
func (w *walker) fixWord(f diag.Finding, u cue.Value, s *Scalar) diag.Finding {
	literal := literalOf(u)
	if literal == nil || s == nil {
		return f
	}
	inner, err := strconv.Unquote(literal.Value)
	if near := surely(inner, s.Enum); err == nil && near != "" {
		return w.fix(f, literal.Pos(), literal.Value, strconv.Quote(near))
	}
	return f
}

// fixName offers the one field that a misspelt name can only have been, where that field is not given already.
func (w *walker) fixName(f diag.Finding, u cue.Value, s *Shape, given map[string]bool) diag.Finding {
	nodes := sources(u)
	if len(nodes) != 1 {
		return f
	}
	field, ok := nodes[0].(*ast.Field)
	if !ok {
		return f
	}
	label, ok := field.Label.(*ast.Ident)
	near := surely(last(site.Split(f.Path)), s.Order)
	if !ok || near == "" || given[near] {
		return f
	}
	return w.fix(f, label.Pos(), label.Name, near)
}

func (w *walker) fix(f diag.Finding, at token.Pos, old, text string) diag.Finding {
	if edit, ok := replace(w.files, at, old, text); ok {
		f.Fix = &diag.Fix{Path: f.Path, New: text, Message: "write " + text, Edit: edit}
	}
	return f
}

// surely returns the only word that is one letter away, or differs in case alone; "" where there is none or more.
func surely(word string, words []string) string {
	near := slices.DeleteFunc(slices.Clone(words), func(w string) bool {
		return len(word) < 3 || levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(w)) > 1
	})
	if len(near) == 1 {
		return near[0]
	}
	return ""
}
