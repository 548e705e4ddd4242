package main

import (
	"encoding/json"
	"fmt"
	"strings"

	pretty "github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/analyze/drill"
	"meshgen.dev/meshgen/compiler/ir"
)

func (c *command) drillCommand() *cobra.Command {
	var fail, pairs []string
	var format string
	cmd := &cobra.Command{
		Use:   "drill [SITE]",
		Short: "Work out what is left when parts of the site fail",
		Long: `Work out, without asking the live site, what is left when parts of it fail: each single machine, switch, rack, failure
domain, time source and gateway pod; with --fail, what is named there at the same time; with --pairs, each two of two
kinds. Pods of a gateway stand as evenly as the plan spreads them, and one whose place is lost waits for it.

A line that does not keep what resilience promises is marked, and the exit code is 1. Promised is one loss at a time: of
several at once the line says what is short of it, without an exit code.`,
		Example: `  meshgen drill site.cue
  meshgen drill site.cue --fail rack=r1,tor=r2-a --fail spine=spine-1
  meshgen drill site.cue --pairs tor,tor --pairs rack,spine`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return usage("--format is text or json")
			}
			return c.drill(siteArg(args), fail, pairs, format)
		},
	}
	cmd.Flags().StringArrayVar(&fail, "fail", nil, "what fails at the same time: KIND=NAME,…; again for another drill")
	cmd.Flags().StringArrayVar(&pairs, "pairs", nil, "every two failures of two kinds: `KIND,KIND`; again for more")
	cmd.Flags().StringVarP(&format, "format", "f", "text", "text or json")
	return cmd
}

func (c *command) drill(site string, fail, pairs []string, format string) error {
	report := &reportFlags{format: "text", failOn: "error"}
	options, err := c.options(report)
	if err != nil {
		return err
	}
	options.Skip = append(options.Skip, "MG6106", "MG8220", "MG8221", "MG8222") // what the table says
	made, err := c.compile(site, options, compiler.Plan)
	if err != nil {
		return err
	}
	var all outcome
	all.add(made)
	if err := c.deliver(c.stderr, all, report); err != nil || made.out == nil || made.out.Plan == nil {
		return err
	}
	plan := made.out.Plan
	s := drill.New(plan)
	var drills [][]drill.Failure
	for _, text := range fail {
		f, err := s.Parse(text)
		if err != nil {
			return usage("--fail %v", err)
		}
		drills = append(drills, f)
	}
	for _, text := range pairs {
		first, second, ok := strings.Cut(text, ",")
		if !ok {
			return usage("--pairs %q is not KIND,KIND", text)
		}
		two, err := s.Pairs(first, second)
		if err != nil {
			return usage("--pairs %v", err)
		}
		drills = append(drills, two...)
	}
	if fail == nil && pairs == nil {
		for _, f := range s.Singles() {
			drills = append(drills, []drill.Failure{f})
		}
	}
	var results []drill.Result
	for _, f := range drills {
		results = append(results, s.Fail(f...))
	}
	broken := map[drill.Failure][]string{}
	for _, b := range s.Breaks(plan.Resilience) {
		broken[b.Failure] = append(broken[b.Failure], b.Text)
	}
	if format == "json" {
		enc := json.NewEncoder(c.stdout)
		enc.SetEscapeHTML(false)
		for _, r := range results {
			if err := enc.Encode(drillJSON(r, broken)); err != nil {
				return failure(err)
			}
		}
	} else {
		fmt.Fprintln(c.stdout, drillTable(plan, results, broken))
	}
	if len(broken) > 0 {
		return exit{exitFindings, nil}
	}
	return nil
}

// drillTable is a line for each drill.
func drillTable(p *ir.Plan, results []drill.Result, broken map[drill.Failure][]string) string {
	w := pretty.NewWriter()
	style := pretty.StyleDefault
	style.Options = pretty.OptionsNoBordersAndSeparators
	style.Format = pretty.FormatOptions{}
	w.SetStyle(style)
	head := pretty.Row{"fails", "machines", "control plane"}
	for _, g := range p.Gateways {
		head = append(head, g.Name+": pods", "announcers", "ToRs", "conns a pod")
	}
	w.AppendHeader(append(head, "clocks", ""))
	for _, r := range results {
		row := pretty.Row{names(r.Failures), of(r.Nodes), majority(r.ControlPlane)}
		for _, g := range r.Gateways {
			announcers, tors := "-", "-"
			for i, v := range g.VIPs {
				if v.Announcers.Of > 0 && (i == 0 || v.Announcers.Left < g.VIPs[0].Announcers.Left) {
					announcers, tors = of(v.Announcers), of(v.ToRs)
				}
			}
			row = append(row, of(g.Pods), announcers, tors, g.Connections)
		}
		row = append(row, clocks(r))
		mark := ""
		if len(r.Failures) == 1 && len(broken[r.Failures[0]]) > 0 {
			mark = "not as promised: " + strings.Join(broken[r.Failures[0]], "; ")
		} else if short := r.Short(p.Resilience); len(r.Failures) > 1 && short != nil {
			mark = "short of what is promised for one loss: " + strings.Join(short, "; ")
		}
		w.AppendRow(append(row, mark))
	}
	return w.Render()
}

func names(f []drill.Failure) string {
	var out []string
	for _, x := range f {
		out = append(out, x.Kind+" "+x.Name)
	}
	return strings.Join(out, ", ")
}

func of(c drill.Count) string { return fmt.Sprintf("%d/%d", c.Left, c.Of) }

func majority(q drill.Quorum) string {
	if q.Kept {
		return of(q.Count)
	}
	return of(q.Count) + " no majority"
}

// clocks are the groups of machines whose clocks have too few sources left.
func clocks(r drill.Result) string {
	var out []string
	for _, t := range r.Time {
		if !t.Kept {
			out = append(out, t.Group+" "+of(t.Sources))
		}
	}
	if out == nil {
		return "kept"
	}
	return "lost: " + strings.Join(out, ", ")
}

// countJSON and what follows are the documented form of -f json: one object a drill.
type countJSON struct {
	Left int `json:"left"`
	Of   int `json:"of"`
}

type failureJSON struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

type vipJSON struct {
	Address    string    `json:"address"`
	Announcers countJSON `json:"announcers"`
	ToRs       countJSON `json:"tors"`
	Reachable  bool      `json:"reachable"`
}

type gatewayJSON struct {
	Name        string    `json:"name"`
	Pods        countJSON `json:"pods"`
	Connections int       `json:"connectionsPerPod"`
	VIPs        []vipJSON `json:"vips"`
}

type timeJSON struct {
	Group   string    `json:"group"`
	Sources countJSON `json:"sources"`
	Kept    bool      `json:"kept"`
}

type densityJSON struct {
	Class   string `json:"class"`
	Pods    int    `json:"podsPerNode"`
	Max     int    `json:"maxPods"`
	Waiting int    `json:"waiting"`
}

type resultJSON struct {
	Failures     []failureJSON `json:"failures"`
	Machines     countJSON     `json:"machines"`
	ControlPlane struct {
		countJSON
		Majority bool `json:"majority"`
	} `json:"controlPlane"`
	Gateways []gatewayJSON `json:"gateways"`
	Time     []timeJSON    `json:"time"`
	Density  []densityJSON `json:"density"`
	Broken   []string      `json:"broken"`
}

func drillJSON(r drill.Result, broken map[drill.Failure][]string) resultJSON {
	count := func(c drill.Count) countJSON { return countJSON{c.Left, c.Of} }
	out := resultJSON{Machines: count(r.Nodes), Gateways: []gatewayJSON{}, Time: []timeJSON{}, Density: []densityJSON{}, Broken: []string{}}
	out.ControlPlane.countJSON, out.ControlPlane.Majority = count(r.ControlPlane.Count), r.ControlPlane.Kept
	for _, f := range r.Failures {
		out.Failures = append(out.Failures, failureJSON(f))
		if len(r.Failures) == 1 {
			out.Broken = append(out.Broken, broken[f]...)
		}
	}
	for _, g := range r.Gateways {
		x := gatewayJSON{Name: g.Name, Pods: count(g.Pods), Connections: g.Connections, VIPs: []vipJSON{}}
		for _, v := range g.VIPs {
			x.VIPs = append(x.VIPs, vipJSON{v.Address, count(v.Announcers), count(v.ToRs), v.Reachable})
		}
		out.Gateways = append(out.Gateways, x)
	}
	for _, t := range r.Time {
		out.Time = append(out.Time, timeJSON{t.Group, count(t.Sources), t.Kept})
	}
	for _, d := range r.Density {
		out.Density = append(out.Density, densityJSON{d.Class, d.Pods, d.Max, d.Waiting})
	}
	return out
}
