package checks

import (
	"encoding/json"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// writer writes JSON line by line, so that each line has an origin.
type writer struct {
	*artifact.File
	indent int
	final  bool // the value that comes is the last of its object
}

// text is a value on one line. The records hold strings, numbers and lists of them, which always encode.
func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func (w *writer) put(s string) { w.Line(strings.Repeat("  ", w.indent+1) + s) }

// field writes a member that others follow.
func (w *writer) field(name string, v any) { w.put(text(name) + ": " + text(v) + ",") }

// last writes the last member of an object.
func (w *writer) last(member func()) {
	w.final = true
	member()
	w.final = false
}

// end closes a value; the comma depends on its place alone.
func (w *writer) end(bracket string, final bool) {
	if !final {
		bracket += ","
	}
	w.put(bracket)
}

// list writes an array with an element on each line. A line has the origin that record sets.
func list[T any](w *writer, name string, all []T, record func(T) any) {
	final := w.final
	w.Fixed()
	w.put(text(name) + ": [")
	w.indent++
	for i, v := range all {
		line := text(record(v))
		if i < len(all)-1 {
			line += ","
		}
		w.put(line)
	}
	w.indent--
	w.Fixed()
	w.end("]", final)
}

// each writes an array of objects of several lines.
func (w *writer) each(name string, n int, object func(i int)) {
	w.put(text(name) + ": [")
	w.indent++
	for i := range n {
		w.put("{")
		w.indent++
		object(i)
		w.indent--
		w.Fixed()
		w.end("}", i == n-1)
	}
	w.indent--
	w.Fixed()
	w.end("],", true)
}

// head writes the members of a record as the first line of an object.
func (w *writer) head(v any) {
	s := text(v)
	w.put(s[1:len(s)-1] + ",")
	w.Fixed()
}
