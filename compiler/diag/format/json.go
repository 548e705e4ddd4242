package format

import (
	"bytes"
	"encoding/json"
	"io"

	"meshgen.dev/meshgen/compiler/diag"
)

// finding is one line of JSON. Line and column are 1-based, in bytes; 0 is unknown.
type finding struct {
	File     string    `json:"file"`
	Line     int       `json:"line"`
	Column   int       `json:"column"`
	Path     string    `json:"path"`
	Rule     string    `json:"rule"`
	Name     string    `json:"name"`
	Severity string    `json:"severity"`
	Message  string    `json:"message"`
	Hint     string    `json:"hint,omitempty"`
	Related  []related `json:"related,omitempty"`
	Waived   string    `json:"waived,omitempty"`
}

type related struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Path    string `json:"path"`
	Message string `json:"message"`
}

// JSON prints one object a line for each finding, waived ones included: {file, line, column, path, rule, name, severity,
// message} and, where there are any, {hint, related, waived}. An empty list prints nothing.
func JSON(w io.Writer, l diag.List) error {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	for _, f := range l.Sorted() {
		o := finding{
			File: f.Pos.File, Line: f.Pos.Line, Column: f.Pos.Column, Path: f.Path,
			Rule: f.Rule, Name: f.Name, Severity: f.Severity.String(),
			Message: f.Message, Hint: f.Hint, Waived: f.Waived,
		}
		for _, r := range f.Related {
			o.Related = append(o.Related, related{r.Pos.File, r.Pos.Line, r.Pos.Column, r.Path, r.Message})
		}
		if err := enc.Encode(o); err != nil {
			return err
		}
	}
	_, err := w.Write(out.Bytes())
	return err
}
