package nxos

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend/backendtest"
	"meshgen.dev/meshgen/compiler/ir"
)

// fabric is made of switches that run NX-OS; their links have addresses.
var fabric = backendtest.Fabric{OS: name, First: "Ethernet1/49", Second: "Ethernet1/50", Third: "Ethernet1/3"}

var cases = []struct {
	name string
	sw   ir.Switch
}{
	{"numbered", fabric.NumberedLeaf()},
	{"pods", fabric.PodLeaf()},
	{"guarded", fabric.GuardedLeaf()},
	{"refusing", fabric.RefusingLeaf()},
}

// write returns the file of one switch.
func write(t *testing.T, sw ir.Switch) *artifact.File {
	t.Helper()
	tree := backendtest.Emit(t, Backend, &ir.Plan{Name: "s1", Switches: []ir.Switch{sw}})
	f := tree.Lookup("fabric/s1/" + sw.Hostname + ".nxos")
	if f == nil {
		t.Fatal("no file")
	}
	return f
}

func TestGolden(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			backendtest.Golden(t, filepath.Join("testdata", c.name+".nxos"), string(write(t, c.sw).Bytes()), os.Getenv("MESHGEN_UPDATE") != "")
		})
	}
}

// TestOrder: in the mode of an address family a line of the session is not known, so that it has to stand before; and a
// template must be there before a neighbor inherits from it.
func TestOrder(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			defined := map[string]bool{}
			inFamily := false
			for line := range strings.Lines(string(write(t, c.sw).Bytes())) {
				text := strings.TrimSpace(line)
				switch depth := len(line) - len(strings.TrimLeft(line, " ")); {
				case strings.HasPrefix(text, "template peer "):
					defined[strings.TrimPrefix(text, "template peer ")] = true
					inFamily = false
				case strings.HasPrefix(text, "inherit peer "):
					if !defined[strings.TrimPrefix(text, "inherit peer ")] {
						t.Errorf("%q before its template", text)
					}
				case strings.HasPrefix(text, "address-family "):
					inFamily = depth == 4
				case strings.HasPrefix(text, "neighbor "):
					inFamily = false
				case inFamily && depth == 4:
					t.Errorf("%q behind an address family", text)
				}
			}
			if len(defined) == 0 {
				t.Error("no templates found")
			}
		})
	}
}

// TestOtherSystems: a switch of another operating system is not this backend's.
func TestOtherSystems(t *testing.T) {
	sw := fabric.NumberedLeaf()
	sw.OS = "eos"
	tree := artifact.NewTree()
	Backend.Emit(&ir.Plan{Name: "s1", Switches: []ir.Switch{sw}}, tree)
	if n := len(tree.Files()); n != 0 {
		t.Errorf("%d files for a switch that does not run NX-OS", n)
	}
}

func TestOrigins(t *testing.T) {
	f := write(t, fabric.PodLeaf())
	lines := strings.Split(string(f.Bytes()), "\n")
	for line, want := range map[string]string{
		"router bgp 65011":        "racks.r1.tors.a.asn",
		"    remote-as 65100":     "fabric.bgp.nodeASN",
		"    timers 3 9":          "fabric.bgp.holdTime",
		"  neighbor 10.1.1.12":    "racks.r1.nodes.edge-2.address",
		"    network 10.1.1.0/24": "racks.r1.subnets",
		"ip prefix-list S1_PODS seq 5 permit 10.112.0.0/14 eq 24":  "kubernetes.nodeCIDRMask",
		"ip prefix-list S1_VIPS seq 5 permit 203.0.113.0/27 eq 32": "pools.public.addresses",
	} {
		n := slices.Index(lines, line)
		o, ok := f.Origin(n + 1)
		if n < 0 || !ok || !slices.Contains(o.Paths, want) {
			t.Errorf("line %q (%d): origin %v lacks %s", line, n+1, o.Paths, want)
		}
	}
}
