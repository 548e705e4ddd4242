package main

import (
	"fmt"
	"strings"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/diag"
)

// fewSites is up to how many sites the summary speaks of each.
const fewSites = 10

// totals are what the plans of a build hold, in sum.
type totals struct {
	sites                                     int
	name, mesh, version                       string // of the last one: what a single site's summary says
	nodes, groups, switches, spines, sessions int
	vips, gateways, services, releases        int
}

// add counts what was made of a site.
func (t *totals) add(out *compiler.Output) {
	p := out.Plan
	t.sites++
	t.name, t.mesh, t.version = p.Name, p.Mesh.Kind, p.Mesh.Version
	t.nodes += len(p.Nodes)
	t.groups += len(p.Groups)
	t.switches += len(p.Switches)
	t.gateways += len(p.Gateways)
	t.services += len(p.Services)
	t.releases += len(p.Releases)
	for _, pe := range p.LoadBalancer.Peerings {
		t.sessions += len(pe.Speakers)
	}
	for _, pool := range p.Pools {
		t.vips += len(pool.VIPs)
	}
	for _, sw := range p.Switches {
		if sw.Role == "spine" {
			t.spines++
		}
	}
}

// print says in a few lines what was compiled.
func (t *totals) print(c *command, r *batch) {
	what, mesh := t.name, ", "+strings.TrimSpace(t.mesh+" "+t.version)
	if t.sites > 1 {
		what, mesh = fmt.Sprintf("%d sites", t.sites), ""
	}
	fmt.Fprintf(c.stderr, "%s: %d nodes in %d host groups, %d switches (%d spines), %d BGP sessions with nodes\n",
		what, t.nodes, t.groups, t.switches, t.spines, t.sessions)
	fmt.Fprintf(c.stderr, "%s: %d virtual addresses on %d gateways, %d services, %d chart releases%s\n",
		what, t.vips, t.gateways, t.services, t.releases, mesh)
	c.counted(r)
}

// counted says how many rules ran and what they found: of each site where there are few, and of all.
func (c *command) counted(r *batch) {
	var all tally
	for _, got := range r.got {
		if got.out == nil {
			continue
		}
		var one tally
		one.add(got.out)
		if len(r.got) > 1 && len(r.got) <= fewSites {
			fmt.Fprintf(c.stderr, "%s: %s\n", got.in.name, one)
		} else if len(r.got) == 1 {
			fmt.Fprintln(c.stderr, one)
		}
		all.add(got.out)
	}
	if len(r.got) > fewSites {
		fmt.Fprintf(c.stderr, "%d sites: %s\n", len(r.got), all)
	}
	if r.fleet.Ran > 0 {
		fmt.Fprintf(c.stderr, "%d rules across sites\n", r.fleet.Ran)
	}
}

// tally counts rules and what they found.
type tally struct{ rules, errors, warnings, waived, waiting int }

func (t *tally) add(out *compiler.Output) {
	t.rules = max(t.rules, out.Ran)
	t.errors += out.Findings.Count(diag.Error)
	t.warnings += out.Findings.Count(diag.Warning)
	t.waiting = max(t.waiting, out.Waiting)
	for _, f := range out.Findings {
		if f.Waived != "" {
			t.waived++
		}
	}
}

func (t tally) String() string {
	text := fmt.Sprintf("%d rules: %d errors, %d warnings, %d waived", t.rules, t.errors, t.warnings, t.waived)
	if t.waiting > 0 {
		text += fmt.Sprintf("; %d rules wait until the errors are gone", t.waiting)
	}
	return text
}
