package main

import (
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/load"
)

func (c *command) showCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "show [SITE]",
		Short: "Print the site with all defaults filled in",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "yaml" && format != "json" {
				return usage("--format %q is not one of yaml, json", format)
			}
			got, err := c.compile(siteArg(args), compiler.Options{}, nothing)
			if err != nil {
				return err
			}
			if got.src == nil {
				return c.findings(c.stderr, got.found, &reportFlags{format: "text", failOn: "error"})
			}
			text := got.src.Resolved()
			if format == "yaml" {
				if text, err = yaml.JSONToYAML(text); err != nil {
					return failure(err)
				}
			}
			if _, err := c.stdout.Write(text); err != nil {
				return failure(err)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "yaml", "yaml or json")
	return cmd
}

// nothing is what runs after loading where that is all.
func nothing(*load.Source, compiler.Options) (*compiler.Output, error) { return nil, nil }
