package site

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// A site path names one place of a site in findings, waivers, flags and origins: field names and map keys joined by
// dots, list elements by index.
//
//	racks.r3.nodes.worker-4.kernel
//	gateways.public.addresses.0
//	racks.r1."a.b"
//
// A segment that is empty or holds a dot, a quote, a backslash or a control character is written as a quoted string.
// The root is the empty path.

// Join returns the path of the segments, quoting those that need it.
func Join(segments ...string) string {
	var b strings.Builder
	size := len(segments)
	for _, s := range segments {
		size += len(s)
	}
	b.Grow(size)
	for i, s := range segments {
		if i > 0 {
			b.WriteByte('.')
		}
		b.WriteString(quoteSegment(s))
	}
	return b.String()
}

// Index returns the segment of a list element.
func Index(i int) string { return strconv.Itoa(i) }

func quoteSegment(s string) string {
	if plain(s) {
		return s
	}
	return strconv.Quote(s)
}

// plain reports whether a segment stands for itself.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c == '.' || c == '"' || c == '\\' || c < ' ' || c == 0x7f {
			return false
		} else if c >= utf8.RuneSelf {
			return !strings.ContainsFunc(s, func(r rune) bool {
				return r == '.' || r == '"' || r == '\\' || r < ' ' || r == 0x7f || r == utf8.RuneError
			})
		}
	}
	return s != ""
}

// Split returns the segments of a path, unquoted. A quote that does not end is taken as it stands. The empty path has
// no segments.
func Split(path string) []string {
	var out []string
	for path != "" {
		var seg string
		if q, err := strconv.QuotedPrefix(path); err == nil && q[0] == '"' && (len(q) == len(path) || path[len(q)] == '.') {
			seg, _ = strconv.Unquote(q)
			path = path[len(q):]
		} else {
			i := strings.IndexByte(path, '.')
			if i < 0 {
				i = len(path)
			}
			seg, path = path[:i], path[i:]
		}
		out = append(out, seg)
		if path == "" {
			break
		}
		path = path[1:]
		if path == "" {
			out = append(out, "")
		}
	}
	return out
}

// Parent returns the path one segment up; the root is its own parent.
func Parent(path string) string {
	segs := Split(path)
	if len(segs) == 0 {
		return ""
	}
	return Join(segs[:len(segs)-1]...)
}

// IsAncestor reports whether the place b lies at or below the place a.
func IsAncestor(a, b string) bool {
	if a == "" || a == b {
		return true
	}
	// Canonical paths quote the same way, so whole segments are whole strings.
	return len(b) > len(a) && b[len(a)] == '.' && b[:len(a)] == a
}
