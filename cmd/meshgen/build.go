package main

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
)

func (c *command) buildCommand() *cobra.Command {
	var output string
	var check bool
	var report reportFlags
	cmd := &cobra.Command{
		Use:   "build [SITE]",
		Short: "Compile a site and write its tree",
		Long: `Compile a site, a .cue, .yaml or .json file, a directory of CUE files, or "-" for stdin; site.cue by default.
Nothing is written unless everything passed. The tree is replaced in one swap; files that meshgen did not write stay.`,
		Example: `  meshgen build site.cue
  meshgen build -o - site.cue | kubectl diff -f -
  meshgen build --check ./sites/one`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if check && output == "-" {
				return usage("--check compares with a directory; -o - has none")
			}
			return c.build(siteArg(args), output, check, &report)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "out", `directory of the tree, or "-" for the objects on stdout`)
	cmd.Flags().BoolVar(&check, "check", false, "write nothing; list what would change and exit 1 if anything would")
	report.register(cmd)
	return cmd
}

func siteArg(args []string) string {
	if len(args) == 0 {
		return "site.cue"
	}
	return args[0]
}

func (c *command) build(site, output string, check bool, report *reportFlags) error {
	opt, err := c.options(report)
	if err != nil {
		return err
	}
	got, err := c.compile(site, opt, compiler.Compile)
	if err != nil {
		return err
	}
	var all outcome
	all.add(got)
	w := c.stderr
	if report.format != "text" && output != "-" && !check { // for a program; nothing else has standard output
		w = c.stdout
	}
	err = c.deliver(w, all, report)
	if got.src == nil {
		return err
	}
	out := got.out
	if err != nil {
		c.counts(out)
		return err
	}
	switch {
	case output == "-":
		_, err := c.stdout.Write(objects(out.Tree))
		if err != nil {
			return failure(err)
		}
		c.summary(out)
		return nil
	case check:
		return c.checkTree(output, out.Tree)
	}
	res, err := artifact.Write(output, out.Tree)
	if err != nil {
		return failure(err)
	}
	c.summary(out)
	fmt.Fprintf(c.stderr, "%s: %d files: %d written, %d unchanged, %d removed", output, len(out.Tree.Files()), res.Written, res.Unchanged, res.Deleted)
	if res.Foreign > 0 {
		fmt.Fprintf(c.stderr, "; %d not ours, kept", res.Foreign)
	}
	fmt.Fprintln(c.stderr)
	if res.Fallback != "" {
		fmt.Fprintf(c.stderr, "%s: replaced file by file, not in one swap: %s\n", output, res.Fallback)
	}
	return nil
}

// stdinName is what positions in standard input are called.
const stdinName = "stdin"

// compiled is what became of a site: without a source, the findings say why.
type compiled struct {
	src   *load.Source
	found diag.List
	out   *compiler.Output
}

// stages is compiler.Vet or compiler.Compile.
type stages func(*load.Source, compiler.Options) (*compiler.Output, error)

// compile reads the site and runs the stages on it, within the limits.
func (c *command) compile(site string, opt compiler.Options, run stages) (compiled, error) {
	return c.compileFiles(input{site, []string{site}}, opt, run)
}

// compileFiles is compile for a site of several files.
func (c *command) compileFiles(in input, opt compiler.Options, run stages) (compiled, error) {
	if slices.Contains(in.paths, "-") && c.read == nil { // whoever writes it may take his time
		var err error
		if c.read, err = io.ReadAll(io.LimitReader(c.stdin, load.MaxSize+1)); err != nil {
			return compiled{}, failure(err)
		}
	}
	stdin := bytes.NewReader(c.read)
	return within(c.limits, in.name, func() (got compiled, err error) {
		got.src, got.found = load.Files(in.paths, load.Options{Stdin: stdin, StdinName: stdinName})
		if got.src == nil {
			return got, nil
		}
		if got.out, err = run(got.src, opt); err != nil {
			return got, failure(err)
		}
		return got, nil
	})
}

// checkTree lists what a build would change.
func (c *command) checkTree(dir string, t *artifact.Tree) error {
	changes, err := artifact.Check(dir, t)
	if err != nil {
		return failure(err)
	}
	n := 0
	for _, set := range []struct {
		verb  string
		paths []string
	}{{"add", changes.Added}, {"change", changes.Changed}, {"remove", changes.Removed}} {
		for _, p := range set.paths {
			fmt.Fprintf(c.stdout, "%s %s\n", set.verb, path.Join(dir, p))
			n++
		}
	}
	if n > 0 {
		return exit{exitFindings, fmt.Errorf("%s is not what the site gives: %d files differ", dir, n)}
	}
	return nil
}

// objects joins the Kubernetes objects of a tree into one stream, in the order of phases.
func objects(t *artifact.Tree) []byte {
	var b bytes.Buffer
	for _, f := range t.Files() {
		ok, _ := path.Match("kubernetes/overlays/*/*/*.yaml", f.Path())
		if !ok || path.Base(f.Path()) == "kustomization.yaml" {
			continue
		}
		if b.Len() > 0 {
			b.WriteString("---\n")
		}
		b.Write(f.Bytes())
	}
	return b.Bytes()
}

// summary says in a few lines what was compiled.
func (c *command) summary(out *compiler.Output) {
	p := out.Plan
	sessions, vips, spines := 0, 0, 0
	for _, pe := range p.LoadBalancer.Peerings {
		sessions += len(pe.Speakers)
	}
	for _, pool := range p.Pools {
		vips += len(pool.VIPs)
	}
	for _, sw := range p.Switches {
		if sw.Role == "spine" {
			spines++
		}
	}
	fmt.Fprintf(c.stderr, "%s: %d nodes in %d host groups, %d switches (%d spines), %d BGP sessions with nodes\n",
		p.Name, len(p.Nodes), len(p.Groups), len(p.Switches), spines, sessions)
	fmt.Fprintf(c.stderr, "%s: %d virtual addresses on %d gateways, %d services, %d chart releases, %s %s\n",
		p.Name, vips, len(p.Gateways), len(p.Services), len(p.Releases), p.Mesh.Kind, p.Mesh.Version)
	c.counts(out)
}
