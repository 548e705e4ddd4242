package load

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// expr adds to s what the expression admits.
func (r *shapeReader) expr(e ast.Expr, s *Shape) {
	switch e := e.(type) {
	case *ast.ParenExpr:
		r.expr(e.X, s)
	case *ast.Ident:
		r.ident(e, s)
	case *ast.BasicLit:
		r.literal(e, s)
	case *ast.UnaryExpr:
		r.bound(e, s)
	case *ast.CallExpr:
		r.validator(e, s)
	case *ast.StructLit:
		r.block(e, s)
	case *ast.ListLit:
		r.list(e, s)
	case *ast.BinaryExpr:
		switch e.Op {
		case token.AND:
			r.expr(e.X, s)
			r.expr(e.Y, s)
		case token.OR:
			r.disjunction(e, s)
		default:
			r.fail(e, "operator %s is not used in the language", e.Op)
		}
	default:
		r.fail(e, "%T is not used in the language", e)
	}
}

// disjunction adds what either side admits: strings to choose from, a scalar or a list of such, a scalar or a block.
func (r *shapeReader) disjunction(e *ast.BinaryExpr, s *Shape) {
	for _, arm := range arms(e, nil) {
		if u, ok := arm.(*ast.UnaryExpr); ok && u.Op == token.MUL {
			s.Default = r.value(u.X)
			continue
		}
		one := &Shape{}
		r.expr(arm, one)
		r.merge(arm, s, one)
	}
	if choice, ok := s.Default.(string); ok && s.Scalar != nil && len(s.Scalar.Enum) > 0 && !slices.Contains(s.Scalar.Enum, choice) {
		s.Scalar.Enum = slices.Insert(s.Scalar.Enum, 0, choice)
	}
}

// arms flattens a disjunction.
func arms(e ast.Expr, to []ast.Expr) []ast.Expr {
	if b, ok := e.(*ast.BinaryExpr); ok && b.Op == token.OR {
		return arms(b.Y, arms(b.X, to))
	}
	return append(to, e)
}

// merge adds one arm of a disjunction to s.
func (r *shapeReader) merge(n ast.Node, s, arm *Shape) {
	switch {
	case arm.Scalar == nil:
	case s.Scalar == nil:
		s.Scalar = arm.Scalar
	case len(s.Scalar.Enum) > 0 && len(arm.Scalar.Enum) > 0:
		s.Scalar.Enum = append(slices.Clip(s.Scalar.Enum), arm.Scalar.Enum...)
	default:
		r.fail(n, "two types of scalars in one place")
	}
	if arm.IsBlock() {
		s.Def, s.Fields, s.Order, s.Pattern, s.Key = arm.Def, arm.Fields, arm.Order, arm.Pattern, arm.Key
	}
	if arm.Elem != nil {
		s.Elem, s.MinItems, s.MaxItems = arm.Elem, arm.MinItems, arm.MaxItems
	}
}

func (r *shapeReader) ident(e *ast.Ident, s *Shape) {
	switch e.Name {
	case "string":
		r.scalar(e, s, String)
	case "int":
		r.scalar(e, s, Int)
	case "number":
		r.scalar(e, s, Number)
	case "bool":
		r.scalar(e, s, Bool)
	default:
		if !strings.HasPrefix(e.Name, "#") {
			r.fail(e, "%s: a type or default may not depend on another field", e.Name)
			return
		}
		d := r.definition(e.Name)
		required, optional, def := s.Required, s.Optional, s.Default
		*s = *d
		s.Required, s.Optional, s.Default = required, optional, def
		if d.Scalar != nil {
			copied := *d.Scalar
			s.Scalar = &copied
		}
	}
}

// scalar narrows or sets the kind of the scalar at s.
func (r *shapeReader) scalar(n ast.Node, s *Shape, k Kind) *Scalar {
	switch {
	case s.Scalar == nil:
		s.Scalar = &Scalar{Kind: k}
	case s.Scalar.Kind == k || s.Scalar.Kind == Int && k == Number:
	default:
		r.fail(n, "%s and %s in one place", s.Scalar.Kind, k)
	}
	return s.Scalar
}

// literal adds a string to choose.
func (r *shapeReader) literal(e *ast.BasicLit, s *Shape) {
	v, ok := r.value(e).(string)
	if !ok {
		r.fail(e, "only strings are enumerated")
		return
	}
	sc := r.scalar(e, s, String)
	sc.Enum = append(slices.Clip(sc.Enum), v)
}

// value returns a literal of the schema as a Go value.
func (r *shapeReader) value(e ast.Expr) any {
	switch e := e.(type) {
	case *ast.ListLit:
		out := []any{}
		for _, el := range e.Elts {
			out = append(out, r.value(el))
		}
		return out
	case *ast.BasicLit:
		switch e.Kind {
		case token.TRUE, token.FALSE:
			return e.Kind == token.TRUE
		case token.STRING:
			if v, err := literal.Unquote(e.Value); err == nil {
				return v
			}
		case token.INT:
			if v, err := strconv.ParseInt(e.Value, 10, 64); err == nil {
				return v
			}
		}
	}
	r.fail(e, "not a literal that a default may be")
	return nil
}

// bound adds a comparison: =~, !~, !="" or a bound of a number.
func (r *shapeReader) bound(e *ast.UnaryExpr, s *Shape) {
	switch e.Op {
	case token.MAT, token.NMAT:
		text, _ := r.value(e.X).(string)
		re, err := regexp.Compile(text)
		if err != nil {
			r.fail(e, "%v", err)
			return
		}
		sc := r.scalar(e, s, String)
		into := &sc.Patterns
		if e.Op == token.NMAT {
			into = &sc.Excluded
		}
		*into = append(slices.Clip(*into), re)
	case token.NEQ:
		if r.value(e.X) != "" {
			r.fail(e, `only != "" is used in the language`)
		}
		r.scalar(e, s, String).NonEmpty = true
	case token.GEQ, token.LEQ:
		n, ok := r.value(e.X).(int64)
		if !ok {
			r.fail(e, "bounds are integers")
			return
		}
		if s.Scalar == nil {
			s.Scalar = &Scalar{Kind: Number}
		}
		if e.Op == token.GEQ {
			s.Scalar.Min = &n
		} else {
			s.Scalar.Max = &n
		}
	default:
		r.fail(e, "operator %s is not used in the language", e.Op)
	}
}

// validator adds a call: list.MaxItems or strings.MaxRunes.
func (r *shapeReader) validator(e *ast.CallExpr, s *Shape) {
	name := ""
	if sel, ok := e.Fun.(*ast.SelectorExpr); ok {
		name, _, _ = ast.LabelName(sel.Sel)
	}
	n, ok := int64(0), len(e.Args) == 1
	if ok {
		n, ok = r.value(e.Args[0]).(int64)
	}
	switch {
	case ok && name == "MaxItems":
		s.MaxItems = int(n)
	case ok && name == "MaxRunes":
		r.scalar(e, s, String).MaxRunes = int(n)
	default:
		r.fail(e, "this call is not used in the language")
	}
}

// list adds a list: its fixed elements are the least that it must hold, the ellipsis is what may follow.
func (r *shapeReader) list(e *ast.ListLit, s *Shape) {
	s.Elem = &Shape{}
	for _, el := range e.Elts {
		if rest, ok := el.(*ast.Ellipsis); ok {
			el = rest.Type
		} else {
			s.MinItems++
		}
		elem := &Shape{}
		r.expr(el, elem)
		s.Elem = elem
	}
}

// block adds a struct.
func (r *shapeReader) block(e *ast.StructLit, s *Shape) {
	s.Fields = map[string]*Shape{}
	for _, d := range e.Elts {
		f, ok := d.(*ast.Field)
		if !ok {
			r.fail(d, "%T is not used in the language", d)
			continue
		}
		if l, ok := f.Label.(*ast.ListLit); ok {
			key, entry := &Shape{}, &Shape{}
			r.expr(l.Elts[0], key)
			r.expr(f.Value, entry)
			s.Fields, s.Key, s.Pattern = nil, key.Scalar, entry
			continue
		}
		name, _, err := ast.LabelName(f.Label)
		if err != nil {
			r.fail(f, "%v", err)
			continue
		}
		s.Fields[name] = r.field(f)
		s.Order = append(s.Order, name)
	}
}

// docOf returns the comment above a field as one line, and the example in its last line.
func docOf(f *ast.Field) (doc, example string) {
	var lines []string
	for _, g := range ast.Comments(f) {
		if !g.Doc {
			continue
		}
		for _, c := range g.List {
			line := strings.TrimSpace(strings.TrimPrefix(c.Text, "//"))
			if text, ok := strings.CutPrefix(line, "Example: "); ok {
				example = text
			} else {
				lines = append(lines, line)
			}
		}
	}
	return strings.Join(lines, " "), example
}
