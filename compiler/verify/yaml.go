package verify

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// documents returns what a YAML stream holds. What a reader of another YAML version could take for something else is
// reported, so that the values below mean the same to the API server, Helm, Ansible and a person.
func (p *pass) documents(f *artifact.File) []*yaml.Node {
	parse := p.streams[f]
	if parse == nil {
		parse = func() stream { return parseStream(f.Bytes()) }
	}
	s := parse()
	for _, root := range s.documents {
		p.checkYAML(f, root)
	}
	if s.err != nil {
		p.report(f, yamlLine(s.err), ruleYAML, "%s", strings.TrimPrefix(s.err.Error(), "yaml: "))
	}
	return s.documents
}

// stream is a YAML stream as it was parsed: the documents before the first fault.
type stream struct {
	documents []*yaml.Node
	err       error
}

// parsed returns what was made of a stream, or makes it.
type parsed func() stream

func parseStream(text []byte) (s stream) {
	for dec := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return s
		} else if err != nil {
			s.err = err
			return s
		}
		s.documents = append(s.documents, doc.Content[0])
	}
}

// ahead makes the streams of files that are read as YAML ready to be parsed, each once, and returns what parses them all. It
// begins at the end, while read begins at the start: together they take half as long, as parsing is most of reading.
func (p *pass) ahead(files []*artifact.File) func() {
	p.streams = map[*artifact.File]parsed{}
	var order []parsed
	for _, f := range slices.Backward(files) {
		if strings.HasPrefix(f.Path(), "kubernetes/") && strings.HasSuffix(f.Path(), ".yaml") {
			parse := sync.OnceValue(func() stream { return parseStream(f.Bytes()) })
			p.streams[f], order = parse, append(order, parse)
		}
	}
	return func() {
		for _, parse := range order {
			parse()
		}
	}
}

var yamlErrorLine = regexp.MustCompile(`line (\d+)`)

// yamlLine finds the line in a parse error, 0 if it names none.
func yamlLine(err error) int {
	if m := yamlErrorLine.FindStringSubmatch(err.Error()); m != nil {
		n, _ := strconv.Atoi(m[1])
		return n
	}
	return 0
}

// ambiguous are plain scalars that YAML 1.1 reads as booleans or octal numbers and YAML 1.2 as something else.
var ambiguous = regexp.MustCompile(`^(?:[yYnN]|[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF|[-+]?0[0-9_]+|[-+]?[0-9][0-9_]*_[0-9_]*|[0-9]+(?::[0-5]?[0-9])+)$`)

// isAmbiguous is whether a scalar is one of these. What cannot be one by its first character, or has nothing in it that
// makes a number one, costs no expression: most scalars.
func isAmbiguous(s string) bool {
	switch {
	case s == "":
		return false
	case strings.IndexByte("yYnNoO", s[0]) >= 0:
		return len(s) <= len("off") && ambiguous.MatchString(s)
	case strings.IndexByte("+-0123456789", s[0]) >= 0:
		return (strings.HasPrefix(strings.TrimLeft(s, "+-"), "0") || strings.ContainsAny(s, "_:")) && ambiguous.MatchString(s)
	}
	return false
}

func (p *pass) checkYAML(f *artifact.File, n *yaml.Node) {
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		p.report(f, n.Line, ruleYAML, "an anchor or alias")
		return
	case n.Style&yaml.TaggedStyle != 0:
		p.report(f, n.Line, ruleYAML, "the tag %s", n.Tag)
	case n.Kind == yaml.ScalarNode && n.Style == 0 && isAmbiguous(n.Value):
		p.report(f, n.Line, ruleYAML, "plain scalar %s, which YAML 1.1 and 1.2 read differently, is not quoted", n.Value)
	}
	if n.Kind == yaml.MappingNode {
		seen := make(map[string]bool, len(n.Content)/2)
		for i := 0; i < len(n.Content); i += 2 {
			k := n.Content[i]
			switch {
			case k.Kind != yaml.ScalarNode || k.Tag != "!!str":
				p.report(f, k.Line, ruleYAML, "a key that is no string")
			case seen[k.Value]:
				p.report(f, k.Line, ruleYAML, "key %q stands twice", k.Value)
			}
			seen[k.Value] = true
		}
	}
	for _, c := range n.Content {
		p.checkYAML(f, c)
	}
}

// value turns a node into what encoding/json would decode. Integers are int64 where they fit.
func value(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i < len(n.Content); i += 2 {
			m[n.Content[i].Value] = value(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		s := make([]any, len(n.Content))
		for i, c := range n.Content {
			s[i] = value(c)
		}
		return s
	case yaml.ScalarNode:
		return scalar(n)
	}
	return nil // an alias, reported already
}

func scalar(n *yaml.Node) any {
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 0, 64); err == nil {
			return i
		}
	case "!!float":
		if x, err := strconv.ParseFloat(n.Value, 64); err == nil {
			return x
		}
	}
	return n.Value
}

// lineOf returns the line of what path names below n: the key's line for a member of a mapping. Where the path leads
// nowhere it is the line of the deepest part that exists.
func lineOf(n *yaml.Node, path fieldPath) int {
	line := n.Line
	for _, step := range path {
		var next *yaml.Node
		switch n.Kind {
		case yaml.MappingNode:
			for i := 0; i < len(n.Content); i += 2 {
				if n.Content[i].Value == step {
					line, next = n.Content[i].Line, n.Content[i+1]
				}
			}
		case yaml.SequenceNode:
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.Content) {
				next = n.Content[i]
				line = next.Line
			}
		}
		if next == nil {
			break
		}
		n = next
	}
	return line
}
