package load

import (
	"bytes"
	"encoding/json"

	"cuelang.org/go/cue"

	"meshgen.dev/meshgen/compiler/parallel"
)

// exportDepth is how many blocks deep a site is taken apart to be exported: its racks and its namespaces become pieces.
const exportDepth = 2

// export returns what Value.MarshalJSON does. Most of the work is to bring the fields of every block in order, which is
// done for several pieces at a time.
func export(v cue.Value) ([]byte, error) {
	var e exporter
	if err := e.split(v, exportDepth); err != nil {
		return nil, err
	}
	texts, errs := make([][]byte, len(e.pieces)), make([]error, len(e.pieces))
	parallel.Each(len(e.pieces), func(i int) { texts[i], errs[i] = e.pieces[i].MarshalJSON() })
	var out bytes.Buffer
	for i, text := range texts {
		if errs[i] != nil {
			return nil, errs[i]
		}
		out.Write(e.before[i])
		out.Write(text)
	}
	out.Write(e.text)
	return out.Bytes(), nil
}

// exporter holds the text of a value in parts: what stands before each piece, the pieces, and what stands after the last.
type exporter struct {
	before [][]byte
	pieces []cue.Value
	text   []byte
}

func (e *exporter) split(v cue.Value, depth int) error {
	v, _ = v.Default()
	if depth == 0 || v.Kind() != cue.StructKind {
		e.before, e.pieces, e.text = append(e.before, e.text), append(e.pieces, v), nil
		return nil
	}
	fields, err := v.Fields()
	if err != nil {
		return err
	}
	open := "{"
	for fields.Next() {
		name, err := json.Marshal(fields.Selector().Unquoted())
		if err != nil {
			return err
		}
		e.text = append(append(append(e.text, open...), name...), ':')
		if err := e.split(fields.Value(), depth-1); err != nil {
			return err
		}
		open = ","
	}
	if open == "{" {
		e.text = append(e.text, open...)
	}
	e.text = append(e.text, '}')
	return nil
}
