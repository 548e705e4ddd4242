package verify

import (
	"strconv"
	"strings"
)

// A fieldPath names a field of an object: keys of mappings and indices of lists.
type fieldPath []string

// String writes a path as people do: spec.ports[0].port, metadata.labels["istio.io/rev"].
func (p fieldPath) String() string {
	var b strings.Builder
	for _, step := range p {
		_, err := strconv.Atoi(step)
		switch {
		case err == nil:
			b.WriteString("[" + step + "]")
		case strings.ContainsAny(step, "./ ") || step == "":
			b.WriteString("[" + strconv.Quote(step) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step)
		}
	}
	return b.String()
}

// to returns the path of something below.
func (p fieldPath) to(steps ...string) fieldPath {
	return append(p[:len(p):len(p)], steps...)
}

// at returns the path of an element of a list.
func (p fieldPath) at(i int) fieldPath { return p.to(strconv.Itoa(i)) }

// get returns what stands at a path below v, or nil.
func get(v any, path ...string) any {
	for _, step := range path {
		switch c := v.(type) {
		case map[string]any:
			v = c[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i < 0 || i >= len(c) {
				return nil
			}
			v = c[i]
		default:
			return nil
		}
	}
	return v
}

// str, list, dict and integer read a value of their type at a path, and the zero value where there is none.
func str(v any, path ...string) string {
	s, _ := get(v, path...).(string)
	return s
}

func list(v any, path ...string) []any {
	l, _ := get(v, path...).([]any)
	return l
}

func dict(v any, path ...string) map[string]any {
	m, _ := get(v, path...).(map[string]any)
	return m
}

func integer(v any, path ...string) (int64, bool) {
	i, ok := get(v, path...).(int64)
	return i, ok
}

// strs reads a list of strings; elements of other types are left out.
func strs(v any, path ...string) []string {
	var out []string
	for _, e := range list(v, path...) {
		if s, ok := e.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// has reports whether a path holds anything but null.
func has(v any, path ...string) bool { return get(v, path...) != nil }
