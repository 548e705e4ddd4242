package main

import (
	"path"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
)

func (c *command) reportCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:   "report [SITE]",
		Short: "Print a page about a site: topology, sessions, losses, capacity, runbook",
		Long: `Print the page that a build writes to docs/<site>/index.html, with what the rules say of the site today, and nothing else of
the tree. It is one file that needs no network and no script. What other documents it links to, a build writes beside it.`,
		Example: `  meshgen report site.cue > page.html
  meshgen report -o page.html ./sites/one`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return c.report(siteArg(args), file) },
	}
	cmd.Flags().StringVarP(&file, "file", "o", "-", `file to write, or "-" for stdout`)
	return cmd
}

func (c *command) report(site, file string) error {
	report := &reportFlags{format: "text", failOn: "error"}
	options, err := c.options(report)
	if err != nil {
		return err
	}
	options.OnPage, options.Advice = true, true
	made, err := c.compile(site, options, compiler.Compile)
	if err != nil {
		return err
	}
	var all outcome
	all.add(made)
	if err := c.deliver(c.stderr, all, report); err != nil {
		return err
	}
	for _, f := range made.out.Tree.Files() {
		if ok, _ := path.Match("docs/*/index.html", f.Path()); !ok {
			continue
		}
		if file != "-" {
			err = writeReport(file, f.Bytes())
		} else {
			_, err = c.stdout.Write(f.Bytes())
		}
		if err != nil {
			return failure(err)
		}
	}
	return nil
}
