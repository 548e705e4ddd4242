package load

import (
	"fmt"

	"meshgen.dev/meshgen/compiler/diag"
)

// Rule names a kind of fault that loading finds. All are errors that nothing can waive: there is no site without a
// structure.
type Rule struct {
	ID    string // "MG0004"
	Name  string // "unknown-field"
	Title string // one line
	Doc   string // what it means and what to do
}

// The rules of this package. Rules lists them all.
var (
	CannotRead  = Rule{"MG0001", "cannot-read", "an input cannot be read", "The file or folder is missing, is not readable, or is of a kind that meshgen does not read. Inputs are .cue, .yaml, .yml and .json files, folders with a CUE package, and - for standard input."}
	Syntax      = Rule{"MG0002", "syntax", "an input is not CUE, YAML or JSON", "The text cannot be parsed, so nothing behind the place could be checked. Mend it and run again."}
	Unresolved  = Rule{"MG0003", "unresolved-reference", "a name refers to nothing", "An expression refers to a field, let or import that does not exist in its scope. A field that only has a default must be mentioned before it can be referred to: write `fabric: _` to refer to fabric.mtu."}
	Unknown     = Rule{"MG0004", "unknown-field", "the language has no such field", "A field that meshgen does not know would be ignored in silence, so it is refused. Misspelling is the usual cause; the other is a field that stands in the wrong block."}
	Missing     = Rule{"MG0005", "missing-field", "a required field is not given", "The field has no default that could be right for every site. meshgen explain tells what it means."}
	WrongType   = Rule{"MG0006", "wrong-type", "a value is of another type than its field", "A string stands where a number belongs, a scalar where a block belongs, and so on. In YAML, versions must be quoted: 1.10 is the number 1.1."}
	NotOneOf    = Rule{"MG0007", "not-one-of", "a value is none of those allowed", "The field takes one of a few words."}
	OutOfRange  = Rule{"MG0008", "out-of-range", "a number is outside its range", "The bounds are those of the protocol or the program that reads the number in the end."}
	BadFormat   = Rule{"MG0009", "bad-format", "a string does not look as its field wants it", "Addresses, names, versions, durations and quantities are checked by form, so that what is written from them can be read by the programs that get it."}
	Conflict    = Rule{"MG0010", "conflicting-values", "two values are given for one field", "CUE lets a field be written several times as long as all agree. Here they differ."}
	TooLarge    = Rule{"MG0011", "too-large", "the input is too large", "Inputs are read whole; the bound keeps a wrong file from exhausting the machine."}
	Import      = Rule{"MG0012", "foreign-import", "an import is not available", "A site may import CUE's standard library, packages of its own CUE module, and meshgen.dev/schema. Nothing is fetched: the result must be the same on any machine."}
	BadKey      = Rule{"MG0013", "bad-key", "the name of an entry is not allowed", "Names of racks, nodes, services and the like become names of files and Kubernetes objects, so they must be valid there."}
	Duplicate   = Rule{"MG0014", "duplicate-key", "a key stands twice in one block", "YAML and JSON readers disagree on which of two equal keys counts, so neither does here."}
	NoValue     = Rule{"MG0015", "no-value", "a field has a type but no value", "The file says what kind of value the field has, and not which."}
	WrongLength = Rule{"MG0016", "wrong-length", "a list is too short or too long", "Some lists need an entry; lists with one entry for each address family have two at most."}
	OtherKind   = Rule{"MG0017", "option-of-other-kind", "an option belongs to a kind that is not chosen", "Options of one kind stand in a block of that name. Beside another kind they would be ignored in silence, so they are refused."}
	Evaluation  = Rule{"MG0018", "evaluation", "an expression has no value", "CUE cannot compute the expression: a division by zero, an index outside a list, a cycle, a call with a wrong argument."}
	Closed      = Rule{"MG0019", "closed-definition", "a definition of the file has no room for what the language adds", "CUE closes definitions: what is made of #rack has the fields of #rack and no other. The schema adds the fields that have defaults, and is refused. A hidden field, _rack, does the same and is not closed."}
	Internal    = Rule{"MG0099", "unexplained", "CUE refuses the file and meshgen cannot say why", "This is a fault of meshgen. Please report it with the file."}
)

// Rules lists the rules of this package by ID.
var Rules = []Rule{
	CannotRead, Syntax, Unresolved, Unknown, Missing, WrongType, NotOneOf, OutOfRange, BadFormat, Conflict, TooLarge,
	Import, BadKey, Duplicate, NoValue, WrongLength, OtherKind, Evaluation, Closed, Internal,
}

// builder lets a hint be added to a finding in one expression.
type builder struct{ diag.Finding }

func finding(r Rule, pos diag.Pos, path, format string, args ...any) builder {
	return builder{diag.Finding{
		Rule: r.ID, Name: r.Name, Severity: diag.Error, Pos: pos, Path: path,
		Message: fmt.Sprintf(format, args...),
	}}
}

func (b builder) hint(format string, args ...any) diag.Finding {
	b.Hint = fmt.Sprintf(format, args...)
	return b.Finding
}

func internalFault(err error) diag.Finding {
	return finding(Internal, diag.Pos{}, "", "CUE refuses the file and meshgen cannot say why: %v", err).
		hint("please report this with the file")
}
