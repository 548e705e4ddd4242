package artifact

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// YAML writes block-style YAML into a file: two-space indent, sequences indented under their key, keys in the order of
// the calls. Every line has the origin of the file's cursor. What it writes reads back as the same values under YAML
// 1.1 and 1.2. Keys of one mapping must differ; the writer does not look.
type YAML struct {
	f     *File
	depth int    // in steps of two spaces
	dash  int    // item indicators owed to the next line
	elems int    // keys or elements written at this level
	note  string // owed to the next line
	path  []string
}

// maxKey is the greatest length of a key as written: YAML 1.2 section 7.4.2 looks for its colon within 1,024 characters.
const maxKey = 1024

// YAML returns a writer that appends to the file. Several writers of one file may follow each other.
func (f *File) YAML() *YAML { return &YAML{f: f} }

// Begin replaces the base from here on; see File.Begin.
func (y *YAML) Begin(from ...string) { y.f.Begin(from...) }

// From sets the cursor for the following lines; see File.From.
func (y *YAML) From(why string, paths ...string) { y.f.From(why, paths...) }

// Fixed clears the cursor; see File.Fixed.
func (y *YAML) Fixed() { y.f.Fixed() }

// Doc starts a document: it writes "---" before each one of the file but the first. Call it before an object's comments.
func (y *YAML) Doc() {
	if y.f.docs++; y.f.docs > 1 {
		y.f.Line("---")
	}
}

// Comment writes "# text" at the present indentation, one line for each line of text.
func (y *YAML) Comment(text string) {
	for line := range strings.SplitSeq(text, "\n") {
		y.indent(y.depth - y.dash) // inside an unfinished "- " the comment stands before it
		y.f.data = append(y.f.data, '#')
		if line = printable(line); line != "" {
			y.f.data = append(append(y.f.data, ' '), line...)
		}
		y.f.end(1)
	}
}

// Note appends " # text" to the next line that a key or an element begins.
func (y *YAML) Note(text string) { y.note = printable(strings.ReplaceAll(text, "\n", " ")) }

// KV writes "key: value". v is nil (null), a bool, a string, an integer, a float64, a Stringer such as a netip.Addr
// (written as a string), a []string (a block sequence, [] when empty) or a map[string]string (a block mapping sorted by
// key, {} when empty). Any other type is an error of the tree.
func (y *YAML) KV(key string, v any) {
	switch v := v.(type) {
	case []string:
		y.Seq(key, func() {
			for _, s := range v {
				y.Elem(s)
			}
		})
	case map[string]string:
		y.Map(key, func() {
			for _, k := range slices.Sorted(maps.Keys(v)) {
				y.KV(k, v[k])
			}
		})
	default:
		y.key(key)
		y.f.data = append(y.f.data, ' ')
		y.scalar(v)
		y.line()
	}
}

// Map writes "key:" and what body writes inside it, or "key: {}" when body writes nothing.
func (y *YAML) Map(key string, body func()) { y.block(key, " {}", body) }

// Seq writes "key:" and the elements that body writes with Item and Elem, or "key: []" when it writes none.
func (y *YAML) Seq(key string, body func()) { y.block(key, " []", body) }

func (y *YAML) block(key, empty string, body func()) {
	y.key(key)
	at := len(y.f.data)
	y.line()
	outer := y.elems
	y.elems = 0
	y.depth++
	y.path = append(y.path, key)
	body()
	y.Settle()
	y.path = y.path[:len(y.path)-1]
	y.depth--
	if y.elems == 0 {
		y.f.data = slices.Insert(y.f.data, at, []byte(empty)...)
	}
	y.elems = outer
}

// Item writes one mapping as an element of a sequence, "- {}" when body writes nothing. At the top of a document it
// makes the document a sequence.
func (y *YAML) Item(body func()) {
	outer := y.elems
	y.elems = 0
	y.dash++
	y.depth++
	body()
	if y.elems == 0 {
		y.lead()
		y.f.data = append(y.f.data, "{}"...)
		y.line()
	}
	y.depth--
	y.elems = outer + 1
}

// Elem writes one scalar as an element of a sequence. v is as in KV, without the slice and the map.
func (y *YAML) Elem(v any) {
	y.lead()
	y.f.data = append(y.f.data, "- "...)
	y.scalar(v)
	y.line()
}

// Block writes text as a literal block scalar, so that a file inside a file stays readable. A text that no literal block
// gives back unchanged (trailing blank lines, control characters) is written as a double-quoted string.
func (y *YAML) Block(key, text string) {
	if !fitsBlock(text) {
		y.KV(key, text)
		return
	}
	y.key(key)
	y.f.data = append(y.f.data, " |"...)
	body, ended := strings.CutSuffix(text, "\n")
	if !ended {
		y.f.data = append(y.f.data, '-')
	}
	y.line()
	for line := range strings.SplitSeq(body, "\n") {
		if line != "" {
			y.indent(y.depth + 1)
			y.f.data = append(y.f.data, line...)
		}
		y.f.end(1)
	}
}

// Flow writes a value of any shape on one line, as JSON, which YAML reads as the same. The keys of mappings are sorted.
func (y *YAML) Flow(key string, v any) {
	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		y.f.fail("%v", err)
		return
	}
	y.key(key)
	y.f.data = append(y.f.data, ' ')
	y.f.data = append(y.f.data, bytes.TrimSuffix(text.Bytes(), []byte("\n"))...)
	y.line()
}

func (y *YAML) key(key string) {
	y.lead()
	start := len(y.f.data)
	y.string(key)
	if n := len(y.f.data) - start; n > maxKey {
		y.f.fail("a key of %d bytes is longer than YAML allows (%d)", n, maxKey)
	}
	y.f.data = append(y.f.data, ':')
}

// lead writes the indentation and the item indicators that are owed.
func (y *YAML) lead() {
	y.indent(y.depth - y.dash)
	for ; y.dash > 0; y.dash-- {
		y.f.data = append(y.f.data, "- "...)
	}
	y.elems++
}

func (y *YAML) indent(steps int) {
	for range steps {
		y.f.data = append(y.f.data, "  "...)
	}
}

// line ends the line, with the note owed to it.
func (y *YAML) line() {
	if y.note != "" {
		y.f.data = append(append(y.f.data, " # "...), y.note...)
		y.note = ""
	}
	y.f.end(1)
}
