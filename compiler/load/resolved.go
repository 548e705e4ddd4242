package load

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
)

// canonical makes equal numbers equal text: 1, 1.0 and 1e0 are all 1.
func canonical(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = canonical(e)
		}
	case []any:
		for i, e := range v {
			v[i] = canonical(e)
		}
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return v
		}
		f, err := v.Float64()
		switch {
		case err != nil:
			return v
		case f == math.Trunc(f) && math.Abs(f) < 1<<53:
			return json.Number(strconv.FormatInt(int64(f), 10))
		}
		return f
	}
	return v
}

// leaves appends the paths of the scalars below v.
func leaves(v any, at []string, to []string) []string {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			to = leaves(v[k], append(at[:len(at):len(at)], k), to)
		}
	case []any:
		for i, e := range v {
			to = leaves(e, append(at[:len(at):len(at)], index(i)), to)
		}
	default:
		to = append(to, join(at))
	}
	return to
}
