package load

import (
	"fmt"
	"regexp"
	"sync"

	"cuelang.org/go/cue/ast"
)

// Shape is one place of the language: what may stand there, what happens when nothing does, and what it means. The
// shapes form a tree that is read once from the schema's source; it serves findings, explain, the reference and the
// JSON Schema. Nobody may change it.
//
// A place may admit more than one form: an address is a scalar or a list of scalars. At least one of Scalar, Fields,
// Pattern and Elem is set.
type Shape struct {
	Def      string // definition that describes it, without "#"; "" where it is written in place
	Doc      string // the field's comment, or that of its definition; without the example
	Example  string // CUE text of an example; "" where the allowed values are the example
	Required bool   // must be given
	Optional bool   // may be absent also after defaults
	Default  any    // string, int64, float64, bool or []any; nil: none

	Scalar *Scalar // a scalar may stand here

	Fields  map[string]*Shape // a block with these fields may stand here
	Order   []string          // their names as the schema lists them
	Pattern *Shape            // a map may stand here: the shape of every entry
	Key     *Scalar           // what its keys must look like

	Elem     *Shape // a list may stand here: the shape of every element
	MinItems int
	MaxItems int // 0: no bound
}

// Kind says what a scalar is.
type Kind string

// The kinds of scalars of the language.
const (
	String Kind = "string"
	Int    Kind = "integer"
	Number Kind = "number"
	Bool   Kind = "boolean"
)

// Scalar says which scalars may stand at a place.
type Scalar struct {
	Def      string           // definition that names the type, without "#"
	Doc      string           // what the definition says
	Example  string           // CUE text of an example
	Kind     Kind             //
	Enum     []string         // the allowed strings; empty: not an enumeration
	Min, Max *int64           // bounds of a number, inclusive
	Patterns []*regexp.Regexp // a string matches all of these
	Excluded []*regexp.Regexp // and none of these
	NonEmpty bool             // the empty string is refused
	MaxRunes int              // longest string in characters; 0: no bound
}

// IsBlock reports whether fields or entries may stand here.
func (s *Shape) IsBlock() bool { return s.Fields != nil || s.Pattern != nil }

// Lookup returns the shape of the place that the segments lead to, list elements by any index and map entries by any
// key, or nil when the language has no such place.
func (s *Shape) Lookup(segments ...string) *Shape {
	for _, seg := range segments {
		switch {
		case s == nil:
			return nil
		case s.Fields[seg] != nil:
			s = s.Fields[seg]
		case s.Pattern != nil:
			s = s.Pattern
		default:
			s = s.Elem
		}
	}
	return s
}

// Language returns the root of the language: the shape of a whole site.
func Language() *Shape { return language() }

var language = sync.OnceValue(func() *Shape {
	files, err := schemaFiles()
	if err != nil {
		panic(err) // the schema is part of the binary, and a test reads it
	}
	r := shapeReader{decls: map[string]*ast.Field{}, done: map[string]*Shape{}}
	for _, f := range files {
		for _, d := range f.Decls {
			if fld, ok := d.(*ast.Field); ok {
				name, _, _ := ast.LabelName(fld.Label)
				r.decls[name] = fld
			}
		}
	}
	root := r.definition("#Site")
	if r.err != nil {
		panic(r.err)
	}
	return root
})

// shapeReader reads shapes from the schema's syntax. The schema keeps to a small part of CUE, listed by expr: whatever
// is outside it is an error here, so that the tree never says less than the schema.
type shapeReader struct {
	decls map[string]*ast.Field
	done  map[string]*Shape
	err   error
}

func (r *shapeReader) fail(n ast.Node, format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("schema: %s: %s", n.Pos(), fmt.Sprintf(format, args...))
	}
}

// definition returns the shape of a definition; every use shares it.
func (r *shapeReader) definition(name string) *Shape {
	if s := r.done[name]; s != nil {
		return s
	}
	s := &Shape{}
	decl := r.decls[name]
	if decl == nil {
		r.err = fmt.Errorf("schema: no definition %s", name)
		return s
	}
	r.expr(decl.Value, s)
	r.done[name] = s
	s.Def = name[1:]
	s.Doc, s.Example = docOf(decl)
	if s.Scalar != nil && s.Elem == nil && !s.IsBlock() {
		s.Scalar.Def, s.Scalar.Doc, s.Scalar.Example = s.Def, s.Doc, s.Example
	}
	return s
}

// field returns the shape of a field of a block.
func (r *shapeReader) field(f *ast.Field) *Shape {
	s := &Shape{}
	r.expr(f.Value, s)
	if doc, example := docOf(f); doc != "" {
		s.Doc, s.Example = doc, example
	}
	s.Required = f.Constraint.String() == "!"
	s.Optional = f.Constraint.String() == "?"
	return s
}
