package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/analyze/trace"
	"meshgen.dev/meshgen/compiler/load"
)

// tracing is what the flags of trace say.
type tracing struct {
	method, format, client string
	port                   uint16
	all                    bool
}

func (c *command) traceCommand() *cobra.Command {
	var f tracing
	cmd := &cobra.Command{
		Use:   "trace [SITE] HOST[/PATH] | [SITE] FROM TO[/PATH]",
		Short: "Follow a request from client to pod, with the line of output that decides each hop",
		Long: `Follow a request through what a build would write, without asking the live site: from a client outside by the host name
that a gateway serves (pay.example.net/v1), or from one service to another (NAMESPACE/NAME, or gateway:NAME) or to a
destination of external. Each hop names the line of output that decides it and the lines of the site behind it: spines
and the filters of ToRs, both ends of BGP sessions, nodes, address pools, placement, listener, certificate, routes,
policies, mutual TLS.

Exit code 1: the request does not arrive; the last hop says why.
--all asks for every caller at every service, and every host name at every path, a line each.`,
		Example: `  meshgen trace pay.example.net/v1
  meshgen trace site.cue shop/web stock/api --method POST
  meshgen trace --all -f json site.cue`,
		Args: cobra.MaximumNArgs(3),
		RunE: func(_ *cobra.Command, args []string) error {
			if f.format != "text" && f.format != "json" {
				return usage("--format is text or json")
			}
			file := "site.cue"
			if len(args) > 0 && (len(args) == 3 || describesSite(args[0])) {
				file, args = args[0], args[1:]
			}
			if f.all && len(args) > 0 {
				return usage("--all asks for everything, and %s stands for one thing", args[0])
			}
			if !f.all && len(args) == 0 {
				return usage("trace takes a host name, or two services, or --all")
			}
			return c.trace(file, args, f)
		},
	}
	cmd.Flags().StringVar(&f.method, "method", "", "method of the request; default GET, and POST for gRPC")
	cmd.Flags().Uint16Var(&f.port, "port", 0, "port of the Service or listener; default the first that answers requests")
	cmd.Flags().StringVar(&f.client, "client", "", "address of the client outside; default one that the gateway admits")
	cmd.Flags().BoolVar(&f.all, "all", false, "the whole matrix: callers and services, host names and paths")
	cmd.Flags().StringVarP(&f.format, "format", "f", "text", "text or json")
	return cmd
}

// describesSite reports whether an argument is a site and not what is asked for.
func describesSite(arg string) bool {
	if arg == "-" || slices.Contains([]string{".cue", ".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(arg))) {
		return true
	}
	info, err := os.Stat(arg)
	return err == nil && info.IsDir()
}

func (c *command) trace(file string, args []string, f tracing) error {
	report := &reportFlags{format: "text", failOn: "error"}
	options, err := c.options(report)
	if err != nil {
		return err
	}
	made, err := c.compile(file, options, compiler.Compile)
	if err != nil {
		return err
	}
	var all outcome
	all.add(made)
	if err := c.deliver(c.stderr, all, report); err != nil || made.out == nil || made.out.Tree == nil {
		return err
	}
	t, err := trace.New(made.out.Plan, compiler.Applied(made.out.Plan, made.out.Tree))
	if err != nil {
		return failure(err)
	}
	if f.all {
		return c.traceAll(t, f)
	}
	traces, err := ask(t, args, f)
	if err != nil {
		return usage("%v", err)
	}
	refused := false
	for i, x := range traces {
		refused = refused || !x.Open
		if f.format == "json" {
			err = c.traceJSON(x, made.src)
		} else {
			if i > 0 {
				fmt.Fprintln(c.stdout)
			}
			err = c.print(c.traceText(x, made.src))
		}
		if err != nil {
			return err
		}
	}
	if refused {
		return exit{exitFindings, nil}
	}
	return nil
}

// ask turns the arguments into a question.
func ask(t *trace.Tracer, args []string, f tracing) ([]*trace.Trace, error) {
	q := trace.Question{Method: strings.ToUpper(f.method), Port: f.port}
	if f.client != "" {
		a, err := netip.ParseAddr(f.client)
		if err != nil {
			return nil, fmt.Errorf("--client %q is no address", f.client)
		}
		q.Client = a
	}
	if len(args) == 2 {
		q.From = args[0]
		q.To = args[1]
		if namespace, rest, ok := strings.Cut(args[1], "/"); ok { // else a destination outside
			name, path, deeper := strings.Cut(rest, "/")
			if q.To = namespace + "/" + name; deeper {
				q.Path = "/" + path
			}
		}
		one, err := t.Inside(q)
		return []*trace.Trace{one}, err
	}
	text := args[0]
	if _, rest, ok := strings.Cut(text, "://"); ok {
		text = rest
	}
	host, path, deeper := strings.Cut(text, "/")
	if deeper {
		q.Path = "/" + path
	}
	q.To = host
	if name, port, ok := cutLast(host, ":"); ok {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || f.port != 0 {
			return nil, errors.New("a port is a number, and is given once")
		}
		q.To, q.Port = name, uint16(n)
	}
	return t.Outside(q)
}

// traceText is a block for each hop: what decides, where that stands, and what of the site is behind it.
func (c *command) traceText(x *trace.Trace, src *load.Source) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%s\n\n", x.Question, byGateway(x.Gateway))
	for _, h := range x.Hops {
		mark := "ok     "
		if !h.Pass {
			mark = "REFUSED"
		}
		fmt.Fprintf(&b, "%s %-13s %s: %s\n", mark, h.Stage, h.At, h.Why)
		if h.Line > 0 {
			fmt.Fprintf(&b, "        %s:%d: %s\n", h.File, h.Line, h.Text)
		}
		for _, p := range firstFew(h.From) {
			fmt.Fprintf(&b, "        %s: %s\n", src.PosOf(p), p)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", conclusion(x))
	return b.String()
}

func byGateway(name string) string {
	if name == "" {
		return ""
	}
	return " by gateway " + name
}

// firstFew bounds how many lines of the site are shown for a hop.
func firstFew(paths []string) []string { return paths[:min(len(paths), 3)] }

func conclusion(x *trace.Trace) string {
	if !x.Open {
		stop := x.Hops[len(x.Hops)-1]
		if refused := x.Refused(); len(refused) > 0 {
			stop = refused[len(refused)-1]
		}
		return fmt.Sprintf("refused: %s at %s: %s", stop.Stage, stop.At, stop.Why)
	}
	var ends []string
	for _, l := range x.Ends {
		if l.Weight > 0 {
			ends = append(ends, fmt.Sprintf("%s/%s:%d", l.Namespace, l.Name, l.Port))
		}
	}
	text := "open: arrives at " + strings.Join(ends, ", ")
	if ends == nil {
		text = "open: leaves the cluster"
	}
	if n := len(x.Refused()); n > 0 {
		text += fmt.Sprintf("; %d hops beside the open way refuse it", n)
	}
	return text
}

// hopJSON and traceJSON are the documented form of -f json: one object a trace.
type hopJSON struct {
	Stage string   `json:"stage"`
	At    string   `json:"at"`
	Pass  bool     `json:"pass"`
	Why   string   `json:"why"`
	File  string   `json:"file,omitempty"`
	Line  int      `json:"line,omitempty"`
	Text  string   `json:"text,omitempty"`
	Site  []string `json:"site"`
}

type askedJSON struct {
	From    string    `json:"from"`
	Gateway string    `json:"gateway,omitempty"`
	To      string    `json:"to"`
	Port    uint16    `json:"port"`
	Method  string    `json:"method,omitempty"`
	Path    string    `json:"path,omitempty"`
	Open    bool      `json:"open"`
	Hops    []hopJSON `json:"hops"`
}

func (c *command) traceJSON(x *trace.Trace, src *load.Source) error {
	from := x.From
	if from == "" {
		from = x.Client.String()
	}
	out := askedJSON{From: from, Gateway: x.Gateway, To: x.To, Port: x.Port, Method: x.Method, Path: x.Path, Open: x.Open, Hops: []hopJSON{}}
	for _, h := range x.Hops {
		j := hopJSON{h.Stage, h.At, h.Pass, h.Why, h.File, h.Line, h.Text, []string{}}
		for _, p := range h.From {
			j.Site = append(j.Site, src.PosOf(p).String()+": "+p)
		}
		out.Hops = append(out.Hops, j)
	}
	return c.printJSON(out)
}

// printJSON writes one object on one line.
func (c *command) printJSON(v any) error {
	enc := json.NewEncoder(c.stdout)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return failure(err)
	}
	return nil
}

// traceAll prints a line for each pair. Where some kinds of request arrive and others do not, it names the first of each.
func (c *command) traceAll(t *trace.Tracer, f tracing) error {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	if f.format == "text" {
		fmt.Fprintln(w, "FROM\tTO\tANSWER\tDECIDED BY")
	}
	for _, cell := range t.All() {
		answer, by := verdict(&cell)
		from := cell.From
		if from == "" {
			from = "outside by " + cell.Gateway
		}
		if f.format == "json" {
			err := c.printJSON(struct {
				From   string `json:"from"`
				To     string `json:"to"`
				Port   uint16 `json:"port"`
				Path   string `json:"path,omitempty"`
				Answer string `json:"answer"`
				By     string `json:"by"`
			}{from, cell.To, cell.Port, cell.Path, answer, by})
			if err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(w, "%s\t%s:%d%s\t%s\t%s\n", from, cell.To, cell.Port, cell.Path, answer, by)
	}
	if err := w.Flush(); err != nil {
		return failure(err)
	}
	return c.print(b.String())
}

// verdict is open, refused or partly, and what decides: of a refusal the hop that stops it.
func verdict(cell *trace.Cell) (answer, by string) {
	stop := func(x *trace.Trace) string {
		r := x.Refused()
		if len(r) == 0 {
			return ""
		}
		h := r[len(r)-1]
		if h.File == "" {
			return h.Stage + ": " + h.Why
		}
		return fmt.Sprintf("%s: %s:%d", h.Stage, h.File, h.Line)
	}
	switch cell.Open() {
	case len(cell.Asked):
		return "open", ""
	case 0:
		return "refused", stop(cell.Asked[0])
	}
	var yes, no string
	for _, x := range cell.Asked {
		what := x.Method + " " + x.Path
		if x.Open && yes == "" {
			yes = what
		} else if !x.Open && no == "" {
			no = what + " refused by " + stop(x)
		}
	}
	return "partly", yes + " arrives, " + no
}
