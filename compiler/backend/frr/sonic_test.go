package frr

import (
	"encoding/json"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend/backendtest"
	"meshgen.dev/meshgen/compiler/ir"
)

// TestSONiC: the text is that of FRR behind the comments, and CONFIG_DB has what it needs: the mode, BFD where it is
// used, a link-local address for each port of an unnumbered link.
func TestSONiC(t *testing.T) {
	ports := backendtest.Fabric{OS: sonicName, First: "Ethernet48", Second: "Ethernet52", Third: "Ethernet8"}
	for _, c := range []struct {
		name  string
		sw    ir.Switch
		bfd   bool
		links string // ports with a link-local address
	}{
		{"leaf", ports.Leaf(), true, "Ethernet48 Ethernet52"},
		{"dual-stack without BFD", ports.DualStack(), false, "Ethernet48 Ethernet52"},
		{"numbered", ports.NumberedLeaf(), true, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := backendtest.Emit(t, SONiC, &ir.Plan{Name: "s1", Switches: []ir.Switch{c.sw}})
			text := string(tree.Lookup("fabric/s1/leaf-1a.sonic").Bytes())
			plain := c.sw
			plain.OS = name
			if statements(text) != statements(string(write(t, plain).Bytes())) {
				t.Errorf("another text than FRR's:\n%s", text)
			}
			var db struct {
				Metadata   map[string]map[string]string `json:"DEVICE_METADATA"`
				Interfaces map[string]map[string]string `json:"INTERFACE"`
			}
			if err := json.Unmarshal(tree.Lookup("fabric/s1/leaf-1a.sonic.json").Bytes(), &db); err != nil {
				t.Fatal(err)
			}
			host := db.Metadata["localhost"]
			if host["docker_routing_config_mode"] != "split-unified" || (host["frr_mgmt_framework_config"] == "true") != c.bfd {
				t.Errorf("metadata %v", host)
			}
			want := strings.Fields(c.links)
			for _, port := range want {
				if db.Interfaces[port]["ipv6_use_link_local_only"] != "enable" {
					t.Errorf("%s has no link-local address", port)
				}
			}
			if len(db.Interfaces) != len(want) {
				t.Errorf("interfaces %v", db.Interfaces)
			}
		})
	}
	tree := artifact.NewTree()
	SONiC.Emit(&ir.Plan{Name: "s1", Switches: []ir.Switch{fabric.Leaf()}}, tree)
	if n := len(tree.Files()); n != 0 {
		t.Errorf("%d files for a switch that does not run SONiC", n)
	}
}

// statements leaves the comments out.
func statements(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(strings.TrimSpace(line), "!") {
			out.WriteString(line)
		}
	}
	return out.String()
}
