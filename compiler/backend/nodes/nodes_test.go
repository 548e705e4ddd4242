package nodes

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/backend/backendtest"
	"meshgen.dev/meshgen/compiler/ir"
	"sigs.k8s.io/yaml"
)

func lab() *ir.Plan {
	return &ir.Plan{
		Name: "lab", From: ir.From{"name"},
		Cluster: ir.Cluster{KubeProxy: ir.KubeProxy{
			Managed: true, ConfigMap: true, Mode: "nftables", BindAddress: "0.0.0.0", ClusterCIDR: "10.0.0.0/16,2001:db8::/48", Established: "24h0m0s",
			From: ir.From{"kubernetes.kubeProxy.mode", "kubernetes.podCIDRs"},
		}},
		Nodes: []ir.Node{
			{Name: "a1-edge", From: ir.From{"racks.a1.nodes.a1-edge.class", "nodeClasses.edge.taints"},
				Labels: []ir.KV{{Key: "meshgen.dev/class", Value: "edge"}, {Key: "meshgen.dev/rack", Value: "a1"}},
				Taints: []ir.Taint{{Key: "dedicated", Value: "edge", Effect: "NoSchedule"}, {Key: "bare", Effect: "NoExecute"}}},
			{Name: "a1-w1", From: ir.From{"racks.a1.nodes.a1-w1.class"},
				Labels: []ir.KV{{Key: "meshgen.dev/class", Value: "worker"}, {Key: "topology.kubernetes.io/zone", Value: "1"}}},
		},
	}
}

func TestGolden(t *testing.T) {
	got := backendtest.Text(backendtest.Emit(t, Backend, lab()))
	backendtest.Golden(t, filepath.Join("testdata", "lab.golden"), got, os.Getenv("MESHGEN_UPDATE") != "")
}

// Nothing of these objects is meshgen's to delete: a label that pruners select by must not be on them.
func TestNothingToPrune(t *testing.T) {
	for _, f := range backendtest.Emit(t, Backend, lab()).Files() {
		if strings.Contains(string(f.Bytes()), "managed-by") {
			t.Errorf("%s carries a managed-by label", f.Path())
		}
	}
}

func TestKubeProxyConfig(t *testing.T) {
	type config struct {
		Mode, ClusterCIDR, BindAddress string
		ClientConnection               struct{ Kubeconfig string }
		IPVS                           *struct{ StrictARP bool }
		Conntrack                      struct {
			MaxPerCore            *int
			TCPEstablishedTimeout string
		}
	}
	for _, c := range []struct {
		name   string
		change func(*ir.KubeProxy)
		strict bool
	}{
		{"nftables", func(*ir.KubeProxy) {}, false},
		{"ipvs", func(k *ir.KubeProxy) { k.Mode, k.StrictARP = "ipvs", true }, true},
	} {
		p := lab()
		c.change(&p.Cluster.KubeProxy)
		var cm struct {
			Metadata struct{ Namespace, Name string }
			Data     map[string]string
		}
		read(t, backendtest.Emit(t, Backend, p).Lookup("kubernetes/overlays/lab/00-nodes/configmap.yaml").Bytes(), &cm)
		if cm.Metadata.Namespace != "kube-system" || cm.Metadata.Name != "kube-proxy" || len(cm.Data) != 1 {
			t.Errorf("%s: ConfigMap is %+v with %d keys", c.name, cm.Metadata, len(cm.Data))
		}
		var k config
		read(t, []byte(cm.Data["config.conf"]), &k)
		if k.Mode != p.Cluster.KubeProxy.Mode || k.ClusterCIDR != p.Cluster.KubeProxy.ClusterCIDR || k.BindAddress != "0.0.0.0" ||
			k.ClientConnection.Kubeconfig != kubeProxyKubeconfig || k.Conntrack.TCPEstablishedTimeout != "24h0m0s" {
			t.Errorf("%s: reads back as %+v", c.name, k)
		}
		// Left out, the limit would be 32768 a core; 0 leaves it to the hosts.
		if k.Conntrack.MaxPerCore == nil || *k.Conntrack.MaxPerCore != 0 {
			t.Errorf("%s: maxPerCore is not 0", c.name)
		}
		if got := k.IPVS != nil && k.IPVS.StrictARP; got != c.strict {
			t.Errorf("%s: strictARP %v, want %v", c.name, got, c.strict)
		}
	}
}

func TestReplacedKubeProxy(t *testing.T) {
	p := lab()
	p.Cluster.KubeProxy = ir.KubeProxy{}
	if f := backendtest.Emit(t, Backend, p).Lookup("kubernetes/overlays/lab/00-nodes/configmap.yaml"); f != nil {
		t.Errorf("a site without kube-proxy has %s", f.Path())
	}
}

func TestOrigins(t *testing.T) {
	f := backendtest.Emit(t, Backend, lab()).Lookup("kubernetes/overlays/lab/00-nodes/node.yaml")
	for i, line := range strings.Split(string(f.Bytes()), "\n") {
		if strings.Contains(line, "key: dedicated") {
			if o, _ := f.Origin(i + 1); len(o.Paths) == 0 || o.Paths[0] != "nodeClasses.edge.taints" {
				t.Errorf("the taint comes from %v", o.Paths)
			}
		}
		if strings.Contains(line, "name: a1-w1") {
			if o, _ := f.Origin(i + 1); !slices.Equal(o.Paths, []string{"racks.a1.nodes.a1-w1.class"}) {
				t.Errorf("the second node comes from %v", o.Paths)
			}
		}
	}
}

func read(t *testing.T, data []byte, v any) {
	t.Helper()
	if err := yaml.Unmarshal(data, v); err != nil {
		t.Fatal(err)
	}
}
