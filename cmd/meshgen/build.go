package main

import (
	"bytes"
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
	var to target
	var report reportFlags
	cmd := &cobra.Command{
		Use:   "build [SITE...]",
		Short: "Compile sites and write their tree",
		Long: `Compile sites, each a .cue, .yaml or .json file, a directory, or "-" for stdin; site.cue by default. DIR/... stands for
all sites in a directory and below. Several sites come into one tree, together or not at all.
Nothing is written unless everything passed. The tree is replaced in one swap; files that meshgen did not write stay,
and so do those of sites that are not compiled, but for --prune.`,
		Example: `  meshgen build site.cue
  meshgen build -o - site.cue | kubectl diff -f -
  meshgen build --check ./sites/one
  meshgen build --prune ./sites/...`,
		RunE: func(_ *cobra.Command, args []string) error {
			switch {
			case to.check && to.dir == "-":
				return usage("--check compares with a directory; -o - has none")
			case to.prune && to.dir == "-":
				return usage("--prune removes from a directory; -o - has none")
			}
			return c.build(args, to, &report)
		},
	}
	cmd.Flags().StringVarP(&to.dir, "output", "o", "out", `directory of the tree, or "-" for the objects on stdout`)
	cmd.Flags().BoolVar(&to.check, "check", false, "write nothing; list what would change and exit 1 if anything would")
	cmd.Flags().BoolVar(&to.prune, "prune", false, "remove the files of sites that the tree has and the arguments have not")
	report.register(cmd)
	return cmd
}

func siteArg(args []string) string {
	if len(args) == 0 {
		return "site.cue"
	}
	return args[0]
}

// target is where a build goes.
type target struct {
	dir          string // "-" for standard output
	check, prune bool
}

func (c *command) build(args []string, to target, report *reportFlags) error {
	opt, err := c.options(report)
	if err != nil {
		return err
	}
	sites, err := c.sitesAt(args)
	if err != nil {
		return err
	}
	if to.dir == "-" && len(sites) > 1 {
		return usage("-o - takes one site: objects of several clusters make no stream")
	}
	r, err := c.readSites(sites, opt)
	if err != nil {
		return err
	}
	s := sink{to: to}
	defer s.close()
	bar := c.progress(len(sites))
	err = r.compile(opt, (*compiler.Fleet).Compile, bar, s.take)
	bar.end()
	if err != nil {
		return err
	}
	w := c.stderr
	if report.format != "text" && to.dir != "-" && !to.check { // for a program; nothing else has standard output
		w = c.stdout
	}
	if err := c.deliver(w, r.outcome(), report); err != nil {
		c.counted(r)
		return err
	}
	return s.finish(c, r)
}

// stdinName is what positions in standard input are called.
const stdinName = "stdin"

// compiled is what became of a site: without a source, the findings say why.
type compiled struct {
	in    input
	src   *load.Source
	found diag.List
	out   *compiler.Output
	opt   compiler.Options // with which it was compiled
}

// stages is compiler.Vet or compiler.Compile.
type stages func(*load.Source, compiler.Options) (*compiler.Output, error)

// compile reads the site and runs the stages on it, within the limits.
func (c *command) compile(site string, opt compiler.Options, run stages) (compiled, error) {
	return c.compileFiles(input{name: site, paths: []string{site}}, opt, run)
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
		got.opt = opt
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
