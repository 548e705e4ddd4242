package frr

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/backend/backendtest"
	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
	"meshgen.dev/meshgen/compiler/ir"
)

// TestLive loads the files of a leaf and a spine into real routers, each in a network namespace of its own, lets a node
// with a speaker announce what it may and what it must not, and looks at what came through.
func TestLive(t *testing.T) {
	needRouters(t)
	vip, pool := "203.0.113.10/32", "203.0.113.0/27"

	tor, sp := fabric.Leaf(), fabric.Spine()
	tor.Peerings[0].Speakers = tor.Peerings[0].Speakers[:1]
	tor.Uplinks = []ir.Uplink{backendtest.Link("leaf-1a", 65011, "swp49", "spine-1", 65001, "swp3")}
	sp.Uplinks = tor.Uplinks

	node, leafRouter, spineRouter := frrtest.New(t, "node"), frrtest.New(t, "leaf"), frrtest.New(t, "spine")
	frrtest.Connect(node, "bond0", leafRouter, "vlan10")
	frrtest.Connect(leafRouter, "swp49", spineRouter, "swp3")
	node.Address("bond0", "10.1.1.11/24")
	leafRouter.Address("vlan10", "10.1.1.2/24")
	// Routes that the routers have to have before BGP announces them.
	for _, p := range []string{vip, pool, "10.112.3.0/24", "0.0.0.0/0"} {
		node.IP("route", "add", "blackhole", p)
	}
	for _, p := range []string{"198.51.100.17/32", "198.51.100.16/29", "10.112.4.0/24", "172.16.9.0/24"} {
		spineRouter.IP("route", "add", "blackhole", p)
	}
	node.StartSpeaker()
	leafRouter.Start()
	spineRouter.Start()

	leafRouter.Load(deliver(t, tor))
	spineRouter.Load(deliver(t, sp) + `
router bgp 65001
 address-family ipv4 unicast
  redistribute kernel
`)
	node.Load(speaker(delivered))

	leafRouter.Wait("the node's address in the kernel", "route "+vip, func() string { return leafRouter.IP("route", "show", vip) }, "proto bgp")
	for _, refused := range []string{pool, "10.112.3.0/24", "0.0.0.0/0"} {
		if got := leafRouter.Vtysh("show bgp ipv4 unicast " + refused); !strings.Contains(got, "not in table") {
			t.Errorf("the leaf took %s from the node:\n%s", refused, got)
		}
	}
	// Communities that nodes set travel to the spines; so does the rack's subnet.
	vipAtSpine := func() string { return spineRouter.Vtysh("show bgp ipv4 unicast " + vip) }
	spineRouter.Wait("the address at the spine", "65000:100", vipAtSpine, "Community: 65000:100")
	spineRouter.Wait("the rack's subnet at the spine", "10.1.1.0/24", func() string { return spineRouter.IP("route", "show", "10.1.1.0/24") }, "proto bgp")
	// From the spine come other racks' addresses and what is not the site's, and no leaked range.
	for _, taken := range []string{"198.51.100.17/32", "172.16.9.0/24"} {
		leafRouter.Wait(taken+" from the spine", taken, func() string { return leafRouter.IP("route", "show", strings.TrimSuffix(taken, "/32")) }, "proto bgp")
	}
	leaked := []string{"198.51.100.16/29", "10.112.4.0/24"}
	sent := func() string { return spineRouter.Vtysh("show bgp ipv4 unicast neighbors swp3 advertised-routes") }
	for _, p := range leaked {
		if strings.Contains(sent(), p) {
			t.Errorf("the spine announces %s", p)
		}
	}
	spineRouter.Load("route-map OPEN permit 10\nrouter bgp 65001\n address-family ipv4 unicast\n  neighbor S1_TORS route-map OPEN out\n")
	spineRouter.Wait("the leaked ranges sent by an open spine", "advertised", sent, leaked...)
	for _, refused := range leaked {
		if got := leafRouter.Vtysh("show bgp ipv4 unicast " + refused); !strings.Contains(got, "not in table") {
			t.Errorf("the leaf took %s from the spine:\n%s", refused, got)
		}
	}
	if got := node.Vtysh("show bgp ipv4 unicast neighbors 10.1.1.2 routes"); strings.Contains(got, "10.1.1.2 ") {
		t.Errorf("the node learned routes:\n%s", got)
	}
	leafRouter.Wait("BFD with node and spine", "both up", func() string {
		return fmt.Sprintf("%d up", strings.Count(leafRouter.Vtysh("show bfd peers"), "Status: up"))
	}, "2 up")
	// A dead VLAN is no longer announced.
	leafRouter.IP("link", "set", "vlan10", "down")
	spineRouter.Wait("the subnet withdrawn", "10.1.1.0/24", func() string {
		return "routes:" + spineRouter.IP("route", "show", "10.1.1.0/24") + "."
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
			r := frrtest.New(t, c.name)
			r.Start()
			text := deliver(t, c.sw)
			r.Load(text)
			running := map[string]bool{ // with the defaults of BFD, which FRR leaves out
				"transmit-interval 300": true, "receive-interval 300": true, "detect-multiplier 3": true,
			}
			for line := range strings.Lines(r.Vtysh("show running-config")) {
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
	missing := frrtest.Missing()
	if len(missing) == 0 {
		return
	}
	if os.Getenv("MESHGEN_REAL") == "require" {
		t.Fatalf("required and not there: %v", missing)
	}
	t.Skipf("not there: %v", missing)
}
