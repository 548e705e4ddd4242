package load

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"
)

// scalarFault is why a scalar is refused: the rest of a sentence that begins with the field and the value.
type scalarFault struct {
	rule Rule
	text string
	hint string
}

// scalarOf returns a concrete scalar as string, *big.Float, bool or nil, and its CUE kind.
func scalarOf(u cue.Value) (any, cue.Kind) {
	k := u.Kind()
	switch k {
	case cue.StringKind:
		s, _ := u.String()
		return s, k
	case cue.IntKind, cue.FloatKind, cue.NumberKind:
		text := fmt.Sprint(u)
		if f, _, err := big.ParseFloat(text, 10, 64, big.ToNearestEven); err == nil {
			return number{f, text}, k
		}
		return number{new(big.Float), text}, k
	case cue.BoolKind:
		b, _ := u.Bool()
		return b, k
	}
	return nil, k
}

// number is a number with its text.
type number struct {
	*big.Float
	text string
}

func (s *Scalar) admits(k cue.Kind) bool {
	switch s.Kind {
	case String:
		return k == cue.StringKind
	case Int:
		return k == cue.IntKind
	case Number:
		return k&cue.NumberKind != 0
	}
	return k == cue.BoolKind
}

// fault returns what is wrong with a value of the right kind, or nil.
func (s *Scalar) fault(v any) *scalarFault {
	switch v := v.(type) {
	case string:
		return s.stringFault(v)
	case number:
		if s.Min != nil && v.Cmp(new(big.Float).SetInt64(*s.Min)) < 0 || s.Max != nil && v.Cmp(new(big.Float).SetInt64(*s.Max)) > 0 {
			return &scalarFault{OutOfRange, "is outside the range " + s.bounds(), s.hint()}
		}
	}
	return nil
}

func (s *Scalar) stringFault(v string) *scalarFault {
	switch {
	case len(s.Enum) > 0:
		if slices.Contains(s.Enum, v) {
			return nil
		}
		text := "is none of " + strings.Join(s.Enum, ", ")
		if len(s.Enum) == 1 {
			text = "is not " + strconv.Quote(s.Enum[0])
		}
		hint := ""
		if near := closest(v, s.Enum); near != "" {
			hint = "did you mean " + strconv.Quote(near) + "?"
		}
		return &scalarFault{NotOneOf, text, hint}
	case v == "" && s.NonEmpty:
		return &scalarFault{BadFormat, "must not be empty", s.hint()}
	case s.MaxRunes > 0 && utf8.RuneCountInString(v) > s.MaxRunes:
		return &scalarFault{BadFormat, fmt.Sprintf("is longer than %d characters", s.MaxRunes), s.hint()}
	}
	if !s.Matches(v) {
		return &scalarFault{BadFormat, "does not have the form that is expected here", s.hint()}
	}
	return nil
}

// Matches reports whether a string has the form that the patterns of the schema ask for.
func (s *Scalar) Matches(v string) bool {
	return !slices.ContainsFunc(s.Patterns, func(re *regexp.Regexp) bool { return !re.MatchString(v) }) &&
		!slices.ContainsFunc(s.Excluded, func(re *regexp.Regexp) bool { return re.MatchString(v) })
}

// hint says what is expected.
func (s *Scalar) hint() string {
	out := "expected: " + s.form()
	if s.Example != "" {
		out += ", for example " + s.Example
	}
	return out
}

// form describes the type in words.
func (s *Scalar) form() string {
	if s.Doc != "" {
		text := strings.TrimSuffix(s.Doc, ".")
		return lowerFirst(text)
	}
	switch s.Kind {
	case Int:
		return strings.TrimSpace("a whole number " + s.bounds())
	case Number:
		return strings.TrimSpace("a number " + s.bounds())
	case Bool:
		return "true or false"
	}
	if len(s.Enum) > 0 {
		return "one of " + strings.Join(s.Enum, ", ")
	}
	return "a string"
}

func (s *Scalar) bounds() string {
	switch {
	case s.Min != nil && s.Max != nil:
		return fmt.Sprintf("%d to %d", *s.Min, *s.Max)
	case s.Min != nil:
		return fmt.Sprintf("from %d", *s.Min)
	case s.Max != nil:
		return fmt.Sprintf("up to %d", *s.Max)
	}
	return ""
}

// lowerFirst makes a sentence part of another one, unless it begins with an abbreviation.
func lowerFirst(s string) string {
	if len(s) < 2 || s[1] < 'a' || s[1] > 'z' || strings.HasPrefix(s, "Kubernetes") || strings.HasPrefix(s, "IPv") {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

func kindName(k cue.Kind) string {
	switch {
	case k == cue.NullKind:
		return "null"
	case k == cue.BoolKind:
		return "a truth value"
	case k == cue.IntKind:
		return "a whole number"
	case k&cue.NumberKind != 0:
		return "a number with a fraction"
	case k == cue.StringKind:
		return "a string"
	case k == cue.BytesKind:
		return "a byte string"
	}
	return "something else"
}

// expects says what may stand at the place.
func (s *Shape) expects() string {
	var forms []string
	if s.Scalar != nil {
		forms = append(forms, map[Kind]string{String: "a string", Int: "a whole number", Number: "a number", Bool: "true or false"}[s.Scalar.Kind])
	}
	if s.Elem != nil {
		forms = append(forms, "a list")
	}
	if s.IsBlock() {
		forms = append(forms, "a block")
	}
	return strings.Join(forms, " or ")
}

// exampleHint shows how the place is written.
func (s *Shape) exampleHint() string {
	switch {
	case s.Example != "":
		return "for example " + s.Example
	case s.Scalar != nil && s.Elem == nil && !s.IsBlock():
		return s.Scalar.hint()
	case s.Pattern != nil:
		return "write entries by name: {" + strings.Trim(s.Key.Example, `"`) + ": …}"
	case s.Fields != nil:
		return "its fields are " + strings.Join(s.Order, ", ")
	case s.Elem != nil && s.Elem.IsBlock():
		return "write a list of blocks: [{…}]"
	case s.Elem != nil && s.Elem.Scalar != nil && s.Elem.Scalar.Example != "":
		return "for example [" + s.Elem.Scalar.Example + "]"
	}
	return ""
}

// show prints a value for a message, cut when it is long.
func show(v any) string {
	switch v := v.(type) {
	case string:
		const most = 60
		if r := []rune(v); len(r) > most {
			v = string(r[:most]) + "…"
		}
		return strconv.Quote(v)
	case number:
		return v.text
	}
	return fmt.Sprint(v)
}

// numberText returns a number as the user wrote it: 1.10, not 1.1.
func numberText(u cue.Value) (string, bool) {
	n := u.Source()
	if f, ok := n.(*ast.Field); ok {
		n = f.Value
	}
	lit, ok := n.(*ast.BasicLit)
	if !ok || lit.Kind != token.INT && lit.Kind != token.FLOAT {
		return "", false
	}
	return lit.Value, true
}
