package main

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/diag"
)

// fixRounds bounds how often a site is mended and read again: mending its structure lets later stages find more.
const fixRounds = 10

// mend makes the edits that findings offer, in the site's files, until none is offered. Files change only where an edit
// says so.
func (c *command) mend(in input, opt compiler.Options) error {
	if slices.Contains(in.paths, "-") {
		return usage("--fix needs a file: standard input cannot be mended")
	}
	for range fixRounds {
		got, err := c.compileFiles(in, opt, compiler.Vet)
		if err != nil {
			return err
		}
		found := got.found
		if got.src != nil {
			found = got.out.Findings
		}
		edits := editsOf(found)
		if len(edits) == 0 {
			return nil
		}
		for _, file := range slices.Sorted(maps.Keys(edits)) {
			if err := applyEdits(file, edits[file]); err != nil {
				return failure(err)
			}
			fmt.Fprintf(c.stderr, "%s: %d mended\n", file, len(edits[file]))
		}
	}
	return nil
}

// editsOf returns the edits that findings offer, by file, from the last to the first, none touching another. Findings
// that are waived are left alone.
func editsOf(found diag.List) map[string][]diag.Edit {
	out := map[string][]diag.Edit{}
	for _, f := range found {
		if f.Fix != nil && f.Waived == "" && f.Fix.Edit.File != "" {
			out[f.Fix.Edit.File] = append(out[f.Fix.Edit.File], f.Fix.Edit)
		}
	}
	for file, edits := range out {
		slices.SortFunc(edits, func(a, b diag.Edit) int { return cmp.Or(cmp.Compare(b.Start, a.Start), cmp.Compare(b.End, a.End)) })
		kept := edits[:0]
		for _, e := range edits {
			if n := len(kept); n == 0 || e.End <= kept[n-1].Start {
				kept = append(kept, e)
			}
		}
		out[file] = kept
	}
	return out
}

// applyEdits rewrites a file whole or not at all.
func applyEdits(file string, edits []diag.Edit) error {
	// The name may be a link; what it leads to is the file.
	target, err := filepath.EvalSymlinks(file)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(target)
	if err != nil {
		return err
	}
	for _, e := range edits { // from the last to the first, so that offsets stay true
		if e.End > len(text) {
			return fmt.Errorf("%s changed while it was read", file)
		}
		text = slices.Concat(text[:e.Start], []byte(e.New), text[e.End:])
	}
	return replaceFile(target, text)
}
