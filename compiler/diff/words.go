package diff

import (
	"fmt"
	"strings"
)

// marks stand in front of what happened.
var marks = map[Status]string{Added: "+", Removed: "-", Changed: "~", Renamed: ">", Cosmetic: "#"}

// title is a change in one line.
func (c *Change) title() string {
	p := c.Places[0]
	text := c.Kind + " " + p.Name
	if p.OldName != "" {
		text = c.Kind + " " + p.OldName + " → " + p.Name
	}
	if p.OldFile != "" && p.OldName == "" {
		text += ", before in " + p.OldFile
	}
	if n := len(c.Places); n > 1 {
		text += fmt.Sprintf(" and %d more alike", n-1)
	}
	switch c.Status {
	case Cosmetic:
		text += ": comments or layout only"
	case Changed:
		if len(c.Hunks) == 0 {
			text += ", made of the same facts"
		}
	case Renamed:
		if len(c.Hunks) == 0 {
			text += ", otherwise the same"
		}
	}
	return text
}

// others names the further places of a change, as many as fit.
func (c *Change) others(most int) string {
	var names []string
	for _, p := range c.Places[1:] {
		names = append(names, p.Name)
	}
	return some(names, most)
}

// some lists names, and how many there are beyond the most.
func some(names []string, most int) string {
	if n := len(names); n > most {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), n-most)
	}
	return strings.Join(names, ", ")
}

// words says what happened to how many: "1 added (r4), 2 changed (r1, r2)". Files are counted only: their names are those
// of the changes.
func (r row) words(most int) string {
	var parts []string
	for _, x := range []struct {
		verb  string
		names []string
	}{{"added", r.tally.Added}, {"removed", r.tally.Removed}, {"changed", r.tally.Changed}} {
		switch {
		case len(x.names) == 0:
		case r.name == "files":
			parts = append(parts, fmt.Sprintf("%d %s", len(x.names), x.verb))
		default:
			parts = append(parts, fmt.Sprintf("%d %s (%s)", len(x.names), x.verb, some(x.names, most)))
		}
	}
	return strings.Join(parts, ", ")
}

// Text is an edit of the description without its position.
func (e *Edit) Text() string {
	switch {
	case e.Status == Changed:
		return fmt.Sprintf("%s: %s → %s", e.Path, shown(e.Old), shown(e.New))
	case e.Old+e.New != "":
		return e.Path + ": " + e.Old + e.New
	}
	return e.Path
}

func shown(v string) string {
	if v == "" {
		return `""`
	}
	return v
}

// because says what a hunk comes from; "" where that is not known.
func (h *Hunk) because() string {
	var parts []string
	whole := false
	for _, c := range h.Causes {
		text := c.Path
		if c.Pos.IsValid() {
			text += fmt.Sprintf(" (%s:%d)", c.Pos.File, c.Pos.Line)
		}
		parts = append(parts, text)
		whole = whole || c.Whole
	}
	if parts == nil {
		return ""
	}
	text := strings.Join(parts, ", ")
	if h.More > 0 {
		text += fmt.Sprintf(" and %d more", h.More)
	}
	switch {
	case whole:
		return "the file comes from " + text
	case !h.Causes[0].Edit:
		return "comes from " + text
	}
	return "because of " + text
}

// counts is the first line of every form.
func (r *Result) counts() string {
	if !r.Differs() {
		if len(r.Edits) > 0 {
			return "No difference in the output; the descriptions differ."
		}
		return "No difference."
	}
	n := 0
	for _, c := range r.Changes {
		n += len(c.Places)
	}
	text := fmt.Sprintf("%d changes", n)
	if n == 1 {
		text = "1 change"
	}
	if r.Summary.Cosmetic == n {
		text += ", of comments or layout only"
	} else if r.Summary.Cosmetic > 0 {
		text += fmt.Sprintf(", %d of them of comments or layout only", r.Summary.Cosmetic)
	}
	return text + "."
}

// ofComponent are the changes of a component.
func (r *Result) ofComponent(name string) []Change {
	var out []Change
	for _, c := range r.Changes {
		if c.Component == name {
			out = append(out, c)
		}
	}
	return out
}
