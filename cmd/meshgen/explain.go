package main

import (
	"bytes"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"meshgen.dev/meshgen/compiler"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/site"
)

func (c *command) explainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "explain RULE|FIELD|FILE[:LINE] [SITE]",
		Short: "Tell the story of a rule, a field of the language, or a line of output",
		Long: `Tell what a rule prevents and what to do about it (by ID or name); what a field of the language means, takes and
defaults to (by its path, with any names or * in between); or which lines of the site, and which rule or formula, put a
line into an output file. The last compiles SITE, site.cue by default, and writes nothing.`,
		Example: `  meshgen explain MG1007
  meshgen explain racks.*.tors.*.asn
  meshgen explain out/docs/edge1/SESSIONS.md:12 site.cue`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(_ *cobra.Command, args []string) error {
			what := args[0]
			if len(args) == 1 {
				if text := explainRule(what); text != "" {
					return c.print(text)
				}
				if text := explainField(what); text != "" {
					return c.print(text)
				}
				if !strings.Contains(what, "/") {
					return usage("%s is no rule, no field of the language and no file of the output%s", what, near(what))
				}
			}
			return c.explainOutput(what, siteArg(args[1:]))
		},
	}
}

func (c *command) print(text string) error {
	if _, err := c.stdout.Write([]byte(text)); err != nil {
		return failure(err)
	}
	return nil
}

// explainRule is "" when there is no such rule.
func explainRule(what string) string {
	all := compiler.Catalogue()
	i := slices.IndexFunc(all, func(r compiler.RuleInfo) bool { return strings.EqualFold(r.ID, what) || r.Name == what })
	if i < 0 {
		return ""
	}
	r := all[i]
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s: %s\n%s\n\n%s\n", r.ID, r.Name, r.Title, r.Terms(), r.Doc)
	if r.Waivable {
		fmt.Fprintf(&b, "\nTo accept it for a while:\n  waivers: [{rule: %q, at: \"path.of.the.finding\", reason: \"…\", until: \"2027-03-31\"}]\n", r.Name)
	}
	return b.String()
}

// explainField is "" when the language has no such field.
func explainField(what string) string {
	segments := site.Split(what)
	s := load.Language().Lookup(segments...)
	if s == nil || what == "" {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", what)
	if s.Doc != "" {
		fmt.Fprintf(&b, "%s\n", s.Doc)
	}
	if s.Scalar != nil && s.Scalar.Doc != "" && s.Scalar.Doc != s.Doc {
		fmt.Fprintf(&b, "%s\n", s.Scalar.Doc)
	}
	b.WriteString("\n")
	for _, line := range s.Describe() {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	block := s
	if block.Fields == nil && s.Pattern != nil {
		block = s.Pattern
	}
	if block.Fields == nil && s.Elem != nil {
		block = s.Elem
	}
	if len(block.Order) > 0 {
		b.WriteString("\nfields:\n")
		for _, name := range block.Order {
			first, _, _ := strings.Cut(block.Fields[name].Doc, "\n")
			fmt.Fprintf(&b, "  %-24s %s\n", name, first)
		}
	}
	return b.String()
}

// near suggests what a word may have been meant to be.
func near(what string) string {
	if hint := load.Suggest(site.Split(what)...); hint != "" && strings.Contains(what, ".") {
		return "; " + hint
	}
	if named := load.Named(what); len(named) > 0 {
		const readable = 5
		more := ""
		if len(named) > readable {
			named, more = named[:readable], ", …"
		}
		return "; fields of that name: " + strings.Join(named, ", ") + more
	}
	for _, r := range compiler.Catalogue() {
		if len(what) > 2 && strings.Contains(r.Name, strings.ToLower(what)) {
			return fmt.Sprintf("; did you mean %s %s?", r.ID, r.Name)
		}
	}
	if hint := load.Suggest(what); strings.HasPrefix(hint, "did you mean") {
		return "; " + hint
	}
	return `; "meshgen rules" lists the rules, "meshgen schema" the language`
}

// explainOutput compiles the site and says where a file, or one line of it, comes from.
func (c *command) explainOutput(what, siteFile string) error {
	name, line := what, 0
	if before, after, ok := cutLast(what, ":"); ok {
		if n, err := strconv.Atoi(after); err == nil && n > 0 {
			name, line = before, n
		}
	}
	report := &reportFlags{format: "text", failOn: "error"}
	opt, err := c.options(report)
	if err != nil {
		return err
	}
	got, err := c.compile(siteFile, opt, compiler.Compile)
	if err != nil {
		return err
	}
	if got.src == nil {
		return c.findings(c.stderr, got.found, report)
	}
	if got.out.Tree == nil {
		return c.findings(c.stderr, got.out.Findings, report)
	}
	f := fileNamed(got.out.Tree, filepath.ToSlash(name))
	if f == nil {
		return usage("the output has no file %s%s", name, nearFile(got.out.Tree, name))
	}
	if line == 0 {
		return c.print(c.explainFile(f, got.src))
	}
	origin, ok := f.Origin(line)
	if !ok {
		return usage("%s has no line %d", f.Path(), line)
	}
	text := bytes.Split(f.Bytes(), []byte("\n"))[line-1]
	var b strings.Builder
	fmt.Fprintf(&b, "%s:%d\n    %s\n", f.Path(), line, text)
	if origin.Why != "" {
		fmt.Fprintf(&b, "made by the formula %s from\n", origin.Why)
	} else {
		b.WriteString("comes from\n")
	}
	c.inputs(&b, got.src, origin.Paths)
	return c.print(b.String())
}

// explainFile lists what a whole file comes from.
func (c *command) explainFile(f *artifact.File, src *load.Source) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s comes from\n", f.Path())
	c.inputs(&b, src, f.Origins())
	fmt.Fprintf(&b, "add :LINE for one line of it\n")
	return b.String()
}

// inputs lists the places of the site, each with its line.
func (c *command) inputs(b *strings.Builder, src *load.Source, paths []string) {
	for _, p := range slices.Compact(slices.Sorted(slices.Values(paths))) {
		at := src.PosOf(p)
		note := ""
		if !src.Has(p) {
			note = "  (left out there: the default)"
		}
		fmt.Fprintf(b, "  %s: %s%s\n", at, p, note)
		lines := bytes.Split(c.source(at.File), []byte("\n"))
		if at.Line > 0 && at.Line <= len(lines) {
			fmt.Fprintf(b, "      %s\n", bytes.TrimSpace(lines[at.Line-1]))
		}
	}
}

// fileNamed finds a file by its path in the tree, with or without the output directory in front.
func fileNamed(t *artifact.Tree, name string) *artifact.File {
	name = path.Clean(name)
	for _, f := range t.Files() {
		if f.Path() == name || strings.HasSuffix(name, "/"+f.Path()) {
			return f
		}
	}
	return nil
}

// nearFile suggests a file of the same base name.
func nearFile(t *artifact.Tree, name string) string {
	for _, f := range t.Files() {
		if path.Base(f.Path()) == path.Base(filepath.ToSlash(name)) {
			return "; did you mean " + f.Path() + "?"
		}
	}
	return ""
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
