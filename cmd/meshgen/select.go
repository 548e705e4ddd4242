package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/site"
)

// selection says which rules run, and which of their findings are shown.
type selection struct {
	advise     bool
	only, skip []string // rules, by ID or name
	rack, node string
}

func (s *selection) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&s.advise, "advise", false, "run the rules of advice too; their findings are notes")
	cmd.Flags().StringSliceVar(&s.only, "only", nil, "run these `RULES` and the guards alone; IDs or names, comma-separated or repeated")
	cmd.Flags().StringSliceVar(&s.skip, "skip", nil, "leave out these `RULES`; IDs or names, comma-separated or repeated")
	cmd.Flags().StringVar(&s.rack, "rack", "", "show what touches this rack: it, the classes of its nodes, the pools announced there")
	cmd.Flags().StringVar(&s.node, "node", "", "show what touches this node: it, its class, the pools that it announces")
}

// apply checks the flags and puts them into the options.
func (s *selection) apply(opt *compiler.Options) error {
	for flag, names := range map[string][]string{"only": s.only, "skip": s.skip} {
		for _, name := range names {
			if err := checkRule(flag, name); err != nil {
				return err
			}
		}
	}
	opt.Advice, opt.Only, opt.Skip = s.advise, s.only, s.skip
	if s.rack != "" || s.node != "" {
		opt.Keep = func(of *site.Site, f diag.Finding) bool { return touches(f, s.places(of)) }
	}
	return nil
}

// checkRule refuses what no rule is called, and to skip what has to run.
func checkRule(flag, name string) error {
	var words []string
	for _, r := range compiler.Catalogue() {
		if r.ID == name || r.Name == name {
			if flag == "skip" && !r.Waivable {
				return usage("--skip %s: rule %s %s always runs: the output depends on it", name, r.ID, r.Name)
			}
			return nil
		}
		words = append(words, r.ID, r.Name)
	}
	return usage("--%s: there is no rule %q%s", flag, name, didYouMean(name, words))
}

// check refuses a rack or node that no site of the run has.
func (s *selection) check(r *batch) error {
	var first error
	for _, got := range r.got {
		if got.src == nil {
			continue
		}
		err := s.has(got.src.Site)
		if err == nil {
			return nil
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// has refuses a rack or node that the site does not have.
func (s *selection) has(of *site.Site) error {
	if _, ok := of.Racks[s.rack]; s.rack != "" && !ok {
		return missing("rack", s.rack, slices.Sorted(maps.Keys(of.Racks)))
	}
	if s.node == "" {
		return nil
	}
	var nodes []string
	for _, r := range of.Racks {
		nodes = slices.AppendSeq(nodes, maps.Keys(r.Nodes))
	}
	if slices.Contains(nodes, s.node) {
		return nil
	}
	slices.Sort(nodes)
	return missing("node", s.node, nodes)
}

// missing names what there is instead, as far as anybody would read it.
func missing(kind, name string, there []string) error {
	const readable = 20
	hint, all := didYouMean(name, there), there
	if len(there) > readable {
		there = append(slices.Clone(there[:readable]), fmt.Sprintf("and %d more", len(all)-readable))
	}
	return usage("--%s: the site has no %s %q%s; it has %s", kind, kind, name, hint, strings.Join(there, ", "))
}

// didYouMean is a question about the closest word, or "".
func didYouMean(word string, words []string) string {
	best := load.Closest(word, words)
	if best == "" {
		return ""
	}
	return "; did you mean " + best + "?"
}

// touches reports whether a finding lies at or below one of the places, or names as another party something of the rack
// or node itself: a class that it shares with others makes their findings none of its own.
func touches(f diag.Finding, places []string) bool {
	below := func(path string) bool {
		return slices.ContainsFunc(places, func(p string) bool { return site.IsAncestor(p, path) })
	}
	return below(f.Path) || slices.ContainsFunc(f.Related, func(r diag.Related) bool {
		return site.IsAncestor("racks", r.Path) && below(r.Path)
	})
}

// places are the site paths that concern the selected rack and node; with both, those of either.
func (s *selection) places(of *site.Site) []string {
	var out []string
	for name, r := range of.Racks {
		if name == s.rack {
			out = append(out, site.Join("racks", name))
			for _, n := range r.Nodes {
				out = append(out, site.Join("nodeClasses", n.Class))
			}
			out = append(out, announced(of, name)...)
		}
		if n := r.Nodes[s.node]; n != nil {
			out = append(out, site.Join("racks", name, "nodes", s.node), site.Join("nodeClasses", n.Class))
			if announces(of, n.Class) {
				out = append(out, announced(of, name)...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// announced are the places of the pools that a rack announces.
func announced(of *site.Site, rack string) []string {
	var out []string
	for name, p := range of.Pools {
		if a := p.Announce; a != nil && (len(a.Racks) == 0 || slices.Contains(a.Racks, rack)) {
			out = append(out, site.Join("pools", name))
		}
	}
	return out
}

// announces reports whether nodes of a class announce virtual addresses.
func announces(of *site.Site, class string) bool {
	if b := of.Fabric.BGP; b != nil && b.Speakers != nil {
		return slices.Contains(b.Speakers.Classes, class)
	}
	for _, g := range of.Gateways {
		if g.Placement.Class == class {
			return true
		}
	}
	return false
}
