package compiler

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"meshgen.dev/meshgen/compiler/ir"
)

// owners writes what the owner of a namespace's Services has: each Service, another that nobody asks anything of, and a
// kustomization that takes the component in. Services say their namespace, and have metadata already, or neither.
func owners(t *testing.T, dir, component, namespace string, marks []ir.ServiceMark, bare bool) {
	t.Helper()
	kustomization, meta := "namespace: "+namespace+"\n", ""
	if !bare {
		kustomization, meta = "", ", namespace: "+namespace+", labels: {team: ours}, annotations: {note: ours}"
	}
	services := "apiVersion: v1\nkind: Service\nmetadata: {name: another" + meta + "}\n"
	for _, m := range marks {
		if m.Namespace == namespace {
			services += "---\napiVersion: v1\nkind: Service\nmetadata: {name: " + m.Service + meta + "}\nspec: {ports: [{port: 80}]}\n"
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "services.yaml"), services)
	write(t, filepath.Join(dir, "kustomization.yaml"), kustomization+"resources: [services.yaml]\ncomponents: ["+component+"]\n")
}

// TestServiceComponents builds, with kubectl's kustomize, the Services of others with the components of the tree.
func TestServiceComponents(t *testing.T) {
	kubectl := real(t, "kubectl")
	for _, name := range []string{"bri1", "bri2", "lla1", "umu1", "umu2", "mmx1"} {
		out := compileExample(t, name)
		tree, marks := onDisk(t, out.Tree), out.Plan.ServiceMarks
		if len(marks) == 0 {
			t.Errorf("%s marks no Service", name)
		}
		for i, m := range marks {
			if i > 0 && marks[i-1].Namespace == m.Namespace {
				continue
			}
			for _, bare := range []bool{true, false} {
				dir := filepath.Join(t.TempDir(), "ours")
				component, err := filepath.Rel(dir, filepath.Join(tree, "kubernetes/overlays", name, "services", m.Namespace))
				if err != nil {
					t.Fatal(err)
				}
				owners(t, dir, component, m.Namespace, marks, bare)
				text, err := exec.Command(kubectl, "kustomize", dir).CombinedOutput()
				if err != nil {
					t.Fatalf("%s: %s: %v\n%s", name, m.Namespace, err, text)
				}
				built(t, name+"/"+m.Namespace, string(text), marks, m.Namespace, bare)
			}
		}
	}
}

// built compares what kustomize has made with what the plan asks for.
func built(t *testing.T, what, text string, marks []ir.ServiceMark, namespace string, bare bool) {
	t.Helper()
	type meta struct {
		Name, Namespace     string
		Labels, Annotations map[string]string
	}
	want := map[string]meta{"another": {"another", namespace, map[string]string{}, map[string]string{}}}
	for _, m := range marks {
		if m.Namespace == namespace {
			w := meta{m.Service, namespace, map[string]string{}, map[string]string{}}
			for _, kv := range m.Labels {
				w.Labels[kv.Key] = kv.Value
			}
			for _, kv := range m.Annotations {
				w.Annotations[kv.Key] = kv.Value
			}
			want[m.Service] = w
		}
	}
	for doc := range strings.SplitSeq(text, "\n---\n") {
		var got struct {
			Metadata meta
			Spec     map[string]any
		}
		if err := yaml.Unmarshal([]byte(doc), &got); err != nil {
			t.Fatal(err)
		}
		w, known := want[got.Metadata.Name]
		if !known {
			t.Errorf("%s: kustomize makes %s", what, doc)
			continue
		}
		if !bare {
			w.Labels["team"], w.Annotations["note"] = "ours", "ours"
		}
		if got.Metadata.Namespace != namespace || !maps.Equal(got.Metadata.Labels, w.Labels) || !maps.Equal(got.Metadata.Annotations, w.Annotations) || (got.Spec != nil) != (w.Name != "another") {
			t.Errorf("%s: kustomize makes\n%s\nand the plan asks for %v", what, doc, w)
		}
		delete(want, got.Metadata.Name)
	}
	if len(want) > 0 {
		t.Errorf("%s: without %v", what, want)
	}
}

// TestChecksServiceMarks: the script tells a Service that has what the mesh reads from one that has something else, and
// from one that is not there.
func TestChecksServiceMarks(t *testing.T) {
	real(t, "jq")
	dir := onDisk(t, compileExample(t, "lla1").Tree)
	const accrual = "Service ran/telemetry annotation balancer.linkerd.io/failure-accrual"
	kubectl := func(service string) []string {
		return answers(t, map[string]string{"kubectl": "case \"$*\" in\n" + prints("'get service telemetry --namespace ran '*", service) + prints("'get service '*", "") + prints("*", `{"items": []}`) + "esac\n"})
	}
	expect(t, dir, kubectl(`{"metadata": {"namespace": "ran", "name": "telemetry", "annotations": {"balancer.linkerd.io/failure-accrual": "consecutive", "balancer.linkerd.io/failure-accrual-consecutive-max-failures": "7"}}}`), 1, []string{
		"PASS " + accrual + ": consecutive", "FAIL " + accrual + "-consecutive-max-failures: expected 5, seen 7", "FAIL " + accrual + "-consecutive-min-penalty: expected 20s, seen not set",
	}, "kubernetes")
	expect(t, dir, kubectl(""), 1, []string{"FAIL " + accrual + ": expected consecutive, seen no such Service"}, "kubernetes")
}
