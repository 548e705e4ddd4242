package frr

import (
	"net/netip"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/backend/backendtest"
	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
	"meshgen.dev/meshgen/compiler/ir"
)

// TestLivePods joins two racks by a spine. The node of each announces its range of pods, and what it must not: the range
// reaches the other rack's switch, a packet reaches the other pod, and nothing else gets in.
func TestLivePods(t *testing.T) {
	needRouters(t)
	podRange := ir.PodRange{Prefix: netip.MustParsePrefix("10.112.0.0/14"), Bits: 24, From: ir.From{"kubernetes.podCIDRs"}}
	link := func(tor string, asn uint32, spinePort string) []ir.Uplink {
		return []ir.Uplink{backendtest.Link(tor, asn, "swp49", "spine-1", 65001, spinePort)}
	}
	one := fabric.Leaf()
	one.Peerings[0].Speakers = one.Peerings[0].Speakers[:1]
	one.Uplinks = link("leaf-1a", 65011, "swp1")
	two := fabric.Leaf()
	two.Hostname, two.ASN, two.RouterID = "leaf-2a", 65012, netip.MustParseAddr("10.255.1.2")
	two.Subnets = []netip.Prefix{netip.MustParsePrefix("10.1.2.0/24")}
	two.Address = []netip.Addr{netip.MustParseAddr("10.1.2.2")}
	two.Peerings[0].Switch, two.Peerings[0].SwitchASN, two.Peerings[0].SwitchAddress = "leaf-2a", 65012, two.Address[0]
	two.Peerings[0].Speakers = []ir.Speaker{{Node: "worker-1", Address: netip.MustParseAddr("10.1.2.11")}}
	two.Uplinks = link("leaf-2a", 65012, "swp2")
	spine := fabric.Spine()
	spine.Uplinks = append(link("leaf-1a", 65011, "swp1"), link("leaf-2a", 65012, "swp2")...)
	for _, sw := range []*ir.Switch{&one, &two, &spine} {
		sw.Pods = []ir.PodRange{podRange}
	}
	for _, sw := range []*ir.Switch{&one, &two} {
		sw.Peerings[0].Pods = sw.Pods
		sw.Peerings[0].MaxPrefixes = 6
	}

	nodeOne, nodeTwo := frrtest.New(t, "pods-node1"), frrtest.New(t, "pods-node2")
	leafOne, leafTwo, top := frrtest.New(t, "pods-leaf1"), frrtest.New(t, "pods-leaf2"), frrtest.New(t, "pods-spine")
	frrtest.Connect(nodeOne, "bond0", leafOne, "vlan10")
	frrtest.Connect(nodeTwo, "bond0", leafTwo, "vlan10")
	frrtest.Connect(leafOne, "swp49", top, "swp1")
	frrtest.Connect(leafTwo, "swp49", top, "swp2")
	for _, e := range []struct {
		node, leaf            *frrtest.Router
		address, gateway, pod string
	}{{nodeOne, leafOne, "10.1.1.11", "10.1.1.2", "10.112.3.1"}, {nodeTwo, leafTwo, "10.1.2.11", "10.1.2.2", "10.112.4.1"}} {
		e.node.Address("bond0", e.address+"/24")
		e.leaf.Address("vlan10", e.gateway+"/24")
		e.node.Address("lo", e.pod+"/32")
		e.node.IP("route", "add", "default", "via", e.gateway, "src", e.pod)
		e.node.StartSpeaker()
		e.leaf.Exec("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
		e.leaf.Start()
	}
	top.Exec("sysctl", "-q", "-w", "net.ipv4.ip_forward=1")
	top.Start()
	leafOne.Load(deliver(t, one))
	leafTwo.Load(deliver(t, two))
	top.Load(deliver(t, spine))

	// A whole network, half a range, another's range and the way out are not a node's to give.
	strays := []string{"10.112.0.0/14", "10.112.5.0/25", "10.96.7.0/24", "0.0.0.0/0"}
	nodeOne.Load(podNode("10.1.1.11", "10.1.1.2", 65011, append(strays, "10.112.3.0/24")))
	nodeTwo.Load(podNode("10.1.2.11", "10.1.2.2", 65012, []string{"10.112.4.0/24"}))

	route := func(r *frrtest.Router, prefix string) func() string {
		return func() string { return r.IP("route", "show", "exact", prefix) }
	}
	leafOne.Wait("the range of its own node", "10.112.3.0/24", route(leafOne, "10.112.3.0/24"), "via 10.1.1.11", "proto bgp")
	leafOne.Wait("the range of the other rack", "10.112.4.0/24", route(leafOne, "10.112.4.0/24"), "dev swp49", "proto bgp")
	leafTwo.Wait("the range of the other rack", "10.112.3.0/24", route(leafTwo, "10.112.3.0/24"), "dev swp49", "proto bgp")
	for _, p := range strays {
		if got := leafOne.Vtysh("show bgp ipv4 unicast " + p); !strings.Contains(got, "not in table") {
			t.Errorf("the switch takes %s from a node:\n%s", p, got)
		}
	}
	// Nothing listens at the other pod: its refusal has come all the way back.
	nodeOne.Wait("a way from pod to pod", "10.112.4.1", func() string {
		return nodeOne.Exec("bash", "-c", "timeout 2 bash -c 'exec 3<>/dev/tcp/10.112.4.1/9' 2>&1 || true")
	}, "Connection refused")

	// What leaks above the racks stays there.
	top.IP("route", "add", "blackhole", "10.112.9.0/25")
	top.IP("route", "add", "blackhole", "10.112.8.0/22")
	top.Load("route-map OPEN permit 10\nrouter bgp 65001\n address-family ipv4 unicast\n  redistribute kernel\n  neighbor S1_TORS route-map OPEN out\n")
	sent := func() string { return top.Vtysh("show bgp ipv4 unicast neighbors swp1 advertised-routes") }
	top.Wait("the leaks sent by an open spine", "advertised", sent, "10.112.9.0/25", "10.112.8.0/22")
	for _, p := range []string{"10.112.9.0/25", "10.112.8.0/22"} {
		if got := leafOne.Vtysh("show bgp ipv4 unicast " + p); !strings.Contains(got, "not in table") {
			t.Errorf("the switch takes %s from the spine:\n%s", p, got)
		}
	}
}

// podNode announces networks without any filter.
func podNode(own, peer string, asn uint32, networks []string) string {
	text := "router bgp 65100\n bgp router-id " + own + "\n no bgp ebgp-requires-policy\n no bgp network import-check\n" +
		" neighbor " + peer + " remote-as " + map[uint32]string{65011: "65011", 65012: "65012"}[asn] + "\n" +
		" neighbor " + peer + " password " + delivered + "\n neighbor " + peer + " timers 3 9\n neighbor " + peer + " timers connect 1\n neighbor " + peer + " bfd\n" +
		" address-family ipv4 unicast\n"
	for _, n := range networks {
		text += "  network " + n + "\n"
	}
	return text
}
