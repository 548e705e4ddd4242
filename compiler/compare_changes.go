package compiler

import (
	"cmp"
	"encoding/json"
	"slices"

	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// noMesh is the kind of a site without one, which has no profile.
const noMesh = "none"

// withNone is the alternative to all kinds: no proxy, and nothing that a mesh does.
func withNone(src *load.Source, opt Options) (Alternative, error) {
	a := Alternative{Kind: noMesh, Chosen: src.Site.Mesh.Kind == noMesh, Way: "none"}
	return a, a.change(src, opt, "")
}

// change finds what must change in the site for another kind to take it: it is compiled with that kind in its newest release,
// and without the upgrade under way, and its errors are told. Errors can hide others.
func (a *Alternative) change(src *load.Source, opt Options, release string) error {
	if a.Chosen {
		return nil
	}
	found, err := errorsWith(src, opt, a.Kind, release)
	if err != nil {
		return err
	}
	for _, f := range found {
		switch {
		case f.Severity != diag.Error || a.tells(f):
		case f.Rule == rules.IntentWithoutMesh.ID && site.IsAncestor("namespaces", f.Path):
			path := site.Split(f.Path)
			a.Missing = append(a.Missing, Missing{What: path[len(path)-1], Path: f.Path, Why: "nothing would do it"})
		default:
			a.Changes = append(a.Changes, f)
		}
	}
	return nil
}

// tells reports whether a finding is about something that is in the list of what is missing.
func (a *Alternative) tells(f diag.Finding) bool {
	if f.Rule != rules.IntentUnmet.ID && f.Rule != rules.OptionUnmet.ID {
		return false
	}
	return slices.ContainsFunc(a.Missing, func(m Missing) bool {
		return slices.ContainsFunc(m.all, func(p string) bool {
			return p == f.Path || site.IsAncestor(p, f.Path) || site.IsAncestor(f.Path, p)
		})
	})
}

// errorsWith returns the findings of a site with another kind of mesh, at the places of the site as it is.
func errorsWith(src *load.Source, opt Options, kind, release string) (diag.List, error) {
	var values map[string]any
	if err := json.Unmarshal(src.Resolved(), &values); err != nil {
		return nil, err
	}
	mesh := values["mesh"].(map[string]any)
	mesh["kind"] = kind
	delete(mesh, "upgrade")
	delete(mesh, "version")
	if release != "" {
		mesh["version"] = release
	}
	data, err := json.MarshalIndent(values, "", " ") // findings of one line are told as one
	if err != nil {
		return nil, err
	}
	other, found := load.Bytes(src.Site.Name+".json", data)
	if other != nil {
		out, err := vet(other, opt, true) // what depends on the day is no matter of the kind
		if err != nil {
			return nil, err
		}
		found = out.Findings
	}
	found = slices.Clone(found)
	for i := range found {
		found[i].Pos = src.PosOf(found[i].Path)
	}
	return found.Sorted(), nil
}

// newestPatch is a release by all of its numbers, as far as they are known.
func newestPatch(m *profile.Mesh, line string) string {
	if r := m.Release(line); r != nil {
		return cmp.Or(r.LastPatch, line)
	}
	return line
}
