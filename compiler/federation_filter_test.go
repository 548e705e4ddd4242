package compiler

import (
	"path/filepath"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/load"
)

// TestFilteredClusterMesh compiles two sites of a Cluster Mesh whose edge nodes filter what comes in: each lets the packets
// of the other's nodes in, and says so among its flows.
func TestFilteredClusterMesh(t *testing.T) {
	var sources []*load.Source
	for _, name := range []string{"poz1", "poz2"} {
		text := read(t, filepath.Join(examplesDir, name, "site.cue"))
		filtered := strings.Replace(text, "fabric: mtu: 1500\n", "fabric: {mtu: 1500, hostFirewall: true}\n", 1)
		src, found := load.Bytes(name+".cue", []byte(filtered))
		if src == nil || filtered == text {
			t.Fatal(found)
		}
		sources = append(sources, src)
	}
	f, err := NewFleet(sources, Options{Now: today})
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Compile(0, Options{Now: today})
	if err != nil || len(out.Findings) > 0 {
		t.Fatal(err, out.Findings)
	}
	filter := string(out.Tree.Lookup("hosts/poz1/row-worker/etc/meshgen/firewall.nft").Bytes())
	flows := string(out.Tree.Lookup("fabric/poz1/flows.csv").Bytes())
	for text, in := range map[string]string{
		"ip saddr { 10.88.1.0/24 } udp dport 8472 accept":                         filter,
		"ip saddr { 10.88.1.0/24 } udp dport 51871 accept":                        filter,
		"ip saddr { 10.88.1.0/24 } tcp dport 4240 accept":                         filter,
		"\noutside,nodes of site poz2,10.88.1.0/24,nodes,10.84.1.0/24,udp,8472,":  flows,
		"\noutside,nodes,10.84.1.0/24,nodes of site poz2,10.88.1.0/24,udp,51871,": flows,
	} {
		if !strings.Contains(in, text) {
			t.Errorf("there is no %q in\n%s", text, in)
		}
	}
}
