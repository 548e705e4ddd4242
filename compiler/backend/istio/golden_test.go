package istio

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend/gatewayapi"
	"meshgen.dev/meshgen/compiler/ir"
)

// The goldens are rewritten by MESHGEN_UPDATE=1 go test.
func TestGolden(t *testing.T) {
	for _, frontend := range []string{ir.FrontendIstio, ir.FrontendGatewayAPI} {
		t.Run(frontend, func(t *testing.T) {
			got := text(t, testPlan(frontend))
			file := filepath.Join("testdata", frontend+".golden")
			if os.Getenv("MESHGEN_UPDATE") != "" {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs; first difference at %s", file, firstDifference(got, string(want)))
			}
			if again := text(t, testPlan(frontend)); again != got {
				t.Error("the same plan gave two texts")
			}
		})
	}
}

// emitted runs the backend, and the one that prints the Gateway API whatever the mesh.
func emitted(t *testing.T, p *ir.Plan) *artifact.Tree {
	t.Helper()
	tree := artifact.NewTree()
	gatewayapi.Backend.Emit(p, tree)
	Backend.Emit(p, tree)
	if err := tree.Err(); err != nil {
		t.Fatal(err)
	}
	return tree
}

// text is a tree as one text, each file under its path.
func text(t *testing.T, p *ir.Plan) string {
	t.Helper()
	var b strings.Builder
	for _, f := range emitted(t, p).Files() {
		b.WriteString("==== " + f.Path() + "\n")
		b.Write(f.Bytes())
	}
	return b.String()
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			line := "the end"
			if i < len(w) {
				line = w[i]
			}
			return "\n got: " + g[i] + "\nwant: " + line
		}
	}
	return "the end"
}
