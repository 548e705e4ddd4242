package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Exit codes.
const (
	exitClean    = 0 // nothing to report
	exitFindings = 1 // findings, or differences with --check
	exitUsage    = 2 // unknown flag, command, format, or too many arguments
	exitFailure  = 3 // a file that cannot be read or written, or a fault of meshgen itself
)

// command is one run of the program, with everything that it touches of the outside.
type command struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	env            func(string) (string, bool)
	read           []byte // what was read of stdin, to show the lines of findings
	pace           func() // sets the pace of the collector of garbage; nil: it stays

	color    string   // auto, always, never
	now      string   // date, RFC 3339 or a day; empty: SOURCE_DATE_EPOCH, else today
	profiles []string // files that are laid over the embedded profiles
	limits
}

// exit carries an exit code through cobra. A message is printed already when err is nil.
type exit struct {
	code int
	err  error
}

func (e exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func failure(err error) error { return exit{exitFailure, err} }

func usage(format string, args ...any) error { return exit{exitUsage, fmt.Errorf(format, args...)} }

// main runs the command line and returns the exit code.
func (c *command) main(args []string) (code int) {
	defer func() {
		if p := recover(); p != nil {
			code = c.crashed(&crash{p, debug.Stack()})
		}
	}()
	root := c.root()
	root.SetArgs(args)
	root.SetIn(c.stdin)
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	err := root.Execute()
	if err == nil {
		return exitClean
	}
	if p := (*crash)(nil); errors.As(err, &p) {
		return c.crashed(p)
	}
	code = exitUsage
	var e exit
	if errors.As(err, &e) {
		code = e.code
	}
	if text := err.Error(); text != "" {
		fmt.Fprintf(c.stderr, "meshgen: %s\n", text)
	}
	if code == exitUsage {
		fmt.Fprintln(c.stderr, `meshgen: "meshgen help" lists commands and flags`)
	}
	return code
}

func (c *command) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "meshgen",
		Short: "Compile a bare-metal site into everything that its service mesh needs",
		Long: `meshgen compiles the description of a bare-metal site, in CUE, into everything that makes a service mesh work there:
load balancer and both ends of its BGP sessions, host kernel and time settings, mesh values, gateways and policy.

Results go to stdout; findings, progress and summaries to stderr. Every flag has a variable, MESHGEN_ and its name in
capitals; the flag wins. Exit codes: 0 clean, 1 findings or differences, 2 usage, 3 I/O or internal failure.`,
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error { return c.flagsFromEnv(cmd.Flags()) },
	}
	root.PersistentFlags().StringVar(&c.color, "color", "auto", "colour in text: auto, always or never")
	root.PersistentFlags().StringVar(&c.now, "now", "", "date for waivers (2026-01-31); default SOURCE_DATE_EPOCH, else today")
	root.PersistentFlags().StringArrayVar(&c.profiles, "profile", nil, "`FILE` in CUE or JSON that adds to what meshgen knows of releases; may be repeated")
	c.limits.register(root.PersistentFlags())
	root.AddCommand(c.buildCommand(), c.vetCommand(), c.explainCommand(), c.rulesCommand(), c.initCommand(), c.fmtCommand(),
		c.diffCommand(), c.planCommand(), c.drillCommand(), c.reportCommand(), c.labCommand(), c.schemaCommand(), c.showCommand(), c.versionCommand())
	root.AddCommand(c.traceCommand(), c.capacityCommand(), c.compareCommand())
	return root
}

// flagsFromEnv gives each flag that the command line does not set the value of its variable.
func (c *command) flagsFromEnv(flags *pflag.FlagSet) error {
	var err error
	flags.VisitAll(func(f *pflag.Flag) {
		name := "MESHGEN_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v, ok := c.env(name)
		if !ok || v == "" || f.Changed || f.Name == "help" {
			return
		}
		if e := flags.Set(f.Name, v); e != nil && err == nil {
			err = usage("%s: %v", name, e)
		}
	})
	if err == nil && c.color != "auto" && c.color != "always" && c.color != "never" {
		err = usage("--color %q is not one of auto, always, never", c.color)
	}
	return err
}

// colored decides whether text on w may carry escapes: --color, then NO_COLOR, CLICOLOR_FORCE, TERM=dumb, the terminal.
func (c *command) colored(w io.Writer) bool {
	set := func(name string) bool { v, ok := c.env(name); return ok && v != "" }
	switch {
	case c.color == "always":
		return true
	case c.color == "never" || set("NO_COLOR"):
		return false
	case set("CLICOLOR_FORCE"):
		return true
	}
	if v, _ := c.env("TERM"); v == "dumb" {
		return false
	}
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// today is the date against which waivers are held.
func (c *command) today() (time.Time, error) {
	if c.now != "" {
		for _, layout := range []string{time.DateOnly, time.RFC3339} {
			if t, err := time.Parse(layout, c.now); err == nil {
				return t, nil
			}
		}
		return time.Time{}, usage("--now %q is not a date such as 2026-01-31", c.now)
	}
	if v, ok := c.env("SOURCE_DATE_EPOCH"); ok {
		var seconds int64
		if _, err := fmt.Sscanf(v, "%d", &seconds); err != nil {
			return time.Time{}, usage("SOURCE_DATE_EPOCH %q is not a number of seconds", v)
		}
		return time.Unix(seconds, 0), nil
	}
	return time.Now(), nil
}
