package main

import (
	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
)

func (c *command) vetCommand() *cobra.Command {
	var report reportFlags
	var sel selection
	var changed, fix bool
	var against string
	cmd := &cobra.Command{
		Use:   "vet [SITE...]",
		Short: "Find the faults of sites; write nothing",
		Long: `Find the faults of each site: a .cue, .yaml or .json file, a directory, or "-" for stdin; site.cue by default. DIR/...
stands for all sites in a directory and below. Several sites are held against each other as well.
With --changed the arguments are files that were changed, and each site that one of them belongs to is vetted once: a
CUE file stands for all files of its package in its folder. A package without apiVersion is no site and passed over.

--rack and --node show what touches a rack or a node: findings at it, at the class of a node or at a pool announced
there, and findings about something else that name it as the other party. The exit code counts what is shown.
A site that cannot be read has no racks yet: then everything is shown.

--against judges the change from another state as well: what cannot be done without harm in one step, and what touches
more than changeBudget allows.`,
		Example: `  meshgen vet site.cue
  meshgen vet -f github --report sarif=meshgen.sarif site.cue
  meshgen vet --only bgp-numbers,MG1001 --rack r1 site.cue
  meshgen vet --fail-on warning ./sites/...`,
		RunE: func(_ *cobra.Command, args []string) error { return c.vet(args, against, changed, fix, &sel, &report) },
	}
	cmd.Flags().StringVar(&against, "against", "", "judge the change as well, from this state: a site as above, or git:REV[:PATH]; see changeBudget")
	report.register(cmd)
	sel.register(cmd)
	cmd.Flags().BoolVar(&fix, "fix", false, "first make the edits that mend a finding for certain, in the files; then report what is left")
	cmd.Flags().BoolVar(&changed, "changed", false, "the arguments are changed files: vet the sites that they belong to")
	return cmd
}

func (c *command) vet(args []string, against string, changed, fix bool, sel *selection, report *reportFlags) error {
	opt, err := c.options(report)
	if err != nil {
		return err
	}
	if err := sel.apply(&opt); err != nil {
		return err
	}
	var sites []input
	if changed {
		sites = c.changedSites(args)
	} else if sites, err = c.sitesAt(args); err != nil {
		return err
	}
	if fix {
		for _, in := range sites {
			if err := c.mend(in, opt); err != nil {
				return err
			}
		}
	}
	if against != "" {
		was, err := c.stateOf(against, siteArg(args), nil)
		defer was.close()
		if err != nil {
			return err
		}
		if was.plans == nil {
			return usage("--against %s: a tree has no description; give the site that it was built from", against)
		}
		opt.Before = was.before(len(sites))
	}
	r, err := c.readSites(sites, opt)
	if err != nil {
		return err
	}
	if err := sel.check(r); err != nil {
		return err
	}
	bar := c.progress(len(sites))
	err = r.compile(opt, (*compiler.Fleet).Vet, bar, func(compiled) error { return nil })
	bar.end()
	if err != nil {
		return err
	}
	err = c.deliver(c.stdout, r.outcome(), report)
	c.counted(r)
	return err
}

// options checks the flags and returns what a compilation takes.
func (c *command) options(report *reportFlags) (compiler.Options, error) {
	if err := report.validate(); err != nil {
		return compiler.Options{}, err
	}
	now, err := c.today()
	if err != nil {
		return compiler.Options{}, err
	}
	set, err := c.laid(report)
	return compiler.Options{Now: now, Profiles: set}, err
}
