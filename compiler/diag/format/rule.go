package format

import "meshgen.dev/meshgen/compiler/diag"

// Rule describes a rule to formats that carry the catalogue beside the findings.
type Rule struct {
	ID       string // "MG1003"
	Name     string // "tor-asn-unique"
	Title    string // one line, without full stop
	Doc      string // the failure that it prevents, and the source
	Severity diag.Severity
	Ran      bool // it has been looked for
}
