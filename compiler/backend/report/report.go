// Package report prints the site as a page to look at: a picture of it, and what operators ask about it.
//
// In comes the plan; the tree as the other backends left it holds the runbook and says which documents there are. Out go,
// below docs/<site>, index.html, which needs no network and no script, topology.svg, and TOPOLOGY.md with the same picture
// in the words of Mermaid, which forges draw in reviews. Pictures are laid out here (layout.go), in time linear in the
// site, and what is too many for a picture is counted instead. All text of the site passes through esc.
package report

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend writes the page. It must run after the documents.
var Backend = backend.Backend{
	Name: "report",
	Kind: "documents",
	Doc:  "a page of the site for people, with a picture of its racks, switches, sessions and virtual addresses",
	Emit: emit,
}

func emit(p *ir.Plan, t *artifact.Tree) {
	d := draw(p)
	picture(p, t, d)
	mermaid(p, t)
	page(p, t, d)
}

// shape are the parts of a site that a picture of it comes from.
var shape = []string{"name", "racks", "fabric", "nodeClasses", "pools", "gateways", "exposures", "loadBalancer", "kubernetes", "components"}
