package compiler

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kind/pkg/apis/config/v1alpha4"
	sigsyaml "sigs.k8s.io/yaml"

	"meshgen.dev/meshgen/compiler/diag/format"
	"meshgen.dev/meshgen/compiler/lab"
	"meshgen.dev/meshgen/compiler/load"
)

// TestLabPromisesNothing: what the whole site survives, a part of it does not, and it is a lab all the same.
func TestLabPromisesNothing(t *testing.T) {
	root := with(exampleValues(t, "fra1"), []string{"resilience"}, map[string]any{"survive": []any{"node", "rack"}})
	whole, err := json.Marshal(root)
	if err != nil {
		t.Fatal(err)
	}
	text, err := lab.Shrink(whole, lab.Options{Racks: 1, NodesPerRack: 3})
	if err != nil {
		t.Fatal(err)
	}
	src, found := load.Bytes("site.json", text)
	if src == nil {
		t.Fatal(found)
	}
	out, err := Vet(src, Options{Now: today})
	if err != nil || out.Findings.HasErrors() {
		t.Error(err, out.Findings)
	}
}

// TestLab makes a lab of each example that can be one, and holds its files against what reads them: the schema of containerlab,
// the types of kind, and vtysh.
func TestLab(t *testing.T) {
	schema, err := jsonschema.Compile(filepath.Join("lab", "testdata", "clab.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	made := 0
	for _, name := range exampleNames(t) {
		src, _ := load.Bytes("site.cue", []byte(read(t, filepath.Join(examplesDir, name, "site.cue"))))
		text, err := lab.Shrink(src.Resolved(), lab.Options{Racks: 2, NodesPerRack: 3})
		if err != nil {
			t.Logf("%s is no lab: %v", name, err)
			continue
		}
		made++
		t.Run(name, func(t *testing.T) {
			small, found := load.Bytes("site.json", text)
			if small == nil {
				t.Fatal(found)
			}
			out, err := Compile(small, Options{Now: today})
			if err != nil {
				t.Fatal(err)
			}
			if out.Findings.HasErrors() {
				var b strings.Builder
				format.Text(&b, out.Findings, format.TextOptions{})
				t.Fatal(b.String())
			}
			dir := onDisk(t, out.Tree)
			for _, sw := range out.Plan.Switches {
				file := filepath.Join(dir, "fabric", name, sw.Hostname+".conf")
				if said := runs(t, real(t, "vtysh"), "-C", "-f", file); strings.Contains(said, "Unknown command") || strings.Contains(read(t, file), "@") {
					t.Errorf("%s: %s", file, said)
				}
			}
			for _, f := range lab.Files(out.Plan, "image:1") {
				switch filepath.Base(f.Path()) {
				case name + ".clab.yml":
					holds(t, schema, f.Bytes())
				case "kind.yaml":
					isCluster(t, f.Bytes(), len(out.Plan.Nodes))
				}
			}
		})
	}
	if made < 5 {
		t.Errorf("%d labs", made)
	}
}

// holds checks a topology against the schema, and each cable: its ends are of nodes that are there, and no port has two.
func holds(t *testing.T, schema *jsonschema.Schema, text []byte) {
	t.Helper()
	asJSON, err := sigsyaml.YAMLToJSONStrict(text)
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(doc); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
	var topology struct {
		Topology struct {
			Nodes map[string]struct{ Kind string }
			Links []struct{ Endpoints []string }
		}
	}
	if err := yaml.Unmarshal(text, &topology); err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, l := range topology.Topology.Links {
		for _, end := range l.Endpoints {
			node, _, _ := strings.Cut(end, ":")
			if topology.Topology.Nodes[node].Kind == "" || used[end] {
				t.Errorf("%s is of no node, or has two cables", end)
			}
			used[end] = true
		}
	}
}

// isCluster checks a configuration of kind against its types.
func isCluster(t *testing.T, text []byte, nodes int) {
	t.Helper()
	var c v1alpha4.Cluster
	d := yaml.NewDecoder(strings.NewReader(string(text)))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil {
		t.Fatal(err)
	}
	modes := []v1alpha4.ProxyMode{v1alpha4.IPTablesProxyMode, v1alpha4.IPVSProxyMode, v1alpha4.NFTablesProxyMode, "none"}
	if c.APIVersion != "kind.x-k8s.io/v1alpha4" || c.Kind != "Cluster" || len(c.Nodes) != nodes || !slices.Contains(modes, c.Networking.KubeProxyMode) || !c.Networking.DisableDefaultCNI {
		t.Errorf("%+v", c)
	}
	control := slices.DeleteFunc(slices.Clone(c.Nodes), func(n v1alpha4.Node) bool { return n.Role != v1alpha4.ControlPlaneRole })
	if len(control) != 1 {
		t.Errorf("%d control-plane nodes", len(control))
	}
}
