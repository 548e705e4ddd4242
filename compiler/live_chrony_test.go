package compiler

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// clockTime bounds the wait for chronyd: four answers two seconds apart, once more for a source with NTS, and a vote.
const clockTime = 60 * time.Second

// lie is how far the false source is off.
const lie = 3 * time.Second

// TestLiveChrony runs chronyd on each different chrony.conf, as it is, in a namespace where its sources have the addresses
// and the name that the site gives them. One of them lies. No process touches the machine's clock.
func TestLiveChrony(t *testing.T) {
	t.Parallel()
	chronyd := real(t, "chronyd")
	chronyc := real(t, "chronyc")
	real(t, "ip")
	if os.Geteuid() != 0 {
		absent(t, "root")
	}
	seen := map[string]bool{}
	for _, name := range exampleNames(t) {
		for _, f := range compileExample(t, name).Tree.Files() {
			conf := string(f.Bytes())
			if !strings.HasSuffix(f.Path(), "/chrony.conf") || seen[clockShape(conf)] {
				continue
			}
			seen[clockShape(conf)] = true
			ns := fmt.Sprintf("meshgen-%d-chrony-%d", os.Getpid(), len(seen))
			t.Run(strings.TrimPrefix(f.Path(), "hosts/"), func(t *testing.T) {
				t.Parallel()
				follow(t, clock{ns, t.TempDir(), chronyd, chronyc}, conf)
			})
		}
	}
	if len(seen) == 0 {
		t.Fatal("no chrony.conf")
	}
}

var (
	clockComment = regexp.MustCompile(`(?m)^#.*\n`)
	clockName    = regexp.MustCompile(`[a-z0-9-]+(\.[a-z0-9-]+)*\.example\.(net|com|org)`)
	clockAddress = regexp.MustCompile(`[0-9a-f]*[.:][0-9a-f.:]*[.:][0-9a-f.:]*(/\d+)?`)
)

// clockShape is what a configuration has in common with those of other sites: all but whom it asks. Each takes chronyd seconds.
func clockShape(conf string) string {
	conf = clockName.ReplaceAllString(clockComment.ReplaceAllString(conf, ""), "name")
	return clockAddress.ReplaceAllStringFunc(conf, func(address string) string {
		if strings.Contains(address, ":") {
			return "six"
		}
		return "four"
	})
}

// follow fails unless chronyd follows the honest sources of a configuration and marks the one that lies.
func follow(t *testing.T, c clock, conf string) {
	sources := timeSources(t, conf)
	// The last source without a certificate: what is signed comes from whom it says.
	liar := -1
	for i, s := range sources {
		if !s.nts && !s.fellow {
			liar = i
		}
	}
	if len(sources) < 4 || liar < 0 {
		t.Fatalf("no three honest sources and one that lies: %v", sources)
	}
	runs(t, "ip", "netns", "add", c.ns)
	t.Cleanup(func() { runs(t, "ip", "netns", "del", c.ns) })
	runs(t, "ip", "-n", c.ns, "link", "set", "lo", "up")
	hosts := "127.0.0.1 localhost\n"
	for i, s := range sources {
		runs(t, "ip", "-n", c.ns, "address", "add", s.address+hostBits(s.address), "dev", "lo")
		if s.name != "" {
			hosts += s.address + " " + s.name + "\n"
		}
		if i == liar {
			c.falseServer(t, s.address)
		} else {
			c.server(t, i, s)
		}
	}
	c.write(t, "hosts", hosts)
	// All that is added: whom to believe that it is the server of that name.
	c.write(t, "chrony.conf", clockDevice.ReplaceAllString(conf, "")+"ntstrustedcerts "+filepath.Join(c.dir, "cert.pem")+"\n")
	c.write(t, "cert.pem", "")
	for i, s := range sources {
		if s.nts {
			c.write(t, "cert.pem", read(t, filepath.Join(c.dir, fmt.Sprintf("cert%d.pem", i))))
		}
	}
	client := c.run(t, "client", "mount --bind "+c.dir+"/hosts /etc/hosts && mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib/chrony",
		filepath.Join(c.dir, "chrony.conf"))

	want := map[string]string{}
	for i, s := range sources {
		want[s.address] = "honest"
		if i == liar {
			want[s.address] = "false"
		} else if s.fellow {
			want[s.address] = "?" // set aside while there is another
		}
	}
	var states map[string]string
	for end := time.Now().Add(clockTime); ; time.Sleep(200 * time.Millisecond) {
		states = c.states()
		if len(states) == len(want) && slices.Equal(verdicts(states, want), verdicts(want, want)) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("after %v chronyd says %v, not %v:\n%s", clockTime, states, want, read(t, filepath.Join(c.dir, "client.log")))
		}
	}
	// Reference, stratum, and how far it believes to be off.
	tracking := strings.Split(c.ask("tracking"), ",")
	if want[tracking[1]] != "honest" || tracking[2] != "2" || tracking[len(tracking)-1] != "Normal" {
		t.Errorf("chronyd follows %v", tracking)
	}
	for _, s := range sources {
		if mode := c.authentication(client, s.address); s.nts && mode != "NTS" || !s.nts && mode != "-" {
			t.Errorf("source %s is authenticated by %q", s.address, mode)
		}
	}
}

// hostBits is the prefix length of one address alone.
func hostBits(address string) string {
	if strings.Contains(address, ":") {
		return "/128"
	}
	return "/32"
}

// clockDevice is a line that names a clock in the machine, which this one does not have: chronyd would not start.
var clockDevice = regexp.MustCompile(`(?m)^refclock .*\n`)

// verdicts are the states of the sources in the order of names.
func verdicts(states, names map[string]string) []string {
	var out []string
	for name := range names {
		out = append(out, name+" "+states[name])
	}
	slices.Sort(out)
	return out
}

// A timeSource is a server line of a chrony.conf.
type timeSource struct {
	address, name string // the name is empty where the line has the address
	nts, fellow   bool
}

func timeSources(t *testing.T, conf string) []timeSource {
	t.Helper()
	var out []timeSource
	address := regexp.MustCompile(`address ([0-9a-f.:]+)$`)
	comment := ""
	for line := range strings.Lines(conf) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case f[0] == "#":
			comment += line
			if m := address.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
				comment = m[1]
			}
		case f[0] == "server":
			s := timeSource{address: f[1], nts: slices.Contains(f, "nts"), fellow: slices.Contains(f, "minstratum")}
			if net.ParseIP(f[1]) == nil {
				// The address stands in the comment above, which further comment lines may follow.
				s.name = f[1]
				s.address, _, _ = strings.Cut(comment, "#")
			}
			out = append(out, s)
			comment = ""
		default:
			comment = ""
		}
	}
	return out
}

// clock is a namespace with chronyd in it.
type clock struct{ ns, dir, chronyd, chronyc string }

func (c clock) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// run starts chronyd until the test ends, after a shell command in the mount namespace that is its alone. It never sets the
// clock (-x).
func (c clock) run(t *testing.T, name, before, conf string) (pid int) {
	t.Helper()
	log, err := os.Create(filepath.Join(c.dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command("ip", "netns", "exec", c.ns, "sh", "-c", before+" && exec "+c.chronyd+" -x -d -u root -f "+conf)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// Asked to end, chronyd ends its helper for NTS too.
		_ = cmd.Process.Signal(unix.SIGTERM)
		late := time.AfterFunc(5*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		late.Stop()
	})
	return cmd.Process.Pid
}

// server runs an honest source: this machine's clock, which all honest sources have in common.
func (c clock) server(t *testing.T, i int, s timeSource) {
	t.Helper()
	// Of the other family chronyd would take every address, the false source's too: there it gets loopback alone.
	other := "::1"
	if strings.Contains(s.address, ":") {
		other = "127.0.0.1"
	}
	conf := fmt.Sprintf("local stratum 1\nallow\nbindaddress %s\nbindaddress %s\ncmdport 0\nbindcmdaddress /\npidfile %s/server%d.pid\n", s.address, other, c.dir, i)
	if s.nts {
		cert, key := certificate(t, s.name)
		c.write(t, fmt.Sprintf("cert%d.pem", i), cert)
		c.write(t, fmt.Sprintf("key%d.pem", i), key)
		conf += fmt.Sprintf("ntsservercert %s/cert%d.pem\nntsserverkey %s/key%d.pem\n", c.dir, i, c.dir, i)
	}
	name := fmt.Sprintf("server%d", i)
	c.write(t, name+".conf", conf)
	c.run(t, name, "true", filepath.Join(c.dir, name+".conf"))
	// A key exchange that finds nobody is tried again much later.
	ports := []string{net.JoinHostPort(s.address, "123")}
	if s.nts {
		ports = append(ports, net.JoinHostPort(s.address, "4460"))
	}
	for end := time.Now().Add(clockTime); ; time.Sleep(50 * time.Millisecond) {
		open := runs(t, "ip", "netns", "exec", c.ns, "ss", "-Hlntu")
		if !slices.ContainsFunc(ports, func(p string) bool { return !strings.Contains(open, p+" ") }) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is not served within %v:\n%s", ports, clockTime, open)
		}
	}
}

// ask runs chronyc as a monitor on the node does, on the loopback address; "" while chronyd does not answer.
func (c clock) ask(command ...string) string {
	args := append([]string{"netns", "exec", c.ns, c.chronyc, "-c", "-n", "-h", "127.0.0.1"}, command...)
	out, err := exec.Command("ip", args...).Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(out))
}

// states says of each source, by address, whether chronyd combines it ("honest"), finds it to lie ("false"), or has not
// decided yet, in which case it is chronyc's own mark.
func (c clock) states() map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(c.ask("sources")) {
		f := strings.Split(line, ",") // ^,*,192.0.2.1,1,4,17,…
		if len(f) < 3 {
			continue
		}
		// "-" is selectable and not needed: more distant than the others at this moment.
		out[f[2]] = map[string]string{"*": "honest", "+": "honest", "-": "honest", "x": "false"}[f[1]]
		if out[f[2]] == "" {
			out[f[2]] = f[1]
		}
	}
	return out
}

// authentication is how a chronyd knows that a source is who it should be: "NTS", or "-". It answers that to root alone, by
// the socket in its own /run.
func (c clock) authentication(pid int, address string) string {
	out, err := exec.Command("nsenter", "--target", strconv.Itoa(pid), "--mount", "--net", c.chronyc, "-c", "-n", "authdata").Output()
	if err != nil {
		return err.Error()
	}
	for line := range strings.Lines(string(out)) {
		if f := strings.Split(line, ","); len(f) > 1 && f[0] == address {
			return f[1]
		}
	}
	return ""
}
