package load

import (
	"path/filepath"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// defaultsName is the file name of what fills in defaults for references; see Shape.defaults.
const defaultsName = "meshgen-defaults"

// posOf returns the place of a CUE position, or none when it is not in a file of the user's.
func posOf(p token.Pos) diag.Pos {
	name := p.Filename()
	if !p.IsValid() || name == "" || name == defaultsName || strings.HasPrefix(name, schemaDir) {
		return diag.Pos{}
	}
	return diag.Pos{File: filepath.ToSlash(name), Line: p.Line(), Column: p.Column()}
}

// keyPos returns where the name of the field stands that v is the value of.
func keyPos(v cue.Value) diag.Pos {
	for _, n := range sources(v) {
		if p := posOf(n.Pos()); p.IsValid() {
			return p
		}
	}
	return posOf(v.Pos())
}

// valuePos returns where the value stands.
func valuePos(v cue.Value) diag.Pos {
	if all := writtenAt(v); len(all) > 0 {
		return all[0]
	}
	return posOf(v.Pos())
}

// writtenAt returns every place where the value is written.
func writtenAt(v cue.Value) []diag.Pos {
	var out []diag.Pos
	for _, n := range sources(v) {
		if f, ok := n.(*ast.Field); ok {
			n = f.Value
		}
		if p := posOf(n.Pos()); p.IsValid() && !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// sources returns the syntax that makes up the value: several nodes when it is written in several places.
func sources(v cue.Value) []ast.Node {
	if n := v.Source(); n != nil && posOf(n.Pos()).IsValid() {
		return []ast.Node{n}
	}
	var out []ast.Node
	if op, args := v.Expr(); op == cue.AndOp {
		for _, a := range args {
			if n := a.Source(); n != nil {
				out = append(out, n)
			}
		}
	}
	return out
}

// lookup returns the value at the place that the segments lead to, and whether it is written there.
func lookup(v cue.Value, segments []string) (cue.Value, bool) {
	for _, seg := range segments {
		next := v.LookupPath(cue.MakePath(cue.Str(seg)))
		if !next.Exists() {
			if i, ok := elementIndex(seg); ok && v.IncompleteKind() == cue.ListKind {
				next = v.LookupPath(cue.MakePath(cue.Index(i)))
			}
		}
		if !next.Exists() {
			return next, false
		}
		v = next
	}
	return v, true
}

func elementIndex(seg string) (int, bool) {
	if seg == "" || len(seg) > 9 {
		return 0, false
	}
	n := 0
	for _, c := range []byte(seg) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}

// nearest returns the position of the place, or of the closest place above it that the user wrote.
func nearest(v cue.Value, segments []string) diag.Pos {
	for n := len(segments); n >= 0; n-- {
		if at, ok := lookup(v, segments[:n]); ok {
			if p := valuePos(at); p.IsValid() {
				return p
			}
		}
	}
	return diag.Pos{}
}

func join(segments []string) string { return site.Join(segments...) }

func index(i int) string { return site.Index(i) }
