package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// languageRules are the rules about what the language can say and nothing prints.
var languageRules = []*check.Rule{
	NotSupportedYet,
	ReleaseWithoutOutput,
}

// NotSupportedYet refuses what the language can say and no backend prints yet.
var NotSupportedYet = &check.Rule{
	ID: "MG0900", Name: "not-supported-yet", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the site uses a part of the language that has no output yet

Silence would be worse: the site would compile, and what it asks for would be missing on the metal.`,
	Run: notSupportedYet,
}

// unread is a place of the language that no backend reads, or reads for some values only.
type unread struct {
	path string   // "*" stands for one segment
	only []string // the values that are read; empty: none
	by   []string // the kinds of mesh whose backends read it, or of which another rule says why not; another kind reads only

	where func(*site.Site) bool // the sites in which nobody reads it; nil: all of them
}

// notYet lists them. A line leaves it together with the backend that reads it; the taint test finds both a line that
// is missing here and one that should be gone.
var notYet = []unread{}

// Unread reports how many places of the language have no output yet.
func Unread() int { return len(notYet) }

// name is what a finding calls the place: its last names, or all of them where no name of the user's stands between.
func (u unread) name() string {
	tail := u.path[strings.LastIndex(strings.TrimSuffix(u.path, ".*"), "*")+1:]
	return strings.TrimSuffix(strings.TrimPrefix(tail, "."), ".*")
}

func notSupportedYet(p *check.Pass) {
	for _, u := range notYet {
		if slices.Contains(u.by, p.Site.Mesh.Kind) || u.where != nil && !u.where(p.Site) {
			continue
		}
		visit(p.Values, strings.Split(u.path, "."), nil, func(path string, v any) {
			if empty(v) {
				return
			}
			text, scalar := scalarText(v)
			if slices.Contains(u.only, text) {
				return
			}
			if len(u.only) > 0 && scalar {
				p.Reportf(path, "not supported yet: %s %q", u.name(), text).Hintf("supported: %s", strings.Join(u.only, ", "))
			} else {
				p.Reportf(path, "not supported yet: %s", u.name())
			}
		})
	}
}

// Visit calls found for each value of a decoded JSON document that lies at a pattern of segments, "*" for any one.
func Visit(v any, pattern []string, found func(path string, v any)) { visit(v, pattern, nil, found) }

// visit calls found for each value of a decoded JSON document that lies at the pattern.
func visit(v any, pattern, at []string, found func(path string, v any)) {
	if len(pattern) == 0 {
		found(site.Join(at...), v)
		return
	}
	next := func(key string, child any) {
		visit(child, pattern[1:], append(at[:len(at):len(at)], key), found)
	}
	switch v := v.(type) {
	case map[string]any:
		if pattern[0] != "*" {
			if child, ok := v[pattern[0]]; ok {
				next(pattern[0], child)
			}
			return
		}
		for k, child := range byKey(v) {
			next(k, child)
		}
	case []any:
		if pattern[0] == "*" {
			for i, child := range v {
				next(site.Index(i), child)
			}
		}
	}
}

// empty reports whether a value says nothing: the default of a field that was not given.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case float64:
		return v == 0
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return false
}

func scalarText(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", false
}
