package main

import (
	"io"
	"slices"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler/analyze/plan"
	"meshgen.dev/meshgen/compiler/diff"
)

func (c *command) planCommand() *cobra.Command {
	var format, output string
	cmd := &cobra.Command{
		Use:   "plan OLD NEW",
		Short: "Say what a change does to a running site, and in which steps it is made",
		Long: `Say what a change does to what runs (nothing, reload, proxy restart, pod restart, kubelet restart, session reset, reboot), how
far that reaches in machines, racks, addresses and namespaces, and in which waves it is made: never both switches of a rack
at once, nor two machines that pods of one gateway may stand on, and no more than changeBudget allows. Between waves stand
checks, behind each the way back. Each state is a site as build takes it, or git:REV[:PATH], as for diff.

A change that cannot be made in steps without harm is refused by the rules that "vet --against" runs. changeBudget itself
is no reason here: waves keep to it.`,
		Example: `  meshgen plan git:main site.cue
  meshgen plan -f json old.cue new.cue`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "markdown" && format != "json" {
				return usage("--format %q is not one of markdown, json", format)
			}
			return c.plan(args[0], args[1], format, output)
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "markdown", "form: markdown, a runbook, or json")
	cmd.Flags().StringVarP(&output, "output", "o", "-", `file, or "-" for standard output`)
	return cmd
}

func (c *command) plan(old, new, format, output string) error {
	was, err := c.stateOf(old, new, nil)
	defer was.close()
	if err != nil {
		return err
	}
	if was.plans == nil {
		return usage("%s: a tree has no description; give the site that it was built from", old)
	}
	is, err := c.stateOf(new, old, was)
	defer is.close()
	if err != nil {
		return err
	}
	if is.plans == nil {
		return usage("%s: a tree has no description; give the site that it was built from", new)
	}
	r := diff.Compare(&was.Side, &is.Side)
	before := was.before(len(is.plans))
	var all []*plan.Rollout
	for _, p := range is.plans {
		if from := before(p.Name); from != nil {
			all = append(all, plan.New(r, from, p))
		}
	}
	err = c.output(output, func(w io.Writer) error {
		if format == "json" {
			return plan.JSON(w, all...)
		}
		for _, p := range all {
			if err := plan.Markdown(w, p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if slices.ContainsFunc(all, func(p *plan.Rollout) bool { return len(p.Items) > 0 }) {
		return exit{code: exitFindings}
	}
	return nil
}
