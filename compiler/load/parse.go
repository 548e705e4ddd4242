package load

import (
	"bytes"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"
	"cuelang.org/go/encoding/json"
	"cuelang.org/go/encoding/yaml"

	"meshgen.dev/meshgen/compiler/diag"
)

// parse turns files into one CUE instance, ready to be built. Faults of syntax, doubled keys and imports come back
// together, but nothing behind a fault of syntax is seen.
func parse(files []file) (*build.Instance, diag.List) {
	var faults diag.List
	imp := newImporter(files)
	inst := imp.instance("")
	pkg := ""
	for _, f := range files {
		syntax, fs := parseOne(f)
		faults = append(faults, fs...)
		if syntax == nil {
			continue
		}
		if name := syntax.PackageName(); name != "" {
			if pkg != "" && name != pkg {
				faults = append(faults, finding(Syntax, posOf(syntax.Pos()), "", "package %s and package %s cannot be one site", name, pkg).
					hint("give all files of a site the same package name"))
				continue
			}
			pkg = name
		}
		faults = append(faults, imp.check(syntax, f.dir)...)
		if err := inst.AddSyntax(syntax); err != nil {
			faults = append(faults, syntaxFault(f, err))
		}
	}
	if len(faults) > 0 {
		return nil, faults
	}
	inst.PkgName = pkg
	if err := inst.Complete(); err != nil {
		faults = append(faults, imp.faults...)
		if len(faults) == 0 {
			faults = append(faults, syntaxFault(files[0], err))
		}
		return nil, faults
	}
	return inst, imp.faults
}

func parseOne(f file) (*ast.File, diag.List) {
	if i := firstInvalid(f.data); i >= 0 {
		line := 1 + strings.Count(string(f.data[:i]), "\n")
		return nil, diag.List{finding(Syntax, diag.Pos{File: f.name, Line: line, Column: i - strings.LastIndexByte(string(f.data[:i]), '\n')}, "",
			"the text is not UTF-8").hint("save the file as UTF-8")}
	}
	if pos, deep := tooDeep(f); deep {
		return nil, diag.List{finding(TooLarge, pos, "", "the text is nested more than %d deep, or holds an expression of more than %d parts", maxDepth, maxParts).
			hint("a site needs neither")}
	}
	var syntax *ast.File
	var err error
	switch f.ext() {
	case ".yaml", ".yml":
		syntax, err = yaml.Extract(f.name, f.data)
	case ".json":
		var e ast.Expr
		if e, err = json.Extract(f.name, f.data); err == nil {
			syntax = &ast.File{Filename: f.name, Decls: []ast.Decl{&ast.EmbedDecl{Expr: e}}}
		}
	default:
		syntax, err = parser.ParseFile(f.name, f.data)
	}
	if err != nil {
		return nil, diag.List{syntaxFault(f, err)}
	}
	if f.ext() != ".cue" && f.ext() != "" {
		block, fault := document(f, syntax)
		if block == nil {
			return nil, fault
		}
		syntax.Decls = block.Elts
		return syntax, duplicates(block, nil)
	}
	return syntax, nil
}

// document returns the one block that a YAML or JSON file must hold.
func document(f file, syntax *ast.File) (*ast.StructLit, diag.List) {
	if len(syntax.Decls) == 1 {
		if e, ok := syntax.Decls[0].(*ast.EmbedDecl); ok {
			if s, ok := e.Expr.(*ast.StructLit); ok {
				return s, nil
			}
			pos := posOf(e.Pos())
			if !pos.IsValid() {
				pos = diag.Pos{File: f.name, Line: 1, Column: 1}
			}
			return nil, diag.List{finding(Syntax, pos, "", "the file holds no description of a site").
				hint("write one block of fields, beginning with apiVersion; several documents in one file are not read")}
		}
	}
	return &ast.StructLit{Elts: syntax.Decls}, nil
}

// duplicates reports keys that stand twice in one block of a YAML or JSON file.
func duplicates(n ast.Expr, path []string) diag.List {
	var faults diag.List
	switch n := n.(type) {
	case *ast.StructLit:
		first := map[string]token.Pos{}
		for _, d := range n.Elts {
			fld, ok := d.(*ast.Field)
			if !ok {
				continue
			}
			name, _, err := ast.LabelName(fld.Label)
			if err != nil {
				continue
			}
			at := append(path[:len(path):len(path)], name)
			if p, ok := first[name]; ok {
				d := finding(Duplicate, posOf(fld.Pos()), join(at), "%s stands twice in one block", name).
					hint("remove one of the two")
				d.Related = []diag.Related{{Path: join(at), Pos: posOf(p), Message: "first here"}}
				faults = append(faults, d)
			} else {
				first[name] = fld.Pos()
			}
			faults = append(faults, duplicates(fld.Value, at)...)
		}
	case *ast.ListLit:
		for i, e := range n.Elts {
			faults = append(faults, duplicates(e, append(path[:len(path):len(path)], index(i)))...)
		}
	}
	return faults
}

func firstInvalid(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for i := 0; i < len(data); {
		r, n := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && n == 1 {
			return i
		}
		i += n
	}
	return -1
}

var (
	expectedFound = regexp.MustCompile(`^expected (.+), found (.+)$`)
	// The YAML parser gives no position, but says it: "site.yaml:3: found a tab character". It counts lines from the second.
	yamlSays   = regexp.MustCompile(`^.*?\.ya?ml(?::([0-9]+))?: (.+)$`)
	yamlPrefix = regexp.MustCompile(`^.*?yaml: (line [0-9]+(, column [0-9]+)?: )?`)
)

// syntaxFault says in one sentence what the parser did. Parsers stumble on after the first fault; only that is told.
func syntaxFault(f file, err error) diag.Finding {
	first := errors.Errors(err)[0]
	pos := posOf(first.Position())
	if !pos.IsValid() {
		pos.File = f.name
	}
	// A parser that misses something at the end of a line points behind the line's end.
	if lines := bytes.Split(f.data, []byte("\n")); pos.Line > 0 && pos.Line <= len(lines) {
		pos.Column = min(pos.Column, len(lines[pos.Line-1])+1)
	}
	format := map[string]string{".yaml": "YAML", ".yml": "YAML", ".json": "JSON"}[filepath.Ext(pos.File)]
	if format == "" {
		format = "CUE"
	}
	text := first.Error()
	if first, args := first.Msg(); len(args) == 0 && first != "" {
		text = first
	}
	text = yamlPrefix.ReplaceAllString(text, "")
	m := expectedFound.FindStringSubmatch(text)
	switch {
	case m != nil:
		return finding(Syntax, pos, "", "not %s: %s where %s is expected", format, tokenName(m[2]), tokenName(m[1])).Finding
	case strings.Contains(text, "not terminated"):
		return finding(Syntax, pos, "", "not %s: a string or comment is not closed", format).Finding
	case strings.Contains(text, "unclosed interpolation"):
		return finding(Syntax, pos, "", `not %s: a "\(" is not closed`, format).Finding
	case strings.Contains(text, "illegal character"), strings.Contains(text, "invalid character"):
		return finding(Syntax, pos, "", "not %s: this character cannot stand here", format).Finding
	}
	if m := yamlSays.FindStringSubmatch(first.Error()); m != nil && format == "YAML" && !first.Position().IsValid() {
		if line, err := strconv.Atoi(m[1]); err == nil {
			pos.Line, pos.Column = line, 1
		}
		return finding(Syntax, pos, "", "not YAML: %s", m[2]).Finding
	}
	return finding(Syntax, pos, "", "not %s from here on", format).Finding
}

// tokenName names a token of the CUE parser for people.
func tokenName(s string) string {
	switch s {
	case "newline":
		return "the end of the line"
	case "'EOF'", "EOF":
		return "the end of the file"
	case "operand":
		return "a value"
	}
	return s
}
