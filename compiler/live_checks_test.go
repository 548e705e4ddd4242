package compiler

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend/frr/frrtest"
)

// checksTime bounds the wait for a change to reach the state that checks/run.sh reads.
const checksTime = 40 * time.Second

// compared runs checks/run.sh of a tree on disk and returns what it prints, by the first words of the lines, and its exit code.
func compared(t *testing.T, dir string, env []string, args ...string) (string, int) {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, "checks", "run.sh"), args...)
	cmd.Env = append(os.Environ(), env...)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String() + complaints.String(), cmd.ProcessState.ExitCode()
}

// agrees waits until run.sh passes, or until it fails with all of the words.
func agrees(t *testing.T, dir string, env []string, code int, words []string, args ...string) string {
	t.Helper()
	for end := time.Now().Add(checksTime); ; time.Sleep(200 * time.Millisecond) {
		out, got := compared(t, dir, env, args...)
		ok := got == code
		for _, w := range words {
			ok = ok && strings.Contains(out, w)
		}
		if ok {
			return out
		}
		if time.Now().After(end) {
			t.Fatalf("run.sh %v: exit %d, not %d with %q:\n%s", args, got, code, words, out)
		}
	}
}

// onRouters makes a program for MESHGEN_SSH that runs a command in the namespace of a router, whose vtysh is the real one with the
// router's sockets.
func onRouters(t *testing.T, routers map[string]*frrtest.Router) []string {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\ncase $1 in\n"
	for name, r := range routers {
		bin := filepath.Join(dir, name)
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(bin, "vtysh"), fmt.Sprintf("#!/bin/sh\nexec %s --vty_socket %s \"$@\"\n", real(t, "vtysh"), r.Sockets()))
		script += fmt.Sprintf("%s) PATH=%s:$PATH exec sh -c \"$2\" ;;\n", name, bin)
	}
	write(t, filepath.Join(dir, "on"), script+"esac\nexit 1\n")
	return []string{"MESHGEN_SSH=" + filepath.Join(dir, "on")}
}

func write(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

func onDisk(t *testing.T, tree *artifact.Tree) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "out")
	if _, err := artifact.Write(dir, tree); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestLiveChecks holds checks/run.sh against a running fabric: a site of one rack, with its two switches, its spine and its node as
// routers of FRR. Then a node goes astray, and one session is closed.
func TestLiveChecks(t *testing.T) {
	t.Parallel()
	needRouters(t)
	real(t, "jq")
	tree := compileText(t, "site.cue", read(t, filepath.Join("testdata", "checks", "site.cue"))).Tree
	dir := onDisk(t, tree)
	node, segment := frrtest.New(t, "chk-node"), frrtest.New(t, "chk-segment")
	a, b, spine := frrtest.New(t, "chk-a"), frrtest.New(t, "chk-b"), frrtest.New(t, "chk-spine")
	frrtest.Connect(node, "bond0", segment, "p1")
	frrtest.Connect(a, "vlan10", segment, "p2")
	frrtest.Connect(b, "vlan10", segment, "p3")
	segment.Bridge("p1", "p2", "p3")
	frrtest.Connect(a, "swp49", spine, "swp1")
	frrtest.Connect(b, "swp49", spine, "swp2")
	node.Address("bond0", "10.33.1.11/24")
	a.Address("vlan10", "10.33.1.2/24")
	b.Address("vlan10", "10.33.1.3/24")
	routers := map[string]*frrtest.Router{"chk1-tor-a": a, "chk1-tor-b": b, "chk1-spine": spine}
	ssh := onRouters(t, routers)
	for name, r := range routers {
		r.Start()
		r.Load(strings.NewReplacer("@interface:chk1-tor-a@", "swp1", "@interface:chk1-tor-b@", "swp2").Replace(text(t, tree, "fabric/chk1/"+name+".conf")))
	}

	// Before the node is there the run says what is missing.
	agrees(t, dir, ssh, 1, []string{"FAIL chk1-tor-a session with chk1-edge (10.33.1.11): expected Established, AS 4200003300, BFD up, seen "},
		"switch", "chk1-tor-a")
	node.StartSpeaker()
	s := newSpeaker(t, tree, "chk1-edge")
	node.Load(s.config(func(string) string { return "" }))
	for name := range routers {
		out := agrees(t, dir, ssh, 0, nil, "switch", name)
		if strings.Contains(out, "FAIL") || strings.Count(out, "PASS") < 3 {
			t.Errorf("%s:\n%s", name, out)
		}
	}
	if out, code := compared(t, dir, ssh, "switch", "chk1-spine"); code != 0 || !strings.Contains(out, "paths to 203.0.113.33 of gateway public: 2") {
		t.Errorf("the spine: exit %d\n%s", code, out)
	}

	// An address of the pool that nobody declared passes every filter, and the run names it.
	node.Load(s.stray("203.0.113.34/32"))
	agrees(t, dir, ssh, 1, []string{"FAIL chk1-tor-a route 203.0.113.34/32: expected none, seen 1 paths"}, "switch", "chk1-tor-a")
	agrees(t, dir, ssh, 1, []string{"FAIL chk1-spine route 203.0.113.34/32: expected none, seen 2 paths"}, "switch", "chk1-spine")
	node.Load("router bgp 4200003300\n address-family ipv4 unicast\n  no network 203.0.113.34/32\n")
	agrees(t, dir, ssh, 0, nil, "switch", "chk1-spine")

	// One session is closed at its switch: that switch, and the spine, say what is gone.
	b.Load("router bgp 4200003311\n neighbor 10.33.1.11 shutdown\n")
	agrees(t, dir, ssh, 1, []string{"FAIL chk1-tor-b session with chk1-edge (10.33.1.11): expected Established"}, "switch", "chk1-tor-b")
	agrees(t, dir, ssh, 1, []string{"FAIL chk1-spine paths to 203.0.113.33 of gateway public: expected 2, seen 1"}, "switch", "chk1-spine")
	agrees(t, dir, ssh, 0, nil, "switch", "chk1-tor-a")
	if out, code := compared(t, dir, []string{"MESHGEN_SSH=false"}, "switch", "chk1-tor-a"); code != 3 {
		t.Errorf("a switch that does not answer: exit %d\n%s", code, out)
	}
}

// TestRealRunScript lets the shells parse run.sh, and shellcheck.
func TestRealRunScript(t *testing.T) {
	shellcheck := real(t, "shellcheck")
	eachMatch(t, "checks/run.sh", func(t *testing.T, file string) {
		runs(t, "sh", "-n", file)
		runs(t, shellcheck, "--shell=sh", file)
	})
}
