package main

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/diag/format"
	"meshgen.dev/meshgen/compiler/load"
)

// reportFormats are the forms in which findings are printed.
var reportFormats = []string{"text", "json", "sarif", "github", "junit"}

// reportFlags say how findings are shown and which of them fail the run.
type reportFlags struct {
	format string
	failOn string
	files  []string // FORMAT=FILE
}

func (r *reportFlags) register(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&r.format, "format", "f", "text", "form of the findings: "+strings.Join(reportFormats, ", "))
	cmd.Flags().StringVar(&r.failOn, "fail-on", "error", "least severity that makes the exit code 1: error, warning or note")
	cmd.Flags().StringSliceVar(&r.files, "report", nil, "`FORMAT=FILE`: write the findings to a file as well; may be repeated")
}

func (r *reportFlags) validate() error {
	if !slices.Contains(reportFormats, r.format) {
		return usage("--format %q is not one of %s", r.format, strings.Join(reportFormats, ", "))
	}
	if r.failOn != "error" && r.failOn != "warning" && r.failOn != "note" {
		return usage("--fail-on %q is not one of error, warning, note", r.failOn)
	}
	seen := map[string]bool{}
	for _, spec := range r.files {
		form, file, ok := strings.Cut(spec, "=")
		switch {
		case !ok || file == "":
			return usage("--report %q is not FORMAT=FILE", spec)
		case !slices.Contains(reportFormats, form):
			return usage("--report %q: %q is not one of %s", spec, form, strings.Join(reportFormats, ", "))
		case file == "-":
			return usage("--report %q: standard output has the form that -f says", spec)
		case seen[filepath.Clean(file)]:
			return usage("--report names %s twice", file)
		}
		seen[filepath.Clean(file)] = true
	}
	return nil
}

// least is the severity from which on a finding fails the run.
func (r *reportFlags) least() diag.Severity {
	switch r.failOn {
	case "warning":
		return diag.Warning
	case "note":
		return diag.Note
	}
	return diag.Error
}

// outcome is what a run found, of one site or several.
type outcome struct {
	list  diag.List
	rules map[string]bool // IDs of the rules that were looked for; those of structure always are
}

// add takes what became of a site.
func (o *outcome) add(got compiled) {
	if o.rules == nil {
		o.rules = map[string]bool{}
		for _, r := range load.Rules {
			o.rules[r.ID] = true
		}
	}
	if got.out == nil { // it could not be read
		o.list = append(o.list, got.found...)
		return
	}
	o.list = append(o.list, got.out.Findings...)
	for id := range got.out.Rules {
		o.rules[id] = true
	}
}

// findings prints a list and returns the exit that it asks for.
func (c *command) findings(w io.Writer, list diag.List, report *reportFlags) error {
	return c.deliver(w, outcome{list: list}, report)
}

// deliver prints an outcome, writes the files that were asked for, and returns the exit.
func (c *command) deliver(w io.Writer, o outcome, report *reportFlags) error {
	if err := c.printAs(w, report.format, o, report); err != nil {
		return failure(err)
	}
	for _, spec := range report.files {
		form, file, _ := strings.Cut(spec, "=")
		var text bytes.Buffer
		err := c.printAs(&text, form, o, report)
		if err == nil {
			err = writeReport(file, text.Bytes())
		}
		if err != nil {
			return failure(err)
		}
	}
	if slices.ContainsFunc(o.list, func(f diag.Finding) bool { return f.Rule == load.CannotRead.ID }) {
		return exit{code: exitFailure}
	}
	for s := report.least(); s <= diag.Error; s++ {
		if o.list.Count(s) > 0 {
			return exit{code: exitFindings}
		}
	}
	return nil
}

// printAs prints an outcome in one form.
func (c *command) printAs(w io.Writer, form string, o outcome, report *reportFlags) error {
	switch form {
	case "json":
		return format.JSON(w, o.list)
	case "github":
		return format.GitHub(w, o.list, c.source)
	case "sarif":
		return format.SARIF(w, o.list, format.SARIFOptions{Version: release(), Rules: catalogue(o.rules), Source: c.source})
	case "junit":
		return format.JUnit(w, o.list, format.JUnitOptions{Rules: catalogue(o.rules), FailOn: report.least(), Source: c.source})
	}
	return format.Text(w, o.list, format.TextOptions{Color: c.colored(w), Source: c.source})
}

// catalogue is every rule, as formats take it.
func catalogue(ran map[string]bool) []format.Rule {
	var out []format.Rule
	for _, r := range compiler.Catalogue() {
		out = append(out, format.Rule{ID: r.ID, Name: r.Name, Title: r.Title, Doc: r.Doc, Severity: r.Severity, Ran: ran[r.ID]})
	}
	return out
}

// release is the version of this program, "" for one that was not built from a release.
func release() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "(devel)" {
		return ""
	}
	return info.Main.Version
}

// writeReport replaces a file at once, so that a kill leaves the old or the new one. What is no regular file, as a pipe,
// is written to.
func writeReport(name string, text []byte) error {
	mode := fs.FileMode(0o644)
	info, err := os.Stat(name)
	switch {
	case err == nil && !info.Mode().IsRegular():
		f, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.Write(text)
		return errors.Join(err, f.Close())
	case err == nil:
		mode = info.Mode().Perm()
		if name, err = filepath.EvalSymlinks(name); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return writeFile(name, text, mode)
}

// source gives the text of a file that a finding points into, for the line under it; nil where it cannot be had.
func (c *command) source(file string) []byte {
	if file == stdinName {
		return c.read
	}
	text, _ := os.ReadFile(file)
	return text
}
