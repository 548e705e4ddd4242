package compiler

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// On the loopback every 127.0.0.0/8 address is there: each address of the example has one.
var onLoopback = strings.NewReplacer(
	"10.80.9.", "127.80.9.", "10.80.1.", "127.80.1.", "10.80.2.", "127.80.2.", // machines and nodes
	"198.51.100.65:443", "127.80.65.65:20443", "198.51.100.65:80", "127.80.65.65:20080", "198.51.100.66:8443", "127.80.65.66:28443", "198.51.100.67:873", "127.80.65.67:20873",
	"192.0.2.0/26", "127.80.200.0/26", "127.0.0.1:8404", "127.80.9.11:28404",
)

// withoutRoot are the lines for which HAProxy must be root, or a log must be there.
var withoutRoot = regexp.MustCompile(`(?m)^    (user|group|stats socket|log) .*\n`)

var manyConnections = regexp.MustCompile(`maxconn \d+`)

// fakeNode is kube-proxy and a gateway on one node.
type fakeNode struct {
	name  string
	ready atomic.Bool // kube-proxy's answer
}

// TestLiveHAProxy runs an emitted haproxy.cfg before nodes of which some have a ready pod. Connections go to those alone,
// begin with a PROXY header that names the client, and follow when a node's pod is no longer ready; clients that are not
// on the list are refused.
func TestLiveHAProxy(t *testing.T) {
	t.Parallel()
	haproxy := real(t, "haproxy")
	config := text(t, compileExample(t, "zrh1").Tree, "fabric/zrh1/lb1/etc/haproxy/haproxy.cfg")
	file := filepath.Join(t.TempDir(), "haproxy.cfg")
	config = withoutRoot.ReplaceAllString(onLoopback.Replace(config), "")
	config = manyConnections.ReplaceAllString(config, "maxconn 100") // files for all would be more than a test has
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	first, second, idle := startNode(t, "127.80.1.11"), startNode(t, "127.80.2.11"), startNode(t, "127.80.1.12")
	first.ready.Store(true) // the fourth node, 127.80.2.12, is dead

	ctx, stop := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, haproxy, "-db", "-f", file)
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(said.String())
		}
	})

	const public, partner = "127.80.65.65:20443", "127.80.65.66:28443"
	// Servers are up until their first check has failed.
	await(t, "only the node with a ready pod", func() bool { return seen(public, "127.80.200.5")[first.name] == 20 })
	for source, want := range map[string]bool{"127.80.200.5": true, "127.80.201.5": false} {
		if answer := ask(partner, source); (answer != "") != want {
			t.Errorf("client %s of the partners' gateway gets %q", source, answer)
		}
	}
	if answer := ask(public, "127.80.201.5"); answer != first.name+" 127.80.201.5" {
		t.Errorf("the gateway knows its client as %q", answer)
	}
	second.ready.Store(true)
	first.ready.Store(false)
	await(t, "the other node", func() bool { return seen(public, "127.80.200.5")[second.name] == 20 })
	second.ready.Store(false)
	await(t, "no node", func() bool { return seen(public, "127.80.200.5")[""] == 20 })
	if idle.ready.Load() {
		t.Error("the idle node was never ready")
	}
}

// seen counts who answers 20 connections; "" is nobody.
func seen(at, source string) map[string]int {
	count := map[string]int{}
	for range 20 {
		name, _, _ := strings.Cut(ask(at, source), " ")
		count[name]++
	}
	return count
}

// ask connects from an address and returns the answer, "" for none.
func ask(at, source string) string {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(source)}, Timeout: 5 * time.Second}
	c, err := d.Dial("tcp", at)
	if err != nil {
		return ""
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	answer, _ := io.ReadAll(c)
	return string(answer)
}

// await waits until something holds, within a bound that no healthy run comes near.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// startNode listens where kube-proxy and the gateways of the example do.
func startNode(t *testing.T, address string) *fakeNode {
	t.Helper()
	n := &fakeNode{name: "node-" + address}
	for _, port := range []int{30036, 30040} { // the health ports of the two gateways
		l := listen(t, address, port)
		server := &http.Server{ReadHeaderTimeout: 5 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !n.ready.Load() || r.URL.Path != "/healthz" || r.Method != http.MethodGet {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})}
		go func() { _ = server.Serve(l) }()
		t.Cleanup(func() { _ = server.Close() })
	}
	for _, port := range []int{30037, 30038, 30041} {
		l := listen(t, address, port)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				go n.answer(c)
			}
		}()
	}
	return n
}

func listen(t *testing.T, address string, port int) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", fmt.Sprintf("%s:%d", address, port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// answer reads the PROXY header, version 2, and says who answers and whom the header names.
func (n *fakeNode) answer(c net.Conn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(5 * time.Second))
	head := make([]byte, 16)
	if _, err := io.ReadFull(c, head); err != nil || string(head[:12]) != "\r\n\r\n\x00\r\nQUIT\n" || head[12] != 0x21 || head[13] != 0x11 {
		_, _ = fmt.Fprintf(c, "%s no header", n.name)
		return
	}
	rest := make([]byte, binary.BigEndian.Uint16(head[14:]))
	if _, err := io.ReadFull(c, rest); err != nil || len(rest) < 12 {
		return
	}
	client, _ := netip.AddrFromSlice(rest[:4])
	_, _ = fmt.Fprintf(c, "%s %s", n.name, client)
}
