package artifact

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// scalar appends a value of a basic type.
func (y *YAML) scalar(v any) {
	f := y.f
	switch v := v.(type) {
	case string:
		y.string(v)
	case bool:
		f.data = strconv.AppendBool(f.data, v)
	case int:
		f.data = strconv.AppendInt(f.data, int64(v), 10)
	case int32:
		f.data = strconv.AppendInt(f.data, int64(v), 10)
	case int64:
		f.data = strconv.AppendInt(f.data, v, 10)
	case uint8:
		f.data = strconv.AppendUint(f.data, uint64(v), 10)
	case uint16:
		f.data = strconv.AppendUint(f.data, uint64(v), 10)
	case uint32:
		f.data = strconv.AppendUint(f.data, uint64(v), 10)
	case uint64:
		f.data = strconv.AppendUint(f.data, v, 10)
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			f.fail("%v is no number that JSON has", v)
		}
		// Without exponent: YAML 1.1 reads 1e+06 as a string.
		f.data = strconv.AppendFloat(f.data, v, 'f', -1, 64)
	case nil:
		f.data = append(f.data, "null"...)
	case fmt.Stringer:
		y.string(v.String())
	default:
		f.fail("the YAML writer has no form for a %T", v)
		f.data = append(f.data, "null"...)
	}
}

// string appends a string, plain where every reader takes the plain form for the same string.
func (y *YAML) string(s string) {
	switch {
	case plain(s):
		y.f.data = append(y.f.data, s...)
	case !utf8.ValidString(s):
		y.f.fail("%q is not UTF-8", s)
		y.f.data = appendQuoted(y.f.data, strings.ToValidUTF8(s, "\uFFFD"))
	default:
		y.f.data = appendQuoted(y.f.data, s)
	}
}

// plain reports whether s needs no quotes. It is stricter than YAML: what looks odd is quoted.
func plain(s string) bool {
	if s == "" || !plainStart(s) || reserved(s) {
		return false
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c < ' ' || c > '~':
			return false
		case c == ':' && (i+1 == len(s) || s[i+1] == ' '): // a key
			return false
		case c == ' ' && (i+1 == len(s) || s[i+1] == '#'): // trailing space, comment
			return false
		}
	}
	return true
}

// plainStart reports whether the first characters make s neither an indicator nor a number.
func plainStart(s string) bool {
	switch c := s[0]; {
	case isLetter(c), c == '_', c == '/', c == '$', c == '(', c == '^':
		return true
	case isDigit(c):
		return !numeric(s)
	case c == '.': // .5 is a number, "..." ends a document
		return len(s) > 1 && (isLetter(s[1]) || s[1] == '/')
	case c == '-': // an option, but neither a number nor an item
		rest := strings.TrimPrefix(s[1:], "-")
		return rest != "" && isLetter(rest[0])
	}
	return false
}

// numeric reports whether a string that begins with a digit may be a number or a date to some reader.
func numeric(s string) bool {
	if len(s) > 1 && s[0] == '0' && strings.IndexByte("xXoObB", s[1]) >= 0 {
		return true
	}
	if len(s) > 5 && s[4] == '-' && isDigit(s[1]) && isDigit(s[2]) && isDigit(s[3]) && isDigit(s[5]) { // 2026-01-31
		return true
	}
	dots, others := 0, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case isDigit(c):
		case c == '.':
			dots++
		case strings.IndexByte("_:eE+-", c) >= 0: // 1_000, 1:30, 1e3
			others++
		default:
			return false
		}
	}
	return others > 0 || dots < 2 // an IPv4 address and a version have two dots and more
}

// reserved reports whether some reader takes s for a boolean, a null or a special number.
func reserved(s string) bool {
	if len(s) > 5 {
		return false
	}
	switch strings.ToLower(s) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null", ".inf", ".nan":
		return true
	}
	return false
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }

// appendQuoted appends s, valid UTF-8, as a double-quoted scalar on one line.
func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r == '\n':
			b = append(b, `\n`...)
		case r == '\t':
			b = append(b, `\t`...)
		case unicode.IsPrint(r):
			b = utf8.AppendRune(b, r)
		case r <= 0xFF:
			b = fmt.Appendf(b, `\x%02X`, r)
		case r <= 0xFFFF:
			b = fmt.Appendf(b, `\u%04X`, r)
		default:
			b = fmt.Appendf(b, `\U%08X`, r)
		}
	}
	return append(b, '"')
}

// fitsBlock reports whether a literal block gives s back: it begins with text (which sets the indentation), ends in text
// and at most one newline, and holds nothing that a reader would change.
func fitsBlock(s string) bool {
	if s == "" || strings.IndexByte(" \t\n", s[0]) >= 0 || !utf8.ValidString(s) {
		return false
	}
	last := strings.TrimSuffix(s, "\n")
	last = last[strings.LastIndexByte(last, '\n')+1:]
	if strings.Trim(last, " \t") == "" {
		return false
	}
	for _, r := range s {
		if !unicode.IsPrint(r) && r != '\n' && r != '\t' {
			return false
		}
	}
	return true
}

// printable makes a text fit for a comment: whatever a reader may take for a line break or refuse becomes a space.
func printable(s string) string {
	return strings.TrimRight(strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s), " ")
}
