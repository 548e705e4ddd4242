package compiler

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/verify"
)

// withPatches is an example with other patches.
func withPatches(t *testing.T, name, patches string) string {
	t.Helper()
	text := read(t, filepath.Join(examplesDir, name, "site.cue"))
	at := strings.Index(text, "\npatches: [")
	if at < 0 {
		t.Fatalf("examples/%s has no patches", name)
	}
	end := strings.Index(text[at:], "}]\n")
	return text[:at] + "\npatches: [" + patches + "]\n" + text[at+end+len("}]\n"):]
}

// TestPatchedObjects: what an object is with the site's patch is held against the schema, and a finding names the patch.
func TestPatchedObjects(t *testing.T) {
	for patch, want := range map[string]string{
		`{target: {kind: "Service", name: "dns-public"}, patch: "spec: {externalTrafficPolicy: Lokal}"}`:                                      "patches.0",
		`{target: {kind: "Service", name: "dns-public"}, patch: "- {op: add, path: /spec/trafic, value: x}"}`:                                 "patches.0",
		`{target: {kind: "Service", name: "dns-public"}, patch: "- {op: add, path: /metadata/annotations/example.net~1owner, value: \"a\"}"}`: "",
	} {
		src, found := load.Bytes("site.cue", []byte(withPatches(t, "rix1", patch)))
		if src == nil {
			t.Fatal(found)
		}
		out, err := Compile(src, Options{Now: today})
		if err != nil {
			t.Fatal(err)
		}
		at := ""
		for _, f := range out.Findings {
			if f.Severity.String() == "error" {
				at = f.Path
			}
		}
		if at != want {
			t.Errorf("%s: an error at %q, want one at %q: %v", patch, at, want, out.Findings)
		}
	}
}

// TestPatchedPolicy: the oracle is asked about what reaches the cluster, so that a patch that opens a service shows.
func TestPatchedPolicy(t *testing.T) {
	q := inquire(t, withPatches(t, "dus2", `{target: {kind: "NetworkPolicy", name: "service-broker"}, patch: "- {op: add, path: /spec/ingress/-, value: {}}"}`))
	if err := q.read(q.tree); err != nil {
		t.Fatal(err)
	}
	q.brief = true
	if q.ask(); len(q.wrong) == 0 {
		t.Error("a NetworkPolicy that a patch opens is not noticed")
	}
	if _, err := policy.Read(q.tree, q.world); err != nil {
		t.Error(err)
	}
}

// TestAppliedUnchanged: without patches, what reaches the cluster is the tree.
func TestAppliedUnchanged(t *testing.T) {
	out := compileExample(t, "dus2")
	got := verify.Applied(out.Tree, out.Plan.Name, nil)
	for _, f := range out.Tree.Files() {
		if g := got.Lookup(f.Path()); g == nil && !strings.HasPrefix(f.Path(), artifact.ManifestDir+"/") || g != nil && !bytes.Equal(g.Bytes(), f.Bytes()) {
			t.Errorf("%s is another", f.Path())
		}
	}
}

// TestPatchProgram runs what helm runs, with kubectl's kustomize: the object that a chart makes comes out patched, and
// another as it was.
func TestPatchProgram(t *testing.T) {
	real(t, "kubectl")
	dir := t.TempDir()
	out := compileExample(t, "dus2")
	for _, f := range out.Tree.Files() {
		if strings.HasPrefix(f.Path(), "charts/") {
			put := filepath.Join(dir, f.Path())
			if err := os.MkdirAll(filepath.Dir(put), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(put, f.Bytes(), f.Mode()); err != nil {
				t.Fatal(err)
			}
		}
	}
	const rendered = `apiVersion: apps/v1
kind: Deployment
metadata: {name: istiod-1-30-7, namespace: istio-system}
spec: {template: {spec: {containers: []}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other, namespace: istio-system}
spec: {template: {spec: {containers: []}}}
`
	cmd := exec.Command("charts/dus2/post-renderer/meshgen-patch/patch.sh", "charts/dus2/istiod-1-30-7/patches")
	cmd.Dir, cmd.Stdin = dir, strings.NewReader(rendered)
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	first, second, _ := strings.Cut(string(text), "\n---\n")
	if !strings.Contains(first, "priorityClassName: system-cluster-critical") || strings.Contains(second, "priorityClassName") || !strings.Contains(second, "name: other") {
		t.Errorf("it makes\n%s", text)
	}
}
