package load

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/agnivade/levenshtein"
)

// Closest returns the word of a list that the user may have meant, or "".
func Closest(word string, words []string) string { return closest(word, words) }

// closest returns the word that the user may have meant, or "".
func closest(word string, words []string) string {
	best, least := "", 1+max(1, len(word)/3)
	for _, w := range words {
		d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(w))
		if d < least {
			best, least = w, d
		}
	}
	if best == "" && len(word) > 2 {
		for _, w := range words {
			if strings.HasPrefix(strings.ToLower(w), strings.ToLower(word)) {
				return w
			}
		}
	}
	return best
}

// suggest says what an unknown field of the block s at the path above may have been meant to be.
func suggest(name string, s *Shape, above []string) string {
	if near := closest(name, s.Order); near != "" {
		return fmt.Sprintf("did you mean %s?", near)
	}
	if places := homes()[name]; len(places) > 0 {
		return fmt.Sprintf("%s is a field of %s", name, strings.Join(nearby(places, above), " and of "))
	}
	const readable = 15
	if len(s.Order) == 0 || len(s.Order) > readable {
		return ""
	}
	return "its fields are " + strings.Join(s.Order, ", ")
}

// nearby returns the two places that share most with the path, as the user would write them.
func nearby(places [][]string, above []string) []string {
	shared := func(p []string) int {
		n := 0
		for n < len(p) && n < len(above) && (p[n] == above[n] || p[n] == anyEntry) {
			n++
		}
		return n
	}
	sorted := slices.Clone(places)
	slices.SortStableFunc(sorted, func(a, b []string) int { return shared(b) - shared(a) })
	if len(sorted) > 2 {
		sorted = sorted[:2]
	}
	var out []string
	for _, p := range sorted {
		p = slices.Clone(p)
		for i := range p {
			if p[i] == anyEntry && i < len(above) && shared(p) > i {
				p[i] = above[i]
			}
		}
		if text := strings.Join(p, "."); text != "" {
			out = append(out, text)
		} else {
			out = append(out, "the site itself")
		}
	}
	return out
}

// anyEntry stands for the name of an entry or the index of an element in the paths of homes.
const anyEntry = "*"

// homes returns, for each field name of the language, the blocks that have such a field.
var homes = sync.OnceValue(func() map[string][][]string {
	out := map[string][][]string{}
	var visit func(s *Shape, path []string)
	visit = func(s *Shape, path []string) {
		if s == nil {
			return
		}
		for _, name := range s.Order {
			out[name] = append(out[name], path)
			visit(s.Fields[name], append(path[:len(path):len(path)], name))
		}
		visit(s.Pattern, append(path[:len(path):len(path)], anyEntry))
		visit(s.Elem, append(path[:len(path):len(path)], anyEntry))
	}
	visit(Language(), nil)
	return out
})

// missingHint says what to write for a required field.
func missingHint(name string, s *Shape) string {
	doc, _, _ := strings.Cut(strings.TrimSuffix(s.Doc, "."), ". ") // the rest is for meshgen explain
	switch {
	case s.Scalar != nil && len(s.Scalar.Enum) == 1:
		return fmt.Sprintf("write %s: %s", name, strconv.Quote(s.Scalar.Enum[0]))
	case s.Scalar != nil && len(s.Scalar.Enum) > 1:
		return fmt.Sprintf("%s; one of %s", lowerFirst(doc), strings.Join(s.Scalar.Enum, ", "))
	case s.Example != "":
		return fmt.Sprintf("%s; for example %s: %s", lowerFirst(doc), name, s.Example)
	case s.Fields != nil:
		return fmt.Sprintf("%s; a block with %s", lowerFirst(doc), strings.Join(s.required(), ", "))
	case s.Pattern != nil && len(s.Pattern.required()) > 0:
		return fmt.Sprintf("%s; each a block with %s", lowerFirst(doc), strings.Join(s.Pattern.required(), ", "))
	}
	return lowerFirst(doc)
}

// required lists the fields of a block that must be given, in their order.
func (s *Shape) required() []string {
	var out []string
	for _, f := range s.Order {
		if s.Fields[f].Required {
			out = append(out, f)
		}
	}
	return out
}

// describe names a field for the beginning of a message, with the block or list that it stands in.
func describe(name string, above []string) string {
	if len(above) == 0 {
		return name
	}
	return join([]string{last(above), name})
}

func count(n int) string {
	if n == 1 {
		return "one entry"
	}
	return fmt.Sprintf("%d entries", n)
}

// Named lists the fields of the language that have a name, wherever they stand: "namespaces.*.waypoint".
func Named(name string) []string {
	var out []string
	for _, above := range homes()[name] {
		out = append(out, join(append(slices.Clone(above), name)))
	}
	slices.Sort(out)
	return out
}

// Suggest says what a path that is no place of the language may have been meant to be, or "".
func Suggest(segments ...string) string {
	s := Language()
	for i, seg := range segments {
		next := s.Lookup(seg)
		if next == nil {
			return suggest(seg, s, segments[:i])
		}
		s = next
	}
	return ""
}
