package main

import (
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
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
			src, found := c.load(siteArg(args))
			if src == nil {
				return c.findings(c.stderr, found, &reportFlags{format: "text", failOn: "error"})
			}
			text := src.Resolved()
			if format == "yaml" {
				var err error
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
