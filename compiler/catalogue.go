package compiler

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/check/rules"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/verify"
)

// RuleInfo describes one rule of any stage, for tables and explanations.
type RuleInfo struct {
	ID       string // "MG1003"
	Name     string // "bgp-numbers"
	Title    string // one line, without full stop
	Doc      string // the failure that it prevents, and the source
	Severity diag.Severity
	Stage    string // "structure", "site", "plan", "change", "tree", "fleet" or "output"
	Waivable bool
	Dated    bool // what it finds depends on the day
}

// Catalogue lists every rule by ID.
func Catalogue() []RuleInfo {
	var out []RuleInfo
	for _, r := range load.Rules {
		out = append(out, RuleInfo{ID: r.ID, Name: r.Name, Title: r.Title, Doc: r.Doc, Severity: diag.Error, Stage: "structure"})
	}
	for _, r := range append(slices.Clone(rules.All), check.WaiverRules...) {
		title, doc, _ := strings.Cut(r.Doc, "\n\n")
		stage := "site"
		switch {
		case r.Against:
			stage = "change"
		case r.On == check.OnPlan:
			stage = "plan"
		case r.On == check.OnTree:
			stage = "tree"
		case r.On == check.OnFleet:
			stage = "fleet"
		}
		out = append(out, RuleInfo{
			ID: r.ID, Name: r.Name, Title: title, Doc: doc, Severity: r.Severity, Stage: stage, Waivable: !r.Guard,
			Dated: r.Dated || r == check.WaiverExpired,
		})
	}
	for _, r := range verify.Rules() {
		out = append(out, RuleInfo{
			ID: r.ID, Name: r.Name, Title: r.Doc, Severity: diag.Error, Stage: "output",
			Doc: "It holds for every tree. A breach is a fault of meshgen, and nothing is written: please report it with the site.",
		})
	}
	slices.SortFunc(out, func(a, b RuleInfo) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// blocks are the subjects of rules, by the first digit of their IDs.
var blocks = [...]string{
	"Structure", "Addresses, BGP and switches", "Hosts and kernels", "Time", "Load balancer", "Mesh and versions",
	"Gateways and egress", "Services and policy", "Waivers, delivery and upgrades", "Output and fleets",
}

// RulesReference is the catalogue in Markdown.
func RulesReference() []byte {
	var b bytes.Buffer
	b.WriteString(`# Rules

Every fault that meshgen knows, by ID. ` + "`meshgen explain ID`" + ` prints one of them, ` + "`meshgen rules`" + ` the table. An ID is
never given twice. An error stops the build; a warning does not; a note is advice and shown with ` + "`--advise`" + `. What can be
waived is waived in the site, with a reason and a date.
`)
	block := -1
	for _, r := range Catalogue() {
		if n := int(r.ID[2] - '0'); n != block {
			block = n
			fmt.Fprintf(&b, "\n## MG%d: %s\n", n, blocks[n])
		}
		fmt.Fprintf(&b, "\n### %s %s\n\n%s. *%s*\n\n%s\n", r.ID, r.Name, upperFirst(r.Title), r.Terms(), r.Doc)
	}
	return b.Bytes()
}

// Terms says in a line what a finding of the rule does, when it is looked for, and whether it can be waived.
func (r RuleInfo) Terms() string {
	terms := r.Severity.String() + "; on the " + r.Stage
	if r.Stage == "structure" {
		terms = r.Severity.String() + "; while reading the site"
	}
	if r.Waivable {
		terms += "; can be waived"
	} else {
		terms += "; cannot be waived"
	}
	if r.Dated {
		terms += "; depends on the day"
	}
	return terms
}

func upperFirst(s string) string {
	for i, c := range s {
		return s[:i] + string(unicode.ToUpper(c)) + s[i+len(string(c)):]
	}
	return s
}
