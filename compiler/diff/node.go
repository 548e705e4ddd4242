package diff

import (
	"hash/maphash"
	"strconv"
	"strings"
)

// node is a part of an entity: a field, an element of a list, a statement with its block.
type node struct {
	key   string // among its siblings; "" for an element of a list
	text  string // of a scalar
	form  form
	kids  []*node
	first int // line of the file, from 1
	last  int // last line of all that belongs to it
	sum   uint64
}

// form is how the children of a node belong together.
type form uint8

const (
	scalar form = iota // none
	fields             // by key
	list               // elements without a key, in order
	block              // statements: the key is all, and order means nothing
)

// seed makes sums comparable within the process; they are compared, never printed.
var seed = maphash.MakeSeed()

// seal computes the sums of a tree. Keyed children count in any order.
func (n *node) seal() {
	var h maphash.Hash
	h.SetSeed(seed)
	h.WriteString(n.text)
	h.WriteByte(byte(n.form))
	var all uint64
	for _, k := range n.kids {
		k.seal()
		if n.form == list {
			writeSum(&h, k.sum)
			continue
		}
		var one maphash.Hash
		one.SetSeed(seed)
		one.WriteString(k.key)
		one.WriteByte(0)
		writeSum(&one, k.sum)
		all += one.Sum64()
	}
	writeSum(&h, all)
	n.sum = h.Sum64()
}

func writeSum(h *maphash.Hash, sum uint64) {
	for i := range 8 {
		h.WriteByte(byte(sum >> (8 * i)))
	}
}

// child returns the child of a key, or nil.
func (n *node) child(key string) *node {
	for _, k := range n.kids {
		if k.key == key {
			return k
		}
	}
	return nil
}

// scalarOf returns the text of a scalar child, "" where there is none.
func (n *node) scalarOf(key string) string {
	if k := n.child(key); k != nil && k.form == scalar {
		return k.text
	}
	return ""
}

// leaves counts what the tree says, under its keys. At most so many are taken: enough to tell whether two are alike.
func (n *node) leaves(count map[string]int, most int) {
	var walk func(n *node, at string)
	walk = func(n *node, at string) {
		if most <= 0 {
			return
		}
		if at == ".metadata.name" || at == ".metadata.namespace" {
			return // what it is called, not what it is
		}
		if len(n.kids) == 0 {
			count[at+"="+n.text]++
			most--
			return
		}
		for _, k := range n.kids {
			walk(k, at+"."+k.key)
		}
	}
	walk(n, "")
}

// alike is how much two trees have in common, from 0 to 1.
func alike(a, b *node) float64 {
	const most = 400
	was, is := map[string]int{}, map[string]int{}
	a.leaves(was, most)
	b.leaves(is, most)
	common, all := 0, 0
	for k, n := range was {
		common += min(n, is[k])
		all += n
	}
	for _, n := range is {
		all += n
	}
	if all == 0 {
		return 0
	}
	return 2 * float64(common) / float64(all)
}

// unique makes the keys of siblings differ: of equal ones the second gets a number.
func unique(kids []*node) {
	seen := make(map[string]int, len(kids))
	for _, k := range kids {
		seen[k.key]++
		if n := seen[k.key]; n > 1 {
			k.key += " #" + strconv.Itoa(n)
		}
	}
}

// join makes a path of two parts.
func join(at, key string) string {
	switch {
	case at == "":
		return key
	case strings.HasPrefix(key, "["):
		return at + key
	}
	return at + "." + key
}

// fieldName writes a field so that a path of fields can be read back.
func fieldName(key string) string {
	if strings.ContainsAny(key, `. []"`) || key == "" {
		return "[" + strconv.Quote(key) + "]"
	}
	return key
}
