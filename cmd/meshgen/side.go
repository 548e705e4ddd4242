package main

import (
	"cmp"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/diff"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/load"
)

// state is one side of a comparison: the files, and the plans where there are descriptions.
type state struct {
	diff.Side
	plans []*ir.Plan // by name, as the sites; nil for a tree
	rev   *revision  // what it was read from; nil: the working directory
}

// close removes what was written out to read it. Positions in the description may be asked for until then.
func (s *state) close() {
	if s != nil && s.rev != nil {
		os.RemoveAll(s.rev.dir)
	}
}

// before returns the plan that a site comes from, as compiler.Options has it: where either side has one site, it is the same
// under whatever name.
func (s *state) before(sites int) func(string) *ir.Plan {
	return func(name string) *ir.Plan {
		for _, p := range s.plans {
			if p.Name == name || sites == 1 && len(s.plans) == 1 {
				return p
			}
		}
		return nil
	}
}

// stateOf reads one of two arguments: the folder of a tree, a site as build takes it, or git:REV[:PATH] for one of these.
// beside is the other argument. Whoever asked for it closes it. What a site has against it is printed, and against the
// change from another state where one is given; then the error says that there is no state.
func (c *command) stateOf(arg, beside string, from *state) (*state, error) {
	s := &state{Side: diff.Side{Name: arg}}
	where := arg
	if strings.HasPrefix(arg, gitPrefix) {
		var err error
		if s.rev, err = checkout(arg, beside); err != nil {
			return nil, err
		}
		where = s.rev.path
	}
	if written(where) {
		err := s.tree(where)
		return s, err
	}
	return s, c.describe(s, where, from)
}

// tree reads the sites of a folder that a build has written.
func (s *state) tree(dir string) error {
	manifests, err := filepath.Glob(filepath.Join(dir, artifact.ManifestDir, "*.json"))
	if err != nil {
		return failure(err)
	}
	for _, name := range manifests {
		text, err := os.ReadFile(name)
		if err != nil {
			return failure(err)
		}
		m, err := artifact.ReadManifest(text)
		if err != nil || m.Site+".json" != filepath.Base(name) {
			continue // not a manifest of a site
		}
		one, err := diff.FromManifest(m, func(path string) ([]byte, error) {
			return os.ReadFile(filepath.Join(dir, filepath.FromSlash(path)))
		})
		if err != nil {
			return failure(err)
		}
		s.Sites = append(s.Sites, one)
	}
	return nil
}

// describe compiles the sites of an argument.
func (c *command) describe(s *state, where string, from *state) error {
	report := &reportFlags{format: "text", failOn: "error"}
	opt, err := c.options(report)
	if err != nil {
		return err
	}
	sites, err := c.sitesAt([]string{where})
	if err != nil {
		return err
	}
	rev := s.rev
	if from != nil {
		opt.Before = from.before(len(sites))
		opt.Skip = append(opt.Skip, "MG9014") // waves keep to the budget
	}
	r, err := c.readSites(sites, opt)
	if err != nil {
		return err
	}
	err = r.compile(opt, (*compiler.Fleet).Compile, c.progress(0), func(got compiled) error {
		if got.out.Tree == nil || got.out.Findings.HasErrors() {
			return nil
		}
		values, err := got.src.Values()
		if err != nil {
			return failure(err)
		}
		s.Sites = append(s.Sites, diff.FromTree(got.out.Plan.Name, got.out.Tree, values, positions(got.src, rev)))
		s.plans = append(s.plans, got.out.Plan)
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortFunc(s.Sites, func(a, b *diff.Site) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(s.plans, func(a, b *ir.Plan) int { return cmp.Compare(a.Name, b.Name) })
	all := r.outcome()
	all.list = slices.DeleteFunc(all.list, func(f diag.Finding) bool { return f.Severity < diag.Error })
	for i := range all.list {
		f := &all.list[i]
		f.Pos.File = rev.called(f.Pos.File)
		for j := range f.Related {
			f.Related[j].Pos.File = rev.called(f.Related[j].Pos.File)
		}
	}
	return c.deliver(c.stderr, all, report)
}

// positions are those of a source, each asked for once.
func positions(src *load.Source, rev *revision) func(string) diag.Pos {
	known := map[string]diag.Pos{}
	return func(path string) diag.Pos {
		at, ok := known[path]
		if !ok {
			at = src.PosOf(path)
			at.File = rev.called(at.File)
			known[path] = at
		}
		return at
	}
}
