package compiler

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// cutOffTime bounds the wait for an agreement: a source that is silent is followed until its answers are older than all of
// the others, some sixty polls.
const cutOffTime = 2 * time.Minute

// poll is the polling of a file, which the test shortens: minutes would go by until a site agrees.
var poll = regexp.MustCompile(`minpoll 4 maxpoll 6`)

// TestLiveOrphans runs chronyd on each chrony.conf of a site that keeps the time when it is cut off, and on that of a
// worker: started without sources, then with, without, and with them again. Without, one of the designated nodes must keep
// the time and all others follow it. What is added to the files are addresses of their own, so that they run in one namespace, and faster
// polls. The source with NTS never answers: it must not be missed.
func TestLiveOrphans(t *testing.T) {
	t.Parallel()
	chronyd, chronyc := real(t, "chronyd"), real(t, "chronyc")
	real(t, "ip")
	if os.Geteuid() != 0 {
		absent(t, "root")
	}
	plan := compileExample(t, "ulm1")
	nodes := map[string]string{"ulm1-s1": "10.90.1.11", "ulm1-s2": "10.90.1.12", "ulm1-s3": "10.90.1.13", "r1-edge": "10.90.1.21"}
	sources := []string{"10.99.0.21", "10.99.0.22", "10.99.1.21"}
	c := clock{fmt.Sprintf("meshgen-%d-orphans", os.Getpid()), t.TempDir(), chronyd, chronyc}
	runs(t, "ip", "netns", "add", c.ns)
	t.Cleanup(func() { runs(t, "ip", "netns", "del", c.ns) })
	runs(t, "ip", "-n", c.ns, "link", "set", "lo", "up")
	// Where questions to the sources get lost: one that cannot be sent does not count as asked.
	runs(t, "ip", "-n", c.ns, "link", "add", "backhaul", "type", "veth", "peer", "name", "far")
	runs(t, "ip", "-n", c.ns, "link", "set", "backhaul", "up", "arp", "off")
	runs(t, "ip", "-n", c.ns, "link", "set", "far", "up")
	runs(t, "ip", "-n", c.ns, "route", "add", "default", "dev", "backhaul")
	reach := func(how string) {
		for _, a := range sources {
			runs(t, "ip", "-n", c.ns, "address", how, a+"/32", "dev", "lo")
		}
	}
	reach("add")
	for i, a := range sources {
		c.server(t, i, timeSource{address: a})
	}
	reach("delete")
	ports := map[string]int{}
	for name, address := range nodes {
		runs(t, "ip", "-n", c.ns, "address", "add", address+"/32", "dev", "lo")
		f := plan.Tree.Lookup("hosts/ulm1/" + name + "/etc/chrony/chrony.conf")
		if f == nil {
			t.Fatal(name, "has no chrony.conf")
		}
		ports[name] = 10323 + len(ports)
		// A card has no time stamps here.
		conf := strings.ReplaceAll(string(f.Bytes()), "hwtimestamp *\n", "")
		conf = poll.ReplaceAllString(conf, "minpoll 0 maxpoll 0")
		conf += fmt.Sprintf("bindaddress %s\nbindacqaddress %s\ncmdport %d\n", address, address, ports[name])
		c.write(t, name+".conf", conf)
	}
	for name := range nodes {
		c.run(t, name, "mount -t tmpfs tmpfs /run && mount -t tmpfs tmpfs /var/lib/chrony", filepath.Join(c.dir, name+".conf"))
	}
	until := func(what string, so func(seen map[string]string) bool) {
		t.Helper()
		for end := time.Now().Add(cutOffTime); ; time.Sleep(250 * time.Millisecond) {
			seen := map[string]string{}
			for name, port := range ports {
				seen[name] = c.followed(port)
			}
			if so(seen) {
				t.Log(what, seen)
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: after %v the nodes follow %v", what, cutOffTime, seen)
			}
		}
	}
	cutOff := func(seen map[string]string) bool { return agreed(seen, nodes) }
	until("started without sources", func(seen map[string]string) bool { return seen["ulm1-s1"] == localReference+" 10" && cutOff(seen) })
	reach("add")
	until("with sources", trueTime)
	reach("delete")
	until("cut off", cutOff)
	reach("add")
	until("with sources again", trueTime)
}

// localReference is how chronyd calls its own clock, 127.127.1.1.
const localReference = "7F7F0101"

// trueTime reports whether all nodes follow sources, or nodes that do.
func trueTime(seen map[string]string) bool {
	for _, s := range seen {
		reference, text, _ := strings.Cut(s, " ")
		stratum, err := strconv.Atoi(text)
		if err != nil || reference == localReference || stratum < 2 || stratum > 4 {
			return false
		}
	}
	return true
}

// agreed reports whether all nodes go by one designated node: ulm1-s1, whose address is the lowest.
func agreed(seen, nodes map[string]string) bool {
	for name, s := range seen {
		reference, stratum, _ := strings.Cut(s, " ")
		switch name {
		case "ulm1-s1":
			if reference == nodes["ulm1-s2"] || reference == nodes["ulm1-s3"] {
				return false
			}
		case "ulm1-s2", "ulm1-s3":
			if reference != nodes["ulm1-s1"] || stratum != "11" {
				return false
			}
		default:
			if !strings.HasPrefix(reference, "10.90.1.1") {
				return false
			}
		}
	}
	return true
}

// followed is the reference and the stratum of the chronyd that answers on a port of the loopback address.
func (c clock) followed(port int) string {
	out, err := exec.Command("ip", "netns", "exec", c.ns, c.chronyc, "-c", "-n", "-h", "127.0.0.1", "-p", fmt.Sprint(port), "tracking").Output()
	f := strings.Split(string(out), ",")
	if err != nil || len(f) < 3 {
		return ""
	}
	if f[0] == localReference {
		return f[0] + " " + f[2]
	}
	return f[1] + " " + f[2]
}
