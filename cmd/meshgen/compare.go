package main

import (
	"fmt"
	"strconv"
	"strings"

	pretty "github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
)

func (c *command) compareCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "compare [SITE]",
		Short: "Put the kinds of mesh side by side for a site",
		Long: `Put the kinds of mesh side by side for a site, and no mesh: memory of proxies at the declared load, proxies on the way of a
request, kernels and modules, everything that the site asks for and a mesh cannot do, with the line that asks, and what else
would have to change in the site for it: the errors of "meshgen vet" with mesh.kind changed, which can hide others. Computed
from the profiles and the formulas of "meshgen capacity"; nothing is measured.`,
		Example: `  meshgen compare site.cue
  meshgen compare -f markdown site.cue > meshes.md`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "text" && format != "json" && format != "markdown" {
				return usage("--format is text, json or markdown")
			}
			return c.compare(siteArg(args), format)
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "text", "text, json or markdown")
	return cmd
}

func (c *command) compare(site, format string) error {
	made, err := c.planned(site)
	if err != nil || made.out == nil || made.out.Plan == nil {
		return err
	}
	all, err := compiler.Compare(made.src, made.out.Plan, made.opt)
	if err != nil {
		return failure(err)
	}
	switch format {
	case "json":
		for i := range all {
			if err := c.printJSON(alternativeJSON(&all[i], made.src)); err != nil {
				return err
			}
		}
		return nil
	case "markdown":
		return c.print(compareText(all, made.src, pretty.Writer.RenderMarkdown, "\n### %s\n\n", "- %s\n"))
	}
	return c.print(compareText(all, made.src, pretty.Writer.Render, "\n%s\n", "  %s\n"))
}

// compareText is a table with a row for each mesh, and behind it what each cannot do for the site.
func compareText(all []compiler.Alternative, src *load.Source, render func(pretty.Writer) string, head, item string) string {
	w := plainTable("mesh", "release", "proxies", "request", "limit", "measured by its project, of one", "latency class: proxies on the way", "kernel", "missing", "to change")
	for i := range all {
		a := &all[i]
		w.AppendRow(pretty.Row{a.Title(), or(a.Release, "none"), a.Places(), a.Request(), a.Limit(), or(a.Published, "-"), a.Way, a.Kernels(), len(a.Missing), changeCount(a)})
	}
	var b strings.Builder
	b.WriteString(render(w) + "\n")
	for i := range all {
		a := &all[i]
		fmt.Fprintf(&b, head, a.Title())
		if len(a.Modules) > 0 {
			fmt.Fprintf(&b, item, "kernel modules: "+strings.Join(a.Modules, ", "))
		}
		if len(a.TooOld) > 0 {
			fmt.Fprintf(&b, item, "kernel below "+a.Kernel+" on "+strings.Join(a.TooOld, ", "))
		}
		for _, m := range a.Missing {
			fmt.Fprintf(&b, item, missingText(m, src))
		}
		switch {
		case a.Release == "" && a.Kind != "none":
			fmt.Fprintf(&b, item, "no release of it supports Kubernetes "+src.Site.Kubernetes.Version)
		case len(a.Missing) == 0:
			fmt.Fprintf(&b, item, "does all that the site asks for")
		}
		for i := range a.Changes {
			fmt.Fprintf(&b, item, changeText(&a.Changes[i]))
		}
	}
	return b.String()
}

// changeCount is the number of findings that a change of mesh.kind brings; none are looked for where no release fits.
func changeCount(a *compiler.Alternative) string {
	if a.Release == "" && a.Kind != "none" {
		return "-"
	}
	return strconv.Itoa(len(a.Changes))
}

// changeText names the line of the site that would have to change, and how.
func changeText(f *diag.Finding) string {
	return fmt.Sprintf("%s: to change: %s [%s]: %s", f.Pos, f.Message, f.Rule, f.Hint)
}

func or(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// missingText names the line of the site that asks.
func missingText(m compiler.Missing, src *load.Source) string {
	text := fmt.Sprintf("%s: %s asks for %s", src.PosOf(m.Path), m.Path, m.What)
	if m.Others > 0 {
		text += fmt.Sprintf(", and %d more", m.Others)
	}
	return text + ": " + m.Why
}

// alternativeJSON is the documented form of -f json: one object a mesh.
func alternativeJSON(a *compiler.Alternative, src *load.Source) any {
	type missing struct {
		What   string `json:"what"`
		Path   string `json:"path"`
		At     string `json:"at"`
		Others int    `json:"others"`
		Why    string `json:"why"`
	}
	type change struct {
		Rule    string `json:"rule"`
		Path    string `json:"path"`
		At      string `json:"at"`
		Message string `json:"message"`
		Hint    string `json:"hint"`
	}
	out := struct {
		Kind       string    `json:"kind"`
		Chosen     bool      `json:"chosen"`
		Release    string    `json:"release"`
		Proxies    int       `json:"proxies"`
		PerNode    bool      `json:"perNode"`
		RequestMiB int       `json:"requestMiB"`
		LimitMiB   int       `json:"limitMiB"` // 0: none is set
		Published  string    `json:"published"`
		Way        string    `json:"proxiesOnTheWay"`
		Kernel     string    `json:"kernel"`
		TooOld     []string  `json:"nodesBelowKernel"`
		Modules    []string  `json:"modules"`
		Missing    []missing `json:"missing"`
		Changes    []change  `json:"changes"`
	}{a.Kind, a.Chosen, a.Release, a.Proxies, a.PerNode, a.RequestMiB, a.LimitMiB, a.Published, a.Way, a.Kernel, append([]string{}, a.TooOld...), append([]string{}, a.Modules...), []missing{}, []change{}}
	for _, m := range a.Missing {
		out.Missing = append(out.Missing, missing{m.What, m.Path, src.PosOf(m.Path).String(), m.Others, m.Why})
	}
	for i := range a.Changes {
		f := &a.Changes[i]
		out.Changes = append(out.Changes, change{f.Rule, f.Path, f.Pos.String(), f.Message, f.Hint})
	}
	return out
}
