package compiler

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestRealFirewall gives nft each filter.
func TestRealFirewall(t *testing.T) {
	nft := real(t, "nft")
	eachMatch(t, "hosts/*/*/etc/meshgen/*.nft", func(t *testing.T, file string) {
		if text := runs(t, nft, "-c", "-f", file); strings.TrimSpace(text) != "" {
			t.Errorf("nft -c -f %s:\n%s", file, text)
		}
	})
}

// TestLiveFirewall loads the filter of ams1's edge nodes into a network namespace, twice, beside a table of somebody
// else's, and knocks from another one.
func TestLiveFirewall(t *testing.T) {
	nft, ip := real(t, "nft"), real(t, "ip")
	node, other := "mg-fw-node", "mg-fw-other"
	for _, ns := range []string{node, other} {
		runs(t, ip, "netns", "add", ns)
		t.Cleanup(func() { runs(t, ip, "netns", "del", ns) })
		runs(t, ip, "-n", ns, "link", "set", "lo", "up")
	}
	runs(t, ip, "link", "add", "eth0", "netns", node, "type", "veth", "peer", "name", "eth0", "netns", other)
	runs(t, ip, "-n", node, "addr", "add", "10.140.1.11/24", "dev", "eth0")
	for _, a := range []string{"10.140.1.2/24", "10.140.1.10/24", "192.0.2.200/32"} {
		runs(t, ip, "-n", other, "addr", "add", a, "dev", "eth0")
	}
	for _, ns := range []string{node, other} {
		runs(t, ip, "-n", ns, "link", "set", "eth0", "up")
	}
	runs(t, ip, "-n", node, "route", "add", "192.0.2.200/32", "dev", "eth0")
	file, err := filepath.Abs(filepath.Join(goldenDir, "ams1/hosts/ams1/r1-edge/etc/meshgen/firewall.nft"))
	if err != nil {
		t.Fatal(err)
	}
	runs(t, ip, "netns", "exec", node, nft, "add", "table", "ip", "kube-proxy")
	runs(t, ip, "netns", "exec", node, nft, "-f", file)
	first := runs(t, ip, "netns", "exec", node, nft, "list", "ruleset")
	runs(t, ip, "netns", "exec", node, nft, "-f", file)
	if again := runs(t, ip, "netns", "exec", node, nft, "list", "ruleset"); again != first || !strings.Contains(again, "table ip kube-proxy") {
		t.Errorf("loaded again it is another:\n%s\nbefore:\n%s", again, first)
	}

	for _, port := range []string{"22", "8080", "10250"} {
		inNamespace(t, node, func() {
			l, err := net.Listen("tcp4", "10.140.1.11:"+port)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
		})
	}
	for _, c := range []struct {
		from, port string
		want       bool
	}{
		{"10.140.1.10", "10250", true}, // the control plane, to the kubelet
		{"192.0.2.200", "10250", false},
		{"10.140.1.10", "8080", false},
		{"192.0.2.200", "22", true},
	} {
		inNamespace(t, other, func() {
			d := net.Dialer{Timeout: 2 * time.Second, LocalAddr: &net.TCPAddr{IP: net.ParseIP(c.from)}}
			conn, err := d.Dial("tcp4", "10.140.1.11:"+c.port)
			if err == nil {
				conn.Close()
			}
			if (err == nil) != c.want {
				t.Errorf("%s to port %s: %v, want taken %v", c.from, c.port, err, c.want)
			}
		})
	}
	firewallBFD(t, node, other)
}

// firewallBFD sends two packets from a switch, and takes the one that no router has touched.
func firewallBFD(t *testing.T, node, other string) {
	var in net.PacketConn
	inNamespace(t, node, func() {
		var err error
		if in, err = net.ListenPacket("udp4", "10.140.1.11:3784"); err != nil {
			t.Fatal(err)
		}
	})
	defer in.Close()
	inNamespace(t, other, func() {
		for _, p := range []struct {
			ttl  int
			text string
		}{{64, "routed"}, {255, "neighbor"}} {
			d := net.Dialer{LocalAddr: &net.UDPAddr{IP: net.ParseIP("10.140.1.2")}, Control: func(_, _ string, c syscall.RawConn) error {
				return c.Control(func(fd uintptr) {
					if err := unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_TTL, p.ttl); err != nil {
						t.Error(err)
					}
				})
			}}
			conn, err := d.DialContext(context.Background(), "udp4", "10.140.1.11:3784")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write([]byte(p.text)); err != nil {
				t.Error(err)
			}
			conn.Close()
		}
	})
	buf := make([]byte, 64)
	in.SetReadDeadline(time.Now().Add(10 * time.Second))
	n, _, err := in.ReadFrom(buf)
	if err != nil || string(buf[:n]) != "neighbor" {
		t.Errorf("BFD: %q, %v", buf[:n], err)
	}
}

// inNamespace runs f on a thread of its own in a network namespace; sockets that it opens stay there.
func inNamespace(t *testing.T, ns string, f func()) {
	t.Helper()
	file, err := os.Open("/run/netns/" + ns)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the function
		err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET)
		if err == nil {
			f()
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
