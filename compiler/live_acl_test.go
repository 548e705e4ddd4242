package compiler

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestRealSwitchFilter gives nft the filter of each Linux switch.
func TestRealSwitchFilter(t *testing.T) {
	nft := real(t, "nft")
	eachMatch(t, "fabric/*/*.nft", func(t *testing.T, file string) {
		if text := runs(t, nft, "-c", "-f", file); strings.TrimSpace(text) != "" {
			t.Errorf("nft -c -f %s:\n%s", file, text)
		}
	})
}

// TestLiveSwitchFilter loads the filter of muc1's Linux switch, twice, into a network namespace that forwards between a
// client on the uplink and a node, and knocks at ports of a virtual address, of one that nobody has, and of the node.
func TestLiveSwitchFilter(t *testing.T) {
	nft, ip := real(t, "nft"), real(t, "ip")
	client, sw, node := "mg-acl-client", "mg-acl-switch", "mg-acl-node"
	for _, ns := range []string{client, sw, node} {
		runs(t, ip, "netns", "add", ns)
		t.Cleanup(func() { runs(t, ip, "netns", "del", ns) })
		runs(t, ip, "-n", ns, "link", "set", "lo", "up")
	}
	runs(t, ip, "link", "add", "eth0", "netns", client, "type", "veth", "peer", "name", "swp49", "netns", sw)
	runs(t, ip, "link", "add", "eth0", "netns", node, "type", "veth", "peer", "name", "swp1", "netns", sw)
	for _, a := range [][3]string{
		{client, "198.51.100.2/24", "eth0"}, {sw, "198.51.100.1/24", "swp49"}, {sw, "10.60.2.2/24", "swp1"},
		{node, "10.60.2.11/24", "eth0"}, {node, "192.0.2.33/32", "lo"}, {node, "192.0.2.34/32", "lo"},
	} {
		runs(t, ip, "-n", a[0], "addr", "add", a[1], "dev", a[2])
	}
	for _, l := range [][2]string{{client, "eth0"}, {sw, "swp49"}, {sw, "swp1"}, {node, "eth0"}} {
		runs(t, ip, "-n", l[0], "link", "set", l[1], "up")
	}
	runs(t, ip, "-n", client, "route", "add", "default", "via", "198.51.100.1")
	runs(t, ip, "-n", node, "route", "add", "default", "via", "10.60.2.2")
	runs(t, ip, "-n", sw, "route", "add", "192.0.2.32/28", "via", "10.60.2.11")
	runs(t, ip, "netns", "exec", sw, "sysctl", "-qw", "net.ipv4.ip_forward=1")
	file, err := filepath.Abs(filepath.Join(goldenDir, "muc1/fabric/muc1/muc1-south-sw.nft"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		runs(t, ip, "netns", "exec", sw, nft, "-f", file)
	}
	inNamespace(t, node, func() {
		for _, port := range []string{"80", "443", "8443", "10250"} {
			l, err := net.Listen("tcp4", "0.0.0.0:"+port)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(func() { l.Close() })
		}
	})
	for _, c := range []struct {
		address string
		want    bool
	}{
		{"192.0.2.33:80", true},
		{"192.0.2.33:443", true},
		{"192.0.2.33:8443", false},
		{"192.0.2.34:443", false},  // of the pool, and nobody's
		{"10.60.2.11:10250", true}, // not what the list is about
	} {
		inNamespace(t, client, func() {
			conn, err := net.DialTimeout("tcp4", c.address, 2*time.Second)
			if err == nil {
				conn.Close()
			}
			if (err == nil) != c.want {
				t.Errorf("%s: %v, want let through %v", c.address, err, c.want)
			}
		})
	}
}
