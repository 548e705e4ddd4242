package load

import (
	"strconv"
	"strings"

	"cuelang.org/go/cue/literal"
)

// defaults returns CUE text that supplies every default of the shape and asks for nothing: open blocks without types
// or bounds, so that it contradicts nothing the user can write but a scalar in place of a block. References to fields
// that only have a default find it there.
func (s *Shape) defaults() string {
	var b strings.Builder
	s.writeFields(&b)
	return b.String()
}

func (s *Shape) writeFields(b *strings.Builder) {
	for _, name := range s.Order {
		f := s.Fields[name]
		switch {
		case f.Default != nil:
			b.WriteString(name + ": *")
			writeLiteral(b, f.Default)
			b.WriteString(" | _\n")
		case f.Scalar != nil:
		case f.IsBlock():
			b.WriteString(name + f.presence() + ": ")
			f.writeBlock(b)
			b.WriteString("\n")
		case f.Elem.IsBlock():
			b.WriteString(name + f.presence() + ": [...")
			f.Elem.writeBlock(b)
			b.WriteString("]\n")
		default:
			b.WriteString(name + f.presence() + ": [...]\n")
		}
	}
}

// presence marks what is not filled in when it is not given: the optional, and the required, whose absence is a fault.
func (s *Shape) presence() string {
	if s.Optional || s.Required {
		return "?"
	}
	return ""
}

func (s *Shape) writeBlock(b *strings.Builder) {
	b.WriteString("{\n")
	if s.Pattern != nil {
		if s.Pattern.IsBlock() {
			b.WriteString("[string]: ")
			s.Pattern.writeBlock(b)
			b.WriteString("\n")
		}
	} else {
		s.writeFields(b)
	}
	b.WriteString("...\n}")
}

func writeLiteral(b *strings.Builder, v any) {
	switch v := v.(type) {
	case string:
		b.WriteString(literal.String.Quote(v))
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case bool:
		b.WriteString(strconv.FormatBool(v))
	case []any:
		b.WriteString("[")
		for i, e := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			writeLiteral(b, e)
		}
		b.WriteString("]")
	}
}
