package eos

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

// fabric is made of switches that run EOS.
var fabric = backendtest.Fabric{OS: name, First: "Ethernet49/1", Second: "Ethernet50/1", Third: "Ethernet3/1"}

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
	f := tree.Lookup("fabric/s1/" + sw.Hostname + ".eos")
	if f == nil {
		t.Fatal("no file")
	}
	return f
}

func TestGolden(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			backendtest.Golden(t, filepath.Join("testdata", c.name+".eos"), string(write(t, c.sw).Bytes()), os.Getenv("MESHGEN_UPDATE") != "")
		})
	}
}

// TestRebuilt: what a configuration session takes away comes back in the same session, and each object is taken away
// before it is built, or entries of yesterday would stay.
func TestRebuilt(t *testing.T) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			removed, built := map[string]bool{}, map[string]bool{}
			for line := range strings.Lines(string(write(t, c.sw).Bytes())) {
				line = strings.TrimRight(line, "\n")
				if object, ok := strings.CutPrefix(line, "no "); ok {
					removed[object] = true
					continue
				}
				words := strings.Fields(line)
				for i, w := range words {
					if (w == "prefix-list" || w == "route-map") && i < 2 && line[0] != ' ' {
						object := strings.Join(words[:i+2], " ")
						if !removed[object] {
							t.Errorf("%q is built upon what was there", object)
						}
						built[object] = true
					}
				}
			}
			for object := range removed {
				if !built[object] {
					t.Errorf("%q is removed and not built", object)
				}
			}
			if len(built) == 0 {
				t.Error("no objects found")
			}
		})
	}
}

// TestOtherSystems: a switch of another operating system is not this backend's.
func TestOtherSystems(t *testing.T) {
	sw := fabric.Leaf()
	sw.OS = "frr"
	tree := artifact.NewTree()
	Backend.Emit(&ir.Plan{Name: "s1", Switches: []ir.Switch{sw}}, tree)
	if n := len(tree.Files()); n != 0 {
		t.Errorf("%d files for a switch that does not run EOS", n)
	}
}

func TestOrigins(t *testing.T) {
	f := write(t, fabric.Leaf())
	lines := strings.Split(string(f.Bytes()), "\n")
	for line, want := range map[string]string{
		"router bgp 65011":                                              "racks.r1.tors.a.asn",
		"   neighbor S1_NODES remote-as 65100":                          "fabric.bgp.nodeASN",
		"   neighbor S1_NODES timers 3 9":                               "fabric.bgp.holdTime",
		"   neighbor 10.1.1.12 peer group S1_NODES":                     "racks.r1.nodes.edge-2.address",
		"      network 10.1.1.0/24":                                     "racks.r1.subnets",
		"   seq 40 permit 10.112.0.0/14 le 32":                          "kubernetes.podCIDRs",
		"   seq 10 permit 203.0.113.0/27 eq 32":                         "pools.public.addresses",
		"   neighbor S1_NODES password 0 @secret:bgp-session/password@": "fabric.bgp.passwordSecret",
	} {
		n := slices.Index(lines, line)
		o, ok := f.Origin(n + 1)
		if n < 0 || !ok || !slices.Contains(o.Paths, want) {
			t.Errorf("line %q (%d): origin %v lacks %s", line, n+1, o.Paths, want)
		}
	}
	n := slices.Index(lines, "   neighbor S1_NODES maximum-routes 4 warning-limit 80 percent")
	if o, _ := f.Origin(n + 1); n < 0 || o.Why != "bgp/max-prefix" {
		t.Errorf("maximum-routes comes from %q", o.Why)
	}
}
