package load

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/profiles"
)

// ProfileFile is a file with profiles of a team's own, in CUE or JSON: fields named after the kinds of profile, as in
// `mesh: "istio-sidecar": releases: "1.32": {...}`.
type ProfileFile struct {
	Name string
	Text []byte
}

// Profiles lays files over the embedded profiles: each is unified with ours of the same kind and name, and held against
// the definition of the kind. A file can add what we do not say, and contradict nothing that we do. Without findings it
// returns the whole.
func Profiles(files []ProfileFile) (*profile.Set, diag.List) {
	var found diag.List
	trees := map[string][]*ast.File{} // by kind that they speak of
	for _, f := range files {
		tree, err := parser.ParseFile(f.Name, f.Text, parser.ParseComments)
		if err != nil {
			for _, e := range errors.Errors(err) {
				found = append(found, finding(Syntax, posOf(e.Position()), "", "%s", errors.Details(e, &errors.Config{Cwd: "/"})).Finding)
			}
			continue
		}
		found = append(found, profileKinds(tree, trees)...)
	}
	data := map[string][]byte{}
	for _, kind := range profile.Kinds {
		if len(trees[kind]) == 0 || found.HasErrors() {
			continue
		}
		text, faults := layProfiles(kind, trees[kind])
		found = append(found, faults...)
		data[kind] = text
	}
	if found.HasErrors() {
		return nil, found.Sorted()
	}
	set, err := profile.Lay(profiles.FS, data)
	if err != nil {
		return nil, diag.List{internalFault(err)}
	}
	return set, nil
}

// profileKinds files a tree under the kinds that it has fields of. The package clause and imports are dropped: the file
// becomes one of the package of the profiles.
func profileKinds(tree *ast.File, trees map[string][]*ast.File) diag.List {
	var found diag.List
	kept := tree.Decls[:0]
	for _, d := range tree.Decls {
		switch d := d.(type) {
		case *ast.Package:
			continue
		case *ast.ImportDecl:
			found = append(found, finding(Import, posOf(d.Pos()), "", "a profile imports nothing").hint("write the values themselves"))
		case *ast.Field:
			name, _, err := ast.LabelName(d.Label)
			if err != nil || !slices.Contains(profile.Kinds, name) && !strings.HasPrefix(name, "_") && !strings.HasPrefix(name, "#") {
				found = append(found, finding(Unknown, posOf(d.Pos()), "", "there is no kind of profile %q", name).hint("kinds: %s", strings.Join(profile.Kinds, ", ")))
			}
			if !slices.Contains(trees[name], tree) {
				trees[name] = append(trees[name], tree)
			}
		}
		kept = append(kept, d)
	}
	tree.Decls = kept
	return found
}

// layProfiles unifies trees with the embedded profiles of a kind and returns the whole as JSON.
func layProfiles(kind string, trees []*ast.File) ([]byte, diag.List) {
	inst := build.NewContext().NewInstance("profiles", nil)
	ours, err := profiles.FS.ReadFile("json/" + kind + ".json")
	if err != nil {
		return nil, diag.List{internalFault(err)}
	}
	for name, text := range map[string][]byte{
		"common.cue": must(profiles.FS.ReadFile("common.cue")), "shape.cue": must(profiles.FS.ReadFile(kind + "/shape.cue")),
		"ours.cue": slices.Concat([]byte("package profiles\n"+kind+": "), ours),
	} {
		tree, err := parser.ParseFile(schemaDir+"profiles/"+name, text)
		if err == nil {
			err = inst.AddSyntax(tree)
		}
		if err != nil {
			return nil, diag.List{internalFault(err)}
		}
	}
	for _, t := range trees {
		if err := inst.AddSyntax(t); err != nil {
			return nil, profileFaults(kind, err)
		}
	}
	if err := inst.Complete(); err != nil {
		return nil, profileFaults(kind, err)
	}
	v := cuecontext.New().BuildInstance(inst).LookupPath(cue.MakePath(cue.Str(kind)))
	if err := v.Validate(cue.Concrete(true), cue.All()); err != nil {
		return nil, profileFaults(kind, err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return nil, profileFaults(kind, err)
	}
	return text, nil
}

func must(text []byte, _ error) []byte { return text } // embedded: a test reads all of it

// profileFaults makes findings of what CUE says of a profile, each at a place of the user's.
func profileFaults(kind string, err error) diag.List {
	var out diag.List
	for _, e := range errors.Errors(err) {
		var at diag.Pos
		for _, p := range append([]token.Pos{e.Position()}, e.InputPositions()...) {
			if at = posOf(p); at.IsValid() {
				break
			}
		}
		text := strings.TrimSpace(strings.SplitN(errors.Details(e, &errors.Config{Cwd: filepath.Dir(at.File)}), "\n", 2)[0])
		text = strings.TrimSuffix(text, ":")
		rule := BadFormat
		switch {
		case strings.Contains(text, "field not allowed"):
			rule = Unknown
		case strings.Contains(text, "required but not present"), strings.Contains(text, "incomplete value"):
			rule = Missing
		case strings.Contains(text, "conflicting values"):
			rule = Conflict
		}
		out = append(out, finding(rule, at, "", "%s", text).hint("the definition of the kind is profiles/%s/shape.cue", kind))
	}
	return out.Sorted()
}
