package verify

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"meshgen.dev/meshgen/compiler/artifact"
)

// labReleases is what the made-up site declares.
func labReleases() Releases {
	return Releases{
		Site: "lab-1", Kubernetes: "1.35.2", GatewayAPI: "1.6.3",
		Components: map[string]string{"istio": "1.31.1", "metallb": "0.16.2", "cert-manager": "1.21.2", "external-secrets": ""},
		Charts: map[string]Chart{
			"istiod":  {Name: "istiod", Version: "1.31.1", Namespace: "istio-system"},
			"metallb": {Name: "metallb", Version: "0.16.2", Namespace: "metallb-system"},
			"public":  {Name: "gateway", Version: "1.31.1", Namespace: "edge"},
		},
		ExternalNamespaces: []string{"monitoring"},
	}
}

// labFiles reads the made-up site.
func labFiles(t testing.TB) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, name := range []string{"testdata/lines/lab.txtar", "testdata/objects.txtar", "testdata/secrets.txtar"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range txtar.Parse(data).Files {
			files[f.Name] = string(f.Data)
		}
	}
	return files
}

// treeOf makes a sealed tree.
func treeOf(t testing.TB, files map[string]string) *artifact.Tree {
	t.Helper()
	tree := unsealed(t, files)
	tree.Seal("lab-1", strings.Repeat("0", 64))
	return tree
}

// unsealed makes a tree without a manifest. Each line comes from the site path "name".
func unsealed(t testing.TB, files map[string]string) *artifact.Tree {
	t.Helper()
	tree := artifact.NewTree()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := tree.File(name, "name")
		for line := range strings.Lines(files[name]) {
			f.Line(strings.TrimSuffix(line, "\n"))
		}
	}
	if err := tree.Err(); err != nil {
		t.Fatal(err)
	}
	return tree
}

func TestGoodTreeIsSilent(t *testing.T) {
	report, found := Tree(treeOf(t, labFiles(t)), labReleases())
	for _, f := range found {
		t.Errorf("%s %s", f.Rule, f.Message)
	}
	for _, c := range report.Counts {
		if c.Files == 0 {
			t.Errorf("%s read no file", c.Verifier)
		}
		t.Logf("%-22s %3d files %3d objects", c.Verifier, c.Files, c.Objects)
	}
}

func BenchmarkTree(b *testing.B) {
	tree := treeOf(b, labFiles(b))
	for b.Loop() {
		if _, found := Tree(tree, labReleases()); len(found) > 0 {
			b.Fatal(found)
		}
	}
}
