package namespaces

import (
	"maps"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
	"sigs.k8s.io/yaml"
)

func TestLabels(t *testing.T) {
	const ps = "pod-security.kubernetes.io/"
	levels := func(level string) map[string]string {
		return map[string]string{
			ps + "enforce": level, ps + "enforce-version": "v1.35", ps + "audit": level, ps + "audit-version": "v1.35",
			ps + "warn": level, ps + "warn-version": "v1.35",
			"app.kubernetes.io/managed-by": "meshgen", "meshgen.dev/site": "lab",
		}
	}
	for _, c := range []struct {
		name  string
		ns    ir.Namespace
		level string
		more  map[string]string
	}{
		{"of the mesh, with an owner", ir.Namespace{Owner: "web-team", PodSecurity: "restricted", Environment: "staging",
			InjectLabels: []ir.KV{{Key: "istio.io/rev", Value: "1-31-1"}}}, "restricted",
			map[string]string{"istio.io/rev": "1-31-1", "meshgen.dev/owner": "web-team", "meshgen.dev/environment": "staging"}},
		{"of the speakers", ir.Namespace{PodSecurity: "privileged", Environment: "lab"}, "privileged",
			map[string]string{"meshgen.dev/environment": "lab"}},
	} {
		c.ns.Name = "it"
		p := &ir.Plan{Name: "lab", From: ir.From{"name"}, Cluster: ir.Cluster{Minor: "1.35"}, Namespaces: []ir.Namespace{c.ns}}
		tree := artifact.NewTree()
		Backend.Emit(p, tree)
		if err := tree.Err(); err != nil {
			t.Fatal(err)
		}
		var got struct {
			Kind     string
			Metadata struct {
				Name   string
				Labels map[string]string
			}
		}
		if err := yaml.Unmarshal(tree.Lookup("kubernetes/overlays/lab/05-namespaces/namespace.yaml").Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		want := levels(c.level)
		maps.Copy(want, c.more)
		if got.Kind != "Namespace" || got.Metadata.Name != "it" || !maps.Equal(got.Metadata.Labels, want) {
			t.Errorf("%s: have %+v, want labels %v", c.name, got, want)
		}
	}
}

func TestSiteIsAnOrigin(t *testing.T) {
	p := &ir.Plan{Name: "lab", From: ir.From{"name"}, Namespaces: []ir.Namespace{{Name: "web", From: ir.From{"namespaces.web"}}}}
	tree := artifact.NewTree()
	Backend.Emit(p, tree)
	f := tree.Lookup("kubernetes/overlays/lab/05-namespaces/namespace.yaml")
	for i, line := range strings.Split(string(f.Bytes()), "\n") {
		if !strings.Contains(line, "meshgen.dev/site") {
			continue
		}
		if o, _ := f.Origin(i + 1); strings.Join(o.Paths, " ") != "name namespaces.web" {
			t.Errorf("the label with the site's name comes from %v", o.Paths)
		}
	}
}
