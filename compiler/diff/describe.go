package diff

import (
	"encoding/json"
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/site"
)

// edits returns what differs between two descriptions, sorted by path.
func edits(old, new *Site) []Edit {
	if old.Values == nil || new.Values == nil {
		return nil
	}
	var out []Edit
	record := func(path []string, s Status, was, is string) {
		e := Edit{Site: new.Name, Path: site.Join(path...), Status: s, Old: was, New: is}
		from := new
		if s == Removed {
			from = old
		}
		if from.PosOf != nil {
			e.Pos = from.PosOf(e.Path)
		}
		out = append(out, e)
	}
	var walk func(path []string, a, b any)
	each := func(path []string, key string, a, b any, inA, inB bool) {
		path = append(path[:len(path):len(path)], key)
		switch {
		case !inA:
			record(path, Added, "", plainText(b))
		case !inB:
			record(path, Removed, plainText(a), "")
		default:
			walk(path, a, b)
		}
	}
	walk = func(path []string, a, b any) {
		switch x := a.(type) {
		case map[string]any:
			if y, ok := b.(map[string]any); ok {
				for _, k := range keysOf(x, y) {
					va, inA := x[k]
					vb, inB := y[k]
					each(path, k, va, vb, inA, inB)
				}
				return
			}
		case []any:
			if y, ok := b.([]any); ok {
				for i := range max(len(x), len(y)) {
					var va, vb any
					if i < len(x) {
						va = x[i]
					}
					if i < len(y) {
						vb = y[i]
					}
					each(path, site.Index(i), va, vb, i < len(x), i < len(y))
				}
				return
			}
		}
		if was, is := whole(a), whole(b); was != is {
			record(path, Changed, plainText(a), plainText(b))
		}
	}
	walk(nil, old.Values, new.Values)
	return out
}

func keysOf(a, b map[string]any) []string {
	out := make([]string, 0, len(a)+len(b))
	for k := range a {
		out = append(out, k)
	}
	for k := range b {
		if _, ok := a[k]; !ok {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out
}

// whole is a value as text that differs where the values do.
func whole(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

// plainText is a scalar as people write it; "" for anything else.
func plainText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
