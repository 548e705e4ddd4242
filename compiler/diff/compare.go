package diff

import (
	"bytes"
	"cmp"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Compare returns what differs between two sides. Sites meet by their names; where each side has one, it is the same
// site under whatever name.
func Compare(old, new *Side) *Result {
	r := &Result{Old: old.Name, New: new.Name}
	sum := summary{several: len(old.Sites) > 1 || len(new.Sites) > 1}
	one := len(old.Sites) == 1 && len(new.Sites) == 1
	shared := map[string]bool{} // files that sites have in common are told once
	for _, b := range new.Sites {
		a := old.site(b.Name)
		if one {
			a = old.Sites[0]
		}
		if a == nil {
			sum.Sites.Added = append(sum.Sites.Added, b.Name)
			r.Changes = append(r.Changes, Change{Site: b.Name, Component: Others, Status: Added, Kind: "site", Places: []Place{{Name: b.Name}}})
			continue
		}
		changes, touched := compareSites(a, b, r, shared)
		r.Changes = append(r.Changes, changes...)
		sum.site(a, b, changes, touched)
	}
	for _, a := range old.Sites {
		if !one && new.site(a.Name) == nil {
			sum.Sites.Removed = append(sum.Sites.Removed, a.Name)
			r.Changes = append(r.Changes, Change{Site: a.Name, Component: Others, Status: Removed, Kind: "site", Places: []Place{{Name: a.Name}}})
		}
	}
	r.Summary = sum.done()
	slices.SortStableFunc(r.Changes, func(a, b Change) int { return cmp.Compare(rank(a), rank(b)) })
	return r
}

// rank puts whole sites first, then components in the order in which they take effect.
func rank(c Change) int {
	if c.Kind == "site" {
		return -1
	}
	return slices.Index(Components, c.Component)
}

// filePair is a file of both sides, or of one.
type filePair struct{ old, new *File }

// compareSites compares two states of a site, and returns the files that differ as well.
func compareSites(a, b *Site, r *Result, shared map[string]bool) ([]Change, []filePair) {
	edited := edits(a, b)
	r.Edits = append(r.Edits, edited...)
	files := differing(a, b, shared)
	var old, new []*entity
	for _, p := range files {
		switch {
		case p.old == nil:
			new = append(new, entities(p.new, b.Name, nil)...)
		case p.new == nil:
			old = append(old, entities(p.old, a.Name, nil)...)
		default:
			both := common(p.old, p.new)
			skip := map[string]int{}
			for k, n := range both {
				skip[k] = n
			}
			old = append(old, entities(p.old, a.Name, both)...)
			new = append(new, entities(p.new, b.Name, skip)...)
		}
	}
	trace := newTracer(a, b, edited)
	var out []Change
	for _, m := range pairUp(old, new) {
		if c, ok := change(m, a, b); ok {
			for i := range c.Hunks {
				trace.causes(&c.Hunks[i], m.old, m.new)
			}
			out = append(out, c)
		}
	}
	return gather(out), files
}

// differing returns the files that are not equal, by path.
func differing(a, b *Site, shared map[string]bool) []filePair {
	was := make(map[string]*File, len(a.Files))
	for _, f := range a.Files {
		was[inSite(f.Path, a.Name, b.Name)] = f
	}
	var out []filePair
	for _, f := range b.Files {
		o := was[f.Path]
		delete(was, f.Path)
		if shared[f.Path] || o != nil && o.Mode == f.Mode && bytes.Equal(o.Data, f.Data) {
			continue
		}
		shared[f.Path] = true
		out = append(out, filePair{o, f})
	}
	for _, f := range a.Files {
		if path := inSite(f.Path, a.Name, b.Name); was[path] != nil && !shared[path] {
			shared[path] = true
			out = append(out, filePair{f, nil})
		}
	}
	return out
}

// inSite is the path that a file has once its site has another name.
func inSite(path, was, is string) string {
	if was == is {
		return path
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		if name, ext, ok := strings.Cut(p, "."); p == was {
			parts[i] = is
			break
		} else if ok && name == was {
			parts[i] = is + "." + ext
			break
		}
	}
	return strings.Join(parts, "/")
}

// change compares a pair of entities; false: what programs and people read is equal.
func change(m match, a, b *Site) (Change, bool) {
	e := m.shown()
	c := Change{Site: b.Name, Component: e.component, Kind: e.kind, Status: Changed}
	p := Place{Name: e.name, File: e.file.Path}
	switch {
	case e.as == asPicture && (m.old == nil || m.new == nil):
		if c.Status = Added; m.new == nil {
			c.Status = Removed
		}
	case m.old == nil:
		c.Status, c.Hunks = Added, []Hunk{{New: excerpt(e, e.read()), NewLine: e.first, newLast: e.last}}
	case m.new == nil:
		c.Status, c.Hunks = Removed, []Hunk{{Old: excerpt(e, e.read()), OldLine: e.first, oldLast: e.last}}
	default:
		if m.old.name != m.new.name {
			c.Status, p.OldName = Renamed, m.old.name
		}
		if was := inSite(m.old.file.Path, a.Name, b.Name); was != m.new.file.Path {
			c.Status, p.OldFile = Renamed, m.old.file.Path
		}
		c.Hunks = compare(m.old, m.new)
		if was, is := m.old.file.Mode, m.new.file.Mode; was != is {
			c.Hunks = append(c.Hunks, Hunk{At: "mode", Old: []string{mode(was)}, New: []string{mode(is)}, OldLine: 1, NewLine: 1})
		}
		if c.Hunks == nil && c.Status == Changed && e.as != asPicture {
			if m.old.text == m.new.text {
				return c, false
			}
			c.Status = Cosmetic
		}
	}
	c.Places = []Place{p}
	return c, true
}

func mode(m fs.FileMode) string { return fmt.Sprintf("%04o", m.Perm()) }

// gather makes one change of those that are the very same at several places: the files of host groups, the objects of a
// kind.
func gather(all []Change) []Change {
	var out []Change
	index := map[string]int{}
	for _, c := range all {
		var key strings.Builder
		fmt.Fprintf(&key, "%s\x00%s\x00%s\x00%s", c.Site, c.Component, c.Kind, c.Status)
		if c.Component != Kubernetes && c.Status == Cosmetic {
			fmt.Fprintf(&key, "\x00%s", base(c.Places[0].File))
		}
		for _, h := range c.Hunks {
			fmt.Fprintf(&key, "\x00%s\x00%q\x00%q", h.At, h.Old, h.New)
		}
		i, ok := index[key.String()]
		if !ok || c.Status == Renamed {
			index[key.String()] = len(out)
			out = append(out, c)
			continue
		}
		out[i].Places = append(out[i].Places, c.Places...)
		for k := range c.Hunks {
			out[i].Hunks[k].also(&c.Hunks[k])
		}
	}
	for i := range out {
		for k := range out[i].Hunks {
			h := &out[i].Hunks[k]
			slices.Sort(h.more)
			h.More += len(slices.Compact(h.more))
		}
	}
	return out
}

// also adds the causes of the same hunk at another place.
func (h *Hunk) also(o *Hunk) {
	h.More = max(h.More, o.More)
	for _, c := range o.Causes {
		switch {
		case slices.ContainsFunc(h.Causes, func(x Cause) bool { return x.Path == c.Path }):
		case len(h.Causes) < mostCauses:
			h.Causes = append(h.Causes, c)
		default:
			h.more = append(h.more, c.Path)
		}
	}
}

func base(name string) string { return name[strings.LastIndexByte(name, '/')+1:] }
