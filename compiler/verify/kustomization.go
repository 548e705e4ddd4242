package verify

import (
	"bytes"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"meshgen.dev/meshgen/compiler/artifact"
)

// A kustomization is one kustomization.yaml.
type kustomization struct {
	file  *artifact.File
	node  *yaml.Node
	value map[string]any
}

// kustomizationFields are those that meshgen writes. "openapi" is refused above all: it changes the schema of the whole
// process that builds, so that builds beside each other would disturb each other.
var kustomizationFields = map[string]bool{"apiVersion": true, "kind": true, "resources": true, "patches": true, "labels": true}

func readKustomization(f *artifact.File, p *pass) {
	docs := p.documents(f)
	if len(docs) != 1 || docs[0].Kind != yaml.MappingNode {
		p.report(f, 0, ruleKustomization, "a kustomization is one mapping")
		return
	}
	k := &kustomization{f, docs[0], dict(value(docs[0]))}
	p.kustomizations[path.Dir(f.Path())] = k
}

func (k *kustomization) report(p *pass, at fieldPath, format string, args ...any) {
	p.report(k.file, lineOf(k.node, at), ruleKustomization, format, args...)
}

// checkKustomizations checks each kustomization and that every YAML file below kubernetes/ is listed by the one of its
// folder: a file that nobody lists is never applied.
func (p *pass) checkKustomizations() {
	for _, f := range p.tree.Files() {
		dir, name := path.Split(f.Path())
		dir = strings.TrimSuffix(dir, "/")
		if !strings.HasPrefix(dir, "kubernetes/") || path.Ext(name) != ".yaml" {
			continue
		}
		if name == "kustomization.yaml" {
			if k := p.kustomizations[dir]; k != nil {
				p.checkKustomization(k, dir)
			}
			continue
		}
		k := p.kustomizations[dir]
		switch {
		case k == nil:
			p.report(f, 0, ruleKustomization, "its folder has no kustomization.yaml: nothing applies it")
		case !slices.Contains(append(strs(k.value, "resources"), patchFiles(k)...), name):
			p.report(f, 0, ruleKustomization, "the kustomization.yaml of its folder does not list it: nothing applies it")
		}
	}
	p.checkBases()
}

func patchFiles(k *kustomization) []string {
	var out []string
	for _, patch := range list(k.value, "patches") {
		if f := str(patch, "path"); f != "" {
			out = append(out, f)
		}
	}
	return out
}

func (p *pass) checkKustomization(k *kustomization, dir string) {
	if str(k.value, "apiVersion") != "kustomize.config.k8s.io/v1beta1" || str(k.value, "kind") != "Kustomization" {
		k.report(p, nil, "apiVersion or kind is not that of a Kustomization")
	}
	for _, field := range slices.Sorted(maps.Keys(k.value)) {
		if !kustomizationFields[field] {
			k.report(p, fieldPath{field}, "field %q is none that meshgen writes", field)
		}
	}
	seen := map[string]bool{}
	for i, r := range strs(k.value, "resources") {
		at := fieldPath{"resources"}.at(i)
		target := path.Join(dir, r)
		switch isFile := path.Ext(r) != ""; {
		case strings.Contains(r, "://") || strings.HasPrefix(r, "/"):
			k.report(p, at, "%q is not in the tree", r)
		case seen[target]:
			k.report(p, at, "%q stands twice", r)
		case p.kustomizations[target] == nil && (!isFile || p.tree.Lookup(target) == nil):
			k.report(p, at, "%q does not exist", r)
		case target == dir || strings.HasPrefix(dir+"/", target+"/"):
			k.report(p, at, "%q contains the kustomization itself", r)
		}
		seen[target] = true
	}
	for i, f := range patchFiles(k) {
		if p.tree.Lookup(path.Join(dir, f)) == nil {
			k.report(p, fieldPath{"patches"}.at(i), "%q does not exist", f)
		}
	}
}

// checkBases reports folders that a kustomization reaches on two ways: kustomize then sees each object twice.
func (p *pass) checkBases() {
	for _, dir := range slices.Sorted(maps.Keys(p.kustomizations)) {
		reached := map[string]string{}
		var walk func(from, at string, depth int)
		walk = func(from, at string, depth int) {
			if depth > len(p.kustomizations) {
				p.kustomizations[dir].report(p, nil, "reaches itself through %q", from)
				return
			}
			for _, r := range strs(p.kustomizations[at].value, "resources") {
				target := path.Join(at, r)
				if p.kustomizations[target] == nil {
					continue
				}
				if by, twice := reached[target]; twice && by != at {
					p.kustomizations[dir].report(p, nil, "takes %q twice, through %q and %q", target, by, at)
					continue
				}
				reached[target] = at
				walk(at, target, depth+1)
			}
		}
		walk(dir, dir, 0)
		if overlay := "kubernetes/overlays/" + p.releases.Site; dir == overlay {
			p.checkReached(overlay, reached)
		}
	}
}

// checkReached reports folders below the overlay that it does not take: nothing would apply them.
func (p *pass) checkReached(overlay string, reached map[string]string) {
	for _, dir := range slices.Sorted(maps.Keys(p.kustomizations)) {
		if _, ok := reached[dir]; !ok && path.Dir(dir) == overlay {
			p.kustomizations[dir].report(p, nil, "%s/kustomization.yaml does not take this folder: nothing applies it", overlay)
		}
	}
}

// A build is what kustomize made of the site's overlay.
type build struct {
	objects int
	left    int // objects of the overlay that it was not given
	err     error
}

// buildOverlay builds the site's overlay as `kustomize build` would, in memory.
func buildOverlay(t *artifact.Tree, overlay string) (out build) {
	defer func() { // on a goroutine of its own, nobody else could
		if p := recover(); p != nil {
			out = build{err: fmt.Errorf("panic: %v", p)}
		}
	}()
	fs := filesys.MakeFsInMemory()
	files, left := sample(t, overlay)
	for name, data := range files {
		if err := fs.WriteFile("/"+name, data); err != nil {
			return build{err: err}
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, "/"+overlay)
	if err != nil {
		return build{err: err}
	}
	for name := range files {
		if dir := path.Dir(name); path.Base(name) == "kustomization.yaml" && strings.HasPrefix(dir, overlay+"/") && path.Dir(dir) != overlay {
			if _, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, "/"+dir); err != nil {
				return build{err: err}
			}
		}
	}
	return build{objects: built.Size(), left: left}
}

// mostBuilt is how many objects kustomize is given. Its time grows with their square: up to here it hides behind the
// other checks, for 2,000 nodes it would be ten times all of them together.
const mostBuilt = 300

// sample returns the files below kubernetes/, by path, and how many objects of the overlay are not in them: of a large
// tree kustomize gets the first objects of each file. What the others could do to the build, being no YAML, having no
// name, or another's, is found by the checks of objects, which see them all. Patches may aim at any object, so with
// patches there is no sample.
func sample(t *artifact.Tree, overlay string) (files map[string][]byte, left int) {
	files = map[string][]byte{}
	objects, patched := 0, false
	for _, f := range t.Files() {
		if strings.HasPrefix(f.Path(), "kubernetes/") && !isComponent(f.Path()) {
			files[f.Path()] = f.Bytes()
			objects += countDocuments(f.Bytes())
			patched = patched || path.Base(f.Path()) == "kustomization.yaml" && bytes.Contains(f.Bytes(), []byte("\npatches:"))
		}
	}
	if objects <= mostBuilt || patched {
		return files, 0
	}
	quota := 1 + mostBuilt/len(files)
	for name, data := range files {
		if n := countDocuments(data); n > quota {
			files[name] = firstDocuments(data, quota)
			if strings.HasPrefix(name, overlay+"/") {
				left += n - quota
			}
		}
	}
	return files, left
}

var separator = []byte("\n---\n")

func countDocuments(data []byte) int { return 1 + bytes.Count(data, separator) }

func firstDocuments(data []byte, n int) []byte {
	end := 0
	for range n {
		at := bytes.Index(data[end:], separator)
		if at < 0 {
			return data
		}
		end += at + len(separator)
	}
	return data[:end-len(separator)+1]
}

// checkBuild reports what kustomize said, and an overlay from which objects of the site are missing.
func (p *pass) checkBuild(overlay string, b build) {
	k := p.kustomizations[overlay]
	if k == nil {
		p.missing(ruleKustomization, "%s/kustomization.yaml does not exist", overlay)
		return
	}
	if b.err != nil {
		k.reportAs(p, ruleKustomize, "kustomize build: %s", strings.ReplaceAll(b.err.Error(), "\n", " "))
		return
	}
	want := 0
	for _, o := range p.objects {
		if o.within == nil && strings.HasPrefix(o.file.Path(), overlay+"/") {
			want++
		}
	}
	want -= b.left
	if b.objects < want {
		k.reportAs(p, ruleKustomize, "kustomize builds %d objects from it, its folders hold %d", b.objects, want)
	}
}

func (k *kustomization) reportAs(p *pass, rule, format string, args ...any) {
	p.report(k.file, 0, rule, format, args...)
}
