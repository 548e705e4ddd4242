package delivery

import (
	_ "embed"
	"slices"
	"strings"

	"mvdan.cc/sh/v3/syntax"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// upgradeFunctions is the part of upgrade.sh that is the same for every site: arguments, and what checks, takes and takes
// back a step.
//
//go:embed upgrade.sh
var upgradeFunctions string

// upgrade writes charts/<site>/upgrade.sh, where an upgrade by steps is under way.
func upgrade(p *ir.Plan, t *artifact.Tree) {
	u := p.Upgrade
	if u == nil {
		return
	}
	f := t.File("charts/"+p.Name+"/upgrade.sh", append(u.From[:len(u.From):len(u.From)], p.From...)...)
	f.Executable()
	f.Line("#!/usr/bin/env bash")
	f.Header("#", p.Name)
	f.From("", u.From...)
	f.Linef("# Leads the mesh from %s to %s, one step at a time: each checks first, and can be taken back. A step may be taken again.", u.Running, u.To)
	f.Fixed()
	f.Line("# Needs bash, helm 3.13 or later and kubectl 1.31 or later. See --help.")
	f.Line("# shellcheck disable=SC2016 # what stands in single quotes is for the shell of a pod")
	f.Line("set -euo pipefail")
	f.Line(`cd "$(dirname "${BASH_SOURCE[0]}")/../.."`)
	f.Linef("site=%s", p.Name)
	var names []string
	for _, s := range u.Steps {
		names = append(names, s.Name)
	}
	f.From("", u.From...)
	f.Linef("steps='%s'", strings.Join(names, " "))
	f.Fixed()
	f.Line(strings.TrimSuffix(upgradeFunctions, "\n"))
	if slices.ContainsFunc(u.Steps, patchedStep) {
		f.From("", "patches")
		f.Line(strings.TrimSuffix(patchFunction, "\n"))
	}
	for i := range u.Steps {
		s := &u.Steps[i]
		f.From("", s.From...)
		f.Linef("if begin %s %s; then", s.Name, quoted(s.Doc))
		for _, part := range []struct {
			call     string
			commands []ir.UpgradeCommand
		}{{"check", s.Before}, {"does", s.Run}, {"back", s.Back}} {
			for _, c := range part.commands {
				if c.Chart != nil {
					f.From("", append(s.From[:len(s.From):len(s.From)], c.Chart.From...)...)
				}
				f.Linef("\t%s %s", part.call, upgradeCommand(p, c))
				f.From("", s.From...)
			}
		}
		f.Line("fi")
	}
	f.Fixed()
	f.Line(`printf 'done\n'`)
}

func patchedStep(s ir.UpgradeStep) bool {
	return slices.ContainsFunc(slices.Concat(s.Run, s.Back), func(c ir.UpgradeCommand) bool { return c.Chart != nil && len(c.Chart.Patches) > 0 })
}

func upgradeCommand(p *ir.Plan, c ir.UpgradeCommand) string {
	if c.Chart == nil {
		words := make([]string, len(c.Args))
		for i, a := range c.Args {
			words[i] = quoted(a)
		}
		return strings.Join(words, " ")
	}
	line := chart(ir.ChartStep{Release: *c.Chart})
	for _, v := range c.Values {
		line += " --values charts/" + p.Name + "/" + v
	}
	return line
}

// quoted is a word as the shell takes it, with quotes only where it needs them.
func quoted(word string) string {
	out, err := syntax.Quote(word, syntax.LangBash)
	if err != nil {
		panic(err) // a word with a byte 0: the plan has none
	}
	return out
}
