package compiler

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestUpgradeOfSecondary runs what a secondary of a federation asks before it changes, with a consul and a curl that answer
// as given: no step begins before every server of the primary runs the release.
func TestUpgradeOfSecondary(t *testing.T) {
	real(t, "sh")
	real(t, "awk")
	real(t, "jq")
	var asks [][]string
	for _, s := range compileExample(t, "lul2").Plan.Upgrade.Steps {
		asked := 0
		for _, c := range s.Before {
			if line := strings.Join(c.Args, " "); strings.Contains(line, "members -wan") || strings.Contains(line, "acl/replication") {
				asked++
				asks = append(asks, c.Args[slices.Index(c.Args, "--")+1:])
			}
		}
		if changes := slices.Contains([]string{"snapshot", "first-server", "control-plane"}, s.Name); changes != (asked == 2) {
			t.Errorf("step %s asks %d times", s.Name, asked)
		}
	}
	const head = "Node  Address  Status  Type  Build  Protocol  DC  Partition  Segment\n"
	here := "consul-server-0.lul2  10.138.0.4:8302  alive  server  2.0.2  2  lul2  default  <all>\n"
	server := func(n, status, build string) string {
		return "consul-server-" + n + ".lul1  10.128.0.4:8302  " + status + "  server  " + build + "  2  lul1  default  <all>\n"
	}
	const copied = `{"Enabled": true, "Running": true, "LastSuccess": "2026-11-22T01:00:05Z", "LastError": "0001-01-01T00:00:00Z"}`
	for _, c := range []struct {
		name, members, replication string
		begins                     bool
	}{
		{"all run it", head + here + server("0", "alive", "2.0.3") + server("1", "alive", "2.0.3"), copied, true},
		{"one has left for good", head + here + server("0", "alive", "2.0.3") + server("1", "left", "2.0.2"), copied, true},
		{"one is older", head + here + server("0", "alive", "2.0.3") + server("1", "alive", "2.0.2"), copied, false},
		{"one does not answer", head + here + server("0", "alive", "2.0.3") + server("1", "failed", "2.0.3"), copied, false},
		{"none is known", head + here, copied, false},
		{"nobody answers", "", copied, false},
		{"nothing is copied", head + here + server("0", "alive", "2.0.3"), `{"Enabled": true, "Running": false, "LastSuccess": "0001-01-01T00:00:00Z", "LastError": "0001-01-01T00:00:00Z"}`, false},
		{"copying fails", head + here + server("0", "alive", "2.0.3"), `{"Enabled": true, "Running": true, "LastSuccess": "2026-11-22T01:00:05Z", "LastError": "2026-11-22T01:05:05Z"}`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, text := range map[string]string{"members": c.members, "replication": c.replication} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			for program, file := range map[string]string{"consul": "members", "curl": "replication"} {
				text := "#!/bin/sh\n[ \"$CONSUL_HTTP_TOKEN\" = replication ] || exit 1\ncat " + filepath.Join(dir, file) + "\n"
				if err := os.WriteFile(filepath.Join(dir, program), []byte(text), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			begins := true
			for _, a := range asks {
				cmd := exec.Command(a[0], a[1:]...)
				cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH"), "ACL_REPLICATION_TOKEN=replication", "CONSUL_CACERT=ca", "CONSUL_HTTP_ADDR=https://localhost:8501"}
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Logf("%v: %s", err, out)
					begins = false
				}
			}
			if begins != c.begins {
				t.Errorf("the step begins: %v", begins)
			}
		})
	}
}
