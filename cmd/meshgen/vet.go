package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/diag"
)

func (c *command) vetCommand() *cobra.Command {
	var report reportFlags
	var sel selection
	var changed, fix bool
	cmd := &cobra.Command{
		Use:   "vet [SITE...]",
		Short: "Find the faults of sites; write nothing",
		Long: `Find the faults of each site: a .cue, .yaml or .json file, a directory of CUE files, or "-" for stdin; site.cue by default.
With --changed the arguments are files that were changed, and each site that one of them belongs to is vetted once: a
CUE file stands for all files of its package in its folder. A package without apiVersion is no site and passed over.

--rack and --node show what touches a rack or a node: findings at it, at the class of a node or at a pool announced
there, and findings about something else that name it as the other party. The exit code counts what is shown.
A site that cannot be read has no racks yet: then everything is shown.`,
		Example: `  meshgen vet site.cue
  meshgen vet -f github --report sarif=meshgen.sarif site.cue
  meshgen vet --only bgp-numbers,MG1001 --rack r1 site.cue
  meshgen vet --fail-on warning ./sites/one ./sites/two`,
		RunE: func(_ *cobra.Command, args []string) error { return c.vet(args, changed, fix, &sel, &report) },
	}
	report.register(cmd)
	sel.register(cmd)
	cmd.Flags().BoolVar(&fix, "fix", false, "first make the edits that mend a finding for certain, in the files; then report what is left")
	cmd.Flags().BoolVar(&changed, "changed", false, "the arguments are changed files: vet the sites that they belong to")
	return cmd
}

func (c *command) vet(args []string, changed, fix bool, sel *selection, report *reportFlags) error {
	opt, err := c.options(report)
	if err != nil {
		return err
	}
	if err := sel.apply(&opt); err != nil {
		return err
	}
	var sites []input
	switch {
	case changed:
		sites = c.changedSites(args)
	case len(args) == 0:
		args = []string{siteArg(nil)}
		fallthrough
	default:
		for _, a := range args {
			sites = append(sites, input{a, []string{a}})
		}
	}
	var all outcome
	var vetted []func()
	for _, in := range sites {
		vet := c.vetOnce
		if fix {
			vet = c.mended
		}
		got, err := vet(in, opt)
		if err != nil {
			return err
		}
		all.add(got)
		if got.src == nil {
			continue
		}
		if err := sel.check(got.src.Site); err != nil {
			return err
		}
		vetted = append(vetted, func() {
			if len(sites) > 1 {
				fmt.Fprintf(c.stderr, "%s: ", in.name)
			}
			c.counts(got.out)
		})
	}
	err = c.deliver(c.stdout, all, report)
	for _, count := range vetted {
		count()
	}
	return err
}

// vetOnce finds the faults of a site.
func (c *command) vetOnce(in input, opt compiler.Options) (compiled, error) {
	return c.compileFiles(in, opt, compiler.Vet)
}

// options checks the flags and returns what a compilation takes.
func (c *command) options(report *reportFlags) (compiler.Options, error) {
	if err := report.validate(); err != nil {
		return compiler.Options{}, err
	}
	now, err := c.today()
	return compiler.Options{Now: now}, err
}

// counts says how many rules ran and what they found.
func (c *command) counts(out *compiler.Output) {
	waived := 0
	for _, f := range out.Findings {
		if f.Waived != "" {
			waived++
		}
	}
	fmt.Fprintf(c.stderr, "%d rules: %d errors, %d warnings, %d waived", out.Ran,
		out.Findings.Count(diag.Error), out.Findings.Count(diag.Warning), waived)
	if out.Waiting > 0 {
		fmt.Fprintf(c.stderr, "; %d rules wait until the errors are gone", out.Waiting)
	}
	fmt.Fprintln(c.stderr)
}
