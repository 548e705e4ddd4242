package main

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/examples"
)

// siteModule is the name of the CUE module that init makes. Nothing imports it by this name; CUE wants one.
const siteModule = "site.example"

func (c *command) initCommand() *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Write a first site and the schema that editors need",
		Long: `Write site.cue, from an example, and cue.mod with the schema, so that editors and "cue vet" know the language too. Files
that are there already are not touched: with one in the way, nothing is written.`,
		Example: "  meshgen init --from " + examples.Names()[0] + " mysite",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			dir := "."
			if len(args) == 1 {
				dir = args[0]
			}
			return c.init(dir, from)
		},
	}
	cmd.Flags().StringVar(&from, "from", examples.Names()[0], "example to start from")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("from", cobra.FixedCompletions(examples.Names(), cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// schemaFile is what makes the schema hold for editors and cue vet: a second file of the site's package that embeds it.
func schemaFile(siteText []byte) []byte {
	name := packageClause.FindSubmatch(siteText)[1]
	return fmt.Appendf(nil, `// For editors and cue vet. meshgen knows the schema without this file, and finds more: cue vet passes over many
// misspelt fields.
package %s

import "meshgen.dev/schema"

schema.#Site
`, name)
}

// packageClause is the package of a CUE file; every example has one.
var packageClause = regexp.MustCompile(`(?m)^package (\w+)$`)

func (c *command) init(dir, from string) error {
	text, ok := examples.Site(from)
	if !ok {
		return usage("--from %q is not one of the examples: %s", from, strings.Join(examples.Names(), ", "))
	}
	files := map[string][]byte{"site.cue": text, "schema.cue": schemaFile(text)}
	for name, data := range load.SchemaModule(siteModule) {
		files[filepath.FromSlash(name)] = data
	}
	names := slices.Sorted(maps.Keys(files))
	for _, name := range names {
		_, err := os.Lstat(filepath.Join(dir, name))
		if err == nil {
			return exit{exitFindings, fmt.Errorf("%s is there already; nothing was written", filepath.Join(dir, name))}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return failure(err)
		}
	}
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return failure(err)
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return failure(err)
		}
	}
	fmt.Fprintf(c.stderr, "%s: %d files; next: meshgen build %s\n", dir, len(names), filepath.Join(dir, "site.cue"))
	return nil
}
