package frr

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"meshgen.dev/meshgen/compiler/ir"
)

// patience bounds each wait for the routers.
const patience = 20 * time.Second

// TestLive loads the files of a leaf and a spine into real routers, each in a network namespace of its own, lets a node
// with a speaker announce what it may and what it must not, and looks at what came through.
func TestLive(t *testing.T) {
	needRouters(t)
	vip, pool := "203.0.113.10/32", "203.0.113.0/27"

	tor, sp := leaf(), spine()
	tor.Peerings[0].Speakers = tor.Peerings[0].Speakers[:1]
	tor.Uplinks = []ir.Uplink{link("leaf-1a", 65011, "swp49", "spine-1", 65001, "swp3")}
	sp.Uplinks = tor.Uplinks

	node, leafRouter, spineRouter := newRouter(t, "node"), newRouter(t, "leaf"), newRouter(t, "spine")
	connect(t, node, "bond0", leafRouter, "vlan10")
	connect(t, leafRouter, "swp49", spineRouter, "swp3")
	node.address("bond0", "10.1.1.11/24")
	leafRouter.address("vlan10", "10.1.1.2/24")
	// Routes that the routers have to have before BGP announces them.
	for _, p := range []string{vip, pool, "10.112.3.0/24", "0.0.0.0/0"} {
		node.ip("route", "add", "blackhole", p)
	}
	for _, p := range []string{"198.51.100.17/32", "198.51.100.16/29", "10.112.4.0/24", "172.16.9.0/24"} {
		spineRouter.ip("route", "add", "blackhole", p)
	}
	for _, r := range []*router{node, leafRouter, spineRouter} {
		r.start()
	}

	leafRouter.load(deliver(t, tor))
	spineRouter.load(deliver(t, sp) + `
router bgp 65001
 address-family ipv4 unicast
  redistribute kernel
`)
	node.load(speaker(delivered))

	leafRouter.wait("the node's address in the kernel", "route "+vip, func() string { return leafRouter.ip("route", "show", vip) }, "proto bgp")
	for _, refused := range []string{pool, "10.112.3.0/24", "0.0.0.0/0"} {
		if got := leafRouter.vtysh("show bgp ipv4 unicast " + refused); !strings.Contains(got, "not in table") {
			t.Errorf("the leaf took %s from the node:\n%s", refused, got)
		}
	}
	// Communities that nodes set travel to the spines; so does the rack's subnet.
	vipAtSpine := func() string { return spineRouter.vtysh("show bgp ipv4 unicast " + vip) }
	spineRouter.wait("the address at the spine", "65000:100", vipAtSpine, "Community: 65000:100")
	spineRouter.wait("the rack's subnet at the spine", "10.1.1.0/24", func() string { return spineRouter.ip("route", "show", "10.1.1.0/24") }, "proto bgp")
	// From the spine come other racks' addresses and what is not the site's, and no leaked range.
	for _, taken := range []string{"198.51.100.17/32", "172.16.9.0/24"} {
		leafRouter.wait(taken+" from the spine", taken, func() string { return leafRouter.ip("route", "show", strings.TrimSuffix(taken, "/32")) }, "proto bgp")
	}
	leaked := []string{"198.51.100.16/29", "10.112.4.0/24"}
	sent := func() string { return spineRouter.vtysh("show bgp ipv4 unicast neighbors swp3 advertised-routes") }
	for _, p := range leaked {
		if strings.Contains(sent(), p) {
			t.Errorf("the spine announces %s", p)
		}
	}
	spineRouter.load("route-map OPEN permit 10\nrouter bgp 65001\n address-family ipv4 unicast\n  neighbor S1_TORS route-map OPEN out\n")
	spineRouter.wait("the leaked ranges sent by an open spine", "advertised", sent, leaked...)
	for _, refused := range leaked {
		if got := leafRouter.vtysh("show bgp ipv4 unicast " + refused); !strings.Contains(got, "not in table") {
			t.Errorf("the leaf took %s from the spine:\n%s", refused, got)
		}
	}
	if got := node.vtysh("show bgp ipv4 unicast neighbors 10.1.1.2 routes"); strings.Contains(got, "10.1.1.2 ") {
		t.Errorf("the node learned routes:\n%s", got)
	}
	leafRouter.wait("BFD with node and spine", "both up", func() string {
		return fmt.Sprintf("%d up", strings.Count(leafRouter.vtysh("show bfd peers"), "Status: up"))
	}, "2 up")
	// A dead VLAN is no longer announced.
	leafRouter.ip("link", "set", "vlan10", "down")
	spineRouter.wait("the subnet withdrawn", "10.1.1.0/24", func() string {
		return "routes:" + spineRouter.ip("route", "show", "10.1.1.0/24") + "."
	}, "routes:.")
}

// delivered is the password that a delivery would put in.
const delivered = "kept-elsewhere"

// deliver returns the file of a switch with its placeholders replaced.
func deliver(t *testing.T, sw ir.Switch) string {
	return strings.NewReplacer("@secret:bgp-session/password@", delivered, "@interface:leaf-1a@", "swp1", "@interface:leaf-1a.2@", "swp2").
		Replace(string(write(t, sw).Bytes()))
}

// TestRunning loads each file and compares it with what the router says it runs. A line that the router writes otherwise,
// or not at all, would come up as a change at each reload.
func TestRunning(t *testing.T) {
	needRouters(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := newRouter(t, c.name)
			r.start()
			text := deliver(t, c.sw)
			r.load(text)
			running := map[string]bool{ // with the defaults of BFD, which FRR leaves out
				"transmit-interval 300": true, "receive-interval 300": true, "detect-multiplier 3": true,
			}
			for line := range strings.Lines(r.vtysh("show running-config")) {
				running[strings.TrimSpace(line)] = true
			}
			for line := range strings.Lines(text) {
				if line = strings.TrimSpace(line); line != "" && line[0] != '!' && !running[line] {
					t.Errorf("the router does not write %q as we do", line)
				}
			}
		})
	}
}

// speaker is the node end: it does not filter, and announces more than it should.
func speaker(password string) string {
	return `route-map TAG permit 10
 set community 65000:100
router bgp 65100
 bgp router-id 10.1.1.11
 no bgp ebgp-requires-policy
 neighbor 10.1.1.2 remote-as 65011
 neighbor 10.1.1.2 password ` + password + `
 neighbor 10.1.1.2 timers 3 9
 neighbor 10.1.1.2 timers connect 1
 neighbor 10.1.1.2 bfd
 address-family ipv4 unicast
  redistribute kernel
  neighbor 10.1.1.2 route-map TAG out
`
}

func needRouters(t *testing.T) {
	t.Helper()
	var missing []string
	if os.Geteuid() != 0 {
		missing = append(missing, "root")
	}
	for _, p := range []string{"/usr/lib/frr/bgpd", "/usr/lib/frr/zebra", "/usr/lib/frr/bfdd"} {
		if _, err := os.Stat(p); err != nil {
			missing = append(missing, p)
		}
	}
	for _, p := range []string{"vtysh", "ip"} {
		if _, err := exec.LookPath(p); err != nil {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return
	}
	if os.Getenv("MESHGEN_REAL") == "require" {
		t.Fatalf("required and not there: %v", missing)
	}
	t.Skipf("not there: %v", missing)
}

// router is FRR in a network namespace.
type router struct {
	t        *testing.T
	ns, dir  string
	uid, gid int
}

func newRouter(t *testing.T, name string) *router {
	t.Helper()
	// The daemons drop root before they open their sockets, so t.TempDir, which is root's alone, will not do.
	dir, err := os.MkdirTemp("", "meshgen-frr-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := &router{t: t, ns: fmt.Sprintf("meshgen-%d-%s", os.Getpid(), name), dir: dir}
	u, err := user.Lookup("frr")
	if err != nil {
		t.Fatal(err)
	}
	r.uid, _ = strconv.Atoi(u.Uid)
	r.gid, _ = strconv.Atoi(u.Gid)
	if err := os.Chown(r.dir, r.uid, r.gid); err != nil {
		t.Fatal(err)
	}
	r.run("ip", "netns", "add", r.ns)
	t.Cleanup(func() { r.run("ip", "netns", "del", r.ns) })
	r.ip("link", "set", "lo", "up")
	return r
}

// connect joins two routers by a cable.
func connect(t *testing.T, a *router, aPort string, b *router, bPort string) {
	t.Helper()
	a.run("ip", "link", "add", aPort, "netns", a.ns, "type", "veth", "peer", "name", bPort, "netns", b.ns)
	a.ip("link", "set", aPort, "up")
	b.ip("link", "set", bPort, "up")
}

func (r *router) address(port, prefix string) { r.ip("address", "add", prefix, "dev", port) }

// start runs the daemons until the test ends. bgpd does not listen on the node, as the load balancer runs it.
func (r *router) start() {
	r.t.Helper()
	for _, d := range []struct {
		name string
		args []string
	}{
		{"zebra", nil},
		{"bfdd", []string{"--bfdctl", filepath.Join(r.dir, "bfdd.sock")}},
		{"bgpd", r.listen()},
	} {
		args := append([]string{"netns", "exec", r.ns, "/usr/lib/frr/" + d.name, "-u", "frr", "-g", "frr", "-P", "0", "-f", "/dev/null",
			"-i", filepath.Join(r.dir, d.name+".pid"), "-z", filepath.Join(r.dir, "zserv"), "--vty_socket", r.dir, "--log", "file:" + filepath.Join(r.dir, d.name+".log")}, d.args...)
		cmd := exec.Command("ip", args...)
		if err := cmd.Start(); err != nil {
			r.t.Fatal(err)
		}
		r.t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		socket := filepath.Join(r.dir, d.name+".vty")
		r.wait(d.name, "socket", func() string {
			if _, err := os.Stat(socket); err != nil {
				return err.Error()
			}
			return "ready"
		}, "ready")
	}
}

func (r *router) listen() []string {
	if strings.HasSuffix(r.ns, "-node") {
		return []string{"-p", "0"}
	}
	return nil
}

// load runs a configuration line by line, as FRR does at its start.
func (r *router) load(text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, "frr.conf")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
	// vtysh goes on behind a line that a daemon refuses.
	if out := r.run("vtysh", "--vty_socket", r.dir, "-f", path); strings.Contains(out, "% ") {
		r.t.Fatalf("refused:\n%s", out)
	}
}

func (r *router) vtysh(command string) string {
	r.t.Helper()
	return r.run("vtysh", "--vty_socket", r.dir, "-c", command)
}

func (r *router) ip(args ...string) string {
	r.t.Helper()
	return r.run("ip", append([]string{"-n", r.ns}, args...)...)
}

func (r *router) run(name string, args ...string) string {
	r.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// wait asks until the answer holds every one of words.
func (r *router) wait(what, about string, ask func() string, words ...string) {
	r.t.Helper()
	var got string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		got = ask()
		missing := false
		for _, word := range words {
			missing = missing || !strings.Contains(got, word)
		}
		if !missing {
			return
		}
	}
	r.t.Fatalf("%s: no %s (%s) within %v:\n%s\n%s", r.ns, what, about, patience, got, r.vtysh("show bgp summary"))
}
