package compiler

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/site"
	"meshgen.dev/meshgen/compiler/verify"
)

// combinations are examples with choices that no example makes together. Each compiles and verifies, or is refused by the
// rule that it names.
var combinations = []struct {
	name, example string
	change        []string // "path = JSON", or "-path" without it
	rule          string   // "": it compiles
}{
	{"a mesh with nobody in it", "lej1", []string{"-namespaces.app"}, ""},
	{"Consul with nobody in it", "tku1", []string{"-namespaces", "-gateways", "-exposures"}, ""},
	{"a mesh of the pod network without policies", "poz2", []string{"-namespaces", "-federation", "-gateways", "-pools"}, ""},
	{"Linkerd without services", "umu1", []string{"-namespaces", "-federation", "-gateways"}, ""},
	{"a way out that everybody may take", "umu2", []string{`mesh.egressPolicy = "allow-any"`}, ""},
	{"kube-vip with nothing to announce", "fmo1", []string{"-gateways", "-exposures", "-pools", "-namespaces", "-patches", "-waivers", "-egressGateways", "-external", "-fabric.bgp"}, ""},
	{"OpenELB with nothing to announce", "kun1", []string{`loadBalancer = {"kind": "openelb", "version": "0.6.0"}`, "-gateways", "-namespaces", "-pools", "-fabric.hostFirewall"}, ""},
	{"OpenELB behind Cilium's gateway", "szz1", []string{`loadBalancer = {"kind": "openelb", "version": "0.6.0"}`}, ""},
	{"a filter before sessions of both families", "nue1", []string{`fabric.hostFirewall = true`}, ""},
	{"a filter before pods of one family on nodes of two", "kun1",
		[]string{`kubernetes.podCIDRs = ["10.152.0.0/14"]`, `kubernetes.serviceCIDRs = ["10.157.0.0/16"]`, "-kubernetes.nodeCIDRMask", `gateways.public.addresses = ["10.150.1.193"]`}, ""},
	{"a rack of both families on an unnumbered uplink, on a site of one", "rz1", []string{`racks.r1.subnets = ["10.130.1.0/24", "2001:db8:130:1::/64"]`,
		`racks.r1.defaultGateway = ["10.130.1.1", "2001:db8:130:1::1"]`, `racks.r1.tors.sw.address = ["10.130.1.2", "2001:db8:130:1::2"]`,
		`racks.r1.nodes.rz1-e1.address = ["10.130.1.21", "2001:db8:130:1::21"]`}, ""},
	{"a name of two hyphens, as long as switches take one", "rz1", []string{`name = "rz--1-of-the-machines-in-the-cages-one-and-two-x"`}, ""},
	{"a spine with a long name", "rz1", []string{`fabric.spines.s1.hostname = "the-first-spine-of-two-that-there-are-to-be.in-the-hall-of-the-cages-one-and-two.network.example.net"`}, ""},
	{"two namespaces on their way to mutual TLS", "dus2", []string{`namespaces.shop.migration = {"stage": "observe", "target": "strict"}`, `namespaces.shop.mtls = "permissive"`}, ""},
	{"a registry with credentials for a gateway of Linkerd", "umu1", []string{
		`registry = {"images": "registry.example.net/mirror", "charts": "oci://registry.example.net/charts", "pullSecret": "edge-registry"}`}, ""},
	{"namespaces of Cilium's mesh without services", "bts1", []string{`namespaces.shop.services = {}`, `namespaces.ledger.services = {}`, `namespaces.reports.services = {}`}, ""},
	{"an upgrade of Linkerd with nobody in its namespaces", "vno1", []string{`namespaces.shop.services = {}`, `namespaces.trial.services = {}`}, ""},
	{"switches of one AS whose addresses are not in the order of their names", "fra1", []string{`racks.r2.tors.a.address = "10.10.2.8"`}, ""},
	{"nobody brings a token", "lul2", []string{"-federation", "-gateways.between", `namespaces.payments.services.api.allow = []`, `namespaces.payments.services.api.calls = ["payments/ledger"]`,
		"-namespaces.payments.services.api.expose", "-gateways.partners"}, ""},
	{"a namespace that only another cluster has", "poz2", []string{`loadBalancer = {"kind": "metallb", "version": "0.16.2"}`, "-namespaces.shop"}, ""},
	{"a service of UDP behind a waypoint", "krk1", []string{`namespaces.stock.services.orders.ports.http.protocol = "udp"`, "-namespaces.stock.services.orders.jwt"}, ""},
	{"a machine that only calls", "rix1", []string{"-namespaces.shop.services.press.ports", `namespaces.shop.services.stock.calls = ["shop/store"]`, "-patches"}, ""},
	{"a machine that only calls, under Linkerd", "lla1", []string{"-namespaces.yard.services.crane.ports", "-namespaces.yard.services.crane.allow", "-namespaces.ran.services.scheduler.calls.4"}, ""},
	{"a machine's stream under Linkerd", "lla1", []string{`namespaces.yard.services.winch.ports.feed.protocol = "tcp"`}, ""},
	{"pods that write files, from a registry with credentials", "mmx2", []string{
		`delivery = {"kind": "kustomize", "hosts": ["daemonset"], "hostsImage": "docker.io/library/debian:12.12-slim"}`, `secrets = {"provider": "external-secrets", "store": "vault"}`,
		`registry = {"images": "registry.example.net/mirror", "charts": "oci://registry.example.net/charts", "pullSecret": "edge-registry"}`}, ""},
	{"an upgrade of Cilium from a registry with credentials", "wro1", []string{
		`registry = {"images": "registry.example.net/mirror", "charts": "oci://registry.example.net/charts", "pullSecret": "edge-registry"}`}, ""},
	{"a pool that nobody announces, under Consul", "lul2", []string{"-pools.local.announce"}, ""},
	{"two cables to one spine, one of them without addresses", "nue1", []string{`racks.west.tors.b.uplinks = [{"interface": "Ethernet48", "peerInterface": "Ethernet12", "spine": "s1"},
		{"address": ["10.72.250.11/31", "2001:db8:72:250::b/127"], "interface": "Ethernet52", "peerInterface": "Ethernet13", "peerAddress": ["10.72.250.10", "2001:db8:72:250::a"], "spine": "s1"}]`}, ""},
	{"a closed site with tokens of its own people", "gdn1", []string{`airGapped = true`,
		`registry = {"images": "registry.example.net/mirror", "charts": "oci://registry.example.net/charts", "pullSecret": "edge-registry"}`}, ""},
	{"a closed site whose authority is its own Vault", "aar1", []string{`airGapped = true`,
		`registry = {"images": "registry.example.net/mirror", "charts": "oci://registry.example.net/charts", "pullSecret": "edge-registry"}`}, ""},
	{"tables of fixed size on a switch that learns nothing", "kos1", []string{`racks.r2 = {"failureDomain": "hall-2", "homing": "single",
		"tors": {"sw": {"address": "10.88.204.2", "asn": 4200000882, "hostname": "kos1-r2-sw", "os": "eos", "routerID": "10.254.54.30"}}}`}, ""},
	{"tables of fixed size on a switch that learns what its own rack announces", "lin1", []string{`racks.r2 = {"failureDomain": "hall-2", "homing": "single",
		"subnets": ["10.88.204.0/24"], "defaultGateway": "10.88.204.1", "nodes": {"lin1-e3": {"class": "edge", "address": "10.88.204.21"}},
		"tors": {"sw": {"address": "10.88.204.2", "asn": 4200000882, "hostname": "lin1-r2-sw", "os": "eos", "vlan": 88, "routerID": "10.254.54.30"}}}`,
		`pools.second = {"addresses": ["192.0.2.128/28"], "announce": {"protocol": "bgp", "racks": ["r2"]}}`}, ""},
	{"a closed site of Cluster Mesh", "poz1", []string{`airGapped = true`,
		`registry = {"images": "registry.example.net/mirror", "charts": "oci://registry.example.net/charts", "pullSecret": "edge-registry"}`}, ""},
	{"a closed site of Linkerd that calls through gateways", "umu2", []string{`airGapped = true`,
		`registry = {"images": "registry.example.net/mirror", "charts": "oci://registry.example.net/charts", "pullSecret": "edge-registry"}`}, ""},
	{"a closed site of Linkerd that calls from pod to pod", "mmx1", []string{`airGapped = true`,
		`registry = {"images": "registry.example.net/mirror", "charts": "oci://registry.example.net/charts", "pullSecret": "edge-registry"}`}, ""},
	{"no machine", "kie1", []string{"-racks.row.nodes", "-racks.r1.nodes", "-racks.cabinet.nodes"}, "MG5825"},
	{"a release of Cilium that nobody knows", "poz1", []string{`kubernetes.cni.version = "2.20.2"`}, "MG0901"},
	{"Linkerd from pod to pod with nobody", "mmx2", []string{`federation.peers = {}`}, "MG5827"},
}

// TestCombinations compiles each.
func TestCombinations(t *testing.T) {
	loader := load.NewLoader()
	for _, c := range combinations {
		t.Run(c.name, func(t *testing.T) {
			root := exampleValues(t, c.example)
			for _, text := range c.change {
				if path, ok := strings.CutPrefix(text, "-"); ok {
					root = without(root, site.Split(path))
					continue
				}
				path, value, _ := strings.Cut(text, " = ")
				var v any
				if err := json.Unmarshal([]byte(value), &v); err != nil {
					t.Fatal(text, err)
				}
				root = with(root, site.Split(path), v)
			}
			found, built := judge(t, loader, root)
			if c.rule == "" && !built {
				t.Errorf("it is refused: %v", found)
			}
			if c.rule != "" && !slices.ContainsFunc(found, func(f diag.Finding) bool { return f.Rule == c.rule && f.Severity == diag.Error }) {
				t.Errorf("%s does not refuse it: %v", c.rule, found)
			}
		})
	}
}

// choices are what TestSweep puts at a place, whatever else the example says there.
var choices = map[string][]string{
	"mesh": {`{"kind": "istio-sidecar", "version": "1.31.1"}`, `{"kind": "istio-ambient", "version": "1.31.1", "revision": "stable"}`,
		`{"kind": "linkerd", "version": "2.20", "ca": {"kind": "cert-manager", "trustAnchor": {"configMap": "linkerd-identity-trust-roots"}, "issuer": {"secret": "linkerd-identity-issuer", "certManagerIssuer": "linkerd-trust-anchor"}}}`,
		`{"kind": "cilium"}`, `{"kind": "cilium", "encryption": {"kind": "ipsec"}}`, `{"kind": "consul", "version": "2.0.3"}`, `{"kind": "none"}`},
	"loadBalancer": {`{"kind": "metallb", "version": "0.16.2"}`, `{"kind": "metallb", "version": "0.16.2", "metallb": {"backend": "frr"}}`, `{"kind": "cilium"}`,
		`{"kind": "kube-vip", "version": "1.2.3"}`, `{"kind": "openelb", "version": "0.6.0"}`},
	"kubernetes.cni": {`{"kind": "calico", "version": "3.31.0", "encapsulation": "vxlan"}`, `{"kind": "cilium", "version": "1.20.2", "encapsulation": "geneve"}`,
		`{"kind": "flannel", "version": "0.27.0", "encapsulation": "vxlan"}`, `{"kind": "kube-router", "version": "2.6.1", "encapsulation": "ipip"}`},
	"kubernetes.distribution":  {`"kubeadm"`, `"k3s"`, `"rke2"`, `"talos"`, `"other"`},
	"kubernetes.kubeProxy":     {`{"mode": "iptables"}`, `{"mode": "ipvs"}`, `{"mode": "nftables"}`, `{"mode": "replaced"}`},
	"kubernetes.clusterDomain": {`"k8s.example.net"`},
	"delivery": {`{"kind": "argocd", "repository": "https://git.example.net/platform/site.git"}`, `{"kind": "flux", "repository": "https://git.example.net/platform/site.git"}`,
		`{"kind": "kustomize", "hosts": ["files", "ansible", "cloud-init"]}`, `{"kind": "kustomize", "hosts": ["daemonset"], "hostsImage": "docker.io/library/debian:12.12-slim"}`},
	"registry":            {`{"images": "registry.example.net/mirror", "charts": "oci://registry.example.net/charts", "pullSecret": "edge-registry"}`},
	"secrets":             {`{"provider": "external-secrets", "store": "vault"}`},
	"observability":       {`{"scraper": {"namespace": "monitoring", "serviceAccount": "prometheus", "meshed": true}, "dashboards": true}`, `{"rules": "files", "accessLogs": "all"}`},
	"mesh.mtls":           {`"permissive"`},
	"mesh.egressPolicy":   {`"allow-any"`},
	"fabric.hostFirewall": {`true`},
	"time.daemon":         {`"ntpd"`},
}

// sweeps is how many sites TestSweep makes.
const sweeps = 60

// TestSweep changes two choices of an example, then takes away what is refused until nothing is: whatever passes the rules
// compiles and verifies, and each refusal has a line. The sites are the same each time.
func TestSweep(t *testing.T) {
	names, places := exampleNames(t), slices.Sorted(maps.Keys(choices))
	r := rand.New(rand.NewPCG(1, 2))
	loader := load.NewLoader()
	built := 0
	for i := range sweeps {
		if i%16 == 15 {
			loader = load.NewLoader() // one keeps what it has seen
		}
		example := names[r.IntN(len(names))]
		root, log := exampleValues(t, example), example
		for range 2 {
			place := places[r.IntN(len(places))]
			text := choices[place][r.IntN(len(choices[place]))]
			var v any
			if err := json.Unmarshal([]byte(text), &v); err != nil {
				t.Fatal(text, err)
			}
			root, log = with(root, site.Split(place), v), log+", "+place+" = "+text
		}
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			for range 16 {
				found, ok := judge(t, loader, root)
				if ok {
					built++
				}
				at := slices.IndexFunc(found, func(f diag.Finding) bool { return f.Severity == diag.Error && f.Waived == "" })
				if at < 0 {
					break
				}
				var dropped bool
				if root, log, dropped = drop(root, log, found[at]); !dropped {
					break
				}
			}
			if t.Failed() {
				t.Log(log)
			}
		})
	}
	if built < sweeps/2 {
		t.Errorf("%d of %d sites compile: the sweep shows little", built, sweeps)
	}
}

// drop takes away the closest place of a finding that is not required.
func drop(root any, log string, f diag.Finding) (any, string, bool) {
	for at := site.Split(f.Path); len(at) > 0; at = at[:len(at)-1] {
		if s := load.Language().Lookup(at...); s == nil || s.Required && load.Language().Lookup(at[:len(at)-1]...).Fields != nil {
			continue
		}
		if less := without(root, at); fmt.Sprint(less) != fmt.Sprint(root) {
			return less, log + ", without " + site.Join(at...) + " for " + f.Rule, true
		}
	}
	return root, log, false
}

// judge compiles a site. A finding without a line, an error without a hint, or a tree that does not verify, is a fault of the
// compiler.
func judge(t *testing.T, loader *load.Loader, root any) (found diag.List, built bool) {
	t.Helper()
	text, err := json.MarshalIndent(root, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	src, found := loader.Bytes("site.cue", text)
	var out *Output
	if src != nil {
		if out, err = vet(src, Options{Now: today}, true); err != nil {
			t.Fatal(err)
		}
		found = out.Findings
	}
	for _, f := range found {
		if f.Pos.Line == 0 {
			t.Errorf("%s has no line: %s", f.Rule, f.Message)
		}
		if f.Severity == diag.Error && f.Hint == "" {
			t.Errorf("%s says %q, and not what to write instead", f.Rule, f.Message)
		}
		if f.Message == "" || strings.Contains(f.Message+f.Hint, "%!") || strings.HasSuffix(f.Hint, ": ") {
			t.Errorf("%s says %q, and hints at %q", f.Rule, f.Message, f.Hint)
		}
	}
	if out == nil || out.Plan == nil {
		return found, false
	}
	tree, err := emit(out.Plan, src.Resolved())
	if err != nil {
		t.Fatal(err)
	}
	rel := releases(out.Plan)
	rel.SkipBuild = true // the structure of kustomizations is checked all the same
	if _, faults := verify.Tree(tree, rel); len(faults) > 0 {
		t.Errorf("it passes the rules, and does not verify: %v", faults[0])
	}
	return found, true
}

// exampleValues is an example as it is resolved.
func exampleValues(t *testing.T, name string) any {
	t.Helper()
	src, found := load.Bytes("site.cue", []byte(read(t, filepath.Join(examplesDir, name, "site.cue"))))
	if src == nil {
		t.Fatal(found)
	}
	root, err := src.Values()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// with is a value with another at a path, and blocks on the way where there are none.
func with(v any, at []string, to any) any {
	if len(at) == 0 {
		return to
	}
	m, ok := v.(map[string]any)
	if !ok {
		if v != nil {
			return replaced(v, at, to)
		}
		m = map[string]any{}
	}
	out := maps.Clone(m)
	out[at[0]] = with(out[at[0]], at[1:], to)
	return out
}

// without is a value without what is at a path, if anything is.
func without(v any, at []string) any {
	switch v := v.(type) {
	case map[string]any:
		if _, ok := v[at[0]]; !ok {
			return v
		}
		out := maps.Clone(v)
		if len(at) == 1 {
			delete(out, at[0])
		} else {
			out[at[0]] = without(out[at[0]], at[1:])
		}
		return out
	case []any:
		for i := range v {
			if site.Index(i) != at[0] {
				continue
			}
			out := slices.Clone(v)
			if len(at) == 1 {
				return slices.Delete(out, i, i+1)
			}
			out[i] = without(out[i], at[1:])
			return out
		}
	}
	return v
}
