package load

import (
	"meshgen.dev/meshgen/compiler/diag"
)

// CheckSyntax returns the faults that keep a text from being parsed, that of being too large or too deep for a parser
// included. The name's ending tells the format, CUE when it has none.
func CheckSyntax(name string, data []byte) diag.List {
	if len(data) > MaxSize {
		return diag.List{tooLarge(name)}
	}
	_, faults := parseOne(file{name: name, data: data})
	return faults
}

func tooLarge(name string) diag.Finding {
	return finding(TooLarge, diag.Pos{File: name}, "", "the input is larger than %d MiB", MaxSize>>20).
		hint("describe machines by a loop over what differs, or split the fleet into sites")
}
