package load

import (
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"meshgen.dev/meshgen/compiler/diag"
)

// importer resolves the imports of a site without network, registry or environment: CUE's standard library, the
// packages of the user's own module, and the schema.
//
// The schema it hands out is a stand-in whose definitions admit anything. The real one is unified with the whole file
// in any case, and what the user wrote stays apart from what the schema adds, so that positions and the walk see only
// the former.
type importer struct {
	ctx    *build.Context
	open   map[string]bool // own packages whose imports are being read
	root   string          // folder that holds cue.mod; "" when there is none
	module string          // module path without version
	faults diag.List
}

func newImporter(files []file) *importer {
	imp := &importer{open: map[string]bool{}}
	imp.ctx = build.NewContext(build.Loader(imp.load))
	for _, f := range files {
		if f.dir != "" && imp.root == "" {
			imp.findModule(f.dir)
		}
	}
	return imp
}

func (imp *importer) instance(dir string) *build.Instance { return imp.ctx.NewInstance(dir, imp.load) }

// findModule looks for cue.mod/module.cue in the folder and those above it.
func (imp *importer) findModule(dir string) {
	for range 64 { // a symbolic link may lead in circles
		name := filepath.Join(dir, "cue.mod", "module.cue")
		if data, err := os.ReadFile(name); err == nil && len(data) < harmless {
			imp.root, imp.module = dir, moduleName(name, data)
			return
		}
		abs, err := filepath.Abs(dir)
		if err != nil || filepath.Dir(abs) == abs {
			return
		}
		dir = filepath.Join(dir, "..")
	}
}

// moduleName reads `module: "example.net/site@v0"`.
func moduleName(name string, data []byte) string {
	f, err := parser.ParseFile(name, data)
	if err != nil {
		return ""
	}
	for _, d := range f.Decls {
		if fld, ok := d.(*ast.Field); ok {
			label, _, _ := ast.LabelName(fld.Label)
			if lit, ok := fld.Value.(*ast.BasicLit); ok && label == "module" {
				path, _ := strconv.Unquote(lit.Value)
				path, _, _ = strings.Cut(path, "@")
				return path
			}
		}
	}
	return ""
}

// check reports imports that are not available.
func (imp *importer) check(f *ast.File, dir string) diag.List {
	var faults diag.List
	for spec := range f.ImportSpecs() {
		path, err := strconv.Unquote(spec.Path.Value)
		if err == nil && (path == schemaPath || imp.isOwn(path) || !strings.Contains(path, ".")) {
			continue
		}
		faults = append(faults, finding(Import, posOf(spec.Path.Pos()), "", "import %s is not available", spec.Path.Value).
			hint("import CUE's standard library, packages of your own module, or %q; meshgen fetches nothing", schemaPath))
	}
	return faults
}

func (imp *importer) isOwn(path string) bool {
	path, _, _ = strings.Cut(path, ":")
	return imp.module != "" && (path == imp.module || strings.HasPrefix(path, imp.module+"/"))
}

// load implements build.LoadFunc.
func (imp *importer) load(pos token.Pos, path string) *build.Instance {
	switch {
	case path == schemaPath:
		return imp.standIn()
	case imp.open[path]:
		imp.faults = append(imp.faults, finding(Import, posOf(pos), "", "import %q leads back to itself", path).
			hint("packages may not import each other in a circle"))
	case imp.isOwn(path):
		imp.open[path] = true
		inst := imp.ownPackage(pos, path)
		// Its own imports are read now, while open tells a circle: CUE would follow it for ever.
		if err := inst.Complete(); err != nil && len(imp.faults) == 0 {
			imp.faults = append(imp.faults, finding(Import, posOf(pos), "", "import %q cannot be used", path).Finding)
		}
		delete(imp.open, path)
		return inst
	}
	return nil // the standard library, or refused by check
}

// standIn is the schema with every definition open to anything.
func (imp *importer) standIn() *build.Instance {
	inst := imp.instance("")
	inst.ImportPath, inst.PkgName = schemaPath, "schema"
	f := &ast.File{Filename: schemaDir + "schema.cue", Decls: []ast.Decl{&ast.Package{Name: ast.NewIdent("schema")}}}
	files, err := schemaFiles()
	if err != nil {
		imp.faults = append(imp.faults, internalFault(err))
		return nil
	}
	for _, file := range files {
		for _, d := range file.Decls {
			if fld, ok := d.(*ast.Field); ok {
				var anything ast.Expr = ast.NewIdent("_")
				if _, ok := fld.Value.(*ast.StructLit); ok {
					// A definition closes what it is unified with, unless it says that it is open.
					anything = &ast.StructLit{Elts: []ast.Decl{&ast.Ellipsis{}}}
				}
				f.Decls = append(f.Decls, &ast.Field{Label: fld.Label, Value: anything})
			}
		}
	}
	if err := inst.AddSyntax(f); err != nil {
		imp.faults = append(imp.faults, internalFault(err))
	}
	return inst
}

// ownPackage reads a package of the user's module from disk.
func (imp *importer) ownPackage(pos token.Pos, path string) *build.Instance {
	folder, pkg, _ := strings.Cut(path, ":")
	dir := filepath.Join(imp.root, filepath.FromSlash(strings.TrimPrefix(folder, imp.module)))
	if pkg == "" {
		pkg = folder[strings.LastIndexByte(folder, '/')+1:]
	}
	inst := imp.instance(dir)
	inst.ImportPath, inst.PkgName = path, pkg
	names, err := packageFiles(dir)
	if err != nil {
		imp.faults = append(imp.faults, finding(Import, posOf(pos), "", "import %q leads to a folder that cannot be read", path).
			hint("expected at %s", filepath.ToSlash(dir)))
		return inst
	}
	found := false
	for _, name := range names {
		data, err := readOne(func() (io.ReadCloser, error) { return os.Open(name) }, new(int64(MaxSize)))
		if err != nil {
			imp.faults = append(imp.faults, finding(CannotRead, diag.Pos{File: filepath.ToSlash(name)}, "", "%s", readError(err)).Finding)
			continue
		}
		syntax, faults := parseOne(file{name: filepath.ToSlash(name), dir: dir, data: data})
		imp.faults = append(imp.faults, faults...)
		if syntax == nil || syntax.PackageName() != pkg {
			continue
		}
		found = true
		imp.faults = append(imp.faults, imp.check(syntax, dir)...)
		if err := inst.AddSyntax(syntax); err != nil {
			imp.faults = append(imp.faults, syntaxFault(file{name: name}, err))
		}
	}
	if !found && len(imp.faults) == 0 {
		imp.faults = append(imp.faults, finding(Import, posOf(pos), "", "import %q finds no package %s", path, pkg).
			hint("expected in %s", filepath.ToSlash(dir)))
	}
	return inst
}
