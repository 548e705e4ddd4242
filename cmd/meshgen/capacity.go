package main

import (
	"fmt"
	"strings"

	pretty "github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/analyze/capacity"
)

func (c *command) capacityCommand() *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "capacity [SITE]",
		Short: "Work out what the declared load takes, and what breaks first when it doubles",
		Long: `Work out what the load that a site declares takes of its machines, racks, pools and ports, and what ends first when
pods, connections or sites double. CAPACITY.md has the same numbers with their formulas.

Exit code 1: something is beyond its limit at the declared load.`,
		Example: `  meshgen capacity site.cue
  meshgen capacity -f json site.cue`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return usage("--format is text or json")
			}
			return c.capacity(siteArg(args), format)
		},
	}
	cmd.Flags().StringVarP(&format, "format", "f", "text", "text or json")
	return cmd
}

func (c *command) capacity(site, format string) error {
	made, err := c.planned(site)
	if err != nil || made.out == nil || made.out.Plan == nil {
		return err
	}
	r := capacity.Of(made.out.Plan)
	if format == "json" {
		err = c.printJSON(capacityJSON(r))
	} else {
		err = c.print(capacityText(r))
	}
	for i := range r.Growth {
		if err == nil && r.Growth[i].Now > r.Growth[i].Limit && r.Growth[i].What != capacity.Overcommitted {
			err = exit{exitFindings, nil}
		}
	}
	return err
}

// planned compiles a site as far as its plan, and says what keeps it from one.
func (c *command) planned(site string) (compiled, error) {
	report := &reportFlags{format: "text", failOn: "error"}
	options, err := c.options(report)
	if err != nil {
		return compiled{}, err
	}
	made, err := c.compile(site, options, compiler.Plan)
	if err != nil {
		return compiled{}, err
	}
	var all outcome
	all.add(made)
	return made, c.deliver(c.stderr, all, report)
}

// plainTable is a table without borders.
func plainTable(head ...any) pretty.Writer {
	w := pretty.NewWriter()
	style := pretty.StyleDefault
	style.Options = pretty.OptionsNoBordersAndSeparators
	style.Format = pretty.FormatOptions{}
	w.SetStyle(style)
	w.AppendHeader(pretty.Row(head))
	return w
}

func capacityText(r *capacity.Report) string {
	var b strings.Builder
	section := func(title string, w pretty.Writer) { fmt.Fprintf(&b, "%s\n%s\n\n", title, w.Render()) }
	w := plainTable("group", "nodes", "pods a node", "proxies request", "limits", "memory", "CPU requests", "connection table", "memory full")
	for i, n := range r.Nodes {
		t := r.Conntrack[i]
		w.AppendRow(pretty.Row{n.Group, n.Nodes, n.Pods, mib(n.RequestMiB), mib(n.LimitMiB), mib(n.MemoryMiB), fmt.Sprintf("%d %%", n.RequestPercent),
			fmt.Sprintf("%d of %d", t.Entries, t.Max), mib(t.FullMemoryMiB)})
	}
	section("Machines, all pods meshed", w)
	w = plainTable("rack", "nodes", "pods", "proxies request", "limits", "memory", "of all pods")
	for _, x := range r.Racks {
		w.AppendRow(pretty.Row{x.Name, x.Nodes, x.Pods, mib(x.RequestMiB), mib(x.LimitMiB), mib(x.MemoryMiB), fmt.Sprintf("%d %%", x.Lost)})
	}
	section("Racks", w)
	if len(r.Sizes) > 0 {
		w = plainTable("proxy", "services in view", "connections", "request MiB", "limit MiB", "measured MB", "slow readers MiB", "")
		for i := range r.Sizes {
			s := &r.Sizes[i]
			w.AppendRow(pretty.Row{s.Who, s.InView, s.Connections, s.RequestMiB, s.LimitMiB, s.MeasuredMB, s.BuffersMiB, s.Short()})
		}
		section("One proxy (0: not set, or not known)", w)
	}
	if len(r.Waypoints) > 0 {
		w = plainTable("namespace", "replicas", "memory request", "limit")
		for _, x := range r.Waypoints {
			w.AppendRow(pretty.Row{x.Namespace, x.Replicas, x.Request, x.Limit})
		}
		section("Waypoints", w)
	}
	w = plainTable("what", "who", "used", "of", "")
	for _, u := range r.Ports {
		w.AppendRow(pretty.Row{"source ports to one destination", u.Who, "", u.Ports, fmt.Sprintf("%d new connections a second", u.Rate)})
	}
	for _, u := range r.Descriptors {
		w.AppendRow(pretty.Row{"file descriptors", u.Who, u.Used, u.Limit, ""})
	}
	for _, u := range r.Pools {
		total := any(u.Total)
		if u.Total < 0 {
			total = "more than 16 million"
		}
		w.AppendRow(pretty.Row{"addresses", "pool " + u.Pool, u.Used, total, ""})
	}
	w.AppendRow(pretty.Row{"node ports", r.NodePorts.Who, r.NodePorts.Used, r.NodePorts.Limit, ""})
	if r.Series.Total > 0 {
		w.AppendRow(pretty.Row{"Prometheus series", fmt.Sprintf("%d proxies", r.Series.Proxies), r.Series.Total, "", fmt.Sprintf("%d of a proxy", r.Series.PerProxy)})
	}
	w.AppendRow(pretty.Row{"access logs", r.Logs.Mode, r.Logs.MiBPerDay, "", fmt.Sprintf("MiB a day at least, %d lines a second", r.Logs.LinesPerSec)})
	section("Dealt out", w)
	w = plainTable("what", "where", "limit", "now", "pods x2", "connections x2", "sites x2", "beyond the limit")
	for i := range r.Growth {
		g := &r.Growth[i]
		row := pretty.Row{g.What, g.Where, g.Limit, fmt.Sprintf("%d %%", g.Percent(""))}
		for _, l := range capacity.Loads {
			switch {
			case g.Doubled[l] == g.Now:
				row = append(row, "-")
			default:
				row = append(row, fmt.Sprintf("%d %%", g.Percent(l)))
			}
		}
		w.AppendRow(append(row, g.After))
	}
	section("Limits", w)
	for _, l := range capacity.Loads {
		fmt.Fprintf(&b, "%s doubled: %s\n", l, r.First(l))
	}
	return b.String()
}

func mib(n int) string { return fmt.Sprintf("%d MiB", n) }

// capacityJSON is the documented form of -f json: one object.
func capacityJSON(r *capacity.Report) any {
	type node struct {
		Group          string `json:"group"`
		Nodes          int    `json:"nodes"`
		Pods           int    `json:"podsPerNode"`
		Proxies        int    `json:"proxiesPerNode"`
		RequestMiB     int    `json:"requestMiB"`
		LimitMiB       int    `json:"limitMiB"`
		MemoryMiB      int    `json:"memoryMiB"`
		RequestMilli   int    `json:"requestMilliCPU"`
		Cores          int    `json:"cores"`
		Entries        int    `json:"conntrackEntries"`
		Max            int    `json:"conntrackMax"`
		ConntrackBytes int    `json:"conntrackFullMiB"`
	}
	type rack struct {
		Name       string `json:"name"`
		Nodes      int    `json:"nodes"`
		Pods       int    `json:"pods"`
		Proxies    int    `json:"proxies"`
		RequestMiB int    `json:"requestMiB"`
		LimitMiB   int    `json:"limitMiB"`
		MemoryMiB  int    `json:"memoryMiB"`
	}
	type use struct {
		What  string `json:"what"`
		Who   string `json:"who"`
		Used  int    `json:"used"`
		Limit int    `json:"limit"` // -1: more than 16 million
	}
	type growth struct {
		What        string `json:"what"`
		Where       string `json:"where"`
		Limit       int    `json:"limit"`
		Now         int    `json:"now"`
		Pods        int    `json:"podsDoubled"`
		Connections int    `json:"connectionsDoubled"`
		Sites       int    `json:"sitesDoubled"`
		After       string `json:"beyond"`
	}
	var out struct {
		Nodes  []node            `json:"nodes"`
		Racks  []rack            `json:"racks"`
		Used   []use             `json:"used"`
		Series int               `json:"prometheusSeries"`
		Logs   int               `json:"accessLogMiBPerDay"`
		Limits []growth          `json:"limits"`
		First  map[string]string `json:"first"`
	}
	for i, n := range r.Nodes {
		t := r.Conntrack[i]
		out.Nodes = append(out.Nodes, node{n.Group, n.Nodes, n.Pods, n.Proxies, n.RequestMiB, n.LimitMiB, n.MemoryMiB, n.RequestMilli, n.Cores, t.Entries, t.Max, t.FullMemoryMiB})
	}
	for _, x := range r.Racks {
		out.Racks = append(out.Racks, rack{x.Name, x.Nodes, x.Pods, x.Proxies, x.RequestMiB, x.LimitMiB, x.MemoryMiB})
	}
	for _, u := range r.Descriptors {
		out.Used = append(out.Used, use{"file descriptors", u.Who, u.Used, u.Limit})
	}
	for _, u := range r.Pools {
		out.Used = append(out.Used, use{"addresses", u.Pool, u.Used, u.Total})
	}
	out.Used = append(out.Used, use{"node ports", r.NodePorts.Who, r.NodePorts.Used, r.NodePorts.Limit})
	out.Series, out.Logs = r.Series.Total, r.Logs.MiBPerDay
	for _, g := range r.Growth {
		out.Limits = append(out.Limits, growth{g.What, g.Where, g.Limit, g.Now, g.Doubled[capacity.Pods], g.Doubled[capacity.Connections], g.Doubled[capacity.Sites], g.After})
	}
	out.First = map[string]string{}
	for _, l := range capacity.Loads {
		out.First[string(l)] = r.First(l)
	}
	return out
}
