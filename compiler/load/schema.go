package load

import (
	"bytes"
	"cmp"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/parser"

	"meshgen.dev/meshgen/schema"
)

// schemaPath is the import path of the language, for files that want to name it.
const schemaPath = "meshgen.dev/schema"

// schemaDir stands before the schema's file names in positions, to tell them from the user's.
const schemaDir = schemaPath + "/"

// schemaFiles parses the embedded schema. Each caller gets syntax of its own, because building changes it.
func schemaFiles() ([]*ast.File, error) {
	var files []*ast.File
	err := eachSchemaFile(func(name string, data []byte) error {
		f, err := parser.ParseFile(schemaDir+name, data, parser.ParseComments)
		files = append(files, f)
		return err
	})
	return files, err
}

func eachSchemaFile(visit func(name string, data []byte) error) error {
	names, err := fs.Glob(schema.FS, "*.cue")
	if err != nil {
		return err
	}
	slices.SortFunc(names, func(a, b string) int { // the root of the language first, its types last
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b))
	})
	for _, name := range names {
		data, err := schema.FS.ReadFile(name)
		if err != nil {
			return err
		}
		if err := visit(name, data); err != nil {
			return err
		}
	}
	return nil
}

func rank(name string) int {
	switch name {
	case "site.cue":
		return 0
	case "types.cue":
		return 2
	}
	return 1
}

// compileSchema returns #Site in the context.
func compileSchema(ctx *cue.Context) (cue.Value, error) {
	files, err := schemaFiles()
	if err != nil {
		return cue.Value{}, err
	}
	inst := build.NewContext().NewInstance("", nil)
	inst.ImportPath = schemaPath
	for _, f := range files {
		if err := inst.AddSyntax(f); err != nil {
			return cue.Value{}, err
		}
	}
	v := ctx.BuildInstance(inst).LookupPath(cue.MakePath(cue.Def("Site")))
	return v, v.Err()
}

// SchemaCUE returns the language as one CUE file, for readers.
func SchemaCUE() []byte {
	var head, body bytes.Buffer
	imports := map[string]bool{}
	_ = eachSchemaFile(func(name string, data []byte) error {
		text := string(data)
		clause := strings.Index(text, "package schema\n")
		if clause > 0 {
			head.WriteString(text[:clause])
		}
		rest := text[clause+len("package schema\n"):]
		if start := strings.Index(rest, "\nimport ("); start >= 0 {
			end := start + strings.Index(rest[start:], "\n)\n")
			for _, line := range strings.Split(rest[start+len("\nimport ("):end], "\n") {
				if line = strings.TrimSpace(line); line != "" {
					imports[line] = true
				}
			}
			rest = rest[end+len("\n)\n"):]
		}
		body.WriteString("\n" + strings.TrimSpace(rest) + "\n")
		return nil
	})
	head.WriteString("package schema\n\nimport (\n")
	for _, line := range slices.Sorted(maps.Keys(imports)) {
		head.WriteString("\t" + line + "\n")
	}
	head.WriteString(")\n")
	head.Write(body.Bytes())
	return head.Bytes()
}

// moduleVersion is the CUE release whose language the files are written in.
const moduleVersion = "v0.9.0"

// SchemaModule returns the files that make editors and `cue vet` know the language beside a site, by path from the
// site's folder: the module file, and the schema as a package of it. module is the name of the user's module,
// "example.net/site".
func SchemaModule(module string) map[string][]byte {
	out := map[string][]byte{
		"cue.mod/module.cue": []byte("module: \"" + module + "\"\nlanguage: version: \"" + moduleVersion + "\"\n"),
	}
	_ = eachSchemaFile(func(name string, data []byte) error {
		out[path.Join("cue.mod/pkg", schemaPath, name)] = data
		return nil
	})
	return out
}
