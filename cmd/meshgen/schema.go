package main

import (
	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler/load"
)

func (c *command) schemaCommand() *cobra.Command {
	var cue, jsonSchema bool
	cmd := &cobra.Command{
		Use:   "schema",
		Short: "Print the schema of the site language",
		Long: `Print the schema of the site language: as CUE (the default), or as JSON Schema with defaults, bounds and descriptions for
editors that complete YAML and JSON.`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text := load.SchemaCUE()
			if jsonSchema {
				var err error
				if text, err = load.JSONSchema(); err != nil {
					return failure(err)
				}
			}
			if _, err := c.stdout.Write(text); err != nil {
				return failure(err)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&cue, "cue", false, "as CUE")
	cmd.Flags().BoolVar(&jsonSchema, "json-schema", false, "as JSON Schema, draft 2020-12")
	cmd.MarkFlagsMutuallyExclusive("cue", "json-schema")
	return cmd
}
