package profile

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

const dir = "../../profiles"

func read(t *testing.T) *Set {
	t.Helper()
	s, err := Read(os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestLookups(t *testing.T) {
	s := read(t)
	for name, found := range map[string]bool{
		"mesh istio-sidecar":     s.Mesh("istio-sidecar") != nil,
		"load balancer metallb":  s.LoadBalancer("metallb") != nil,
		"CNI calico":             s.CNI("calico") != nil,
		"CNI cilium":             s.CNI("cilium") != nil,
		"OS debian12":            s.OS("debian12") != nil,
		"OS ubuntu22.04":         s.OS("ubuntu22.04") != nil,
		"OS ubuntu24.04":         s.OS("ubuntu24.04") != nil,
		"OS rhel8":               s.OS("rhel8") != nil,
		"OS rhel9":               s.OS("rhel9") != nil,
		"switch frr":             s.Switch("frr") != nil,
		"switch eos":             s.Switch("eos") != nil,
		"gateway envoy-gateway":  s.Gateway("envoy-gateway") != nil,
		"distribution kubeadm":   s.Distribution("kubeadm") != nil,
		"Kubernetes":             s.Kubernetes() != nil,
		"no mesh of that name":   s.Mesh("linkerd2") == nil,
		"names sorted":           strings.Join(s.Switches(), " ") == "eos frr nxos sonic",
		"names of all meshes":    len(s.Meshes()) == len(s.meshes),
		"names of all CNIs":      len(s.CNIs()) == len(s.cnis),
		"names of all OSes":      len(s.OSes()) == len(s.oses),
		"load balancers by name": len(s.LoadBalancers()) == len(s.loadBalancers),
		"distributions by name":  len(s.Distributions()) == len(s.distributions),
	} {
		if !found {
			t.Error(name)
		}
	}
}

func TestReleaseFallsBackToItsLine(t *testing.T) {
	rows := map[string]*string{"1.31": ptr("line"), "1.31.2": ptr("patch"), "2": ptr("major")}
	for version, want := range map[string]string{
		"1.31": "line", "1.31.1": "line", "1.31.2": "patch", "1.31.20": "line", "2.0.3": "major",
	} {
		if got := release(rows, version); got == nil || *got != want {
			t.Errorf("%s: %v, want %s", version, got, want)
		}
	}
	for _, version := range []string{"", "1", "1.3", "1.310", "1.32.0", "3"} {
		if got := release(rows, version); got != nil {
			t.Errorf("%s: %s, want none", version, *got)
		}
	}
	if got := strings.Join(lines(map[string]*string{"1.9": nil, "1.31": nil, "1.10": nil}), " "); got != "1.9 1.10 1.31" {
		t.Errorf("lines in order %s", got)
	}
}

func ptr[T any](v T) *T { return &v }

func TestNilAnswers(t *testing.T) {
	var s Set
	if s.Mesh("x").Release("1") != nil || s.LoadBalancer("x").Release("1") != nil || s.CNI("x").Release("1") != nil || s.Gateway("x").Release("1") != nil {
		t.Error("an unknown profile has a release")
	}
	if s.Mesh("x").Lines() != nil || s.LoadBalancer("x").Lines() != nil || s.CNI("x").Lines() != nil || s.LoadBalancer("x").Backend("") != nil {
		t.Error("an unknown profile has rows")
	}
	var k *Kubernetes
	if k.Release("1") != nil || k.GatewayAPIRelease("1") != nil || k.CertManagerRelease("1") != nil || k.GatewayAPILines() != nil ||
		k.CertManagerLines() != nil || s.Gateway("x").Lines() != nil {
		t.Error("nothing has releases")
	}
	if got := s.Mesh("x").Capability("timeout").Support; got != None {
		t.Errorf("an unknown mesh supports timeout: %s", got)
	}
	if s.Distribution("x").KubeletEnvFile(&OS{Packaging: "deb"}) != "" {
		t.Error("an unknown distribution has files")
	}
}

func TestCapabilityFor(t *testing.T) {
	own, other := Cell{Support: Full, By: "a"}, Cell{Support: None, Limits: "b"}
	c := Capability{Cell: own, GatewayAPI: &other}
	for frontend, want := range map[string]Cell{"": own, "istio": own, "gateway-api": other} {
		if c.For(frontend) != want {
			t.Errorf("frontend %q: %+v", frontend, c.For(frontend))
		}
	}
	c.GatewayAPI = nil
	if c.For("gateway-api") != own {
		t.Error("without a cell of its own the frontend is as the mesh")
	}
}

func TestGatewayAPIWatches(t *testing.T) {
	g := MeshGatewayAPI{Minimum: map[string]string{"TCPRoute": "1.6.0"}, Maximum: map[string]string{"TLSRoute": "1.4.1"}}
	for _, c := range []struct {
		kind, bundle string
		want         bool
	}{
		{"HTTPRoute", "1.0.0", true},
		{"TCPRoute", "1.5.1", false},
		{"TCPRoute", "1.6.3", true},
		{"TLSRoute", "1.4.1", true},
		{"TLSRoute", "1.5.0", false},
	} {
		if got := g.Watches(c.kind, c.bundle); got != c.want {
			t.Errorf("%s of %s: %t", c.kind, c.bundle, got)
		}
	}
}

func TestNames(t *testing.T) {
	n := Names{Pattern: "^[A-Z][A-Z0-9_]*$", MaxLength: 5}
	for name, want := range map[string]bool{"A_1": true, "A-1": false, "ABCDEF": false, "": false} {
		if n.Accepts(name) != want {
			t.Errorf("%q: %t", name, !want)
		}
	}
}

func TestSafeSysctl(t *testing.T) {
	k := &Kubernetes{SafeSysctls: map[string]SafeSysctl{"a": {}, "b": {Kernel: "4.15", Baseline: "1.32"}}}
	kernel := func(s string) Kernel { k, _ := ParseKernel(s); return k }
	for _, c := range []struct {
		key, kernel, version string
		want                 bool
	}{
		{"a", "3.10.0", "1.20", true},
		{"b", "4.15.0", "1.32.1", true},
		{"b", "4.14.9", "1.32.1", false},
		{"b", "6.1.0", "1.31.9", false},
		{"net.core.somaxconn", "6.1.0", "1.36", false},
	} {
		if got := k.Safe(c.key, kernel(c.kernel), c.version); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	whole := func() fstest.MapFS {
		m := fstest.MapFS{}
		files, err := filepath.Glob(dir + "/json/*.json")
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			m["json/"+filepath.Base(f)] = &fstest.MapFile{Data: data}
		}
		return m
	}
	if _, err := Read(whole()); err != nil {
		t.Fatal(err)
	}
	missing := whole()
	delete(missing, "json/os.json")
	if _, err := Read(missing); err == nil {
		t.Error("a missing kind is read")
	}
	for name, text := range map[string]string{
		"a field without a type":   `{"debian13": {"colour": "red"}}`,
		"a value of another type":  `{"debian13": {"kernel": 6.12}}`,
		"text that is not JSON":    `{`,
		"a list instead of a map":  `[]`,
		"a wrong type deep inside": `{"debian13": {"chrony": {"version": []}}}`,
	} {
		m := whole()
		m["json/os.json"] = &fstest.MapFile{Data: []byte(text)}
		if _, err := Read(m); err == nil || !strings.Contains(err.Error(), "kind os") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each fact must say where it was read: a top-level field in sources, or each of its entries by itself.
func TestEveryFactHasASource(t *testing.T) {
	files, err := filepath.Glob(dir + "/json/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var profiles map[string]map[string]json.RawMessage
		if err := json.Unmarshal(data, &profiles); err != nil {
			t.Fatal(err)
		}
		for name, fields := range profiles {
			var cited map[string]Source
			if raw, ok := fields["sources"]; ok {
				if err := json.Unmarshal(raw, &cited); err != nil {
					t.Fatal(err)
				}
			}
			for field, value := range fields {
				switch s, ok := cited[field]; {
				case field == "sources":
				case ok:
					dated(t, name+"."+field, s)
				default:
					entries(t, name+"."+field, value)
				}
			}
			for field := range cited {
				if _, ok := fields[field]; !ok {
					t.Errorf("%s: sources names %q, which is no field", name, field)
				}
			}
		}
	}
}

// entries checks that each entry of a map or list carries its own source.
func entries(t *testing.T, path string, value json.RawMessage) {
	var rows map[string]Source
	if json.Unmarshal(value, &rows) == nil && len(rows) > 0 {
		for key, s := range rows {
			dated(t, path+"."+key, s)
		}
		return
	}
	var list []Source
	if json.Unmarshal(value, &list) == nil && len(list) > 0 {
		for _, s := range list {
			dated(t, path, s)
		}
		return
	}
	t.Errorf("%s has no source", path)
}

func dated(t *testing.T, path string, s Source) {
	if _, err := time.Parse(time.DateOnly, s.Date); err != nil || s.Source == "" {
		t.Errorf("%s: source %q, date %q", path, s.Source, s.Date)
	}
}
