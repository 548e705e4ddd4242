package rules

import "meshgen.dev/meshgen/compiler/site"

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
