package verify

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/diag"
)

// Patched is what the site's patches do to the objects of its overlay.
type Patched struct {
	Targets []string          // objects that the patch aims at, "40-policy: NetworkPolicy shop/web"
	Near    []string          // objects of its kind, where there is no target
	Err     string            // why kustomize does not apply it, or what is left of a target afterwards; "": it does
	Folders []string          // of the overlay that hold targets, "40-policy" or "break-glass/open"
	files   map[string][]byte // with patched objects, as kustomize leaves them, by path
}

// Patches applies the site's patches to the objects of its overlay, each patch to what those before it have left. The
// result has an element for each patch.
func Patches(t *artifact.Tree, site string, patches []Patch) []Patched {
	out := make([]Patched, len(patches))
	if len(patches) == 0 {
		return out
	}
	content := map[string][]byte{}
	var names []string
	overlay := "kubernetes/overlays/" + site + "/"
	for _, f := range t.Files() {
		rest, ok := strings.CutPrefix(f.Path(), overlay)
		if ok && strings.Contains(rest, "/") && path.Base(rest) != "kustomization.yaml" {
			names, content[f.Path()] = append(names, f.Path()), f.Bytes()
		}
	}
	for i, x := range patches {
		o := &out[i]
		o.files = map[string][]byte{}
		for _, name := range names {
			before := heads(content[name])
			var hit bool
			for _, h := range before {
				switch {
				case h.kind != x.Kind:
				case h.name == x.Name:
					hit = true
					folder := strings.TrimPrefix(path.Dir(name), overlay)
					if !strings.Contains(folder, "/") { // the others hold the same object once more, for people to apply one day
						o.Targets = append(o.Targets, folder+": "+h.String())
					}
					if !slices.Contains(o.Folders, folder) {
						o.Folders = append(o.Folders, folder)
					}
				case !slices.Contains(o.Near, h.name):
					o.Near = append(o.Near, h.name)
				}
			}
			if !hit {
				continue
			}
			after, err := patchFile(content[name], x)
			switch {
			case err != nil:
				o.Err = err.Error()
			case !slices.Equal(before, heads(after)):
				o.Err = "it deletes, renames or adds objects"
			default:
				content[name], o.files[name] = after, after
			}
		}
		slices.Sort(o.Near)
	}
	return out
}

// patchFile applies one patch to the objects of a file, as kustomize does.
func patchFile(data []byte, x Patch) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("kustomize: %v", r)
		}
	}()
	k, err := yaml.Marshal(map[string]any{"resources": []string{"objects.yaml"}, "patches": []any{map[string]any{
		"target": map[string]any{"kind": x.Kind, "name": regexp.QuoteMeta(x.Name)}, "patch": x.Text}}})
	if err != nil {
		return nil, err
	}
	fs := filesys.MakeFsInMemory()
	for name, text := range map[string][]byte{"/patched/objects.yaml": data, "/patched/kustomization.yaml": k} {
		if err := fs.WriteFile(name, text); err != nil {
			return nil, err
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, "/patched")
	if err != nil {
		text := err.Error()
		return nil, fmt.Errorf("kustomize: %s", text[strings.LastIndexByte(text, '\n')+1:])
	}
	return built.AsYaml()
}

// objectHead is what tells objects apart.
type objectHead struct{ apiVersion, kind, namespace, name string }

func (h objectHead) String() string {
	if h.namespace == "" {
		return h.kind + " " + h.name
	}
	return h.kind + " " + h.namespace + "/" + h.name
}

func heads(data []byte) []objectHead {
	var out []objectHead
	for dec := yaml.NewDecoder(bytes.NewReader(data)); ; {
		var h struct {
			APIVersion string `yaml:"apiVersion"`
			Kind       string `yaml:"kind"`
			Metadata   struct {
				Namespace string `yaml:"namespace"`
				Name      string `yaml:"name"`
			} `yaml:"metadata"`
		}
		if dec.Decode(&h) != nil {
			return out
		}
		out = append(out, objectHead{h.APIVersion, h.Kind, h.Metadata.Namespace, h.Metadata.Name})
	}
}

// Applied is a tree with the objects that reach the cluster: patched files as kustomize leaves them, and kustomizations
// that patch nothing any more. A file that is as it was is the same.
func Applied(t *artifact.Tree, site string, patches []Patch) *artifact.Tree {
	changed, origins := changedFiles(t, site, patches)
	out := artifact.NewTree()
	for _, f := range t.Files() {
		data, from := f.Bytes(), f.Origins()
		if strings.HasPrefix(f.Path(), artifact.ManifestDir+"/") {
			continue
		}
		if c := changed[f.Path()]; c != nil {
			data, from = c, append(origins[f.Path()], from...)
		}
		if strings.HasPrefix(f.Path(), "kubernetes/") && path.Base(f.Path()) == "kustomization.yaml" {
			if at := bytes.Index(data, []byte("\npatches:\n")); at >= 0 {
				data = data[:at+1]
			}
		}
		if g := out.File(f.Path(), from...); len(data) > 0 {
			g.Line(strings.TrimSuffix(string(data), "\n"))
		}
	}
	return out
}

// checkPatches reads the tree once more, as it reaches the cluster: with the site's own patches. What is wrong then and
// was not before is the doing of a patch.
func (p *pass) checkPatches() {
	if len(p.releases.Patches) == 0 {
		return
	}
	want := map[string][]Patch{}
	for i, x := range Patches(p.tree, p.releases.Site, p.releases.Patches) {
		for _, folder := range x.Folders {
			dir := "kubernetes/overlays/" + p.releases.Site + "/" + folder
			want[dir] = append(want[dir], p.releases.Patches[i])
		}
	}
	for dir, k := range p.kustomizations {
		if strings.HasPrefix(dir, "kubernetes/") && !sameList(list(k.value, "patches"), want[dir]) {
			k.report(p, fieldPath{"patches"}, "not the site's patches of the objects in this folder")
		}
	}
	again := newPass(p.tree, p.releases)
	if again.patched, again.patchedBy = patchedFiles(p.tree, p.releases); len(again.patched) == 0 {
		return
	}
	again.read()
	again.wholeTree()
	for _, f := range again.found {
		if !slices.ContainsFunc(p.found, func(o diag.Finding) bool { return o.Rule == f.Rule && o.Message == f.Message }) {
			p.found = append(p.found, f)
		}
	}
}

// patchedFiles are the files that patches change, each as a file of its own.
func patchedFiles(t *artifact.Tree, rel Releases) (map[string]*artifact.File, map[string][]string) {
	changed, by := changedFiles(t, rel.Site, rel.Patches)
	out, scratch := map[string]*artifact.File{}, artifact.NewTree()
	for name, data := range changed {
		f := scratch.File(name, by[name]...)
		f.Line(strings.TrimSuffix(string(data), "\n"))
		out[name] = f
	}
	return out, by
}

// changedFiles are the files that patches change, as the last of them leaves each, and where those stand in the site.
func changedFiles(t *artifact.Tree, site string, patches []Patch) (changed map[string][]byte, origins map[string][]string) {
	changed, origins = map[string][]byte{}, map[string][]string{}
	for i, x := range Patches(t, site, patches) {
		for name, data := range x.files {
			changed[name], origins[name] = data, append(origins[name], patches[i].At)
		}
	}
	return changed, origins
}
