package compiler

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
)

// The sources of GoBGP that OpenELB 0.6.0 is built with, the release of protobuf that it reads its objects by (its go.mod),
// and the checksum of the former (2026-11-21).
const (
	openELBModule   = "github.com/osrg/gobgp@v0.0.0-20210101133947-496b372f7b8d"
	openELBSum      = "h1:1Sis4J5d/H2DtlbJoArjcBV2DKrZ3oj3KEFtdDhBpVw="
	openELBProtobuf = "github.com/golang/protobuf v1.5.4"
)

// TestLiveOpenELB runs the emitted files of a rack's two switches with both of its nodes that announce, each with the sessions
// that GoBGP makes of the emitted BgpConf and BgpPeers as OpenELB converts them.
func TestLiveOpenELB(t *testing.T) {
	needRouters(t)
	program := buildOpenELB(t)
	vip := netip.MustParseAddr("192.0.2.125")
	tree := compileExample(t, "osl1").Tree
	one, two, segment := frrtest.New(t, "osl1-one"), frrtest.New(t, "osl1-two"), frrtest.New(t, "osl1-segment")
	a, b := frrtest.New(t, "osl1-a"), frrtest.New(t, "osl1-b")
	frrtest.Connect(one, "bond0", segment, "p1")
	frrtest.Connect(two, "bond0", segment, "p2")
	frrtest.Connect(a, "vlan100", segment, "p3")
	frrtest.Connect(b, "vlan100", segment, "p4")
	segment.Bridge("p1", "p2", "p3", "p4")
	one.Address("bond0", "10.100.1.11/24")
	two.Address("bond0", "10.100.1.12/24")
	a.Address("vlan100", "10.100.1.2/24")
	b.Address("vlan100", "10.100.1.3/24")
	for name, r := range map[string]*frrtest.Router{"osl1-north-a": a, "osl1-north-b": b} {
		r.Start()
		r.Load(text(t, tree, "fabric/osl1/"+name+".conf"))
		// It keeps what it refuses, to be asked for it.
		r.Load("router bgp 65111\n address-family ipv4 unicast\n  neighbor OSL1_NODES soft-reconfiguration inbound\n")
	}
	first := startOpenELB(t, program, one, tree, "osl1-north-1", "10.100.1.11")
	second := startOpenELB(t, program, two, tree, "osl1-north-2", "10.100.1.12")

	// An address outside of the pools, and one of a node: a speaker would announce them if somebody gave them to a Service.
	strays := []string{"192.0.2.120", "10.100.1.12", "198.51.100.120"}
	for _, ip := range append(strays, "198.51.100.113", vip.String()) {
		first.Tell([]byte(ip))
	}
	second.Tell([]byte(vip.String()))
	for _, r := range []*frrtest.Router{a, b} {
		onto(t, r, vip, 2, "via 10.100.1.11 dev vlan100", "via 10.100.1.12 dev vlan100")
		onto(t, r, netip.MustParseAddr("198.51.100.113"), 1, "via 10.100.1.11 dev vlan100")
		r.Wait("strays from the node", "10.100.1.11", func() string {
			return r.Vtysh("show bgp ipv4 unicast neighbors 10.100.1.11 received-routes")
		}, strays...)
		for _, ip := range strays {
			refused(t, r, ip+"/32")
		}
		if got := r.Vtysh("show bgp neighbors 10.100.1.11"); !strings.Contains(got, "Hold time is 6 seconds, keepalive interval is 2 seconds") {
			t.Errorf("other timers than the site's:\n%s", got)
		}
	}

	// A node is cut off while every link stays up: without BFD the hold time has to be over.
	segment.IP("link", "set", "p1", "nomaster")
	for _, r := range []*frrtest.Router{a, b} {
		onto(t, r, vip, 1, "via 10.100.1.12 dev vlan100")
	}
}

// startOpenELB opens the sessions of the speaker on a node.
func startOpenELB(t *testing.T, program string, r *frrtest.Router, tree *artifact.Tree, node, address string) *frrtest.Program {
	t.Helper()
	const folder = "kubernetes/overlays/osl1/"
	type object struct {
		Metadata struct {
			Name   string
			Labels map[string]string
		}
		Spec map[string]any
	}
	objects := func(file string) (out []object) {
		for _, doc := range strings.Split(text(t, tree, folder+file), "\n---\n") {
			var o object
			if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
				t.Fatal(err)
			}
			out = append(out, o)
		}
		return out
	}
	labels := map[string]string{}
	for _, o := range objects("00-nodes/node.yaml") {
		if o.Metadata.Name == node {
			labels = o.Metadata.Labels
		}
	}
	// bgpconf_controller.go: the AS of the node's rack, and its address as router ID.
	rack := labels["openelb.kubesphere.io/rack"]
	conf := maps.Clone(objects("10-load-balancer/bgpconf.yaml")[0].Spec)
	conf["as"] = conf["asPerRack"].(map[string]any)[rack]
	conf["routerId"] = address
	delete(conf, "asPerRack")
	// bgppeer_controller.go: the peers whose selector has the node.
	var peers []map[string]any
	for _, o := range objects("10-load-balancer/bgppeer.yaml") {
		chosen := true
		for _, e := range o.Spec["nodeSelector"].(map[string]any)["matchExpressions"].([]any) {
			e := e.(map[string]any)
			chosen = chosen && e["operator"] == "In" && strings.Contains(fmt.Sprint(e["values"].([]any)...), labels[e["key"].(string)])
		}
		if chosen {
			spec := maps.Clone(o.Spec)
			delete(spec, "nodeSelector")
			peers = append(peers, spec)
		}
	}
	if conf["as"] == nil || len(peers) != 2 {
		t.Fatalf("node %s of rack %q has AS %v and %d peers", node, rack, conf["as"], len(peers))
	}
	own, err := json.Marshal(map[string]any{"Address": address, "Conf": conf, "Peers": peers})
	if err != nil {
		t.Fatal(err)
	}
	return r.Background(program, string(own))
}

// buildOpenELB builds the program of testdata/openelb with GoBGP.
func buildOpenELB(t *testing.T) string {
	t.Helper()
	b := newBuild(t)
	module := b.sources(openELBModule, openELBSum)
	path, version, _ := strings.Cut(openELBModule, "@")
	b.write("go.mod", fmt.Sprintf("module speaker\n\ngo 1.26.0\n\nrequire (\n\t%s\n\t%s %s\n)\n\nreplace %s => %s\n", openELBProtobuf, path, version, path, module))
	b.write("go.sum", read(t, filepath.Join(module, "go.sum")))
	own, err := txtar.ParseFile(filepath.Join("testdata", "openelb", "speaker.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range own.Files {
		b.write(f.Name, string(f.Data))
	}
	return b.program(".")
}
