package compiler

import (
	"bytes"
	"context"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// bootTime bounds one boot of the kernel, from start to power off; it takes two seconds where nothing else runs.
const bootTime = 90 * time.Second

// hostFiles are the files of a host group that the kernel gets to see, in the order of a boot.
var hostFiles = []string{"etc/modprobe.d/meshgen.conf", "etc/modules-load.d/meshgen.conf", "etc/sysctl.d/90-meshgen.conf"}

// What a pod sees of a host's setting, in its network namespace.
const (
	machine   = "the host's"             // one value for all namespaces, those that are there already included
	inherited = "copied at creation"     // the host's of the moment at which the namespace is made
	ownValue  = "the kernel's default"   // whatever the host says
	hostOnly  = "not there"              // only the host's namespace has the key
	alike     = "default and the host's" // the host sets what is the default
)

// podSees is what a pod sees of each key that a host file sets: no host file may be written in the belief that it tunes
// pods. Kernel 6.1: nf_conntrack_standalone.c, br_netfilter_hooks.c, devinet.c (devinet_init_net), neighbour.c, inotify_user.c.
// Those of vm and kernel belong to no namespace; by name, because kernel.shm*, kernel.msg* and kernel.sem do (ipc_sysctl.c).
var podSees = map[string]string{
	"net.netfilter.nf_conntrack_max":                     machine,
	"net.netfilter.nf_conntrack_tcp_timeout_established": ownValue,
	"net.netfilter.nf_conntrack_tcp_timeout_time_wait":   ownValue,
	"net.ipv4.ip_forward":                                inherited,
	"net.ipv6.conf.all.forwarding":                       ownValue,
	"net.bridge.bridge-nf-call-iptables":                 alike,
	"net.bridge.bridge-nf-call-ip6tables":                alike,
	"net.ipv4.ip_local_reserved_ports":                   ownValue,
	"net.ipv4.ip_local_port_range":                       ownValue,
	"net.ipv4.ip_nonlocal_bind":                          ownValue,
	"net.ipv4.conf.all.rp_filter":                        inherited,
	"net.ipv4.conf.default.rp_filter":                    inherited,
	"net.ipv4.neigh.default.gc_thresh1":                  hostOnly,
	"net.ipv4.neigh.default.gc_thresh2":                  hostOnly,
	"net.ipv4.neigh.default.gc_thresh3":                  hostOnly,
	"fs.inotify.max_user_instances":                      machine,
	"fs.inotify.max_user_watches":                        machine,
	"vm.nr_hugepages":                                    machine,
	"vm.overcommit_memory":                               machine,
	"vm.panic_on_oom":                                    alike,
	"kernel.panic":                                       machine,
	"kernel.panic_on_oops":                               machine,
	"kernel.keys.root_maxkeys":                           alike,
	"kernel.keys.root_maxbytes":                          alike,
}

// notBuilt are the keys that a user mode kernel may be built without, and why. Where one is not there it is left out of the
// file; any other key that is missing is a fault.
var notBuilt = map[string]string{
	"vm.nr_hugepages":                "user mode Linux has no huge pages (CONFIG_HUGETLBFS)",
	"net.core.rps_sock_flow_entries": "user mode Linux has one processor, and nothing to steer packets to (CONFIG_RPS needs SMP)",
}

// TestKernel boots a real kernel with the files of each host group and reads every module, option and key back, in the
// host's network namespace, in one that was there before and in one made afterwards. Groups with the same statements boot once.
func TestKernel(t *testing.T) {
	t.Parallel()
	needUML(t)
	seen := map[string]bool{}
	for name, files := range hostGroups(t) {
		key := ""
		for _, text := range files { // lines of comment say nothing to a kernel
			key += strings.Join(statements(text), "\n") + "\x00"
		}
		if seen[key] {
			continue
		}
		seen[key] = true
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkBoot(t, files, boot(t, files))
		})
	}
	if len(seen) < 2 {
		t.Errorf("%d different host groups", len(seen))
	}
}

// TestKernelMisses is the proof that TestKernel would notice: without modules-load.d the keys of modules are not there when
// systemd-sysctl comes, and the options of modprobe.d act on nothing.
func TestKernelMisses(t *testing.T) {
	t.Parallel()
	needUML(t)
	for _, files := range hostGroups(t) {
		if !strings.Contains(files[0]+files[2], "net.bridge.bridge-nf-call-iptables") {
			continue // hosts of a plane that needs no module
		}
		got := boot(t, [3]string{files[0], "", files[2]})
		if got["rc sysctl"] == "0" {
			t.Error("systemd-sysctl --strict is content without the modules")
		}
		for _, missing := range []string{"host net.netfilter.nf_conntrack_max", "option nf_conntrack hashsize", "host net.bridge.bridge-nf-call-iptables"} {
			if v := got[missing]; v != "" {
				t.Errorf("%s is %q without the module", missing, v)
			}
		}
		if got["host net.ipv4.ip_forward"] != "1" {
			t.Errorf("ip_forward, which needs no module, is %q", got["host net.ipv4.ip_forward"])
		}
		return // one group is enough
	}
	t.Error("no group of hosts has a key of the bridge's module")
}

func needUML(t *testing.T) {
	t.Helper()
	real(t, "linux.uml")
	for _, p := range []string{"/usr/lib/systemd/systemd-sysctl", "/usr/lib/systemd/systemd-modules-load"} {
		if _, err := os.Stat(p); err != nil {
			absent(t, p)
		}
	}
}

// hostGroups are the texts of hostFiles of every group of every example, by "example/group".
func hostGroups(t *testing.T) map[string][3]string {
	t.Helper()
	groups := map[string][3]string{}
	for _, name := range exampleNames(t) {
		tree := compileExample(t, name).Tree
		for _, f := range tree.Files() {
			dir, ok := strings.CutSuffix(f.Path(), "/"+hostFiles[2])
			if !ok {
				continue
			}
			var files [3]string
			for i, p := range hostFiles {
				if f := tree.Lookup(dir + "/" + p); f != nil {
					files[i] = string(f.Bytes())
				}
			}
			groups[name+"/"+path.Base(dir)] = files
		}
	}
	return groups
}

// checkBoot compares what a kernel said with what the files ask for.
func checkBoot(t *testing.T, files [3]string, got map[string]string) {
	t.Helper()
	for _, rc := range []string{"rc modules-load", "rc sysctl"} {
		if got[rc] != "0" {
			t.Errorf("%s: %q", rc, got[rc])
		}
	}
	for _, line := range statements(files[0]) {
		f := strings.Fields(line) // options nf_conntrack hashsize=262144
		key, want, _ := strings.Cut(f[2], "=")
		if v := got["option "+f[1]+" "+key]; v != want {
			t.Errorf("module %s has %s=%q, not %s", f[1], key, v, want)
		}
	}
	for _, module := range statements(files[1]) {
		switch state := got["module "+module]; state {
		case "loaded":
		case "built in":
			t.Logf("%s is built into this kernel: nothing to load", module)
		default:
			t.Errorf("module %s: %q", module, state)
		}
	}
	for _, line := range statements(files[2]) {
		key, want, _ := strings.Cut(line, " = ")
		if got["left out "+key] != "" {
			t.Logf("%s is left out: %s", key, notBuilt[key])
			continue
		}
		if v := got["host "+key]; v != want {
			t.Errorf("%s is %q, not %q", key, v, want)
		}
		def, before, pod := got["default "+key], got["before "+key], got["pod "+key]
		is := podView(want, def, before, pod)
		if _, ok := got["pod "+key]; !ok {
			is = hostOnly
		}
		if is != podSees[key] {
			t.Errorf("of %s a pod sees %s, not %q (default %q, in a namespace from before %q, in a new one %q)", key, is, podSees[key], def, before, pod)
		}
	}
}

// podView is what a pod sees of a setting: value on the host, the default of a namespace, and what is there afterwards in
// one that was there before and in a new one.
func podView(value, def, before, pod string) string {
	switch {
	case value == def:
		return alike
	case pod == def:
		return ownValue
	case pod == value && before == value:
		return machine
	case pod == value && before == def:
		return inherited
	}
	return "neither the host's nor the default"
}

// statements are the lines of a file that are no comments.
func statements(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			out = append(out, line)
		}
	}
	return out
}

// boot starts a user mode Linux kernel on this machine's own files, read only, with the given files in /etc, applies them by
// systemd's programs and returns what the kernel said, by subject.
func boot(t *testing.T, files [3]string) map[string]string {
	t.Helper()
	dir := t.TempDir()
	for i, p := range hostFiles {
		file := filepath.Join(dir, p)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(files[i]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var keys []string
	for _, line := range statements(files[2]) {
		key, _, _ := strings.Cut(line, " = ")
		keys = append(keys, key)
	}
	script := strings.NewReplacer("@DIR@", dir, "@KEYS@", strings.Join(keys, " "),
		"@NOTBUILT@", strings.Join(slices.Sorted(maps.Keys(notBuilt)), " ")).Replace(guest)
	init := filepath.Join(dir, "init")
	if err := os.WriteFile(init, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), bootTime)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, real(t, "linux.uml"), "mem=128M", "uml_dir="+dir, "rootfstype=hostfs", "rootflags=/", "ro",
		"init="+init, "con=null", "con0=null,fd:1", "quiet", "loglevel=1")
	cmd.Stdout, cmd.Stderr = &out, &out
	// Where its memory lies: the /dev/shm of a container may be smaller than that.
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	// Processes of the guest are processes here: a group of their own ends with the kernel.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	err := cmd.Wait()
	got := map[string]string{}
	for line := range strings.Lines(out.String()) {
		if rest, ok := strings.CutPrefix(strings.TrimRight(line, "\r\n"), "@ "); ok {
			about, value, _ := strings.Cut(rest, ": ")
			got[about] = strings.Join(strings.Fields(value), " ")
		}
	}
	if got["end"] != "reached" {
		t.Fatalf("the kernel did not come to the end (%v):\n%s", err, out.String())
	}
	return got
}

// guest is the first process of the kernel. It makes a root of its own in memory, whose programs and libraries are this
// machine's and whose modules are those of the kernel, because systemd looks for both at fixed places.
const guest = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /mnt
cd /mnt
mkdir -p host proc sys dev run tmp usr/lib
mount --bind / host
mount --bind /proc proc
mount --bind /sys sys
mknod dev/null c 1 3
ln -s host/usr/bin bin
ln -s host/usr/sbin sbin
ln -s host/usr/lib64 lib64
ln -s usr/lib lib
ln -s ../host/usr/bin usr/bin
ln -s ../host/usr/sbin usr/sbin
for f in host/usr/lib/*; do ln -s "/$f" usr/lib/; done
rm -f usr/lib/modules
ln -s /host/usr/lib/uml/modules usr/lib/modules
cp -r @DIR@/etc .

# say ABOUT: each key, in the network namespace of the caller.
cat >say <<'END'
for k in @KEYS@; do
	f=/proc/sys/$(echo $k | tr . /)
	[ ! -e $f ] || echo "@ $1 $k: $(cat $f)"
done
END

# The modules of sysctl.d's keys come first, as at every boot.
chroot . /usr/lib/systemd/systemd-modules-load
echo "@ rc modules-load: $?"
for m in $(grep -v '^#' etc/modules-load.d/meshgen.conf); do
	if grep -q "^$m " /proc/modules; then state=loaded
	elif [ -e /sys/module/$m ] || grep -q "/$m.ko$" usr/lib/modules/$(uname -r)/modules.builtin; then state="built in"
	else state="this kernel has none"; fi
	echo "@ module $m: $state"
done
grep '^options ' etc/modprobe.d/meshgen.conf | while read _ m option; do
	k=${option%%=*}
	[ ! -e /sys/module/$m/parameters/$k ] || echo "@ option $m $k: $(cat /sys/module/$m/parameters/$k)"
done

unshare -n sh -c 'sh ./say default; touch ready; exec sleep 1000' &
while [ ! -e ready ]; do sleep 0.05; done
for k in @NOTBUILT@; do
	[ ! -e /proc/sys/$(echo $k | tr . /) ] || continue
	sed -i "/^$k = /d" etc/sysctl.d/90-meshgen.conf
	echo "@ left out $k: not in this kernel"
done
chroot . /usr/lib/systemd/systemd-sysctl --strict
echo "@ rc sysctl: $?"
sh ./say host
nsenter --net=/proc/$!/ns/net sh ./say before
unshare -n sh ./say pod
echo "@ end: reached"
echo o >/proc/sysrq-trigger
sleep 10
`
