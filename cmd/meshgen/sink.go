package main

import (
	"fmt"
	"path"
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
)

// sink takes the trees of a build, one site after another, and keeps none of them but that of a build to standard output.
// Once a site has an error, nothing more is taken.
type sink struct {
	to      target
	failed  bool
	update  *artifact.Update
	checker *artifact.Checker
	text    []byte
	totals  totals
}

// take stages the tree of a site.
func (s *sink) take(got compiled) error {
	if got.out.Tree == nil || got.out.Findings.HasErrors() {
		s.failed = true
	}
	if s.failed {
		return nil
	}
	var err error
	s.totals.add(got.out)
	switch {
	case s.to.dir == "-":
		s.text = objects(got.out.Tree)
	case s.to.check:
		if s.checker == nil {
			s.checker, err = artifact.NewChecker(s.to.dir)
		}
		if err == nil {
			err = s.checker.Add(got.out.Tree)
		}
	default:
		if s.update == nil {
			s.update, err = artifact.Open(s.to.dir)
		}
		if err == nil {
			err = s.update.Add(got.out.Tree)
		}
	}
	if err != nil {
		return failure(err)
	}
	return nil
}

// close takes back what was staged and not written.
func (s *sink) close() {
	if s.update != nil {
		s.update.Close()
	}
}

// finish writes, or says what writing would change.
func (s *sink) finish(c *command, r *batch) error {
	switch {
	case s.to.dir == "-":
		if _, err := c.stdout.Write(s.text); err != nil {
			return failure(err)
		}
		s.totals.print(c, r)
		return nil
	case s.to.check:
		return s.differences(c)
	}
	var gone []string
	var err error
	others := s.update.Others
	if s.to.prune {
		others = s.update.Prune
	}
	if gone, err = others(); err != nil {
		return failure(err)
	}
	res, err := s.update.Commit()
	if err != nil {
		return failure(err)
	}
	s.totals.print(c, r)
	out := s.to.dir
	fmt.Fprintf(c.stderr, "%s: %d files: %d written, %d unchanged, %d removed", out, res.Written+res.Unchanged, res.Written, res.Unchanged, res.Deleted)
	if res.Foreign > 0 {
		fmt.Fprintf(c.stderr, "; %d not ours, kept", res.Foreign)
	}
	fmt.Fprintln(c.stderr)
	switch {
	case len(gone) > 0 && s.to.prune:
		fmt.Fprintf(c.stderr, "%s: removed %s\n", out, siteNames(gone))
	case len(gone) > 0 && len(r.got) > 1:
		fmt.Fprintf(c.stderr, "%s: kept %s; --prune removes what is no longer given\n", out, siteNames(gone))
	}
	if res.Fallback != "" {
		fmt.Fprintf(c.stderr, "%s: replaced file by file, not in one swap: %s\n", out, res.Fallback)
	}
	return nil
}

// siteNames is a list of sites for people.
func siteNames(names []string) string {
	const most = 5
	if n := len(names); n > most {
		return fmt.Sprintf("%d sites, %s and %d more", n, strings.Join(names[:most], ", "), n-most)
	} else if n > 1 {
		return fmt.Sprintf("%d sites, %s", n, strings.Join(names, ", "))
	}
	return "site " + names[0]
}

// differences lists what a build would change.
func (s *sink) differences(c *command) error {
	if s.to.prune {
		if _, err := s.checker.Prune(); err != nil {
			return failure(err)
		}
	}
	changes, err := s.checker.Changes()
	if err != nil {
		return failure(err)
	}
	n := 0
	for _, set := range []struct {
		verb  string
		paths []string
	}{{"add", changes.Added}, {"change", changes.Changed}, {"remove", changes.Removed}} {
		for _, p := range set.paths {
			fmt.Fprintf(c.stdout, "%s %s\n", set.verb, path.Join(s.to.dir, p))
			n++
		}
	}
	if n > 0 {
		return exit{exitFindings, fmt.Errorf("%s is not what the site gives: %d files differ", s.to.dir, n)}
	}
	return nil
}
