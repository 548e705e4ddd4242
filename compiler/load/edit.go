package load

import (
	"strings"

	"cuelang.org/go/cue/ast"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// EditOf returns the edit that replaces the value at a site path by a text of CUE. It returns false where that would
// change more than this one value, or where the value is not written as a literal: made by an expression, a template
// or several places, or a default.
func (s *Source) EditOf(path, text string) (diag.Edit, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := lookup(s.user, site.Split(path))
	if !ok {
		return diag.Edit{}, false
	}
	nodes := sources(v)
	if len(nodes) != 1 {
		return diag.Edit{}, false
	}
	node := nodes[0]
	if f, ok := node.(*ast.Field); ok {
		node = f.Value
	}
	literal, ok := node.(*ast.BasicLit)
	if !ok || s.shared()[posOf(literal.Pos())] > 1 {
		return diag.Edit{}, false
	}
	return s.editLiteral(literal, text)
}

// editLiteral replaces a literal. The bytes of the file are asked: in YAML a plain word is a literal without the quotes
// that CUE's syntax tree gives it.
func (s *Source) editLiteral(literal *ast.BasicLit, text string) (diag.Edit, bool) {
	at, start := posOf(literal.Pos()), literal.Pos().Offset()
	for _, f := range s.files {
		if posName(f.name) != at.File {
			continue
		}
		end := start + len(literal.Value)
		if start < 0 || end > len(f.data) || string(f.data[start:end]) != literal.Value {
			return diag.Edit{}, false
		}
		return diag.Edit{File: at.File, Start: start, End: end, New: text}, true
	}
	return diag.Edit{}, false
}

// shared counts the leaves of the site that are written at one place: more than one in a template.
func (s *Source) shared() map[diag.Pos]int {
	if s.leavesAt == nil {
		s.leavesAt = map[diag.Pos]int{}
		for _, path := range s.Leaves() {
			if v, ok := lookup(s.user, site.Split(path)); ok {
				if p := valuePos(v); p.IsValid() {
					s.leavesAt[p]++
				}
			}
		}
	}
	return s.leavesAt
}

func posName(name string) string { return strings.ReplaceAll(name, `\`, "/") }
