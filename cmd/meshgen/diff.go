package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler/diff"
)

// diffFormats are the forms of a comparison.
var diffFormats = []string{"text", "markdown", "json", "html"}

func (c *command) diffCommand() *cobra.Command {
	var format, output string
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Compare two states of a site by what they mean",
		Long: `Compare two states of a site, or of several. Each is the folder of a tree that build has written, a site as build takes
it, or git:REV[:PATH]: one of these at a revision of the repository. PATH begins at the root of the repository, or with
"./" in the working directory; without it the other argument is looked for at the revision.

Objects meet by kind, namespace and name, settings by key, statements of switches by their words; order that means
nothing is no difference. Each difference names the lines of the description behind it; of a tree without its description,
what its files come from. The exit code is 1 where the output differs.`,
		Example: `  meshgen diff git:main site.cue
  meshgen diff -f markdown -o comment.md git:main:sites/one.cue git:HEAD:sites/one.cue
  meshgen diff out site.cue`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			if !slices.Contains(diffFormats, format) {
				return usage("--format %q is not one of %s", format, strings.Join(diffFormats, ", "))
			}
			return c.diff(args[0], args[1], format, output)
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "text", "form: "+strings.Join(diffFormats, ", "))
	cmd.Flags().StringVarP(&output, "output", "o", "-", `file, or "-" for standard output`)
	return cmd
}

func (c *command) diff(old, new, format, output string) error {
	was, err := c.stateOf(old, new, nil)
	defer was.close()
	if err != nil {
		return err
	}
	is, err := c.stateOf(new, old, nil)
	defer is.close()
	if err != nil {
		return err
	}
	r := diff.Compare(&was.Side, &is.Side)
	err = c.output(output, func(w io.Writer) error {
		switch format {
		case "markdown":
			return diff.Markdown(w, r)
		case "json":
			return diff.JSON(w, r)
		case "html":
			return diff.HTML(w, r)
		}
		return diff.Text(w, r, c.colored(c.stdout) && output == "-")
	})
	if err != nil {
		return err
	}
	if r.Differs() {
		return exit{code: exitFindings}
	}
	return nil
}

// output writes to a file, at once, or to standard output.
func (c *command) output(name string, write func(io.Writer) error) error {
	var text bytes.Buffer
	if err := write(&text); err != nil {
		return failure(err)
	}
	if name == "-" {
		_, err := c.stdout.Write(text.Bytes())
		if err != nil {
			return failure(err)
		}
		return nil
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		return usage("--output %s is a folder", name)
	}
	if err := writeReport(name, text.Bytes()); err != nil {
		return failure(err)
	}
	fmt.Fprintf(c.stderr, "%s: written\n", name)
	return nil
}
