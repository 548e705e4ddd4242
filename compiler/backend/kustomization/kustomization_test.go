package kustomization

import (
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

const overlay = "kubernetes/overlays/lab"

// tree returns a tree as other backends leave it, each file with an object of its own name, and the kustomizations.
func tree(t *testing.T, files ...string) *artifact.Tree {
	t.Helper()
	out := artifact.NewTree()
	for _, name := range files {
		f := out.File(name, "pools.public.addresses", "fabric.bgp.holdTime")
		f.Line("apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + strings.NewReplacer("/", "-", ".yaml", "").Replace(name))
	}
	Backend.Emit(&ir.Plan{Name: "lab", From: ir.From{"name"}}, out)
	if err := out.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

var files = []string{
	overlay + "/10-load-balancer/ipaddresspool.yaml",
	overlay + "/10-load-balancer/bgppeer.yaml",
	overlay + "/00-nodes/node.yaml",
	"kubernetes/overlays/other/00-nodes/node.yaml", // another site's
	"charts/lab/metallb/values.yaml",
}

func TestResources(t *testing.T) {
	got := tree(t, files...)
	for _, c := range []struct {
		dir  string
		want []string
	}{
		{overlay, []string{"00-nodes", "10-load-balancer"}},
		{overlay + "/00-nodes", []string{"node.yaml"}},
		{overlay + "/10-load-balancer", []string{"bgppeer.yaml", "ipaddresspool.yaml"}},
	} {
		f := got.Lookup(c.dir + "/" + fileName)
		if f == nil {
			t.Errorf("%s has no kustomization", c.dir)
			continue
		}
		var k struct{ Resources []string }
		if err := yaml.Unmarshal(f.Bytes(), &k); err != nil || !slices.Equal(k.Resources, c.want) {
			t.Errorf("%s lists %v (%v), want %v", c.dir, k.Resources, err, c.want)
		}
		if o, _ := f.Origin(5); !slices.Equal(o.Paths, []string{"fabric", "pools", "name"}) {
			t.Errorf("%s: the first resource comes from %v", c.dir, o.Paths)
		}
	}
	if n := len(got.Files()); n != len(files)+3 {
		t.Errorf("%d files, want three kustomizations beside %d", n, len(files))
	}
}

func TestNoOverlay(t *testing.T) {
	if got := tree(t, "charts/lab/metallb/values.yaml"); len(got.Files()) != 1 {
		t.Errorf("a tree without phases has %d files", len(got.Files()))
	}
}

// kustomize itself builds the overlay: every object once, in the order of the phases.
func TestKustomizeBuilds(t *testing.T) {
	fs := filesys.MakeFsInMemory()
	for _, f := range tree(t, files...).Files() {
		if err := fs.WriteFile(f.Path(), f.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(fs, overlay)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, r := range built.Resources() {
		names = append(names, r.GetName()[strings.LastIndexByte(r.GetName(), '-')+1:])
	}
	if want := []string{"node", "bgppeer", "ipaddresspool"}; !slices.Equal(names, want) {
		t.Errorf("kustomize builds %v, want %v", names, want)
	}
}
