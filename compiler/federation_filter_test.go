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
	filter, flows := filteredClusterMesh(t, "")
	hasAll(t, map[string]string{
		"ip saddr { 10.88.1.0/24 } udp dport 8472 accept":                         filter,
		"ip saddr { 10.88.1.0/24 } udp dport 51871 accept":                        filter,
		"ip saddr { 10.88.1.0/24 } tcp dport 4240 accept":                         filter,
		"\noutside,nodes of site poz2,10.88.1.0/24,nodes,10.84.1.0/24,udp,8472,":  flows,
		"\noutside,nodes,10.84.1.0/24,nodes of site poz2,10.88.1.0/24,udp,51871,": flows,
	})
}

// TestIPsecClusterMesh is the same by IPsec: ESP in place of WireGuard's port, and the tunnel that comes out of it.
func TestIPsecClusterMesh(t *testing.T) {
	filter, flows := filteredClusterMesh(t, "\tencryption: kind: \"ipsec\"\n")
	hasAll(t, map[string]string{
		"ip saddr { 10.88.1.0/24 } udp dport 8472 accept":                    filter,
		"ip saddr { 10.88.1.0/24 } meta l4proto esp accept":                  filter,
		"\noutside,nodes of site poz2,10.88.1.0/24,nodes,10.84.1.0/24,esp,,": flows,
		"\noutside,nodes,10.84.1.0/24,nodes of site poz2,10.88.1.0/24,esp,,": flows,
	})
	if strings.Contains(filter+flows, "51871") {
		t.Error("WireGuard's port is let in, and nobody sends to it")
	}
}

func hasAll(t *testing.T, texts map[string]string) {
	t.Helper()
	for text, in := range texts {
		if !strings.Contains(in, text) {
			t.Errorf("there is no %q in\n%s", text, in)
		}
	}
}

// filteredClusterMesh returns the filter of poz1's edge nodes and its flows, where both sites filter. Lines are added to the
// mesh of both.
func filteredClusterMesh(t *testing.T, mesh string) (filter, flows string) {
	t.Helper()
	var sources []*load.Source
	for _, name := range []string{"poz1", "poz2"} {
		text := read(t, filepath.Join(examplesDir, name, "site.cue"))
		filtered := strings.Replace(text, "fabric: mtu: 1500\n", "fabric: {mtu: 1500, hostFirewall: true}\n", 1)
		filtered = strings.Replace(filtered, "\nmesh: {\n", "\nmesh: {\n"+mesh, 1)
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
	return string(out.Tree.Lookup("hosts/poz1/row-worker/etc/meshgen/firewall.nft").Bytes()), string(out.Tree.Lookup("fabric/poz1/flows.csv").Bytes())
}
