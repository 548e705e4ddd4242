package diff

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// document is a part of a stream of YAML.
type document struct {
	text  string
	first int // line of the file
}

// documents splits a stream at its separators. A "---" within a value is indented, so that a line of nothing else is one.
func documents(f *File) []document {
	var out []document
	lines := f.lines()
	from := 0
	take := func(to int) {
		if text := strings.Join(lines[from:to], "\n"); strings.TrimSpace(text) != "" {
			out = append(out, document{text, from + 1})
		}
		from = to + 1
	}
	for i, l := range lines {
		if l == "---" {
			take(i)
		}
	}
	take(len(lines))
	return out
}

// readYAML reads one document of YAML or JSON; nil where it holds none.
func readYAML(d document) *node {
	var doc yaml.Node
	if err := yaml.NewDecoder(bytes.NewReader([]byte(d.text + "\n"))).Decode(&doc); err != nil || len(doc.Content) == 0 {
		return nil
	}
	return fromYAML(doc.Content[0], d.first-1)
}

// fromYAML turns a node of YAML into one of ours; offset is the line before the document.
func fromYAML(y *yaml.Node, offset int) *node {
	for y.Kind == yaml.AliasNode {
		y = y.Alias
	}
	n := &node{first: y.Line + offset, last: y.Line + offset}
	add := func(k *node) {
		n.kids = append(n.kids, k)
		n.last = max(n.last, k.last)
	}
	switch y.Kind {
	case yaml.MappingNode:
		n.form = fields
		for i := 0; i+1 < len(y.Content); i += 2 {
			k := fromYAML(y.Content[i+1], offset)
			k.key, k.first = y.Content[i].Value, y.Content[i].Line+offset
			add(k)
		}
		unique(n.kids)
	case yaml.SequenceNode:
		n.form = list
		for _, c := range y.Content {
			add(fromYAML(c, offset))
		}
	default:
		n.text = y.Value
		if y.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			n.last += strings.Count(y.Value, "\n")
		}
	}
	return n
}
