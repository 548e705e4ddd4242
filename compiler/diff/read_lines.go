package diff

import "strings"

// readText makes every line an element of a list.
func readText(f *File) *node {
	root := &node{form: list, first: 1}
	for i, l := range f.lines() {
		root.kids = append(root.kids, &node{text: l, first: i + 1, last: i + 1})
	}
	root.last = len(root.kids)
	return root
}

// readValues reads lines of the form key = value.
func readValues(f *File) *node {
	root := &node{form: fields, first: 1}
	for i, l := range f.lines() {
		l = strings.TrimSpace(l)
		if l == "" || l[0] == '#' || l[0] == ';' {
			continue
		}
		key, value, _ := strings.Cut(l, "=")
		root.kids = append(root.kids, &node{key: strings.TrimSpace(key), text: strings.TrimSpace(value), first: i + 1, last: i + 1})
	}
	unique(root.kids)
	root.last = len(f.lines())
	return root
}

// fillers are lines of switches that only close what another line has opened.
var fillers = map[string]bool{"exit": true, "exit-address-family": true, "end": true, "exit-vrf": true}

// readStatements reads lines, each the block of those below that are indented deeper. comment begins a comment.
func readStatements(f *File, comment string) *node {
	root := &node{form: block, first: 1, last: len(f.lines())}
	type open struct {
		n      *node
		indent int
	}
	stack := []open{{root, -1}}
	for i, l := range f.lines() {
		words := strings.TrimSpace(l)
		if words == "" || strings.HasPrefix(words, comment) || fillers[words] {
			continue
		}
		indent := len(l) - len(strings.TrimLeft(l, " \t"))
		for stack[len(stack)-1].indent >= indent {
			stack = stack[:len(stack)-1]
		}
		n := &node{key: strings.Join(strings.Fields(words), " "), form: block, first: i + 1, last: i + 1}
		parent := stack[len(stack)-1].n
		parent.kids = append(parent.kids, n)
		for _, o := range stack[1:] {
			o.n.last = i + 1
		}
		stack = append(stack, open{n, indent})
	}
	var name func(n *node)
	name = func(n *node) {
		unique(n.kids)
		for _, k := range n.kids {
			name(k)
		}
	}
	name(root)
	return root
}
