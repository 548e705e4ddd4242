package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler/artifact"
)

func (c *command) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of meshgen, of its output and of its language",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			version, revision := "(unknown)", ""
			if info, ok := debug.ReadBuildInfo(); ok {
				version = info.Main.Version
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						revision = " " + s.Value
					}
				}
			}
			_, err := fmt.Fprintf(c.stdout, "meshgen %s%s\noutput version %d\nlanguage meshgen.dev/v1\n", version, revision, artifact.OutputVersion)
			if err != nil {
				return failure(err)
			}
			return nil
		},
	}
}
