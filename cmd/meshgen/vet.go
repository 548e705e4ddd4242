package main

import (
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/diag/format"
	"meshgen.dev/meshgen/compiler/load"
)

// reportFlags say how findings are shown and which of them fail the run.
type reportFlags struct {
	format string
	failOn string
}

func (r *reportFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&r.format, "format", "f", "text", "form of the findings: text or json")
	cmd.Flags().StringVar(&r.failOn, "fail-on", "error", "least severity that makes the exit code 1: error, warning or note")
}

func (r *reportFlags) validate() error {
	if r.format != "text" && r.format != "json" {
		return usage("--format %q is not one of text, json", r.format)
	}
	if r.failOn != "error" && r.failOn != "warning" && r.failOn != "note" {
		return usage("--fail-on %q is not one of error, warning, note", r.failOn)
	}
	return nil
}

func (c *command) vetCommand() *cobra.Command {
	var report reportFlags
	cmd := &cobra.Command{
		Use:   "vet [SITE]",
		Short: "Find the faults of a site; write nothing",
		Example: `  meshgen vet site.cue
  meshgen vet -f json site.cue
  meshgen vet --fail-on warning ./sites/one`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return c.vet(siteArg(args), &report) },
	}
	report.register(cmd)
	return cmd
}

func (c *command) vet(site string, report *reportFlags) error {
	opt, err := c.options(report)
	if err != nil {
		return err
	}
	got, err := c.compile(site, opt, compiler.Vet)
	if err != nil {
		return err
	}
	if got.src == nil {
		return c.findings(c.stdout, got.found, report)
	}
	err = c.findings(c.stdout, got.out.Findings, report)
	c.counts(got.out)
	return err
}

// options checks the flags and returns what a compilation takes.
func (c *command) options(report *reportFlags) (compiler.Options, error) {
	if err := report.validate(); err != nil {
		return compiler.Options{}, err
	}
	now, err := c.today()
	return compiler.Options{Now: now}, err
}

// findings prints a list and returns the exit that it asks for.
func (c *command) findings(w io.Writer, list diag.List, report *reportFlags) error {
	if report.format == "json" {
		if err := format.JSON(w, list); err != nil {
			return failure(err)
		}
	} else {
		if err := format.Text(w, list, format.TextOptions{Color: c.colored(w), Source: c.source}); err != nil {
			return failure(err)
		}
	}
	if slices.ContainsFunc(list, func(f diag.Finding) bool { return f.Rule == load.CannotRead.ID }) {
		return exit{code: exitFailure}
	}
	least := diag.Error
	switch report.failOn {
	case "warning":
		least = diag.Warning
	case "note":
		least = diag.Note
	}
	for s := least; s <= diag.Error; s++ {
		if list.Count(s) > 0 {
			return exit{code: exitFindings}
		}
	}
	return nil
}

// source gives the text of a file that a finding points into, for the line under it; nil where it cannot be had.
func (c *command) source(file string) []byte {
	if file == stdinName {
		return c.read
	}
	text, _ := os.ReadFile(file)
	return text
}

// counts says how many rules ran and what they found.
func (c *command) counts(out *compiler.Output) {
	waived := 0
	for _, f := range out.Findings {
		if f.Waived != "" {
			waived++
		}
	}
	fmt.Fprintf(c.stderr, "%d rules: %d errors, %d warnings, %d waived", out.Ran,
		out.Findings.Count(diag.Error), out.Findings.Count(diag.Warning), waived)
	if out.Waiting > 0 {
		fmt.Fprintf(c.stderr, "; %d rules wait until the errors are gone", out.Waiting)
	}
	fmt.Fprintln(c.stderr)
}
