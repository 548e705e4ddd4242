package verify

import (
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// A shape is one written form of a statement: words, and arguments in angle brackets. "<name:type>" takes one word,
// "<name:1-10>" a whole number within bounds, "<name:in|out>" one of some words, "<name:text>" the rest of the line.
// Square brackets hold what may be left out. Words are parted by exactly one space.
//
//	neighbor <peer:peer> maximum-prefix <max:1-4294967295> [<threshold:1-100>] [restart <minutes:1-65535>]
type shape struct {
	text  string
	forms [][]slot // one for each choice of what is left out
}

// A slot is one word of a form: a literal, or an argument with its type.
type slot struct {
	literal string
	name    string
	typ     string
	arg     argType
}

// An argType is the type of one argument.
type argType struct {
	accepts func(string) bool
	text    bool // takes the rest of the line
}

// argTypes are the types by name.
var argTypes = map[string]argType{
	"asn":       {accepts: isASN},
	"ip":        {accepts: isAddr},
	"ip4":       {accepts: func(s string) bool { return isAddr(s) && !strings.Contains(s, ":") }},
	"net4":      {accepts: func(s string) bool { return isPrefix(s) && !strings.Contains(s, ":") }},
	"net6":      {accepts: func(s string) bool { return isPrefix(s) && strings.Contains(s, ":") }},
	"net":       {accepts: isPrefix},
	"object":    {accepts: isObject},
	"peer":      {accepts: func(s string) bool { return isObject(s) || isAddr(s) || isInterface(s) }},
	"interface": {accepts: isInterface},
	"host":      {accepts: hostName.MatchString},
	"community": {accepts: isCommunity},
	"password":  {accepts: secretMark.MatchString},
	"decimal":   {accepts: isDecimal},
	"path":      {accepts: filePath.MatchString},
	"word":      {accepts: func(s string) bool { return s != "" }},
	"text":      {accepts: func(s string) bool { return strings.TrimSpace(s) != "" }, text: true},
}

var (
	hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$`)
	// A port of a Linux switch, or of an EOS switch.
	interfaceName = regexp.MustCompile(`^(?:[a-z][a-z0-9_.-]{0,14}|(?:Ethernet|Port-Channel|Vlan|Loopback)[0-9]+(?:/[0-9]+){0,2}(?:\.[0-9]+)?)$`)
	// What a site leaves open stands in the file as one word, which the delivery replaces.
	interfaceMark = regexp.MustCompile(`^@interface:([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)@$`)
	secretMark    = regexp.MustCompile(`^@secret:([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)/password@$`)
	filePath      = regexp.MustCompile(`^/[A-Za-z0-9._/-]+$`)
	decimalNumber = regexp.MustCompile(`^-?[0-9]+(?:\.[0-9]+)?$`)
)

// isObject accepts the name of a list, map, group or profile. FRR under NVUE refuses "-" in the names of groups.
func isObject(s string) bool {
	if s == "" || len(s) > 63 || s[0] < 'A' || s[0] > 'Z' {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool { return (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' }) < 0
}

func isInterface(s string) bool { return interfaceName.MatchString(s) || interfaceMark.MatchString(s) }

func isDecimal(s string) bool { return decimalNumber.MatchString(s) }

// isAddr accepts an address in its canonical form only: two spellings of one address would hide a mismatch.
func isAddr(s string) bool {
	if s == "" || s[0] != ':' && !isHexDigit(s[0]) {
		return false // the common case, without making an error
	}
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == "" && a.String() == s
}

func isHexDigit(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f'
}

// isPrefix accepts a prefix without host bits, in its canonical form.
func isPrefix(s string) bool {
	p, err := netip.ParsePrefix(s)
	return err == nil && p.Masked().String() == s
}

// isASN accepts the AS numbers that may stand in a configuration: not 0, 23456 (AS_TRANS), 65535 and 4294967295.
func isASN(s string) bool {
	n, err := strconv.ParseUint(s, 10, 32)
	return err == nil && n != 0 && n != 23456 && n != 65535 && n != 4294967295 && strconv.FormatUint(n, 10) == s
}

func isCommunity(s string) bool {
	high, low, ok := strings.Cut(s, ":")
	return ok && isNumber(high, 0, 65535) && isNumber(low, 0, 65535)
}

func isNumber(s string, least, most uint64) bool {
	n, err := strconv.ParseUint(s, 10, 64)
	return err == nil && n >= least && n <= most && strconv.FormatUint(n, 10) == s
}

// newShape reads the notation. It panics on a shape that is not of the notation: shapes are constants of this package.
func newShape(text string) shape {
	forms := [][]slot{nil}
	for rest := text; rest != ""; {
		var part string
		if optional, ok := strings.CutPrefix(rest, "["); ok {
			part, rest, _ = strings.Cut(optional, "]")
			slots := newSlots(part)
			for _, f := range forms {
				forms = append(forms, append(f[:len(f):len(f)], slots...))
			}
		} else {
			part, rest = rest, ""
			if i := strings.Index(part, "["); i >= 0 {
				part, rest = part[:i], part[i:]
			}
			slots := newSlots(part)
			for i, f := range forms {
				forms[i] = append(f[:len(f):len(f)], slots...)
			}
		}
		rest = strings.TrimPrefix(rest, " ")
	}
	return shape{text, forms}
}

func newSlots(text string) []slot {
	var slots []slot
	for _, w := range strings.Fields(text) {
		inner, ok := strings.CutPrefix(w, "<")
		if !ok {
			slots = append(slots, slot{literal: w})
			continue
		}
		name, typ, _ := strings.Cut(strings.TrimSuffix(inner, ">"), ":")
		slots = append(slots, slot{name: name, typ: typ, arg: newArgType(typ)})
	}
	return slots
}

func newArgType(typ string) argType {
	if t, ok := argTypes[typ]; ok {
		return t
	}
	if lo, hi, ok := strings.Cut(typ, "-"); ok && isNumber(lo, 0, 1<<62) {
		least, err := strconv.ParseUint(lo, 10, 64)
		most, err2 := strconv.ParseUint(hi, 10, 64)
		if err == nil && err2 == nil {
			return argType{accepts: func(s string) bool { return isNumber(s, least, most) }}
		}
	}
	if choices := strings.Split(typ, "|"); len(choices) > 1 {
		return argType{accepts: func(s string) bool {
			for _, c := range choices {
				if s == c {
					return true
				}
			}
			return false
		}}
	}
	panic("verify: unknown type of argument: " + typ)
}

// args are the arguments of a statement by name; those left out are absent.
type args map[string]string

func (a args) number(name string) int {
	n, _ := strconv.Atoi(a[name]) // its type has accepted it; absent is 0
	return n
}

func (a args) asn(name string) uint32 {
	n, _ := strconv.ParseUint(a[name], 10, 32) // as above
	return uint32(n)
}

// match reads a line by the shape.
func (s *shape) match(line string) (args, bool) {
	for _, form := range s.forms {
		if a, ok := matchForm(form, line); ok {
			return a, true
		}
	}
	return nil, false
}

func matchForm(form []slot, line string) (args, bool) {
	var a args
	rest, more := line, true
	for i := range form {
		if !more {
			return nil, false
		}
		sl := &form[i]
		var w string
		if sl.arg.text {
			w, rest, more = rest, "", false
		} else {
			w, rest, more = strings.Cut(rest, " ")
		}
		if sl.name == "" {
			if w != sl.literal {
				return nil, false
			}
			continue
		}
		if !sl.arg.accepts(w) {
			return nil, false
		}
		if a == nil {
			a = args{}
		}
		a[sl.name] = w
	}
	return a, !more
}

// firstWord returns the literal that each form of the shape starts with.
func (s *shape) firstWord() string { return s.forms[0][0].literal }
