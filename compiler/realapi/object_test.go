//go:build linux

package realapi

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// object is one Kubernetes object, as text.
type object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
	text    []byte
	from    string // the folder or file that it comes from
	defines string // group and kind, of a CustomResourceDefinition
}

func (o object) String() string {
	name := o.Metadata.Name
	if o.Metadata.Namespace != "" {
		name = o.Metadata.Namespace + "/" + name
	}
	return o.Kind + " " + name
}

func (o object) group() string {
	group, _, ok := strings.Cut(o.APIVersion, "/")
	if !ok {
		return ""
	}
	return group
}

func parse(text []byte) (object, error) {
	o := object{text: text}
	if err := yaml.Unmarshal(text, &o); err != nil {
		return o, err
	}
	return o, nil
}

var separator = regexp.MustCompile(`(?m)^---[ \t]*$`)

// documents returns the objects of a YAML file; what is no object (comments, values) is left out.
func documents(t *testing.T, text []byte, from string) []object {
	t.Helper()
	var out []object
	for _, part := range separator.Split(string(text), -1) {
		o, err := parse([]byte(part))
		if err != nil {
			t.Errorf("%s: %v", from, err)
		}
		if o.Kind != "" && o.APIVersion != "" {
			o.from = from
			out = append(out, o)
		}
	}
	return out
}

// build returns what `kubectl apply -k` would send of a folder, in its order.
func build(t *testing.T, dir string) []object {
	t.Helper()
	made, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var out []object
	for _, r := range made.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		o, err := parse(text)
		if err != nil {
			t.Fatal(err)
		}
		o.from = filepath.Base(dir)
		out = append(out, o)
	}
	return out
}

const golden = "../../golden"

// sites are the golden trees, by name of the site.
func sites(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(golden, "*", "meshgen"))
	if err != nil || len(found) == 0 {
		t.Fatal("no golden trees", err)
	}
	for i, f := range found {
		found[i] = filepath.Base(filepath.Dir(f))
	}
	return found
}

// phases are the folders of a site's overlay, in order.
func phases(t *testing.T, site string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(golden, site, "kubernetes/overlays", site, "*", "kustomization.yaml"))
	if err != nil || len(found) == 0 {
		t.Fatal("no phases", err)
	}
	for i, f := range found {
		found[i] = filepath.Dir(f)
	}
	slices.Sort(found)
	return found
}

// others are the objects of a tree that stand in no overlay: what a GitOps controller is given.
func others(t *testing.T, site string) []object {
	t.Helper()
	var out []object
	root := filepath.Join(golden, site)
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".yaml" {
			return err
		}
		rel, err := filepath.Rel(root, p)
		if err != nil || strings.HasPrefix(rel, "kubernetes/overlays/") || strings.HasPrefix(rel, "charts/") && filepath.Base(rel) != "release.yaml" || strings.HasPrefix(rel, "hosts/") {
			return err
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		for _, o := range documents(t, text, rel) {
			// Kustomizations of the command are its own files, and no objects.
			if !strings.HasPrefix(o.APIVersion, "kustomize.config.k8s.io/") {
				out = append(out, o)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// count formats how many objects there are of each kind.
func count(objects []object) string {
	n := map[string]int{}
	for _, o := range objects {
		n[o.Kind]++
	}
	var out []string
	for k, v := range n {
		out = append(out, fmt.Sprintf("%d %s", v, k))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
