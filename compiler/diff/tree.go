package diff

import (
	"cmp"
	"slices"
	"strings"
)

// comparison collects the hunks of one pair of entities.
type comparison struct {
	old, new *entity
	hunks    []Hunk
}

// compare returns the hunks of two entities, by their lines.
func compare(old, new *entity) []Hunk {
	c := &comparison{old: old, new: new}
	switch a, b := old.read(), new.read(); old.as {
	case asPicture:
	case asText:
		c.textLines(a, b)
	default:
		c.node("", a, b)
	}
	slices.SortStableFunc(c.hunks, func(a, b Hunk) int {
		return cmp.Or(cmp.Compare(cmp.Or(a.NewLine, a.OldLine), cmp.Or(b.NewLine, b.OldLine)), cmp.Compare(a.At, b.At))
	})
	return c.hunks
}

// node compares two nodes that stand at the same place.
func (c *comparison) node(at string, a, b *node) {
	switch {
	case a.sum == b.sum:
	case a.form != b.form:
		c.hunk(at, a, b)
	case a.form == scalar:
		c.scalar(at, a, b)
	case a.form == fields:
		c.fields(at, a, b)
	case a.form == list:
		c.list(at, a, b)
	default:
		c.block(at, a, b)
	}
}

// hunk records that a goes and b comes; either may be nil.
func (c *comparison) hunk(at string, a, b *node) {
	h := Hunk{At: at}
	if a != nil {
		h.Old, h.OldLine, h.oldLast = excerpt(c.old, a), a.first, a.last
	}
	if b != nil {
		h.New, h.NewLine, h.newLast = excerpt(c.new, b), b.first, b.last
	}
	c.hunks = append(c.hunks, h)
}

// excerpt returns the lines of a node, without comments and without the indentation that they share.
func excerpt(e *entity, n *node) []string {
	var out []string
	indent := -1
	for _, l := range e.file.lines()[n.first-1 : n.last] {
		words := strings.TrimLeft(l, " \t")
		if words == "" || e.as != asText && (words[0] == '#' || e.as == asSwitch && words[0] == '!') {
			continue
		}
		if in := len(l) - len(words); indent < 0 || in < indent {
			indent = in
		}
		out = append(out, l)
	}
	for i, l := range out {
		out[i] = l[indent:]
	}
	return out
}

// scalar compares two values; long ones by line.
func (c *comparison) scalar(at string, a, b *node) {
	if !strings.Contains(strings.TrimSpace(a.text), "\n") && !strings.Contains(strings.TrimSpace(b.text), "\n") {
		c.hunks = append(c.hunks, Hunk{At: at, Old: []string{value(a)}, New: []string{value(b)}, OldLine: a.first, NewLine: b.first})
		return
	}
	was, is := strings.Split(strings.TrimSuffix(a.text, "\n"), "\n"), strings.Split(strings.TrimSuffix(b.text, "\n"), "\n")
	for _, g := range gaps(align(was, is)) {
		h := Hunk{At: at}
		for _, i := range g.old {
			h.Old = append(h.Old, was[i])
		}
		for _, i := range g.new {
			h.New = append(h.New, is[i])
		}
		if h.Old != nil {
			h.OldLine = min(a.first+1+g.old[0], a.last)
		}
		if h.New != nil {
			h.NewLine = min(b.first+1+g.new[0], b.last)
		}
		c.hunks = append(c.hunks, h)
	}
}

// value is how a scalar is shown: an empty one by two quotes.
func value(n *node) string {
	if n.text == "" {
		return `""`
	}
	return n.text
}

func (c *comparison) fields(at string, a, b *node) {
	was := make(map[string]*node, len(a.kids))
	for _, k := range a.kids {
		was[k.key] = k
	}
	for _, k := range b.kids {
		if o := was[k.key]; o != nil {
			c.node(c.field(at, k.key), o, k)
			delete(was, k.key)
		} else {
			c.hunk(c.field(at, k.key), nil, k)
		}
	}
	for _, k := range a.kids {
		if was[k.key] != nil {
			c.hunk(c.field(at, k.key), k, nil)
		}
	}
}

// field is the path of a field: keys of settings stand as they are.
func (c *comparison) field(at, key string) string {
	if c.new.as == asValues {
		return key
	}
	return join(at, fieldName(key))
}

// gap is a run of elements without a partner, by their places.
type gap struct{ old, new []int }

// gaps returns what stands between the pairs of an alignment.
func gaps(all []pair) []gap {
	var out []gap
	var now gap
	for _, p := range append(all, pair{0, 0}) {
		switch {
		case p.a >= 0 && p.b >= 0:
			if now.old != nil || now.new != nil {
				out = append(out, now)
			}
			now = gap{}
		case p.a >= 0:
			now.old = append(now.old, p.a)
		default:
			now.new = append(now.new, p.b)
		}
	}
	return out
}

// textLines compares text for people. A hunk is placed by the heading above it.
func (c *comparison) textLines(a, b *node) {
	text := func(n *node) (out []string) {
		for _, k := range n.kids {
			out = append(out, k.text)
		}
		return out
	}
	was, is := text(a), text(b)
	above := heading
	if !strings.HasSuffix(c.new.file.Path, ".md") {
		above = func([]string, int) string { return "" }
	}
	for _, g := range gaps(align(was, is)) {
		var h Hunk
		for _, i := range g.old {
			h.Old = append(h.Old, was[i])
		}
		for _, i := range g.new {
			h.New = append(h.New, is[i])
		}
		if h.Old != nil {
			h.OldLine, h.oldLast, h.At = g.old[0]+1, g.old[len(g.old)-1]+1, above(was, g.old[0])
		}
		if h.New != nil {
			h.NewLine, h.newLast, h.At = g.new[0]+1, g.new[len(g.new)-1]+1, above(is, g.new[0])
		}
		c.hunks = append(c.hunks, h)
	}
}

// heading is the last Markdown heading at or above a line; "" where there is none.
func heading(lines []string, at int) string {
	for i := at; i >= 0; i-- {
		if text := strings.TrimLeft(lines[i], "#"); text != lines[i] && strings.HasPrefix(text, " ") {
			return strings.TrimSpace(text)
		}
	}
	return ""
}
