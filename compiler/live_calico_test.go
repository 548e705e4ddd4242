package compiler

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
)

// calicoPassword is what both ends have.
const calicoPassword = "letters-of-both-ends"

// TestLiveCalico runs the emitted file of a rack's switch with nodes that have the sessions which BIRD makes of the emitted
// objects, as Calico writes them for it. A node announces its block and nothing else, the switch takes blocks and nothing else;
// one of another password has no session; and a node that falls silent has no routes left when its hold time is over, though
// its BIRD has asked to keep them.
func TestLiveCalico(t *testing.T) {
	needRouters(t)
	if _, err := exec.LookPath("bird"); err != nil {
		absent(t, "bird")
	}
	tree := compileExample(t, "grz1").Tree
	rack := calicoRack(t, "grz1", tree, "grz1-r1-a")
	sw := rack.sw
	first, second := rack.node("edge1", "10.240.1.21", "2001:db8:240:1::21"), rack.node("edge2", "10.240.1.22", "2001:db8:240:1::22")
	stranger := rack.node("cp", "10.240.1.10", "2001:db8:240:1::10")
	// What BIRD learns of the kernel: a pod, half a block and two of the pools, another pool of the cluster, the way out.
	strays := []string{"10.244.1.70/32", "10.244.7.0/27", "10.244.8.0/25", "198.51.100.0/26", "203.0.113.0/26", "0.0.0.0/0"}
	for _, r := range []*frrtest.Router{first, second} {
		for _, p := range strays {
			r.IP("route", "add", "blackhole", p)
		}
	}
	rack.bird(first, tree, "grz1-r1-edge1", "10.240.1.21", calicoPassword, true, "10.244.1.64/26")
	rack.bird(first, tree, "grz1-r1-edge1", "2001:db8:240:1::21", calicoPassword, true, "2001:db8:244::40/122")
	rack.bird(second, tree, "grz1-r1-edge2", "10.240.1.22", calicoPassword, false, "10.244.2.0/26")
	rack.bird(stranger, tree, "grz1-r1-cp", "10.240.1.10", "another-word", true, "10.244.3.0/26")

	route := func(prefix string) func() string {
		return func() string { return sw.IP("route", "show", "exact", prefix) }
	}
	sw.Wait("the block of the first node", "10.244.1.64/26", route("10.244.1.64/26"), "via 10.240.1.21", "proto bgp")
	sw.Wait("the block of the second node", "10.244.2.0/26", route("10.244.2.0/26"), "via 10.240.1.22", "proto bgp")
	sw.Wait("the block of the second family", "2001:db8:244::40/122", func() string {
		return sw.IP("-6", "route", "show", "exact", "2001:db8:244::40/122")
	}, "proto bgp")
	sent := func(node string) func() string {
		return func() string { return sw.Vtysh("show bgp ipv4 unicast neighbors " + node + " received-routes") }
	}
	// The one without a filter sends what its pools have; a switch keeps what it refuses, to be asked for it.
	sw.Wait("what a node without a filter sends", "10.240.1.22", sent("10.240.1.22"), "10.244.2.0/26", "10.244.7.0/27", "10.244.8.0/25", "198.51.100.0/26")
	for _, p := range strays {
		if strings.Contains(sent("10.240.1.21")(), p) {
			t.Errorf("a node with the filter sends %s", p)
		}
		refused(t, sw, p)
	}
	refused(t, sw, "10.244.3.0/26")
	got := sw.Vtysh("show bgp neighbors 10.240.1.21")
	for _, word := range []string{"Hold time is 9 seconds, keepalive interval is 3 seconds", "Received Restart Time(sec): 60"} {
		if !strings.Contains(got, word) {
			t.Errorf("the session is without %q:\n%s", word, got)
		}
	}
	if got := sw.Vtysh("show bgp neighbors 10.240.1.10"); strings.Contains(got, "BGP state = Established") {
		t.Error("a session with another password is up")
	}

	// A node is cut off while every link stays up.
	rack.segment.IP("link", "set", "p-edge1", "nomaster")
	sw.Wait("the block withdrawn", "10.244.1.64/26", func() string { return "routes:" + route("10.244.1.64/26")() + "." }, "routes:.")
}

// TestLiveCalicoRestart kills BIRD of a node without a word, as a restart of its pod does. With graceful restart the switch
// keeps the node's routes; without, it drops them at once, though BIRD always asks to keep them.
func TestLiveCalicoRestart(t *testing.T) {
	needRouters(t)
	if _, err := exec.LookPath("bird"); err != nil {
		absent(t, "bird")
	}
	for _, c := range []struct {
		name, text string
		keeps      bool
	}{
		{"kept", "gracefulRestart: true", true},
		{"refused", "gracefulRestart: false", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			site := strings.Replace(read(t, filepath.Join(examplesDir, "grz1", "site.cue")), "gracefulRestart: true", c.text, 1)
			tree := compileText(t, "site.cue", site).Tree
			rack := calicoRack(t, "grz1-"+c.name, tree, "grz1-r1-a")
			node := rack.node("edge1", "10.240.1.21", "2001:db8:240:1::21")
			const block = "10.244.1.64/26"
			speaker := rack.bird(node, tree, "grz1-r1-edge1", "10.240.1.21", calicoPassword, true, block)
			route := func() string { return "routes:" + rack.sw.IP("route", "show", "exact", block) + "." }
			rack.sw.Wait("the block", block, route, "proto bgp")
			speaker.Stop()
			if !c.keeps {
				rack.sw.Wait("the block withdrawn", block, route, "routes:.")
				if got := rack.sw.Vtysh("show bgp ipv4 unicast " + block); !strings.Contains(got, "not in table") {
					t.Errorf("the switch keeps it:\n%s", got)
				}
				return
			}
			rack.sw.Wait("a stale path", block, func() string { return rack.sw.Vtysh("show bgp ipv4 unicast " + block) }, "stale")
			if got := route(); !strings.Contains(got, "proto bgp") {
				t.Errorf("the block is gone with BIRD: %q", got)
			}
			rack.bird(node, tree, "grz1-r1-edge1", "10.240.1.21", calicoPassword, true, block)
			rack.sw.Wait("the session again", block, func() string {
				if strings.Contains(rack.sw.Vtysh("show bgp ipv4 unicast "+block), "stale") {
					return ""
				}
				return rack.sw.Vtysh("show bgp neighbors 10.240.1.21")
			}, "BGP state = Established")
		})
	}
}

// A birdRack is a switch and a segment, to which nodes come.
type birdRack struct {
	t           *testing.T
	name        string
	sw, segment *frrtest.Router
}

// calicoRack starts a switch of the first rack of a site from its emitted file.
func calicoRack(t *testing.T, name string, tree *artifact.Tree, sw string) *birdRack {
	t.Helper()
	r := &birdRack{t: t, name: name, sw: frrtest.New(t, name+"-sw"), segment: frrtest.New(t, name+"-segment")}
	frrtest.Connect(r.sw, "vlan10", r.segment, "p-sw")
	r.segment.Bridge("p-sw")
	r.sw.Address("vlan10", "10.240.1.2/24")
	r.sw.IP("address", "add", "2001:db8:240:1::2/64", "dev", "vlan10", "nodad")
	r.sw.Start()
	r.sw.Load(strings.ReplaceAll(text(t, tree, "fabric/grz1/"+sw+".conf"), "@secret:bgp-session/password@", calicoPassword))
	r.sw.Load("router bgp 64601\n address-family ipv4 unicast\n  neighbor GRZ1_NODES soft-reconfiguration inbound\n")
	return r
}

// node adds a node to the segment.
func (r *birdRack) node(name, four, six string) *frrtest.Router {
	r.t.Helper()
	n := frrtest.New(r.t, r.name+"-"+name)
	frrtest.Connect(n, "bond0", r.segment, "p-"+name)
	r.segment.IP("link", "set", "p-"+name, "master", "segment")
	n.Address("bond0", four+"/24")
	n.IP("address", "add", six+"/64", "dev", "bond0", "nodad")
	return n
}

// bird runs the program of one family on a node.
func (r *birdRack) bird(n *frrtest.Router, tree *artifact.Tree, name, address, password string, filtered bool, block string) *frrtest.Program {
	r.t.Helper()
	dir := r.t.TempDir()
	conf := filepath.Join(dir, "bird.conf")
	if err := os.WriteFile(conf, []byte(newCalicoNode(r.t, tree, name, address, password).config([]string{block}, filtered)), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return n.Background("bird", "-f", "-c", conf, "-s", filepath.Join(dir, "bird.ctl"), "-P", filepath.Join(dir, "bird.pid"))
}
