package diff

import (
	"fmt"
	"slices"
	"strings"
)

// mergeKeys are the fields by which elements of a list are known, the first that tell all elements of both lists apart.
// Kubernetes has the first ones as keys of its strategic merge; the others name things in files of ours.
var mergeKeys = [][]string{
	{"name"}, {"namespace", "name"}, {"kind", "namespace", "name"}, {"key"}, {"key", "effect"},
	{"alert"}, {"record"}, {"peer"}, {"containerPort"}, {"port"}, {"mountPath"}, {"topologyKey"},
	{"address"}, {"host"}, {"path"}, {"type"}, {"url"},
}

// identify returns the key of each element of both lists, or nil where nothing tells them apart.
func identify(a, b *node) (was, is []string) {
	for _, k := range a.kids {
		if k.form != fields {
			return nil, nil
		}
	}
	for _, k := range b.kids {
		if k.form != fields {
			return nil, nil
		}
	}
	for _, names := range mergeKeys {
		if was, is = keysBy(a, names), keysBy(b, names); was != nil && is != nil {
			return was, is
		}
	}
	return nil, nil
}

// keysBy returns the key of each element by some fields; nil where one has none, or two are equal.
func keysBy(n *node, names []string) []string {
	out := make([]string, 0, len(n.kids))
	seen := make(map[string]bool, len(n.kids))
	for _, k := range n.kids {
		var parts []string
		for _, name := range names {
			if v := k.scalarOf(name); v != "" {
				parts = append(parts, v)
			}
		}
		key := strings.Join(parts, "/")
		if key == "" || seen[key] || k.scalarOf(names[len(names)-1]) == "" {
			return nil
		}
		seen[key] = true
		out = append(out, key)
	}
	return out
}

func (c *comparison) list(at string, a, b *node) {
	if was, is := identify(a, b); was != nil {
		c.keyed(at, a, b, was, is)
		return
	}
	sums := func(n *node) (out []uint64) {
		for _, k := range n.kids {
			out = append(out, k.sum)
		}
		return out
	}
	for _, g := range gaps(align(sums(a), sums(b))) {
		c.gap(at, a, b, g)
	}
}

// gap compares the elements between two that are equal: as many as stand on both sides are taken for each other where
// they are alike.
func (c *comparison) gap(at string, a, b *node, g gap) {
	if len(g.old) == len(g.new) {
		partners := true
		for i := range g.old {
			x, y := a.kids[g.old[i]], b.kids[g.new[i]]
			partners = partners && x.form == fields && y.form == fields && alike(x, y) >= 0.5
		}
		if partners {
			for i := range g.old {
				c.node(at+fmt.Sprintf("[%d]", g.new[i]), a.kids[g.old[i]], b.kids[g.new[i]])
			}
			return
		}
	}
	h := Hunk{At: at}
	for _, i := range g.old {
		h.Old = append(h.Old, element(c.old, a.kids[i])...)
		if h.OldLine == 0 {
			h.OldLine = a.kids[i].first
		}
		h.oldLast = a.kids[i].last
	}
	for _, i := range g.new {
		h.New = append(h.New, element(c.new, b.kids[i])...)
		if h.NewLine == 0 {
			h.NewLine = b.kids[i].first
		}
		h.newLast = b.kids[i].last
	}
	c.hunks = append(c.hunks, h)
}

// element is an element of a list as it is shown: a scalar without the dash.
func element(e *entity, n *node) []string {
	if n.form == scalar && !strings.Contains(n.text, "\n") {
		return []string{value(n)}
	}
	return excerpt(e, n)
}

// keyed compares lists whose elements have keys. Where the same elements stand in another order, that is a difference of
// its own: to some readers, as those of routes, it means something.
func (c *comparison) keyed(at string, a, b *node, was, is []string) {
	index := make(map[string]int, len(was))
	for i, k := range was {
		index[k] = i
	}
	var stays []int
	for i, k := range is {
		o, ok := index[k]
		if !ok {
			c.hunk(at+"["+k+"]", nil, b.kids[i])
			continue
		}
		delete(index, k)
		stays = append(stays, o)
		c.node(at+"["+k+"]", a.kids[o], b.kids[i])
	}
	for i, k := range was {
		if _, ok := index[k]; ok {
			c.hunk(at+"["+k+"]", a.kids[i], nil)
		}
	}
	if !slices.IsSorted(stays) {
		c.hunks = append(c.hunks, Hunk{At: at + " (order)", Old: was, New: is, OldLine: a.first, NewLine: b.first})
	}
}
