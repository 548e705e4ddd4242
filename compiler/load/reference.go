package load

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Describe returns in words what may stand at a place: its type, bounds, allowed values, default and example, a line
// each, without the name.
func (s *Shape) Describe() []string {
	out := []string{"type: " + s.typeText()}
	if c := s.Scalar; c != nil {
		if len(c.Enum) > 0 {
			out = append(out, "allowed: "+strings.Join(quoted(c.Enum), ", "))
		}
		if b := c.bounds(); b != "" {
			out = append(out, "range: "+b)
		}
	}
	switch {
	case s.Required:
		out = append(out, "required")
	case s.Default != nil:
		out = append(out, "default: "+show(s.Default))
	case s.Optional:
		out = append(out, "may be left out")
	}
	if e := s.example(); e != "" {
		out = append(out, "example: "+e)
	}
	return out
}

func quoted(words []string) []string {
	out := slices.Clone(words)
	for i, w := range out {
		out[i] = fmt.Sprintf("%q", w)
	}
	return out
}

// example is the place's own example, or that of its type.
func (s *Shape) example() string {
	if s.Example == "" && s.Scalar != nil {
		return s.Scalar.Example
	}
	return s.Example
}

// typeText names what may stand at a place.
func (s *Shape) typeText() string {
	var forms []string
	if c := s.Scalar; c != nil {
		name := string(c.Kind)
		if c.Def != "" {
			name = "#" + c.Def
		}
		forms = append(forms, name)
	}
	switch {
	case s.Fields != nil && s.Def != "":
		forms = append(forms, "#"+s.Def)
	case s.Fields != nil:
		forms = append(forms, "block")
	case s.Pattern != nil:
		forms = append(forms, "map of "+s.Pattern.typeText())
	}
	if s.Elem != nil {
		forms = append(forms, "list of "+s.Elem.typeText())
	}
	return strings.Join(forms, " or ")
}

// Reference is the language in Markdown: a section for every block, in the order in which a site leads to them, and the
// types of scalars at the end.
func Reference() []byte {
	r := reference{seen: map[string]bool{}, scalars: map[string]*Scalar{}}
	r.b.WriteString(`# The site language

What a site description may say. ` + "`meshgen explain FIELD`" + ` prints one field, ` + "`meshgen schema`" + ` the schema itself. The files in
this folder are the source of this text.
`)
	r.block("Site", "One site: one Kubernetes cluster on bare metal, the network under it and the mesh on top.", Language())
	for len(r.next) > 0 {
		s := r.next[0]
		r.next = r.next[1:]
		r.block(s.Def, "", s)
	}
	r.types()
	return r.b.Bytes()
}

type reference struct {
	b       bytes.Buffer
	seen    map[string]bool
	next    []*Shape
	scalars map[string]*Scalar
}

// visit queues the blocks and notes the types of scalars that a place leads to.
func (r *reference) visit(s *Shape) {
	if s == nil {
		return
	}
	if s.Scalar != nil && s.Scalar.Def != "" {
		r.scalars[s.Scalar.Def] = s.Scalar
	}
	if s.Key != nil && s.Key.Def != "" {
		r.scalars[s.Key.Def] = s.Key
	}
	if s.Fields != nil && s.Def != "" && !r.seen[s.Def] {
		r.seen[s.Def] = true
		r.next = append(r.next, s)
	}
	r.visit(s.Pattern)
	r.visit(s.Elem)
}

func (r *reference) block(name, doc string, s *Shape) {
	fmt.Fprintf(&r.b, "\n## %s\n\n", name)
	if doc != "" {
		fmt.Fprintf(&r.b, "%s\n\n", doc)
	}
	r.b.WriteString("| Field | Type | Default | Meaning |\n|---|---|---|---|\n")
	for _, field := range s.Order {
		f := s.Fields[field]
		r.visit(f)
		value := ""
		switch {
		case f.Required:
			value = "required"
		case f.Default != nil:
			value = "`" + show(f.Default) + "`"
		}
		meaning := strings.ReplaceAll(f.Doc, "\n", " ")
		if f.Scalar != nil && len(f.Scalar.Enum) > 0 {
			meaning += " One of " + strings.Join(quoted(f.Scalar.Enum), ", ") + "."
		}
		if e := f.example(); e != "" {
			meaning += " Example: `" + e + "`"
		}
		fmt.Fprintf(&r.b, "| `%s` | %s | %s | %s |\n", field, cell(f.typeText()), cell(value), cell(meaning))
	}
}

func (r *reference) types() {
	r.b.WriteString("\n## Types\n\n| Type | Kind | Meaning | Example |\n|---|---|---|---|\n")
	var names []string
	for name := range r.scalars {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		s := r.scalars[name]
		doc := strings.ReplaceAll(s.Doc, "\n", " ")
		if len(s.Enum) > 0 {
			doc += " One of " + strings.Join(quoted(s.Enum), ", ") + "."
		}
		example := ""
		if s.Example != "" {
			example = "`" + s.Example + "`"
		}
		fmt.Fprintf(&r.b, "| `#%s` | %s | %s | %s |\n", name, s.Kind, cell(doc), cell(example))
	}
}

// cell keeps a text inside its cell.
func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }
