package plan

import (
	"regexp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/diff"
)

// Item is one change with its consequence.
type Item struct {
	diff.Change
	Effect Effect
	What   string // follows from it
	Source string
	Hunks  []Consequence // of its hunks; none where all of it came or went
}

// Consequence is what follows from one hunk.
type Consequence struct {
	diff.Hunk
	Effect Effect
	What   string
}

// items looks every change up. What differs in comments or layout alone is left out.
func items(r *diff.Result, site string) []Item {
	var out []Item
	for _, c := range r.Changes {
		if c.Site != site || c.Status == diff.Cosmetic {
			continue
		}
		it := Item{Change: c}
		take := func(f row) {
			if it.What == "" || f.effect > it.Effect {
				it.Effect, it.What, it.Source = f.effect, f.what, f.source
			}
		}
		if c.Status == diff.Added || c.Status == diff.Removed || len(c.Hunks) == 0 {
			take(fits(&c, c.Places[0].Name, "", c.Status))
			if c.Component == diff.Hosts && c.Status == diff.Added {
				it.Effect, it.What = Nothing, "the file is new"
			}
			out = append(out, it)
			continue
		}
		for _, h := range c.Hunks {
			name, at := subject(&c, &h)
			f := fits(&c, name, at, direction(&h))
			take(f)
			it.Hunks = append(it.Hunks, Consequence{h, f.effect, f.what})
		}
		out = append(out, it)
	}
	return out
}

// direction says whether lines of a hunk only come, only go, or change.
func direction(h *diff.Hunk) diff.Status {
	switch {
	case len(h.Old) == 0:
		return diff.Added
	case len(h.New) == 0:
		return diff.Removed
	}
	return diff.Changed
}

// release finds the name of a release in the path of its entry.
var release = regexp.MustCompile(`^releases\[([^]]+)\]`)

// subject is the name that a hunk belongs to, and its place with the statement for what has no fields.
func subject(c *diff.Change, h *diff.Hunk) (name, at string) {
	name, at = c.Places[0].Name, h.At
	if m := release.FindStringSubmatch(at); m != nil && c.Kind == "releases" {
		name = m[1]
	}
	if len(h.New) > 0 && c.Component != diff.Kubernetes {
		at = strings.TrimPrefix(at+" / "+h.New[0], " / ")
	} else if len(h.Old) > 0 && c.Component != diff.Kubernetes {
		at = strings.TrimPrefix(at+" / "+h.Old[0], " / ")
	} else if c.Kind == "Node" {
		at += " " + strings.Join(h.New, " ")
	}
	return name, at
}

// fits returns the first row for a change. A row of no status is for any.
func fits(c *diff.Change, name, at string, status diff.Status) row {
	i := slices.IndexFunc(table, func(r row) bool {
		return r.component == c.Component && r.kind.MatchString(c.Kind) && (r.name == nil || r.name.MatchString(name)) &&
			(r.at == nil || r.at.MatchString(at)) && (r.on == "" || r.on == status)
	})
	if i < 0 {
		return row{effect: Reload, what: "what reads it is reloaded"}
	}
	return table[i]
}
