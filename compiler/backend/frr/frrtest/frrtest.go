// Package frrtest runs FRR's daemons in network namespaces, for tests alone. In come configurations as text; out comes what
// the routers say of themselves. All that is started, made or mounted goes when the test ends, however it ends.
package frrtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Patience bounds each wait for a router. A BGP session of FRR that has to connect again waits for 10 s, and holds for 12 s;
// GoBGP stays away for 30 s after BFD has closed a session (DEFAULT_IDLE_HOLDTIME_AFTER_RESET in 4.8.0), and connects within
// another 10 s.
const Patience = 75 * time.Second

// daemons is where Debian's package frr puts them.
const daemons = "/usr/lib/frr/"

// Missing lists what this machine lacks to run routers: programs, or root. It is empty where routers can run.
func Missing() []string {
	var missing []string
	if os.Geteuid() != 0 {
		missing = append(missing, "root")
	}
	for _, p := range []string{"bgpd", "zebra", "bfdd"} {
		if _, err := os.Stat(daemons + p); err != nil {
			missing = append(missing, daemons+p)
		}
	}
	for _, p := range []string{"vtysh", "ip"} {
		if _, err := exec.LookPath(p); err != nil {
			missing = append(missing, p)
		}
	}
	return missing
}

// Router is FRR in a network namespace of its own.
type Router struct {
	t   testing.TB
	ns  string
	dir string // sockets, logs, configuration

	running map[string]*os.Process // by daemon
}

// New makes the namespace of a router; nothing runs in it yet. Names must differ within a test program.
func New(t testing.TB, name string) *Router {
	t.Helper()
	// The daemons drop root before they open their sockets, so t.TempDir, which is root's alone, will not do.
	dir, err := os.MkdirTemp("", "meshgen-frr-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	u, err := user.Lookup("frr")
	if err != nil {
		t.Fatal(err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	if err := os.Chown(dir, uid, gid); err != nil {
		t.Fatal(err)
	}
	r := &Router{t: t, ns: fmt.Sprintf("meshgen-%d-%s", os.Getpid(), name), dir: dir}
	r.run("ip", "netns", "add", r.ns)
	t.Cleanup(func() { r.run("ip", "netns", "del", r.ns) })
	r.IP("link", "set", "lo", "up")
	return r
}

// Connect joins two routers by a cable.
func Connect(a *Router, aPort string, b *Router, bPort string) {
	a.t.Helper()
	a.run("ip", "link", "add", aPort, "netns", a.ns, "type", "veth", "peer", "name", bPort, "netns", b.ns)
	a.IP("link", "set", aPort, "up")
	b.IP("link", "set", bPort, "up")
}

// Bridge makes the router's ports members of one segment, and nothing else of it: it needs no daemons then.
func (r *Router) Bridge(ports ...string) {
	r.t.Helper()
	r.IP("link", "add", "segment", "type", "bridge")
	r.IP("link", "set", "segment", "up")
	for _, p := range ports {
		r.IP("link", "set", p, "master", "segment")
	}
}

// Address gives a port an address ("192.0.2.1/24").
func (r *Router) Address(port, prefix string) {
	r.t.Helper()
	r.IP("address", "add", prefix, "dev", port)
}

// Start runs the daemons until the test ends, with further arguments for bgpd.
func (r *Router) Start(bgpd ...string) {
	r.t.Helper()
	for _, d := range []struct {
		name string
		args []string
	}{
		{"zebra", nil},
		{"bfdd", []string{"--bfdctl", filepath.Join(r.dir, "bfdd.sock")}},
		{"bgpd", bgpd},
	} {
		args := append([]string{"netns", "exec", r.ns, daemons + d.name, "-u", "frr", "-g", "frr", "-P", "0", "-f", "/dev/null",
			"-i", filepath.Join(r.dir, d.name+".pid"), "-z", filepath.Join(r.dir, "zserv"), "--vty_socket", r.dir, "--log", "file:" + filepath.Join(r.dir, d.name+".log")}, d.args...)
		cmd := exec.Command("ip", args...)
		if err := cmd.Start(); err != nil {
			r.t.Fatal(err)
		}
		if r.running == nil {
			r.running = map[string]*os.Process{}
		}
		r.running[d.name] = cmd.Process
		r.t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
		socket := filepath.Join(r.dir, d.name+".vty")
		if !poll(func() bool { _, err := os.Stat(socket); return err == nil }) {
			r.t.Fatalf("%s: %s opens no socket within %v", r.ns, d.name, Patience)
		}
	}
}

// StartSpeaker is Start for a node: there bgpd does not listen, as the load balancer runs it.
func (r *Router) StartSpeaker() {
	r.t.Helper()
	r.Start("-p", "0")
}

// Kill ends a daemon without a word to its neighbors, as a restart of its container does.
func (r *Router) Kill(daemon string) {
	r.t.Helper()
	r.signal(daemon, syscall.SIGKILL)
}

// KillAll ends all daemons. Their routes stay in the kernel, their ports stay up.
func (r *Router) KillAll() {
	r.t.Helper()
	for daemon := range r.running {
		r.Kill(daemon)
	}
}

// Hang stops all daemons where they are, as a processor that is busy or broken does: their connections stay open, and nobody
// reads from them.
func (r *Router) Hang() {
	r.t.Helper()
	for daemon := range r.running {
		r.signal(daemon, syscall.SIGSTOP)
	}
}

// Continue ends Hang.
func (r *Router) Continue() {
	r.t.Helper()
	for daemon := range r.running {
		r.signal(daemon, syscall.SIGCONT)
	}
}

func (r *Router) signal(daemon string, s os.Signal) {
	r.t.Helper()
	if err := r.running[daemon].Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// Load runs a configuration line by line, as FRR does at its start. A line that is refused ends the test.
func (r *Router) Load(text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, "frr.conf")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
	// vtysh goes on behind a line that a daemon refuses.
	if out := r.run("vtysh", "--vty_socket", r.dir, "-f", path); strings.Contains(out, "% ") {
		r.t.Fatalf("%s refuses:\n%s", r.ns, out)
	}
}

// Vtysh asks the router ("show bgp summary").
func (r *Router) Vtysh(command string) string {
	r.t.Helper()
	return r.run("vtysh", "--vty_socket", r.dir, "-c", command)
}

// Sockets is the folder in which vtysh finds the daemons (--vty_socket).
func (r *Router) Sockets() string { return r.dir }

// IP runs ip(8) in the router's namespace.
func (r *Router) IP(args ...string) string {
	r.t.Helper()
	return r.run("ip", append([]string{"-n", r.ns}, args...)...)
}

// Exec runs a program in the router's namespace.
func (r *Router) Exec(program string, args ...string) string {
	r.t.Helper()
	return r.run("ip", append([]string{"netns", "exec", r.ns, program}, args...)...)
}

// Background runs a program in the router's namespace until the test ends or the answer's Stop. What it says is shown when the
// test fails.
func (r *Router) Background(program string, args ...string) *Program {
	r.t.Helper()
	p := &Program{t: r.t, cmd: exec.Command("ip", append([]string{"netns", "exec", r.ns, program}, args...)...)}
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		r.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		p.Stop()
		if r.t.Failed() {
			r.t.Logf("%s: %s:\n%s", r.ns, program, p.said.String())
		}
	})
	return p
}

// Program is what Background started.
type Program struct {
	t    testing.TB
	cmd  *exec.Cmd
	in   io.WriteCloser
	said bytes.Buffer // to be read once the program has ended
}

// Tell writes a line to the program.
func (p *Program) Tell(line []byte) {
	p.t.Helper()
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		p.t.Fatal(err)
	}
}

// Stop kills the program and waits for its end. A second call does nothing.
func (p *Program) Stop() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// Try is Exec for a program that may fail.
func (r *Router) Try(program string, args ...string) string {
	r.t.Helper()
	out, err := exec.Command("ip", append([]string{"netns", "exec", r.ns, program}, args...)...).CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		r.t.Fatal(err)
	}
	return string(out)
}

func (r *Router) run(name string, args ...string) string {
	r.t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Wait asks until the answer holds every one of words. What and about only name the wait in the message of a failure.
func (r *Router) Wait(what, about string, ask func() string, words ...string) {
	r.t.Helper()
	var got string
	found := poll(func() bool {
		got = ask()
		for _, word := range words {
			if !strings.Contains(got, word) {
				return false
			}
		}
		return true
	})
	if !found {
		r.t.Fatalf("%s: no %s (%s) within %v:\n%s\n%s", r.ns, what, about, Patience, got, r.Vtysh("show bgp summary"))
	}
}

// poll asks ten times a second until the answer is true, and reports whether it became so in time.
func poll(ask func() bool) bool {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ask() {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
	return true
}
