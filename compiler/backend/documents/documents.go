// Package documents prints what an operator reads: the runbook, the ways into the site, the BGP sessions and the
// capacity.
//
// In comes the plan; the tree as the other backends left it says which deliveries there are. Out go RUNBOOK.md,
// NORTH-SOUTH.md, SESSIONS.md and CAPACITY.md below docs/<site>. Every command in them is whole: names, addresses and
// namespaces are the site's own. Where a line comes from is known by document, not by line: prose is one text.
package documents

import (
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes the documents. It must run after the backends of deliveries.
var Backend = backend.Backend{
	Name: "documents",
	Kind: "documents",
	Doc:  "the runbook, the ways into the site, its BGP sessions and its capacity, for people",
	Emit: emit,
}

func emit(p *ir.Plan, t *artifact.Tree) {
	northSouth(p, t)
	sessions(p, t)
	capacity(p, t)
	runbook(p, t)
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func codes(in []string) string {
	if len(in) == 0 {
		return ""
	}
	return code(strings.Join(in, "`, `"))
}

func number[N int | uint16 | uint32](n N) string { return strconv.FormatUint(uint64(n), 10) }
