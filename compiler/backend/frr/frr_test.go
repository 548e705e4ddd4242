package frr

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend/backendtest"
	"meshgen.dev/meshgen/compiler/ir"
)

// fabric is made of switches that run FRR.
var fabric = backendtest.Fabric{OS: name, First: "swp49", Second: "swp50", Third: "swp3"}

var cases = []struct {
	name string
	sw   ir.Switch
}{
	{"leaf", fabric.Leaf()},
	{"dual-stack", fabric.DualStack()},
	{"numbered", fabric.NumberedLeaf()},
	{"spine", fabric.Spine()},
	{"pods", fabric.PodLeaf()},
	{"guarded", fabric.GuardedLeaf()},
	{"refusing", fabric.RefusingLeaf()},
}

// write returns the file of one switch.
func write(t *testing.T, sw ir.Switch) *artifact.File {
	t.Helper()
	tree := backendtest.Emit(t, Backend, &ir.Plan{Name: "s1", Switches: []ir.Switch{sw}})
	f := tree.Lookup("fabric/s1/" + sw.Hostname + ".conf")
	if f == nil {
		t.Fatal("no file")
	}
	return f
}

func TestGolden(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			backendtest.Golden(t, filepath.Join("testdata", c.name+".conf"), string(write(t, c.sw).Bytes()), os.Getenv("MESHGEN_UPDATE") != "")
		})
	}
}

// TestSyntax asks FRR's own shell whether it knows every line.
func TestSyntax(t *testing.T) {
	vtysh, err := exec.LookPath("vtysh")
	if err != nil {
		if os.Getenv("MESHGEN_REAL") == "require" {
			t.Fatal("vtysh is required and not installed")
		}
		t.Skip("vtysh is not installed")
	}
	check := func(t *testing.T, text []byte) (string, error) {
		path := filepath.Join(t.TempDir(), "frr.conf")
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(vtysh, "-C", "-f", path).CombinedOutput()
		return string(out), err
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if out, err := check(t, write(t, c.sw).Bytes()); err != nil {
				t.Errorf("vtysh -C: %v\n%s", err, out)
			}
		})
	}
	if _, err := check(t, []byte("router bgp 65001\n neighbor S1_X peer-group S1_Y S1_Z\n")); err == nil {
		t.Error("vtysh -C accepts what is not FRR's language")
	}
}

// TestOtherSystems: a switch of another operating system is not this backend's.
func TestOtherSystems(t *testing.T) {
	sw := fabric.Leaf()
	sw.OS = "eos"
	tree := artifact.NewTree()
	Backend.Emit(&ir.Plan{Name: "s1", Switches: []ir.Switch{sw}}, tree)
	if n := len(tree.Files()); n != 0 {
		t.Errorf("%d files for a switch that does not run FRR", n)
	}
}

func TestOrigins(t *testing.T) {
	f := write(t, fabric.Leaf())
	for line, want := range map[string]string{
		"router bgp 65011":                                               "racks.r1.tors.a.asn",
		" neighbor S1_NODES remote-as 65100":                             "fabric.bgp.nodeASN",
		" neighbor S1_NODES timers 3 9":                                  "fabric.bgp.holdTime",
		" neighbor 10.1.1.12 peer-group S1_NODES":                        "racks.r1.nodes.edge-2.address",
		" neighbor S1_SPINES remote-as 65001":                            "fabric.spines.spine-2.asn",
		"  network 10.1.1.0/24":                                          "racks.r1.subnets",
		"  transmit-interval 300":                                        "fabric.bgp.bfd.interval",
		"ip prefix-list S1_GUARD seq 20 permit 10.112.0.0/14 le 32":      "kubernetes.podCIDRs",
		"ip prefix-list S1_VIPS seq 5 permit 203.0.113.0/27 ge 32 le 32": "pools.public.addresses",
	} {
		n := slices.Index(strings.Split(string(f.Bytes()), "\n"), line)
		o, ok := f.Origin(n + 1)
		if n < 0 || !ok || !slices.Contains(o.Paths, want) {
			t.Errorf("line %q (%d): origin %v lacks %s", line, n+1, o.Paths, want)
		}
	}
	n := slices.Index(strings.Split(string(f.Bytes()), "\n"), "  neighbor S1_NODES maximum-prefix 4 80 restart 5")
	if o, _ := f.Origin(n + 1); n < 0 || o.Why != "bgp/max-prefix" {
		t.Errorf("maximum-prefix comes from %q", o.Why)
	}
}
