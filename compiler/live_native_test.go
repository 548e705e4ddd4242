package compiler

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
)

// The sources of MetalLB whose native sessions run here, and their checksum (2026-11-21). No other module may import them, so
// they are built as a module of their own, from the module proxy.
const (
	metallbModule = "go.universe.tf/metallb@v0.16.2"
	metallbSum    = "h1:RCSAGoZmqcvTg0e56+Okbwz8iTuQVX30JpKX5mYEPUM="
)

// metallbParts are the packages of MetalLB that its native sessions consist of.
var metallbParts = []string{"internal/bgp", "internal/bgp/community", "internal/bgp/native", "internal/safeconvert"}

// TestLiveNative runs the emitted file of the switch of bru1 with both of its nodes that announce, each with the session of
// MetalLB's native mode as MetalLB makes it of the emitted objects: internal/config/config.go (peerFromCR) and
// speaker/bgp_controller.go (syncPeers, SetBalancer) say what of an object gets there.
func TestLiveNative(t *testing.T) {
	t.Parallel()
	needRouters(t)
	program := buildNative(t)
	const right, vip = "kept-elsewhere", "192.0.2.65"
	tree := compileExample(t, "bru1").Tree
	one, two, segment, sw := frrtest.New(t, "bru1-one"), frrtest.New(t, "bru1-two"), frrtest.New(t, "bru1-segment"), frrtest.New(t, "bru1-sw")
	frrtest.Connect(one, "eno1", segment, "p1")
	frrtest.Connect(two, "eno1", segment, "p2")
	frrtest.Connect(sw, "vlan90", segment, "p3")
	segment.Bridge("p1", "p2", "p3")
	one.Address("eno1", "10.90.1.21/24")
	two.Address("eno1", "10.90.1.22/24")
	sw.Address("vlan90", "10.90.1.2/24")
	sw.Start()
	sw.Load(strings.ReplaceAll(text(t, tree, "fabric/bru1/bru1-sw.conf"), "@secret:bgp-session/password@", right))

	first := startNative(t, program, one, tree, "bru1-edge-1", right)
	second := startNative(t, program, two, tree, "bru1-edge-2", "another")
	// With a wrong password there is no session; with the right one it joins.
	inKernel(t, sw, netip.MustParseAddr(vip), "via 10.90.1.21 dev vlan90")
	sw.Wait("segments with a wrong password", "TCP MD5", func() string { return fmt.Sprint(md5Failures(t, sw) > 0) }, "true")
	if got := sw.Vtysh("show bgp neighbors 10.90.1.22"); strings.Contains(got, "BGP state = Established") {
		t.Errorf("a session comes up with a wrong password:\n%s", got)
	}
	second.Stop()
	startNative(t, program, two, tree, "bru1-edge-2", right)
	onto(t, sw, netip.MustParseAddr(vip), 2, "via 10.90.1.21 dev vlan90", "via 10.90.1.22 dev vlan90")
	sw.Wait("the pool's community", "65090:100", func() string { return sw.Vtysh("show bgp ipv4 unicast " + vip + "/32") }, "Community: 65090:100")
	if got := sw.Vtysh("show bgp neighbors 10.90.1.21"); !strings.Contains(got, "Hold time is 6 seconds, keepalive interval is 2 seconds") {
		t.Errorf("other timers than the site's:\n%s", got)
	}

	// The address of layer 2 is not for the switch; nor are networks, ranges of pods and the way out.
	strays := []string{"10.90.1.200/32", "192.0.2.64/28", "198.51.100.64/32", "10.94.3.0/24", "0.0.0.0/0"}
	const taken = "192.0.2.66/32" // an address of the pool
	announced := first.announced()
	for _, p := range append(strays, taken) {
		announced[p] = nil
	}
	first.announce(announced)
	sw.Wait("updates with all of the strays", "10.90.1.21", func() string {
		return fmt.Sprint(updates(t, sw, "10.90.1.21") >= len(announced))
	}, "true")
	onto(t, sw, netip.MustParsePrefix(taken).Addr(), 1, "via 10.90.1.21 dev vlan90")
	for _, p := range strays {
		refused(t, sw, p)
	}
	onto(t, sw, netip.MustParseAddr(vip), 2, "via 10.90.1.21 dev vlan90", "via 10.90.1.22 dev vlan90")
	if got := sw.Vtysh("show bgp ipv4 unicast neighbors 10.90.1.21 advertised-routes"); strings.Contains(got, "Total number of prefixes") {
		t.Errorf("the node learns routes:\n%s", got)
	}

	// There is no BFD: a node that is cut off is left when its hold time is over.
	segment.IP("link", "set", "p1", "nomaster")
	onto(t, sw, netip.MustParseAddr(vip), 1, "via 10.90.1.22 dev vlan90")
}

// updates counts the UPDATE messages that a router has got from a neighbor.
func updates(t *testing.T, r *frrtest.Router, peer string) int {
	t.Helper()
	var neighbors map[string]struct{ MessageStats struct{ UpdatesRecv int } }
	if err := json.Unmarshal([]byte(r.Vtysh("show bgp neighbors "+peer+" json")), &neighbors); err != nil {
		t.Fatal(err)
	}
	return neighbors[peer].MessageStats.UpdatesRecv
}

// nativeSession is a session of a node, and what the node's objects announce in it.
type nativeSession struct {
	*frrtest.Program
	t       *testing.T
	speaker *speaker
	peer    string // name of its BGPPeer
}

// announced is what the objects give to the session: communities by prefix.
func (s *nativeSession) announced() map[string][]string {
	out := map[string][]string{}
	for prefix, communities := range s.speaker.announced(s.peer, false) {
		out[prefix.String()] = communities
	}
	return out
}

func (s *nativeSession) announce(prefixes map[string][]string) {
	s.t.Helper()
	line, err := json.Marshal(prefixes)
	if err != nil {
		s.t.Fatal(err)
	}
	s.Tell(line)
}

// startNative opens the one session of a node in its namespace, and announces what the objects say.
func startNative(t *testing.T, program string, r *frrtest.Router, tree *artifact.Tree, node, password string) *nativeSession {
	t.Helper()
	s := newSpeaker(t, tree, node)
	var peers []*lbObject
	s.each("BGPPeer", func(o *lbObject) {
		if o.selects(s.node.Metadata.Labels) {
			peers = append(peers, o)
		}
	})
	if len(peers) != 1 || peers[0].Spec.PasswordSecret.Name == "" {
		t.Fatalf("%s has %d peers", node, len(peers))
	}
	o := peers[0].Spec
	// internal/config/validation.go (DiscardFRROnly): with any of these the speaker takes none of the configuration.
	if o.BFDProfile != "" || o.KeepaliveTime != "" || o.ConnectTime != "" {
		t.Fatalf("what native sessions do not know: %+v", o)
	}
	peer, err := json.Marshal(map[string]any{
		"Address": o.PeerAddress, "Port": 179, // the default of peerPort, api/v1beta2/bgppeer_types.go
		"MyASN": o.MyASN, "PeerASN": o.PeerASN, "HoldSeconds": s.seconds(o.HoldTime), "Password": password, "Node": node,
	})
	if err != nil {
		t.Fatal(err)
	}
	session := &nativeSession{r.Background(program, string(peer)), t, s, peers[0].Metadata.Name}
	session.announce(session.announced())
	return session
}

// buildNative builds the program of testdata/native over MetalLB's sources.
func buildNative(t *testing.T) string {
	t.Helper()
	b := newBuild(t)
	module := b.sources(metallbModule, metallbSum)
	over, err := txtar.ParseFile(filepath.Join("testdata", "native", "speaker.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range metallbParts {
		names, err := filepath.Glob(filepath.Join(module, part, "*.go"))
		if err != nil || len(names) == 0 {
			t.Fatalf("no %s in %s: %v", part, metallbModule, err)
		}
		for _, name := range names {
			if !strings.HasSuffix(name, "_test.go") {
				b.write(part+"/"+filepath.Base(name), read(t, name))
			}
		}
	}
	for _, f := range over.Files {
		b.write(f.Name, string(f.Data)) // some in the place of MetalLB's
	}
	b.write("go.mod", read(t, filepath.Join(module, "go.mod"))+"\nreplace k8s.io/api => ./kubernetes\n")
	b.write("go.sum", read(t, filepath.Join(module, "go.sum")))
	return b.program("./internal/onesession")
}
