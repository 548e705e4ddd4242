package compiler

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	cardsGlob     = "hosts/*/*/etc/meshgen/cards.sh"
	cardsUnitGlob = "hosts/*/*/etc/systemd/system/meshgen-cards.service"
)

// TestRealCards gives each script to shellcheck and each unit to systemd.
func TestRealCards(t *testing.T) {
	shellcheck, analyze := real(t, "shellcheck"), real(t, "systemd-analyze")
	eachMatch(t, cardsGlob, func(t *testing.T, file string) { runs(t, shellcheck, "--shell=sh", file) })
	eachMatch(t, cardsUnitGlob, func(t *testing.T, file string) {
		// Generators would ask what runs on this machine.
		if text := runs(t, analyze, "verify", "--generators=no", "--man=no", file); strings.TrimSpace(text) != "" {
			t.Errorf("systemd-analyze verify %s:\n%s", file, text)
		}
	})
}

// TestLiveCards runs the script of rz1's edge nodes where two interfaces have the names of its cards: the kernel takes the
// mask of the CPUs that it can have and no other, and a card whose rings ethtool refuses is not set up.
func TestLiveCards(t *testing.T) {
	ip, _ := real(t, "ip"), real(t, "ethtool")
	ns := "mg-cards"
	runs(t, ip, "netns", "add", ns)
	t.Cleanup(func() { runs(t, ip, "netns", "del", ns) })
	runs(t, ip, "-n", ns, "link", "add", "eno1", "numrxqueues", "2", "type", "veth", "peer", "name", "eno2")
	for _, card := range []string{"eno1", "eno2"} {
		runs(t, ip, "-n", ns, "link", "set", card, "up")
	}
	golden, err := os.ReadFile(filepath.Join(goldenDir, "rz1/hosts/rz1/r1-edge/etc/meshgen/cards.sh"))
	if err != nil {
		t.Fatal(err)
	}
	const queue = "/sys/class/net/eno1/queues/rx-0/rps_cpus"
	possible := strings.TrimSpace(runs(t, ip, "netns", "exec", ns, "sh", "-c", "cat "+queue))
	if strings.Trim(possible, "0,") != "" {
		t.Fatalf("packets of a new interface are steered: %s", possible)
	}
	dir := t.TempDir()
	run := func(text string) (string, error) {
		script := filepath.Join(dir, "cards.sh")
		if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("timeout", "60", ip, "netns", "exec", ns, "/bin/sh", script)
		cmd.Env = []string{"PATH=" + dir + ":" + os.Getenv("PATH")}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	one := strings.ReplaceAll(string(golden), "0000ffff", "00000001")
	if out, err := run(one); err == nil || strings.Count(out, "not set up") != 2 {
		t.Errorf("a veth has no rings, and the script says %q, %v", out, err)
	}
	// What ethtool does is written down: no interface of this kernel that anybody may make has rings.
	stub := "#!/bin/sh\necho \"$*\" >>" + dir + "/calls\nexit 80\n"
	if err := os.WriteFile(filepath.Join(dir, "ethtool"), []byte(stub), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := run(one); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if calls, _ := os.ReadFile(filepath.Join(dir, "calls")); string(calls) != "-G eno1 rx 2048\n-G eno2 rx 2048\n" {
		t.Errorf("it calls ethtool with %q", calls)
	}
	steered := runs(t, ip, "netns", "exec", ns, "sh", "-c", "cd /sys/class/net; cat eno1/queues/rx-0/rps_cpus eno1/queues/rx-1/rps_cpus eno2/queues/rx-0/rps_cpus; cat eno1/queues/rx-0/rps_flow_cnt eno2/queues/rx-0/rps_flow_cnt")
	if want := "1 1 1 16384 16384"; strings.Join(strings.Fields(steered), " ") != want {
		t.Errorf("queues have %q, want %s", steered, want)
	}
	tooMany := strings.ReplaceAll(string(golden), "0000ffff", strings.Repeat("ffffffff,", 255)+"ffffffff") // 8192 CPUs
	if out, err := run(tooMany); err == nil || !strings.Contains(out, "eno1: not set up") {
		t.Errorf("CPUs that this machine cannot have: %q, %v", out, err)
	}
}
