package hosts

import (
	"net/netip"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend/backendtest"
	"meshgen.dev/meshgen/compiler/ir"
	"sigs.k8s.io/yaml"
)

// lab is a site of one rack: an edge node with everything set, a worker with the least.
func lab() *ir.Plan {
	node := func(name, class, group, addr string) ir.Node {
		return ir.Node{Name: name, Rack: "a1", Class: class, Group: group, Addresses: []netip.Addr{netip.MustParseAddr(addr)},
			From: ir.From{"racks.a1.nodes." + name + ".address"}}
	}
	return &ir.Plan{
		Name: "lab", From: ir.From{"name"}, Serial: 1,
		Nodes: []ir.Node{
			node("a1-edge", "edge", "a1-edge", "192.0.2.11"),
			node("a1-w1", "worker", "a1-worker", "192.0.2.21"),
			node("w2.lab", "worker", "w2.lab", "2001:db8::22"),
		},
		Groups: []ir.HostGroup{
			{Name: "a1-edge", Rack: "a1", Class: "edge", Nodes: []string{"a1-edge"}, From: ir.From{"nodeClasses.edge"},
				Forms: []string{"files", "ansible", "cloud-init"}, TimeUnit: "chrony.service", Unit: "kubelet.service", Packages: []string{"chrony", "tzdata"},
				Conntrack: ir.Conntrack{Pods: 60, ConnsPerPod: 400, Ingress: 20000, ClosesPerSec: 2000, TimeWaitSecs: 60, Entries: 164000,
					PodEntries: 800, Max: 524288, Buckets: 262144, MemoryMiB: 80, FullMemoryMiB: 194, MemoryPermille: 1,
					Why: "host/conntrack", From: ir.From{"capacity.podsPerNode"}},
				Sysctls: []ir.Sysctl{
					{Key: "net.ipv4.conf.all.rp_filter", Value: "2", Reason: "Loose: a reply may leave by the other switch.", From: ir.From{"racks.a1.tors"}},
					{Key: conntrackMax, Value: "524288", Reason: "Size of the connection table.", Why: "host/conntrack", From: ir.From{"capacity"}},
				},
				Modules:       []ir.Module{{Name: "nf_conntrack", Reason: "The connection table and its settings.", From: ir.From{"capacity"}}},
				ModuleOptions: []ir.ModuleOption{{Module: "nf_conntrack", Key: "hashsize", Value: "262144", Reason: "Two entries a bucket.", From: ir.From{"capacity"}}},
				Time: ir.TimeDaemon{Daemon: "chrony", Path: "/etc/chrony/chrony.conf", DriftFile: "/var/lib/chrony/chrony.drift", DumpDir: "/var/lib/chrony",
					Sources: []ir.TimeSource{
						{Name: "gps", Server: "192.0.2.5", Address: "192.0.2.5", Upstream: "roof", From: ir.From{"time.sources.gps.address"}},
						{Name: "dc", Server: "ntp1.example.net", Address: "192.0.2.6", Upstream: "ptb", NTS: true, From: ir.From{"time.sources.dc.hostname"}},
					},
					MinSources: 2, MaxDistance: "1.0", MakeStep: "1.0 3", LogChange: "0.1", LeapTimeZone: "right/UTC", From: ir.From{"time.maxOffset"}},
				Kubelet: ir.Kubelet{ConfigDir: "/etc/kubernetes/kubelet.conf.d", EnvFile: "/etc/default/kubelet", MaxPods: 110,
					Taints:     []ir.Taint{{Key: "dedicated", Value: "edge", Effect: "NoSchedule"}, {Key: "bare", Effect: "NoExecute"}},
					NodeLabels: []ir.KV{{Key: "meshgen.dev/class", Value: "edge"}, {Key: "meshgen.dev/rack", Value: "a1"}},
					From:       ir.From{"nodeClasses.edge.maxPods", "nodeClasses.edge.taints"}},
			},
			{Name: "a1-worker", Rack: "a1", Class: "worker", Nodes: []string{"a1-w1"}, From: ir.From{"nodeClasses.worker"},
				Forms: []string{"files", "ansible"}, TimeUnit: "chronyd.service", Unit: "kubelet.service",
				Time: ir.TimeDaemon{Daemon: "chrony", Path: "/etc/chrony.conf", DriftFile: "/var/lib/chrony/drift",
					Sources:    []ir.TimeSource{{Name: "gps", Server: "2001:db8::5", Address: "2001:db8::5", Upstream: "roof"}},
					MinSources: 1, MaxDistance: "1.0", MakeStep: "1.0 3", LogChange: "0.1"},
				Kubelet: ir.Kubelet{ConfigDir: "/etc/kubernetes/kubelet.conf.d", EnvFile: "/etc/sysconfig/kubelet", MaxPods: 250},
			},
			{Name: "w2.lab", Rack: "a1", Class: "worker", Nodes: []string{"w2.lab"}, Forms: []string{"files", "ansible"}, From: ir.From{"racks.a1.nodes.w2"}},
		},
	}
}

func TestGolden(t *testing.T) {
	got := backendtest.Text(backendtest.Emit(t, Backend, lab()))
	backendtest.Golden(t, filepath.Join("testdata", "lab.golden"), got, os.Getenv("MESHGEN_UPDATE") != "")
}

// The daemon itself reads every file of its own.
func TestChronydAccepts(t *testing.T) {
	chronyd, err := exec.LookPath("chronyd")
	if err != nil {
		if os.Getenv("MESHGEN_REAL") == "require" {
			t.Fatal(err)
		}
		t.Skip("no chronyd")
	}
	read := func(data string) ([]byte, error) {
		name := filepath.Join(t.TempDir(), "chrony.conf")
		if err := os.WriteFile(name, []byte(data), 0o644); err != nil {
			t.Fatal(err)
		}
		return exec.Command(chronyd, "-p", "-f", name).CombinedOutput()
	}
	files := 0
	for _, f := range backendtest.Emit(t, Backend, lab()).Files() {
		if path.Base(f.Path()) != "chrony.conf" {
			continue
		}
		files++
		if out, err := read(string(f.Bytes())); err != nil {
			t.Errorf("%s: %v\n%s", f.Path(), err, out)
		}
		if out, err := read(string(f.Bytes()) + "minsourcess 2\n"); err == nil {
			t.Errorf("chronyd takes a directive that does not exist:\n%s", out)
		}
	}
	if files != 2 {
		t.Errorf("%d chrony files, want 2", files)
	}
}

// procps reads sysctl.d files too; with a dry run it prints what it would set.
func TestSysctlAccepts(t *testing.T) {
	sysctl, err := exec.LookPath("sysctl")
	if err != nil {
		if os.Getenv("MESHGEN_REAL") == "require" {
			t.Fatal(err)
		}
		t.Skip("no sysctl")
	}
	p := lab()
	f := backendtest.Emit(t, Backend, p).Lookup("hosts/lab/a1-edge" + sysctlPath)
	name := filepath.Join(t.TempDir(), "90.conf")
	if err := os.WriteFile(name, f.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	// --ignore: a key whose module is not loaded here is no fault of the file.
	out, err := exec.Command(sysctl, "--dry-run", "--ignore", "--load="+name).Output()
	if err != nil {
		t.Fatal(err)
	}
	if want := "net.ipv4.conf.all.rp_filter = 2\n"; !strings.Contains(string(out), want) {
		t.Errorf("sysctl reads\n%s, want %s", out, want)
	}
}

func TestYAMLReadsBack(t *testing.T) {
	tree := backendtest.Emit(t, Backend, lab())
	var kubelet struct {
		MaxPods            int
		RegisterWithTaints []struct{ Key, Value, Effect string }
	}
	unmarshal(t, tree.Lookup("hosts/lab/a1-edge/etc/kubernetes/kubelet.conf.d/90-meshgen.conf"), &kubelet)
	if kubelet.MaxPods != 110 || len(kubelet.RegisterWithTaints) != 2 || kubelet.RegisterWithTaints[0].Value != "edge" {
		t.Errorf("kubelet reads %+v", kubelet)
	}

	type group struct {
		Vars     map[string]string
		Hosts    map[string]map[string]string
		Children map[string]any
	}
	var inv struct {
		All struct{ Children map[string]group }
	}
	unmarshal(t, tree.Lookup("hosts/lab/inventory.yaml"), &inv)
	groups := inv.All.Children
	if g := groups["group_w2_lab"]; g.Vars["meshgen_group"] != "w2.lab" || g.Hosts["w2.lab"]["ansible_host"] != "2001:db8::22" {
		t.Errorf("group of the machine that differs reads %+v", g)
	}
	for parent, want := range map[string]int{"rack_a1": 3, "class_edge": 1, "class_worker": 2} {
		if got := len(groups[parent].Children); got != want {
			t.Errorf("%s has %d groups, want %d", parent, got, want)
		}
		for child := range groups[parent].Children {
			if groups[child].Vars == nil {
				t.Errorf("%s lists %s, which is no group of machines", parent, child)
			}
		}
	}
}

func unmarshal(t *testing.T, f *artifact.File, v any) {
	t.Helper()
	if err := yaml.Unmarshal(f.Bytes(), v); err != nil {
		t.Fatal(err)
	}
}

func TestOrigins(t *testing.T) {
	tree := backendtest.Emit(t, Backend, lab())
	for _, c := range []struct{ file, line, why, path string }{
		{"a1-edge" + sysctlPath, "net.ipv4.conf.all.rp_filter = 2", "", "racks.a1.tors"},
		{"a1-edge" + sysctlPath, "#        = 60 x 400", "host/conntrack", "capacity.podsPerNode"},
		{"a1-edge/etc/chrony/chrony.conf", "server ntp1.example.net", "", "time.sources.dc.hostname"},
		{"a1-edge/etc/default/kubelet", "KUBELET_EXTRA_ARGS", "", "nodeClasses.edge.taints"},
		{"inventory.yaml", "          ansible_host: 192.0.2.21", "", "racks.a1.nodes.a1-w1.address"},
	} {
		f := tree.Lookup("hosts/lab/" + c.file)
		if f == nil {
			t.Errorf("no file %s", c.file)
			continue
		}
		o, found := origin(f, c.line)
		if !found || o.Why != c.why || !slices.Contains(o.Paths, c.path) {
			t.Errorf("%s: %q comes from %+v, want %s by %q", c.file, c.line, o, c.path, c.why)
		}
	}
}

// origin returns the origin of the first line that begins with text.
func origin(f *artifact.File, text string) (artifact.Origin, bool) {
	for i, line := range strings.Split(string(f.Bytes()), "\n") {
		if strings.HasPrefix(line, text) {
			return f.Origin(i + 1)
		}
	}
	return artifact.Origin{}, false
}

// A static pod takes the kubeconfig of its distribution, and shows kube-vip the one place where it looks.
func TestStaticPod(t *testing.T) {
	p := lab()
	p.Groups[1].APIAddress = &ir.KubeVIPControlPlane{Image: "example.net/kube-vip/kube-vip:v1.2.3", Address: netip.MustParseAddr("2001:db8::5"), Port: 6443,
		Kubeconfig: "/etc/rancher/rke2/rke2.yaml", Path: "/var/lib/rancher/rke2/agent/pod-manifests/kube-vip.yaml", Interface: "eno1", Join: 9345, Unit: "rke2-server.service"}
	tree := backendtest.Emit(t, Backend, p)
	f := tree.Lookup("hosts/lab/a1-worker/var/lib/rancher/rke2/agent/pod-manifests/kube-vip.yaml")
	if f == nil {
		t.Fatal("no static pod")
	}
	for _, s := range []string{"kind: Pod", `value: "6443"`, "value: eno1", `value: ":2113"`, "type: File", "path: /etc/rancher/rke2/rke2.yaml",
		"mountPath: /etc/kubernetes/admin.conf", "server: https://[2001:db8::5]:9345"} {
		if !strings.Contains(string(f.Bytes()), s) {
			t.Errorf("no %s in\n%s", s, f.Bytes())
		}
	}
	// The kubelet watches the folder: nothing is restarted for it.
	book := string(tree.Lookup("hosts/lab/playbook.yaml").Bytes())
	_, task, _ := strings.Cut(book, "- name: /var/lib/rancher/rke2/agent/pod-manifests/kube-vip.yaml\n")
	if task, _, _ = strings.Cut(task, "- name:"); task == "" || strings.Contains(task, "notify") {
		t.Errorf("the task is\n%s", task)
	}
}
