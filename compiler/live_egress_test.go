package compiler

import (
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// TestLiveEgress sends from pods of two machines, each in a network namespace with its own rules of kos1 beside a pod
// network that masquerades, and asks the other end whom it sees.
func TestLiveEgress(t *testing.T) {
	nft, ip := real(t, "nft"), real(t, "ip")
	const partner = "mg-eg-bank"
	add := func(ns string) {
		runs(t, ip, "netns", "add", ns)
		t.Cleanup(func() { runs(t, ip, "netns", "del", ns) })
		runs(t, ip, "-n", ns, "link", "set", "lo", "up")
	}
	add(partner)
	runs(t, ip, "-n", partner, "link", "add", "br0", "type", "bridge")
	runs(t, ip, "-n", partner, "addr", "add", "10.88.1.1/24", "dev", "br0")
	runs(t, ip, "-n", partner, "link", "set", "br0", "up")
	for _, a := range []string{"203.0.113.40/32", "203.0.113.99/32"} { // declared, and not
		runs(t, ip, "-n", partner, "addr", "add", a, "dev", "lo")
	}
	seen := make(chan string, 1)
	inNamespace(t, partner, func() {
		l, err := net.Listen("tcp4", ":443")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				host, _, _ := net.SplitHostPort(c.RemoteAddr().String())
				c.Close()
				seen <- host
			}
		}()
	})
	// sees returns the source of a connection from a namespace, as the partner sees it.
	sees := func(ns, to string) (source string) {
		t.Helper()
		inNamespace(t, ns, func() {
			c, err := net.DialTimeout("tcp4", to+":443", 5*time.Second)
			if err != nil {
				source = err.Error()
				return
			}
			defer c.Close()
			select {
			case source = <-seen:
			case <-time.After(5 * time.Second):
				source = "nobody"
			}
		})
		return source
	}
	for i, node := range []string{"kos1-e1", "kos1-e2"} {
		n, own, egress := fmt.Sprint(i+1), fmt.Sprintf("10.88.1.%d", 21+i), fmt.Sprintf("10.88.1.%d", 201+i)
		machine, pod := "mg-eg-node"+n, "mg-eg-pod"+n
		add(machine)
		add(pod)
		in := func(args ...string) {
			t.Helper()
			runs(t, ip, append([]string{"netns", "exec", machine}, args...)...)
		}
		runs(t, ip, "link", "add", "eth0", "netns", machine, "type", "veth", "peer", "name", "port"+n, "netns", partner)
		runs(t, ip, "-n", partner, "link", "set", "port"+n, "master", "br0", "up")
		runs(t, ip, "-n", machine, "addr", "add", own+"/24", "dev", "eth0")
		runs(t, ip, "-n", machine, "addr", "add", egress+"/32", "dev", "eth0")
		runs(t, ip, "-n", machine, "link", "set", "eth0", "up")
		runs(t, ip, "-n", machine, "route", "add", "default", "via", "10.88.1.1")
		runs(t, ip, "link", "add", "cali0", "netns", machine, "type", "veth", "peer", "name", "eth0", "netns", pod)
		runs(t, ip, "-n", machine, "addr", "add", fmt.Sprintf("10.92.%d.1/24", i), "dev", "cali0")
		runs(t, ip, "-n", pod, "addr", "add", fmt.Sprintf("10.92.%d.5/24", i), "dev", "eth0")
		runs(t, ip, "-n", machine, "link", "set", "cali0", "up")
		runs(t, ip, "-n", pod, "link", "set", "eth0", "up")
		runs(t, ip, "-n", pod, "route", "add", "default", "via", fmt.Sprintf("10.92.%d.1", i))
		runs(t, ip, "netns", "exec", machine, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
		file, err := filepath.Abs(filepath.Join(goldenDir, "kos1/hosts/kos1", node, "etc/meshgen/egress.nft"))
		if err != nil {
			t.Fatal(err)
		}
		masquerade := func() { // as iptables' and nft's own rules of pod networks stand: at priority srcnat
			t.Helper()
			in(nft, "add table ip podnet; add chain ip podnet post { type nat hook postrouting priority srcnat; }; add rule ip podnet post ip saddr 10.92.0.0/16 masquerade")
		}
		load := func() { t.Helper(); in(nft, "-f", file) }
		want := func(when, to, source string) {
			t.Helper()
			if got := sees(pod, to); got != source {
				t.Errorf("%s, %s: the partner at %s sees %s, want %s", node, when, to, got, source)
			}
		}
		masquerade()
		want("without the rules", "203.0.113.40", own)
		load()
		want("after the pod network", "203.0.113.40", egress)
		want("another destination", "203.0.113.99", own)
		load()
		want("loaded again", "203.0.113.40", egress)
		in(nft, "delete table ip podnet")
		masquerade()
		want("before the pod network", "203.0.113.40", egress)
		in(nft, "delete table inet meshgen_egress")
		want("stopped", "203.0.113.40", own)
		load()
		if got := sees(machine, "203.0.113.40"); got != own {
			t.Errorf("%s: what the machine itself sends comes from %s, want %s", node, got, own)
		}
	}
	// Each machine keeps its own, also side by side.
	for i, want := range []string{"10.88.1.201", "10.88.1.202"} {
		if got := sees(fmt.Sprintf("mg-eg-pod%d", i+1), "203.0.113.40"); got != want {
			t.Errorf("pod %d: %s, want %s", i+1, got, want)
		}
	}
	// At the same priority, as kube-vip's rule stands beside the pod network's, the kernel asks the chain that was made last.
	exec := func(rules string) { t.Helper(); runs(t, ip, "netns", "exec", "mg-eg-node1", nft, rules) }
	podnet := "add table ip podnet; add chain ip podnet post { type nat hook postrouting priority srcnat; }; add rule ip podnet post ip saddr 10.92.0.0/16 masquerade"
	exec("delete table inet meshgen_egress")
	exec("add table ip kube_vip_v4; add chain ip kube_vip_v4 kube_vip_snat { type nat hook postrouting priority srcnat; }; add rule ip kube_vip_v4 kube_vip_snat ip saddr { 10.92.0.5 } ip daddr 203.0.113.40 snat to 10.88.1.201")
	if got := sees("mg-eg-pod1", "203.0.113.40"); got != "10.88.1.201" {
		t.Errorf("made after the pod network's, of one priority: %s", got)
	}
	exec("delete table ip podnet; " + podnet)
	if got := sees("mg-eg-pod1", "203.0.113.40"); got != "10.88.1.21" {
		t.Errorf("made before the pod network's, of one priority: %s; the runbook says that it loses", got)
	}
}
