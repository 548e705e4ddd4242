package compiler

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
)

// The sources of GoBGP that kube-vip 1.2.3 is built with (its go.mod), and their checksum (2026-11-21).
const (
	gobgpModule = "github.com/osrg/gobgp/v4@v4.8.0"
	gobgpSum    = "h1:CoprkOZ2nsH8aTHij6xWj18QOrsBwG9D00l1PGw7394="
)

// TestLiveKubeVIP runs the emitted files of a rack's two switches with both of its nodes that announce, each with the sessions
// and the BFD of GoBGP as kube-vip makes them of the environment in the emitted DaemonSet.
//
// It runs alone: beside others GoBGP may be too late with a packet of BFD, and it stays away for 30 s then.
func TestLiveKubeVIP(t *testing.T) {
	needRouters(t)
	program := buildKubeVIP(t)
	const right = "kept-elsewhere"
	vip := netip.MustParseAddr("198.51.100.65")
	tree := compileExample(t, "fmo1").Tree
	one, two, segment := frrtest.New(t, "fmo1-one"), frrtest.New(t, "fmo1-two"), frrtest.New(t, "fmo1-segment")
	a, b := frrtest.New(t, "fmo1-a"), frrtest.New(t, "fmo1-b")
	frrtest.Connect(one, "bond0", segment, "p1")
	frrtest.Connect(two, "bond0", segment, "p2")
	frrtest.Connect(a, "vlan90", segment, "p3")
	frrtest.Connect(b, "vlan90", segment, "p4")
	segment.Bridge("p1", "p2", "p3", "p4")
	one.Address("bond0", "10.90.1.11/24")
	two.Address("bond0", "10.90.1.12/24")
	a.Address("vlan90", "10.90.1.2/24")
	b.Address("vlan90", "10.90.1.3/24")
	for name, r := range map[string]*frrtest.Router{"fmo1-east-a": a, "fmo1-east-b": b} {
		r.Start()
		r.Load(strings.ReplaceAll(text(t, tree, "fabric/fmo1/"+name+".conf"), "@secret:bgp-session/password@", right))
		// It keeps what it refuses, to be asked for it.
		r.Load("router bgp 4200000711\n address-family ipv4 unicast\n  neighbor FMO1_NODES soft-reconfiguration inbound\n")
	}
	first := startKubeVIP(t, program, one, tree, "kube-vip-east", "10.90.1.11", right)
	second := startKubeVIP(t, program, two, tree, "kube-vip-east", "10.90.1.12", right)

	// As kube-vip does: one path for each address. Of these a switch takes what is of the pool.
	strays := []string{"198.51.100.80/32", "10.90.1.12/32", "198.51.100.64/28", "10.94.3.0/24", "0.0.0.0/0"}
	const taken = "198.51.100.66/32"
	for _, p := range append(strays, taken, vip.String()+"/32") {
		first.Tell([]byte(p))
	}
	second.Tell([]byte(vip.String() + "/32"))
	for _, r := range []*frrtest.Router{a, b} {
		onto(t, r, vip, 2, "via 10.90.1.11 dev vlan90", "via 10.90.1.12 dev vlan90")
		onto(t, r, netip.MustParsePrefix(taken).Addr(), 1, "via 10.90.1.11 dev vlan90")
		r.Wait("strays from the node", "10.90.1.11", func() string {
			return r.Vtysh("show bgp ipv4 unicast neighbors 10.90.1.11 received-routes")
		}, strays...)
		for _, p := range strays {
			refused(t, r, p)
		}
		if got := r.Vtysh("show bgp neighbors 10.90.1.11"); !strings.Contains(got, "Hold time is 9 seconds, keepalive interval is 3 seconds") {
			t.Errorf("other timers than the site's:\n%s", got)
		}
		r.Wait("BFD with both nodes", "up", func() string {
			return fmt.Sprintf("%d up", strings.Count(r.Vtysh("show bfd peers"), "Status: up"))
		}, "2 up")
	}

	// A node is cut off while every link stays up: only BFD sees that before the sessions' hold time is over.
	segment.IP("link", "set", "p1", "nomaster")
	for _, r := range []*frrtest.Router{a, b} {
		r.Wait("a session closed by BFD", "10.90.1.11", func() string { return lastReset(r, "10.90.1.11") }, "bfd down")
		onto(t, r, vip, 1, "via 10.90.1.12 dev vlan90")
	}
}

// TestLiveKubeVIPUnnumbered runs the emitted file of the switch of a rack without any network, and a node with two programs that
// speak BGP: BIRD over the cable for its own address, and above it kube-vip for the virtual addresses, between loopbacks.
func TestLiveKubeVIPUnnumbered(t *testing.T) {
	t.Parallel()
	needRouters(t)
	bird := real(t, "bird")
	program := buildKubeVIP(t)
	const right = "kept-elsewhere"
	vip := netip.MustParseAddr("198.51.100.65")
	tree := compileExample(t, "fmo1").Tree
	node, sw := frrtest.New(t, "fmo1-yard-1"), frrtest.New(t, "fmo1-yard-sw")
	frrtest.Connect(node, "eno1", sw, "swp1")
	node.Address("lo", "10.90.3.11/32")
	sw.Address("lo", "10.90.254.4/32")
	forward(sw, true)
	sw.Start()
	sw.Load(strings.NewReplacer("@secret:bgp-session/password@", right, "@interface:fmo1-yard-1@", "swp1").Replace(text(t, tree, "fabric/fmo1/fmo1-yard-sw.conf")))
	conf := filepath.Join(t.TempDir(), "bird.conf")
	routing := strings.NewReplacer("10.120.2.11", "10.90.3.11", "4200001200", "4200000703", `, "eno2"`, "", "protocol bgp eno2 from cable { interface \"eno2\"; }\n", "", "%s", "")
	write(t, conf, routing.Replace(machineRouting))
	node.Background(bird, "-f", "-c", conf, "-s", filepath.Join(node.Sockets(), "bird.ctl"))
	onto(t, sw, netip.MustParseAddr("10.90.3.11"), 1, "dev swp1")
	node.Wait("a way to the switch", "dev eno1", func() string { return node.IP("route", "show", "10.90.254.4") }, "dev eno1", "proto bird")

	const stray = "198.51.100.80"
	speaker := startKubeVIP(t, program, node, tree, "kube-vip-yard", "10.90.3.11", right)
	for _, ip := range []string{stray, vip.String()} {
		speaker.Tell([]byte(ip + "/32"))
	}
	sw.Wait("a session between loopbacks", "10.90.3.11", func() string { return sw.Vtysh("show bgp neighbors 10.90.3.11") },
		"BGP state = Established", "External BGP neighbor may be up to 2 hops away", "Hold time is 9 seconds, keepalive interval is 3 seconds")
	onto(t, sw, vip, 1, "dev swp1")
	refused(t, sw, stray+"/32")

	// The cable breaks: the session above it would last for the hold time, and the way to the node is gone at once.
	node.IP("link", "set", "eno1", "down")
	sw.Wait("a way that is gone", vip.String(), func() string {
		if got := sw.IP("route", "show", vip.String()); got != "" {
			return got
		}
		return "none"
	}, "none")
}

// startKubeVIP opens the sessions of a DaemonSet's pod on the node with this address.
func startKubeVIP(t *testing.T, program string, r *frrtest.Router, tree *artifact.Tree, name, address, password string) *frrtest.Program {
	t.Helper()
	env := map[string]string{}
	for _, doc := range strings.Split(text(t, tree, "kubernetes/overlays/fmo1/10-load-balancer/daemonset.yaml"), "\n---\n") {
		var o struct {
			Metadata struct{ Name string }
			Spec     struct {
				Template struct {
					Spec struct {
						Containers []struct {
							Env []struct {
								Name, Value string
								ValueFrom   struct{ FieldRef struct{ FieldPath string } }
							}
						}
					}
				}
			}
		}
		if err := yaml.Unmarshal([]byte(doc), &o); err != nil {
			t.Fatal(err)
		}
		if o.Metadata.Name != name {
			continue
		}
		for _, e := range o.Spec.Template.Spec.Containers[0].Env {
			env[e.Name] = strings.ReplaceAll(e.Value, "$(MESHGEN_BGP_PASSWORD)", password)
			if e.ValueFrom.FieldRef.FieldPath == "status.hostIP" {
				env[e.Name] = address
			}
		}
	}
	number := func(text string) int {
		t.Helper()
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	// pkg/kubevip/config_bgp.go, ParseBGPPeerConfig: address, AS, password, multihop, port (which AddPeer does not read),
	// families, BFD (enabled; receive; transmit; multiplier).
	var peers []map[string]any
	for _, one := range strings.Split(env["bgp_peers"], ",") {
		p := strings.Split(one, ":")
		if len(p) != 4 && len(p) != 7 {
			t.Fatalf("bgp_peers of %s: %q", name, env["bgp_peers"])
		}
		peer := map[string]any{"Address": p[0], "AS": number(p[1]), "Password": p[2], "Multihop": p[3] == "true"}
		if len(p) == 7 {
			bfd := strings.Split(p[6], ";")
			peer["BFD"] = map[string]any{"Enabled": bfd[0] == "true", "Receive": number(bfd[1]), "Transmit": number(bfd[2]), "Multiplier": number(bfd[3])}
		}
		peers = append(peers, peer)
	}
	own, err := json.Marshal(map[string]any{"AS": number(env["bgp_as"]), "RouterID": env["bgp_routerid"],
		"HoldTime": number(env["bgp_hold_time"]), "Keepalive": number(env["bgp_keepalive_interval"]), "Peers": peers})
	if err != nil {
		t.Fatal(err)
	}
	return r.Background(program, string(own))
}

// buildKubeVIP builds the program of testdata/kubevip with GoBGP.
func buildKubeVIP(t *testing.T) string {
	t.Helper()
	b := newBuild(t)
	module := b.sources(gobgpModule, gobgpSum)
	path, version, _ := strings.Cut(gobgpModule, "@")
	b.write("go.mod", fmt.Sprintf("module speaker\n\ngo 1.26.0\n\nrequire %s %s\n\nreplace %s => %s\n", path, version, path, module))
	b.write("go.sum", read(t, filepath.Join(module, "go.sum")))
	own, err := txtar.ParseFile(filepath.Join("testdata", "kubevip", "speaker.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range own.Files {
		b.write(f.Name, string(f.Data))
	}
	return b.program(".")
}
