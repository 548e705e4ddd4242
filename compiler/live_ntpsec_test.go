package compiler

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// ntpsecPrograms is where .ci/programs unpacks Debian's packages ntpsec and python3-ntp: installed, they would remove
// chrony.
const ntpsecPrograms = "/usr/local/lib/meshgen-programs/ntpsec"

// ntpsecLog are lines of ntpd's log that are wrong about a file: it leaves out what it cannot read, and goes on.
var ntpsecLog = regexp.MustCompile(`(?m)^.*(CONFIG: (?:.*(?:syntax|ignored|error|does nothing|invalid|unknown))|RESTRICT: (?:Can't|Specific)).*$`)

// TestLiveNTPsec runs NTPsec's ntpd on each different ntp.conf, as it is, beside a namespace where its sources have the
// addresses and the name that the site gives them. One of them lies. ntpd may not set the machine's clock.
func TestLiveNTPsec(t *testing.T) {
	t.Parallel()
	chronyd, chronyc := real(t, "chronyd"), real(t, "chronyc")
	real(t, "ip")
	capsh, python := real(t, "capsh"), real(t, "python3")
	if _, err := os.Stat(ntpsecPrograms + "/usr/sbin/ntpd"); err != nil {
		absent(t, "NTPsec in "+ntpsecPrograms)
	}
	if os.Geteuid() != 0 {
		absent(t, "root")
	}
	seen := map[string]bool{}
	for _, name := range exampleNames(t) {
		for _, f := range compileExample(t, name).Tree.Files() {
			conf := string(f.Bytes())
			if !strings.HasSuffix(f.Path(), "/etc/ntpsec/ntp.conf") || seen[conf] {
				continue
			}
			seen[conf] = true
			c := clock{fmt.Sprintf("meshgen-%d-ntpsec-%d", os.Getpid(), len(seen)), "", chronyd, chronyc}
			t.Run(strings.TrimPrefix(f.Path(), "hosts/"), func(t *testing.T) {
				t.Parallel()
				c.dir = t.TempDir()
				client := ntpsecClient{c, c.ns + "c", capsh, python}
				followNTPsec(t, client, conf)
				if strings.HasPrefix(f.Path(), "hosts/bre1/r1-edge/") {
					client.checks(t, "bre1", "bre1-edge1")
				}
			})
		}
	}
	if len(seen) < 2 {
		t.Fatal("no ntp.conf of a server and of a client")
	}
}

// ntpsecClient is ntpd in a namespace beside that of its sources: it binds its port at every address of its own.
type ntpsecClient struct {
	clock
	ns, capsh, python string
}

func followNTPsec(t *testing.T, c ntpsecClient, conf string) {
	sources := timeSources(t, conf)
	for _, ns := range []string{c.clock.ns, c.ns} {
		runs(t, "ip", "netns", "add", ns)
		t.Cleanup(func() { runs(t, "ip", "netns", "del", ns) })
		runs(t, "ip", "-n", ns, "link", "set", "lo", "up")
	}
	runs(t, "ip", "-n", c.ns, "link", "add", "node", "type", "veth", "peer", "name", "rack", "netns", c.clock.ns)
	runs(t, "ip", "-n", c.ns, "link", "set", "node", "up")
	runs(t, "ip", "-n", c.clock.ns, "link", "set", "rack", "up")
	runs(t, "ip", "-n", c.ns, "address", "add", "192.0.2.2/30", "dev", "node")
	runs(t, "ip", "-n", c.clock.ns, "address", "add", "192.0.2.1/30", "dev", "rack")
	runs(t, "ip", "-n", c.ns, "route", "add", "default", "via", "192.0.2.1")

	hosts, liar := "127.0.0.1 localhost\n", ""
	want := map[string]string{}
	c.write(t, "cert.pem", "")
	for i, s := range sources {
		runs(t, "ip", "-n", c.clock.ns, "address", "add", s.address+hostBits(s.address), "dev", "lo")
		want[s.address] = "honest"
		if s.nts {
			hosts += s.address + " " + s.name + "\n"
		} else if liar == "" {
			liar = s.address
			want[liar] = "false"
			c.falseServer(t, liar)
			continue
		}
		c.server(t, i, s)
		if s.nts {
			c.write(t, "cert.pem", read(t, filepath.Join(c.dir, fmt.Sprintf("cert%d.pem", i))))
		}
	}
	if len(sources) < 4 || liar == "" {
		t.Fatalf("no three honest sources and one that lies: %v", sources)
	}
	c.write(t, "hosts", hosts)
	// All that is added: whom to believe that it is the server of that name.
	c.write(t, "ntp.conf", conf+"nts ca "+filepath.Join(c.dir, "cert.pem")+"\n")
	c.start(t)
	for end := time.Now().Add(clockTime); ; time.Sleep(500 * time.Millisecond) {
		states, text := c.states()
		if len(states) == len(want) && slices.Equal(verdicts(states, want), verdicts(want, want)) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after %v ntpd says %v, not %v:\n%s\n%s", clockTime, states, want, text, read(t, filepath.Join(c.dir, "client.log")))
		}
	}
	log := read(t, filepath.Join(c.dir, "client.log"))
	if bad := ntpsecLog.FindAllString(log, -1); bad != nil {
		t.Errorf("ntpd leaves out a part of the file:\n%s", strings.Join(bad, "\n"))
	}
	if clock := strings.Contains(conf, "\nrefclock pps unit 0 "); clock != strings.Contains(log, "/dev/pps0") {
		t.Errorf("a pulse: %v; its log:\n%s", clock, log)
	}
	if strings.Contains(conf, " nts\n") && !ntsGood.MatchString(c.ask("-c", "ntsinfo")) {
		t.Errorf("no answer with NTS:\n%s\n%s", c.ask("-c", "ntsinfo"), log)
	}
}

var ntsGood = regexp.MustCompile(`(?m)^NTS client recvs good: +[1-9]`)

// start runs ntpd until the test ends. Without the right to set the clock it goes on all the same.
func (c ntpsecClient) start(t *testing.T) {
	t.Helper()
	log, err := os.Create(filepath.Join(c.dir, "client.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command("ip", "netns", "exec", c.ns, "sh", "-c", "mount --bind "+c.dir+"/hosts /etc/hosts && mkdir -p /var/lib && mount -t tmpfs tmpfs /var/lib && mkdir /var/lib/ntpsec && exec "+
		c.capsh+" --drop=cap_sys_time -- -c 'exec "+ntpsecPrograms+"/usr/sbin/ntpd -n -g -c "+c.dir+"/ntp.conf'")
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(unix.SIGTERM)
		late := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		late.Stop()
	})
}

// ask runs ntpq on the machine itself.
func (c ntpsecClient) ask(args ...string) string {
	lib := filepath.Join(ntpsecPrograms, "usr/lib")
	found, _ := filepath.Glob(lib + "/*/ntp")
	cmd := exec.Command("ip", append([]string{"netns", "exec", c.ns, c.python, ntpsecPrograms + "/usr/bin/ntpq"}, args...)...)
	cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONPATH="+lib+"/python3/dist-packages", "LD_LIBRARY_PATH="+strings.Join(found, ":"))
	out, err := cmd.Output()
	if err != nil {
		return ""
	}
	return string(out)
}

// checks runs the site's own script on the machine, whose sources are as followNTPsec leaves them.
func (c ntpsecClient) checks(t *testing.T, example, node string) {
	t.Helper()
	real(t, "jq")
	dir := onDisk(t, compileExample(t, example).Tree)
	found, _ := filepath.Glob(ntpsecPrograms + "/usr/lib/*/ntp")
	c.write(t, "ntpq", fmt.Sprintf("#!/bin/sh\nexec env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=%[1]s/usr/lib/python3/dist-packages LD_LIBRARY_PATH=%[2]s %[3]s %[1]s/usr/bin/ntpq \"$@\"\n",
		ntpsecPrograms, strings.Join(found, ":"), c.python))
	if err := os.Chmod(filepath.Join(c.dir, "ntpq"), 0o700); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command("ip", "netns", "exec", c.ns, "env", "PATH="+c.dir+":"+os.Getenv("PATH"), filepath.Join(dir, "checks", "run.sh"), "host", node).CombinedOutput() // its settings differ from the node's
	for _, want := range []string{
		"FAIL " + node + " time source a (10.161.0.21): expected usable, seen false ticker",
		"PASS " + node + " time source b (10.161.0.22): usable",
		"PASS " + node + " time source d (10.161.1.22): usable",
		"PASS " + node + " time source bre1-clock (10.160.1.11): usable",
		"PASS " + node + " clock: synchronised",
	} {
		if !strings.Contains("\n"+string(out), "\n"+want+"\n") {
			t.Errorf("no %q:\n%s", want, out)
		}
	}
}

// states is clock.states by ntpq.
func (c ntpsecClient) states() (map[string]string, string) {
	out := map[string]string{}
	text := c.ask("-pnw")
	for i, line := range strings.Split(text, "\n") {
		if i < 2 || line == "" {
			continue
		}
		mark := line[:1]
		f := strings.Fields(line[1:])
		if len(f) == 0 || strings.Contains(f[0], "(") {
			continue
		}
		out[f[0]] = map[string]string{"*": "honest", "+": "honest", "-": "honest", "x": "false"}[mark]
		if out[f[0]] == "" {
			out[f[0]] = mark
		}
	}
	return out, text
}
