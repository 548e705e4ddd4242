package networkpolicy

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

const golden = "testdata/networkpolicy.golden"

func emitted(t *testing.T, p *ir.Plan) *artifact.File {
	t.Helper()
	tree := artifact.NewTree()
	Backend.Emit(p, tree)
	if err := tree.Err(); err != nil {
		t.Fatal(err)
	}
	f := tree.Lookup("kubernetes/overlays/one/40-policy/networkpolicy.yaml")
	if f == nil {
		t.Fatal("no file")
	}
	return f
}

// The golden is rewritten by MESHGEN_UPDATE=1 go test.
func TestGolden(t *testing.T) {
	got := emitted(t, testPlan()).Bytes()
	if os.Getenv("MESHGEN_UPDATE") != "" {
		if err := os.WriteFile(golden, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != string(want) {
		t.Errorf("%s differs:\n%s", golden, got)
	}
}

// pod is one end of a connection: a pod with its namespace and labels, or an address outside.
type pod struct {
	namespace string
	labels    map[string]string
	address   string
}

func workload(namespace, name string) pod {
	return pod{namespace: namespace, labels: map[string]string{"app.kubernetes.io/name": name}}
}

// The policies, read back and evaluated as the API defines them, admit the declared edges and no other.
func TestEdges(t *testing.T) {
	web, api, inbox, poller := workload("shop", "web"), workload("pay", "api"), workload("old", "inbox"), workload("plant", "poller")
	gateway := pod{namespace: "gateway-public", labels: map[string]string{"istio": "gateway-public"}}
	dns := pod{namespace: "kube-system", labels: map[string]string{"k8s-app": "kube-dns"}}
	istiod, scraper := pod{namespace: "istio-system"}, pod{namespace: "watch"}
	outside := func(a string) pod { return pod{address: a} }
	tests := []struct {
		name     string
		from, to pod
		port     int
		protocol string
		want     bool
	}{
		{"declared call", web, api, 8080, "TCP", true},
		{"declared call, UDP", web, api, 8125, "UDP", true},
		{"UDP port over TCP", web, api, 8125, "TCP", false},
		{"other port", web, api, 9999, "TCP", false},
		{"reverse", api, web, 8080, "TCP", false},
		{"undeclared", poller, api, 8080, "TCP", false},
		{"unmeshed caller", poller, inbox, 8080, "TCP", true},
		{"gateway to what it exposes", gateway, web, 8080, "TCP", true},
		{"gateway to the Service's port", gateway, web, 80, "TCP", false},
		{"gateway to another service", gateway, api, 8080, "TCP", false},
		{"client in the source ranges", outside("198.51.100.7"), gateway, 443, "TCP", true},
		{"client elsewhere", outside("198.51.100.200"), gateway, 443, "TCP", false},
		{"client to the health port", outside("198.51.100.7"), gateway, 15021, "TCP", false},
		{"names", web, dns, 53, "UDP", true},
		{"names over TCP", poller, dns, 53, "TCP", true},
		{"gateway: names", gateway, dns, 53, "UDP", true},
		{"control plane", api, istiod, 15012, "TCP", true},
		{"no control plane outside the mesh", poller, istiod, 15012, "TCP", false},
		{"scraper", scraper, web, 15090, "TCP", true},
		{"scraper at an application port", scraper, web, 8080, "TCP", false},
		{"spans", api, scraper, 4317, "TCP", true},
		{"kubelet", outside("10.1.2.9"), web, 15021, "TCP", true},
		{"kubelet at the declared port of a meshed pod", outside("10.1.2.9"), web, 8081, "TCP", false},
		{"kubelet at the declared port of an unmeshed pod", outside("10.1.2.9"), poller, 7001, "TCP", true},
		{"API server", poller, outside("10.1.1.10"), 6443, "TCP", true},
		{"node", web, outside("10.1.1.10"), 22, "TCP", false},
		{"external by address", inbox, outside("10.9.0.15"), 1521, "TCP", true},
		{"external, other address", inbox, outside("10.9.0.16"), 1521, "TCP", false},
		{"external by name", api, outside("203.0.113.9"), 443, "TCP", true},
		{"external by name is outside the cluster", api, outside("10.64.3.3"), 443, "TCP", false},
		{"external of another service", web, outside("203.0.113.9"), 443, "TCP", false},
	}
	policies := read(t, emitted(t, testPlan()).Bytes())
	for _, tt := range tests {
		got := admits(policies, tt.from, tt.to, false, tt.port, tt.protocol) && admits(policies, tt.to, tt.from, true, tt.port, tt.protocol)
		if got != tt.want {
			t.Errorf("%s: admitted %v, want %v", tt.name, got, tt.want)
		}
	}
}

type object struct {
	Metadata struct{ Namespace, Name string }
	Spec     struct {
		PodSelector struct{ MatchLabels map[string]string }
		PolicyTypes []string
		Ingress     []struct {
			From  []selector
			Ports []portRule
		}
		Egress []struct {
			To    []selector
			Ports []portRule
		}
	}
}

type selector struct {
	NamespaceSelector, PodSelector *struct{ MatchLabels map[string]string }
	IPBlock                        *struct {
		CIDR   string
		Except []string
	}
}

type portRule struct {
	Port     int
	Protocol string
}

func read(t *testing.T, data []byte) []object {
	t.Helper()
	var out []object
	for _, doc := range strings.Split(string(data), "\n---\n") {
		var o object
		if err := yaml.UnmarshalStrict([]byte(dropUnread(doc)), &o); err != nil {
			t.Fatal(err)
		}
		out = append(out, o)
	}
	return out
}

// dropUnread takes away the head of an object, so that strict reading finds what else has no meaning.
func dropUnread(doc string) string {
	var keep []string
	for _, line := range strings.Split(doc, "\n") {
		if !strings.HasPrefix(line, "apiVersion:") && !strings.HasPrefix(line, "kind:") && !strings.HasPrefix(line, "  labels:") &&
			!strings.HasPrefix(line, "    app.kubernetes.io/managed-by:") && !strings.HasPrefix(line, "    meshgen.dev/site:") {
			keep = append(keep, line)
		}
	}
	return strings.Join(keep, "\n")
}

// admits evaluates the policies that govern subject, in one direction, for a connection with other.
func admits(policies []object, subject, other pod, ingress bool, port int, protocol string) bool {
	governed := false
	for _, o := range policies {
		if subject.namespace != o.Metadata.Namespace || !matches(o.Spec.PodSelector.MatchLabels, subject.labels) {
			continue
		}
		governed = true
		if ingress {
			for _, r := range o.Spec.Ingress {
				if peerMatches(r.From, other) && slices.Contains(r.Ports, portRule{port, protocol}) {
					return true
				}
			}
		} else {
			for _, r := range o.Spec.Egress {
				if peerMatches(r.To, other) && slices.Contains(r.Ports, portRule{port, protocol}) {
					return true
				}
			}
		}
	}
	return !governed
}

func peerMatches(list []selector, p pod) bool {
	if len(list) == 0 {
		return true
	}
	return slices.ContainsFunc(list, func(s selector) bool {
		if s.IPBlock != nil {
			a, err := netip.ParseAddr(p.address)
			return err == nil && netip.MustParsePrefix(s.IPBlock.CIDR).Contains(a) &&
				!slices.ContainsFunc(s.IPBlock.Except, func(e string) bool { return netip.MustParsePrefix(e).Contains(a) })
		}
		return p.address == "" && s.NamespaceSelector.MatchLabels[namespaceLabel] == p.namespace &&
			(s.PodSelector == nil || matches(s.PodSelector.MatchLabels, p.labels))
	})
}

func matches(want, have map[string]string) bool {
	for k, v := range want {
		if have[k] != v {
			return false
		}
	}
	return true
}

// Lines name the facts that they show.
func TestOrigins(t *testing.T) {
	f := emitted(t, testPlan())
	for _, tt := range []struct{ line, path string }{
		{"# kubelets probe GET /ready on port 8081, by way of port 15020 of the proxy's agent", "namespaces.shop.services.web.health"},
		{"# kubelets probe GET /live on port 7001", "namespaces.plant.services.poller.health"},
		{"cidr: 10.1.1.0/24", "racks.a.subnets"},
		{"cidr: 198.51.100.0/25", "gateways.public.sourceRanges"},
		{"- 10.32.0.0/16", "kubernetes.serviceCIDRs"},
		{"cidr: 10.9.0.15/32", "external.vault"},
	} {
		found := false
		for i, line := range strings.Split(string(f.Bytes()), "\n") {
			if strings.Contains(line, tt.line) {
				found = true
				if o, _ := f.Origin(i + 1); !slices.Contains(o.Paths, tt.path) {
					t.Errorf("%d: %q has origin %v, want %s among it", i+1, tt.line, o.Paths, tt.path)
				}
			}
		}
		if !found {
			t.Errorf("no line %q", tt.line)
		}
	}
}
