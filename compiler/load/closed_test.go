package load

import (
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/diag"
)

// A file may make its blocks of templates. What CUE says of those that it closes names neither the template nor the way out.
func TestTemplates(t *testing.T) {
	define := edit{"racks: {", "#edge: {class: \"edge\", address: string}\n_edge: class: \"edge\"\nracks: {"}
	for _, tt := range []struct {
		name     string
		edits    []edit
		rule     Rule   // none: the file is a site
		at       string // text that stands at the position
		contains []string
	}{
		{"hidden", []edit{define, {`edge": {class: "edge", `, `edge": _edge & {`}}, Rule{}, "", nil},
		{"definition, used for each rack", []edit{define, {`edge": {class: "edge", `, `edge": #edge & {`}}, Closed, "#edge & {",
			[]string{"#edge is a definition", "the language adds labels", "name it _edge", "the definition"}},
		{"definition that is embedded", []edit{define, {`edge": {class: "edge", `, `edge": {#edge, `}}, Closed, "{#edge, ", []string{"#edge is a definition"}},
		{"definition, and no value", []edit{define, {`edge": {class: "edge", `, `edge": #edge & {`}, {`owner:       "`, `owner: string, _o: "`}}, Closed, "#edge & {", nil},
		{"parameter", []edit{define, {`edge": {class: "edge", `, `edge": _edge & {n: 7, `}}, Unknown, "n: 7", []string{"has no field n", "name it _n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := edited(t, tt.edits...)
			_, faults := Bytes("site.cue", []byte(text))
			if tt.rule.ID == "" {
				if len(faults) > 0 {
					t.Errorf("got\n%s", lines(faults))
				}
				return
			}
			found := slices.DeleteFunc(slices.Clone(faults), func(f diag.Finding) bool { return f.Rule == NoValue.ID })
			if len(found) != 1 {
				t.Fatalf("want one finding, got\n%s", lines(faults))
			}
			f := found[0]
			line := strings.Split(text, "\n")[f.Pos.Line-1]
			if f.Rule != tt.rule.ID || !strings.HasPrefix(line[f.Pos.Column-1:], tt.at) {
				t.Errorf("want %s at %q, got\n%s", tt.rule.Name, tt.at, lines(faults))
			}
			said := f.Message + "\n" + f.Hint
			for _, r := range f.Related {
				said += "\n" + r.Message
			}
			for _, want := range tt.contains {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not in\n%s", want, said)
				}
			}
		})
	}
}
