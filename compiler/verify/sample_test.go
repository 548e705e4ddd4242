package verify

import (
	"fmt"
	"strings"
	"testing"
)

const manyFile = "kubernetes/overlays/lab-1/05-namespaces/namespace.yaml"

// many returns a good tree with so many more namespaces that kustomize gets a sample.
func many(t *testing.T) map[string]string {
	t.Helper()
	files := labFiles(t)
	if files[manyFile] == "" {
		t.Fatal("the sample tree has no namespaces")
	}
	for i := range 2 * mostBuilt {
		files[manyFile] += fmt.Sprintf("---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: n%d\n", i)
	}
	return files
}

// TestSample holds what kustomize gets of a large tree to whole objects, and the rest to the other checks.
func TestSample(t *testing.T) {
	const overlay = "kubernetes/overlays/lab-1"
	files := many(t)
	tree := treeOf(t, files)
	got, left := sample(tree, overlay)
	if n := countDocuments(got[manyFile]); n < 2 || n+left != countDocuments([]byte(files[manyFile])) || !strings.HasPrefix(files[manyFile], string(got[manyFile])+"---\n") {
		t.Errorf("%d objects, %d left out", n, left)
	}
	if b := buildOverlay(tree, overlay); b.err != nil || b.objects+b.left < 2*mostBuilt {
		t.Errorf("%+v", b)
	}
	if _, found := Tree(tree, labReleases()); len(found) > 0 {
		t.Error(found)
	}
	if all, left := sample(treeOf(t, labFiles(t)), overlay); left != 0 || string(all[manyFile]) != labFiles(t)[manyFile] {
		t.Errorf("of a small tree %d objects are left out", left)
	}
	patched := many(t)
	patched[topFile] += "patches:\n  - path: p.yaml\n"
	if _, left := sample(treeOf(t, patched), overlay); left != 0 {
		t.Errorf("of a tree with patches %d objects are left out", left)
	}
}

// TestSampleHidesNothing breaks objects that kustomize does not get.
func TestSampleHidesNothing(t *testing.T) {
	for _, last := range []string{
		"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: n0\n", // stands twice
		"apiVersion: v1\nkind: Namespace\nmetadata: {}\n",
		"apiVersion: v1\nmetadata:\n  name: none\n",
		"a: b: c\n",
		"- a\n",
	} {
		files := many(t)
		files[manyFile] += "---\n" + last
		if _, found := Tree(treeOf(t, files), labReleases()); !found.HasErrors() {
			t.Errorf("no finding about\n%s", last)
		}
	}
}
