package hosts

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// machine is a folder that stands for the root of a machine, and programs that record instead of doing.
type machine struct {
	t                            *testing.T
	root, files, state, bin, log string
}

const plan = `load /etc/modules-load.d/meshgen.conf modules -
sysctl /etc/sysctl.d/90-meshgen.conf sysctls -
table /etc/modprobe.d/meshgen.conf table -
clock /etc/chrony/chrony.conf restart chrony.service
pod /etc/kubernetes/manifests/kube-vip.yaml none -
kubelet /etc/kubernetes/kubelet.conf.d/90-meshgen.conf notice kubelet.service
filter /etc/meshgen/firewall.nft unit meshgen-firewall.service
unit /etc/systemd/system/meshgen-firewall.service unit meshgen-firewall.service
`

func newMachine(t *testing.T) *machine {
	t.Helper()
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{t: t, root: dir + "/host", files: dir + "/files", state: dir + "/state", bin: dir + "/bin", log: dir + "/log"}
	for _, d := range []string{m.root + "/etc/sysctl.d", m.root + "/run", m.files, m.state, m.bin} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	m.program("nsenter", `echo "$*" >>"$LOG"; cat >>"$LOG"; case " $* " in *" $BROKEN "*) exit 1 ;; esac`)
	m.program("chown", `echo "chown ${1}" >>"$LOG"`)
	m.program("sleep", `echo "sleep $1" >>"$LOG"; kill -TERM "$PPID"`) // one pass a run
	m.write(m.files+"/plan", plan)
	m.write(m.files+"/revision", "r1")
	for line := range strings.Lines(plan) {
		m.write(m.files+"/"+strings.Fields(line)[0], "# "+line)
	}
	m.write(m.files+"/table", "options nf_conntrack hashsize=4096\n")
	return m
}

func (m *machine) program(name, body string) {
	m.t.Helper()
	if err := os.WriteFile(m.bin+"/"+name, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		m.t.Fatal(err)
	}
}

func (m *machine) write(name, text string) {
	m.t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		m.t.Fatal(err)
	}
}

// pass runs the script until it sleeps, and returns what it called and what it said.
func (m *machine) pass(broken string) (calls []string, said string) {
	m.t.Helper()
	_ = os.Remove(m.log)
	script := m.bin + "/apply.sh"
	m.write(script, applyScript)
	cmd := exec.Command("timeout", "60", "sh", script)
	cmd.Env = []string{"PATH=" + m.bin + ":" + os.Getenv("PATH"), "LOG=" + m.log, "BROKEN=" + broken,
		"MESHGEN_HOST=" + m.root, "MESHGEN_FILES=" + m.files, "MESHGEN_STATE=" + m.state, "MESHGEN_REVISION=r1", "MESHGEN_INTERVAL=300"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("%v\n%s", err, out)
	}
	text, _ := os.ReadFile(m.log)
	for line := range strings.Lines(string(text)) {
		calls = append(calls, strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "-t 1 -m -u -i -n -p -- "))
	}
	return calls, string(out)
}

func (m *machine) ready() bool {
	_, err := os.Stat(m.state + "/applied")
	return err == nil
}

func (m *machine) expect(calls []string, want ...string) {
	m.t.Helper()
	if have, all := strings.Join(calls, "\n"), strings.Join(want, "\n"); have != all {
		m.t.Errorf("it calls\n%s\nand should call\n%s", have, all)
	}
}

const (
	owned = "chown 0:0"
	rest  = "sleep 300"
	retry = "sleep 30"
)

func TestApplyFirst(t *testing.T) {
	m := newMachine(t)
	calls, said := m.pass("nothing")
	m.expect(calls, owned, owned, owned, owned, owned, owned, owned, owned,
		"systemctl restart systemd-modules-load.service",
		"systemctl restart systemd-sysctl.service",
		"modprobe nf_conntrack",
		"sh -c echo 4096 >/sys/module/nf_conntrack/parameters/hashsize",
		"systemctl restart chrony.service",
		"systemctl daemon-reload",
		"systemctl enable meshgen-firewall.service",
		"systemctl reload-or-restart meshgen-firewall.service",
		rest)
	if !m.ready() || !strings.Contains(said, "kubelet.service reads what was written when it starts") {
		t.Errorf("ready: %v\n%s", m.ready(), said)
	}
	for line := range strings.Lines(plan) {
		f := strings.Fields(line)
		want, _ := os.ReadFile(m.files + "/" + f[0])
		have, err := os.ReadFile(m.root + f[1])
		info, statErr := os.Stat(m.root + f[1])
		if err != nil || statErr != nil || string(have) != string(want) || info.Mode().Perm() != 0o644 {
			t.Errorf("%s: %v %v", f[1], err, statErr)
		}
		left, _ := filepath.Glob(filepath.Dir(m.root+f[1]) + "/.*")
		if len(left) > 0 {
			t.Errorf("it leaves %v behind", left)
		}
	}
	calls, said = m.pass("nothing")
	m.expect(calls, rest)
	if said != "" || !m.ready() {
		t.Errorf("a second pass says %q", said)
	}
}

// What somebody has changed is mended, and read again; nothing else is touched.
func TestApplyMends(t *testing.T) {
	m := newMachine(t)
	m.pass("nothing")
	m.write(m.root+"/etc/sysctl.d/90-meshgen.conf", "vm.swappiness = 100\n")
	calls, _ := m.pass("nothing")
	m.expect(calls, owned, "systemctl restart systemd-sysctl.service", rest)
}

// A service that does not come up keeps the pod from being ready, and is tried again although its file is in place.
func TestApplyRetries(t *testing.T) {
	m := newMachine(t)
	m.pass("nothing")
	m.write(m.files+"/clock", "server 192.0.2.1\n")
	for range 2 {
		_, said := m.pass("chrony.service")
		if m.ready() || !strings.Contains(said, "restart chrony.service failed") {
			t.Fatalf("ready %v\n%s", m.ready(), said)
		}
	}
	calls, _ := m.pass("chrony.service")
	m.expect(calls, "systemctl restart chrony.service", retry)
	calls, _ = m.pass("nothing")
	m.expect(calls, "systemctl restart chrony.service", rest)
	if !m.ready() {
		t.Error("the service is up, and the pod not ready")
	}
}

// The files of another revision are another pod's to write.
func TestApplyOtherRevision(t *testing.T) {
	m := newMachine(t)
	m.write(m.files+"/revision", "r2")
	calls, _ := m.pass("nothing")
	m.expect(calls, retry)
	if _, err := os.Stat(m.root + "/etc/chrony"); err == nil || m.ready() {
		t.Error("it writes files of another revision, or is ready without any")
	}
}

// A link on the machine is read with the pod's root: it must not be followed.
func TestApplyLink(t *testing.T) {
	m := newMachine(t)
	elsewhere := t.TempDir()
	if err := os.Symlink(elsewhere, m.root+"/etc/chrony"); err != nil {
		t.Fatal(err)
	}
	_, said := m.pass("nothing")
	if entries, _ := os.ReadDir(elsewhere); len(entries) > 0 || m.ready() || !strings.Contains(said, "symbolic link") {
		t.Errorf("ready %v, %d files behind the link\n%s", m.ready(), len(entries), said)
	}
}
