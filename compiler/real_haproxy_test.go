package compiler

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	haproxyFiles    = "fabric/*/*/etc/haproxy/haproxy.cfg"
	keepalivedFiles = "fabric/*/*/etc/keepalived/keepalived.conf"
)

// TestRealHAProxy gives haproxy each of its files. A warning is a fault: HAProxy ignores what it warns of.
func TestRealHAProxy(t *testing.T) {
	haproxy := real(t, "haproxy")
	eachMatch(t, haproxyFiles, func(t *testing.T, file string) {
		if text := runs(t, haproxy, "-c", "-f", file); strings.Contains(text, "WARNING") {
			t.Errorf("haproxy -c -f %s:\n%s", file, text)
		}
	})
}

// TestRealKeepalived gives keepalived each of its files, in a namespace with an interface in place of the words.
func TestRealKeepalived(t *testing.T) {
	keepalived := real(t, "keepalived")
	real(t, "ip")
	if os.Geteuid() != 0 {
		absent(t, "root")
	}
	const up = "up0"
	ns := fmt.Sprintf("meshgen-%d-vrrp", os.Getpid())
	runs(t, "ip", "netns", "add", ns)
	t.Cleanup(func() { runs(t, "ip", "netns", "del", ns) })
	runs(t, "ip", "-n", ns, "link", "add", up, "type", "veth", "peer", "name", "up1")
	runs(t, "ip", "-n", ns, "link", "set", up, "up")
	runs(t, "ip", "-n", ns, "link", "set", "up1", "up")
	eachMatch(t, keepalivedFiles, func(t *testing.T, file string) {
		var lines []string
		for line := range strings.Lines(read(t, file)) {
			if before, word, ok := strings.Cut(line, " @"); ok && !strings.HasPrefix(line, "#") {
				line = before + " " + map[bool]string{true: up, false: "abcd1234"}[strings.HasPrefix(word, "interface:")] + "\n"
			}
			lines = append(lines, line)
		}
		delivered := filepath.Join(t.TempDir(), "keepalived.conf")
		if err := os.WriteFile(delivered, []byte(strings.Join(lines, "")), 0o600); err != nil {
			t.Fatal(err)
		}
		if text := runs(t, "ip", "netns", "exec", ns, keepalived, "-t", "-f", delivered); strings.TrimSpace(text) != "" {
			t.Errorf("keepalived -t:\n%s", text)
		}
	})
}
