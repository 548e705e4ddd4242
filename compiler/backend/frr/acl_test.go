package frr

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"meshgen.dev/meshgen/compiler/backend/backendtest"
	"meshgen.dev/meshgen/compiler/ir"
)

// TestFilter: lists of both families, as nftables and as entries of CONFIG_DB; nft takes the former.
func TestFilter(t *testing.T) {
	update := os.Getenv("MESHGEN_UPDATE") != ""
	tree := backendtest.Emit(t, Backend, &ir.Plan{Name: "s1", Switches: []ir.Switch{fabric.FilteredLeaf()}})
	file := filepath.Join("testdata", "filtered.nft")
	backendtest.Golden(t, file, string(tree.Lookup("fabric/s1/leaf-1a.nft").Bytes()), update)

	ports := backendtest.Fabric{OS: sonicName, First: "Ethernet48", Second: "Ethernet52", Third: "Ethernet8"}
	tree = backendtest.Emit(t, SONiC, &ir.Plan{Name: "s1", Switches: []ir.Switch{ports.FilteredLeaf()}})
	backendtest.Golden(t, filepath.Join("testdata", "filtered.sonic.json"), string(tree.Lookup("fabric/s1/leaf-1a.sonic.json").Bytes()), update)

	nft, err := exec.LookPath("nft")
	if err != nil {
		nft, err = exec.LookPath("/usr/sbin/nft")
	}
	if err != nil {
		if os.Getenv("MESHGEN_REAL") == "require" {
			t.Fatal("nft is required and not installed")
		}
		t.Skip("nft is not installed")
	}
	if text, err := exec.Command(nft, "-c", "-f", file).CombinedOutput(); err != nil {
		t.Errorf("nft -c: %v\n%s", err, text)
	}
}
