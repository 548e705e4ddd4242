package compiler

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// ntpsecState is what ntpq says of a machine itself.
var ntpsecState = regexp.MustCompile(`stratum=([0-9]+).*refid=(\S+)`)

// TestLiveNTPsecOrphans runs NTPsec's ntpd on each ntp.conf of a site that keeps the time when it is cut off, a machine a
// namespace: started without sources, then with, without, and with them again. Without, the designated machine with the lowest
// address must keep the time and all others follow it. The files ask and wait faster here, and nobody is told that he asks too
// often; the source with NTS never answers, and a pulse is not there.
func TestLiveNTPsecOrphans(t *testing.T) {
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
	tree := compileExample(t, "bre1").Tree
	nodes := map[string]string{"bre1-cp": "10.160.1.10", "bre1-clock": "10.160.1.11", "r1-edge": "10.160.1.21", "r1-worker": "10.160.1.31"}
	sources := []string{"10.161.0.21", "10.161.0.22", "10.161.1.21"}
	rack := clock{fmt.Sprintf("meshgen-%d-nrack", os.Getpid()), t.TempDir(), chronyd, chronyc}
	runs(t, "ip", "netns", "add", rack.ns)
	t.Cleanup(func() { runs(t, "ip", "netns", "del", rack.ns) })
	runs(t, "ip", "-n", rack.ns, "link", "set", "lo", "up")
	runs(t, "ip", "-n", rack.ns, "link", "add", "switch", "type", "bridge")
	runs(t, "ip", "-n", rack.ns, "link", "set", "switch", "up")
	runs(t, "ip", "-n", rack.ns, "address", "add", "10.160.1.1/24", "dev", "switch")
	// A source whose address is away is asked and never answers: the switch does not forward.
	reach := func(how string) {
		for _, a := range sources {
			runs(t, "ip", "-n", rack.ns, "address", how, a+"/32", "dev", "lo")
		}
	}
	reach("add")
	for i, a := range sources {
		rack.server(t, i, timeSource{address: a})
	}
	reach("delete")
	faster := strings.NewReplacer("minpoll 4 maxpoll 6", "minpoll 0 maxpoll 0", "orphanwait 300", "orphanwait 5", " kod limited", "")
	machines := map[string]ntpsecClient{}
	for name, address := range nodes {
		c := ntpsecClient{clock{rack.ns, t.TempDir(), chronyd, chronyc}, fmt.Sprintf("meshgen-%d-n%s", os.Getpid(), name), capsh, python}
		port := fmt.Sprintf("p%d", len(machines))
		runs(t, "ip", "netns", "add", c.ns)
		t.Cleanup(func() { runs(t, "ip", "netns", "del", c.ns) })
		runs(t, "ip", "-n", c.ns, "link", "set", "lo", "up")
		runs(t, "ip", "-n", c.ns, "link", "add", "eno1", "type", "veth", "peer", "name", port, "netns", rack.ns)
		runs(t, "ip", "-n", rack.ns, "link", "set", port, "master", "switch", "up")
		runs(t, "ip", "-n", c.ns, "address", "add", address+"/24", "dev", "eno1")
		runs(t, "ip", "-n", c.ns, "link", "set", "eno1", "up")
		runs(t, "ip", "-n", c.ns, "route", "add", "default", "via", "10.160.1.1")
		c.write(t, "hosts", "127.0.0.1 localhost\n")
		c.write(t, "ntp.conf", faster.Replace(text(t, tree, "hosts/bre1/"+name+"/etc/ntpsec/ntp.conf")))
		machines[name] = c
	}
	for _, c := range machines {
		c.start(t)
	}
	until := func(what string, so func(name, stratum, reference string) bool) {
		t.Helper()
		for end := time.Now().Add(cutOffTime); ; time.Sleep(time.Second) {
			seen, all := map[string]string{}, true
			for name, c := range machines {
				m := ntpsecState.FindStringSubmatch(strings.ReplaceAll(c.ask("-c", "rv 0 stratum,refid"), "\n", " "))
				if m == nil {
					all = false
					continue
				}
				seen[name] = m[2] + " " + m[1]
				all = so(name, m[1], m[2]) && all
			}
			if all {
				t.Log(what, seen)
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: after %v the machines follow %v\n%s", what, cutOffTime, seen, read(t, filepath.Join(machines["bre1-cp"].dir, "client.log")))
			}
		}
	}
	cutOff := func(name, stratum, reference string) bool {
		switch name {
		case "bre1-cp":
			return reference == "127.0.0.1" && stratum == "10"
		case "bre1-clock":
			return reference == nodes["bre1-cp"] && stratum == "11"
		}
		return reference == nodes["bre1-cp"] && stratum == "11" || reference == nodes["bre1-clock"] && stratum == "12"
	}
	trueTime := func(_, stratum, reference string) bool {
		return strings.HasPrefix(reference, "10.16") && (stratum == "2" || stratum == "3" || stratum == "4")
	}
	until("started without sources", cutOff)
	reach("add")
	until("with sources", trueTime)
	reach("delete")
	until("cut off", cutOff)
	reach("add")
	until("with sources again", trueTime)
}
