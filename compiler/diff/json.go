package diff

import (
	"encoding/json"
	"io"

	"meshgen.dev/meshgen/compiler/diag"
)

// resultJSON and what follows are the documented form of JSON: one object, lists never null.
type resultJSON struct {
	Old         string       `json:"old"`
	New         string       `json:"new"`
	Differs     bool         `json:"differs"`
	Summary     Summary      `json:"summary"`
	Description []editJSON   `json:"description"` // edits of it
	Changes     []changeJSON `json:"changes"`
}

type editJSON struct {
	Site   string `json:"site"`
	Path   string `json:"path"`
	Status Status `json:"status"`
	Old    string `json:"old,omitempty"`
	New    string `json:"new,omitempty"`
	At     string `json:"at,omitempty"` // FILE:LINE
}

type changeJSON struct {
	Site      string     `json:"site"`
	Component string     `json:"component"`
	Status    Status     `json:"status"`
	Kind      string     `json:"kind"`
	Places    []Place    `json:"places"`
	Hunks     []hunkJSON `json:"hunks"`
}

type hunkJSON struct {
	At      string      `json:"at"`
	Old     []string    `json:"old"`
	New     []string    `json:"new"`
	OldLine int         `json:"oldLine,omitempty"`
	NewLine int         `json:"newLine,omitempty"`
	Causes  []causeJSON `json:"causes"`
	More    int         `json:"moreCauses,omitempty"`
}

type causeJSON struct {
	Path  string `json:"path"`
	At    string `json:"at,omitempty"` // FILE:LINE
	Edit  bool   `json:"edit"`         // it was edited; otherwise it is what the lines come from
	Why   string `json:"why,omitempty"`
	Whole bool   `json:"wholeFile,omitempty"`
}

// JSON writes a result as one JSON object.
func JSON(w io.Writer, r *Result) error {
	out := resultJSON{Old: r.Old, New: r.New, Differs: r.Differs(), Summary: r.Summary, Description: []editJSON{}, Changes: []changeJSON{}}
	for _, e := range r.Edits {
		out.Description = append(out.Description, editJSON{e.Site, e.Path, e.Status, e.Old, e.New, place(e.Pos)})
	}
	for _, c := range r.Changes {
		x := changeJSON{c.Site, c.Component, c.Status, c.Kind, c.Places, []hunkJSON{}}
		for _, h := range c.Hunks {
			y := hunkJSON{h.At, append([]string{}, h.Old...), append([]string{}, h.New...), h.OldLine, h.NewLine, []causeJSON{}, h.More}
			for _, z := range h.Causes {
				y.Causes = append(y.Causes, causeJSON{z.Path, place(z.Pos), z.Edit, z.Why, z.Whole})
			}
			x.Hunks = append(x.Hunks, y)
		}
		out.Changes = append(out.Changes, x)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(out)
}

// place is a position as people write it; "" for none.
func place(p diag.Pos) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}
