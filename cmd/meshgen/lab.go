package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/lab"
	"meshgen.dev/meshgen/compiler/load"
)

func (c *command) labCommand() *cobra.Command {
	var output string
	var opt lab.Options
	cmd := &cobra.Command{
		Use:   "lab [SITE]",
		Short: "Write the site as a lab of containers: kind and containerlab",
		Long: `Write the site, or a part of it, as a lab of containers on one machine: the tree of the site with every switch as FRR and
the nodes under the names of kind, and in lab/ the configuration of kind, the topology of containerlab and the steps.`,
		Example: `  meshgen lab -o lab1 --racks 2 --nodes-per-rack 2 site.cue`,
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if opt.Racks < 0 || opt.NodesPerRack < 0 {
				return usage("--racks and --nodes-per-rack are 1 or more, or 0 for all")
			}
			return c.lab(siteArg(args), output, opt)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "lab", "directory of the lab")
	cmd.Flags().IntVar(&opt.Racks, "racks", 0, "racks to keep; 0: all")
	cmd.Flags().IntVar(&opt.NodesPerRack, "nodes-per-rack", 0, "nodes to keep in each rack; 0: all")
	return cmd
}

func (c *command) lab(site, output string, opt lab.Options) error {
	report := &reportFlags{format: "text", failOn: "error"}
	options, err := c.options(report)
	if err != nil {
		return err
	}
	full, err := c.compile(site, options, compiler.Vet)
	if err != nil {
		return err
	}
	var all outcome
	all.add(full)
	if err := c.deliver(c.stderr, all, report); err != nil || full.src == nil {
		return err
	}
	text, err := lab.Shrink(full.src.Resolved(), opt)
	if err != nil {
		return exit{exitFindings, fmt.Errorf("%s cannot be a lab: %w", site, err)}
	}
	src, found := load.Bytes("lab/site.json", append(text, '\n'))
	var made compiled
	if made.src, made.found = src, found; src != nil {
		if made.out, err = compiler.Compile(src, options); err != nil {
			return failure(err)
		}
	}
	all = outcome{}
	all.add(made)
	if err := c.deliver(c.stderr, all, report); err != nil || src == nil {
		return err
	}
	if _, err := artifact.Write(output, made.out.Tree); err != nil {
		return failure(err)
	}
	image, err := compiler.LabImage()
	if err != nil {
		return failure(err)
	}
	if err := os.MkdirAll(filepath.Join(output, lab.Dir), 0o755); err != nil {
		return failure(err)
	}
	if err := os.WriteFile(filepath.Join(output, lab.Dir, "site.json"), append(text, '\n'), 0o644); err != nil {
		return failure(err)
	}
	for _, f := range lab.Files(made.out.Plan, image) {
		if err := os.WriteFile(filepath.Join(output, filepath.FromSlash(f.Path())), f.Bytes(), f.Mode()); err != nil {
			return failure(err)
		}
	}
	fmt.Fprintf(c.stderr, "%s: %s has the steps\n", output, filepath.Join(output, lab.Dir, "README.md"))
	return nil
}
