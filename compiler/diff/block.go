package diff

import (
	"cmp"
	"slices"
	"strings"
)

// block compares statements. Those without a partner are held against each other: a statement with another value at its
// end is the same statement, and a block with another head the same block where most of it is.
func (c *comparison) block(at string, a, b *node) {
	was := make(map[string]*node, len(a.kids))
	for _, k := range a.kids {
		was[k.key] = k
	}
	var come []*node
	for _, k := range b.kids {
		if o := was[k.key]; o != nil {
			c.node(inside(at, k.key), o, k)
			delete(was, k.key)
		} else {
			come = append(come, k)
		}
	}
	var gone []*node
	for _, k := range a.kids {
		if was[k.key] != nil {
			gone = append(gone, k)
		}
	}
	for _, p := range partners(gone, come) {
		switch {
		case p.a == nil || p.b == nil:
			c.hunk(at, p.a, p.b)
		case len(p.a.kids) == 0 && len(p.b.kids) == 0:
			c.hunk(at, p.a, p.b)
		default:
			c.hunks = append(c.hunks, Hunk{At: at, Old: []string{p.a.key}, New: []string{p.b.key}, OldLine: p.a.first, NewLine: p.b.first})
			c.block(inside(at, p.b.key), p.a, p.b)
		}
	}
}

func inside(at, statement string) string {
	if at == "" {
		return statement
	}
	return at + " / " + statement
}

// nodes is a statement of both sides, or of one.
type nodes struct{ a, b *node }

// partners pairs statements of two blocks, the most alike first, and ends with those that have none.
func partners(old, new []*node) []nodes {
	type candidate struct {
		o, n  int
		score float64
	}
	var all []candidate
	if len(old)*len(new) <= mostPairs {
		for i, o := range old {
			for j, n := range new {
				if s := sameStatement(o, n); s > 0 {
					all = append(all, candidate{i, j, s})
				}
			}
		}
	}
	slices.SortStableFunc(all, func(a, b candidate) int { return cmp.Compare(b.score, a.score) })
	usedOld, usedNew := map[int]bool{}, map[int]bool{}
	var out []nodes
	for _, c := range all {
		if !usedOld[c.o] && !usedNew[c.n] {
			usedOld[c.o], usedNew[c.n] = true, true
			out = append(out, nodes{old[c.o], new[c.n]})
		}
	}
	for i, o := range old {
		if !usedOld[i] {
			out = append(out, nodes{o, nil})
		}
	}
	for i, n := range new {
		if !usedNew[i] {
			out = append(out, nodes{nil, n})
		}
	}
	return out
}

// sameStatement says how much speaks for two statements being one with another value; 0: nothing does.
func sameStatement(a, b *node) float64 {
	if (len(a.kids) == 0) != (len(b.kids) == 0) {
		return 0
	}
	x, y := strings.Fields(a.key), strings.Fields(b.key)
	if x[0] != y[0] {
		return 0
	}
	if len(a.kids) > 0 {
		if s := alike(a, b); s >= 0.5 {
			return s
		}
		return 0
	}
	front := 0
	for front < len(x) && front < len(y) && x[front] == y[front] {
		front++
	}
	back := 0
	for back < len(x)-front && back < len(y)-front && x[len(x)-1-back] == y[len(y)-1-back] {
		back++
	}
	if s := float64(front+back) / float64(max(len(x), len(y))); s >= 0.5 {
		return s
	}
	return 0
}
