package compiler

import (
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestLiveChronyNTSDead starts chronyd while the only source with NTS of a site is down, beside three without. The
// configuration as it is follows these; with chronyd's default in its place the clock is never set.
func TestLiveChronyNTSDead(t *testing.T) {
	t.Parallel()
	chronyd, chronyc := real(t, "chronyd"), real(t, "chronyc")
	real(t, "ip")
	if os.Geteuid() != 0 {
		absent(t, "root")
	}
	f := compileExample(t, "fra1").Tree.Lookup("hosts/fra1/r1-edge/etc/chrony/chrony.conf")
	if f == nil {
		t.Fatal("no chrony.conf")
	}
	conf := string(f.Bytes())
	for i, mode := range []string{"ignore", "mix"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			c := clock{fmt.Sprintf("meshgen-%d-dead-%d", os.Getpid(), i), t.TempDir(), chronyd, chronyc}
			withoutNTS(t, c, strings.Replace(conf, "authselectmode ignore", "authselectmode "+mode, 1), mode == "ignore")
		})
	}
}

func withoutNTS(t *testing.T, c clock, conf string, follows bool) {
	runs(t, "ip", "netns", "add", c.ns)
	t.Cleanup(func() { runs(t, "ip", "netns", "del", c.ns) })
	runs(t, "ip", "-n", c.ns, "link", "set", "lo", "up")
	hosts, signed, plain := "127.0.0.1 localhost\n", 0, 0
	for i, s := range timeSources(t, conf) {
		runs(t, "ip", "-n", c.ns, "address", "add", s.address+"/32", "dev", "lo")
		if s.nts {
			signed++
			hosts += s.address + " " + s.name + "\n"
			continue
		}
		plain++
		c.server(t, i, s)
	}
	if plain < 3 || signed != 1 {
		t.Fatal("not one source with NTS beside three without")
	}
	c.write(t, "hosts", hosts)
	c.write(t, "chrony.conf", clockDevice.ReplaceAllString(conf, ""))
	c.run(t, "client", "mount --bind "+c.dir+"/hosts /etc/hosts && mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib/chrony",
		filepath.Join(c.dir, "chrony.conf"))
	for end := time.Now().Add(clockTime); ; time.Sleep(200 * time.Millisecond) {
		if log := read(t, filepath.Join(c.dir, "client.log")); time.Now().After(end) {
			t.Fatalf("not %d sources that answer within %v:\n%s", plain, clockTime, log)
		}
		if c.answered(4) < plain {
			continue
		}
		// Three answers of each decide.
		if selected := c.selected(); (selected != "") != follows {
			t.Errorf("with %d sources that answer and agree, chronyd follows %q", plain, selected)
		}
		return
	}
}

// answered counts the sources that have answered so many times at least.
func (c clock) answered(least int) int {
	n := 0
	for line := range strings.Lines(c.ask("sources")) {
		if f := strings.Split(line, ","); len(f) > 5 {
			if reach, err := strconv.ParseUint(f[5], 8, 8); err == nil && bits.OnesCount64(reach) >= least {
				n++
			}
		}
	}
	return n
}

// selected is the address of the source that chronyd follows at this moment, or "".
func (c clock) selected() string {
	for line := range strings.Lines(c.ask("sources")) {
		if f := strings.Split(line, ","); len(f) > 2 && f[1] == "*" {
			return f[2]
		}
	}
	return ""
}
