package profile

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// The rows must agree with themselves; what they say of the world is checked by whoever reads the source beside them.
func TestMeshRows(t *testing.T) {
	// From here nothing will be served.
	dying := regexp.MustCompile(`storage\.googleapis\.com|gcr\.io/istio|registry\.istio\.io`)
	s := read(t)
	for _, kind := range s.Meshes() {
		m := s.Mesh(kind)
		for _, line := range m.Lines() {
			r := m.Release(line)
			if r.EOL != "" && r.EOL <= r.GA {
				t.Errorf("%s %s ends %s before it begins %s", kind, line, r.EOL, r.GA)
			}
			if r.GA != "" {
				if _, err := time.Parse(time.DateOnly, r.GA); err != nil {
					t.Errorf("%s %s: %v", kind, line, err)
				}
			}
			if (r.LastPatch != "" || r.Edge == "") && !strings.HasPrefix(r.LastPatch, line+".") {
				t.Errorf("%s %s: last patch %s", kind, line, r.LastPatch)
			}
			if !r.Kubernetes.Contains(r.Kubernetes.Min) || !r.Kubernetes.Contains(r.Kubernetes.Max) {
				t.Errorf("%s %s: empty window %s", kind, line, r.Kubernetes)
			}
			if text := r.Charts.Repository + r.Charts.OCI + r.Hub; dying.MatchString(text) {
				t.Errorf("%s %s: %s is being shut down", kind, line, text)
			}
			if w := r.GatewayAPI.Window; w != nil && !w.Contains(r.GatewayAPI.BuiltOn) {
				t.Errorf("%s %s does not accept the very bundle it is built on", kind, line)
			}
			for k := range r.GatewayAPI.Minimum {
				if !r.GatewayAPI.Watches(k, r.GatewayAPI.BuiltOn) {
					t.Errorf("%s %s ignores %s of the very bundle it is built on", kind, line, k)
				}
			}
		}
		for _, p := range m.UncapturedPorts {
			if p == m.Ports.Inbound || p == m.Ports.Outbound {
				t.Errorf("%s: port %d both captures and is left alone", kind, p)
			}
		}
		for field, c := range m.Capabilities {
			for _, frontend := range []string{"", "gateway-api"} {
				switch cell := c.For(frontend); cell.Support {
				case Full:
					if cell.By == "" {
						t.Errorf("%s %s %s is met by nothing", kind, field, frontend)
					}
				case Limited, None:
					if cell.Limits == "" {
						t.Errorf("%s %s %s: no reason", kind, field, frontend)
					}
				default:
					t.Errorf("%s %s %s: support %q", kind, field, frontend, cell.Support)
				}
			}
		}
	}
}

func TestLoadBalancerRows(t *testing.T) {
	s := read(t)
	for _, kind := range s.LoadBalancers() {
		l := s.LoadBalancer(kind)
		if l.DefaultBackend != "" && (l.Backend("") == nil || l.Backend("").Deprecated) {
			t.Errorf("%s: default backend %q", kind, l.DefaultBackend)
		}
		for _, line := range l.Lines() {
			if r := l.Release(line + ".0"); r == nil || r.Kubernetes.Min != "" && !r.Kubernetes.Contains(r.Kubernetes.Min) {
				t.Errorf("%s %s: %+v", kind, line, r)
			}
		}
		seen := map[Listener]bool{}
		for _, p := range l.HostPorts {
			key := Listener{Port: p.Port, Protocol: p.Protocol}
			if seen[key] {
				t.Errorf("%s: %s/%d twice", kind, p.Protocol, p.Port)
			}
			seen[key] = true
		}
	}
}

func TestHostRows(t *testing.T) {
	s := read(t)
	for _, name := range s.OSes() {
		o := s.OS(name)
		if k, err := ParseKernel(o.Kernel); err != nil || k.Major == 0 {
			t.Errorf("%s: kernel %q", name, o.Kernel)
		}
		if (o.Chrony.Config == "") != (o.TimeService != "") {
			t.Errorf("%s: time by %q and chrony at %q", name, o.TimeService, o.Chrony.Config)
		}
		for _, d := range s.Distributions() {
			dist := s.Distribution(d)
			if f := dist.KubeletEnvFile(o); dist.Kubelet.ConfigDir != "" && o.Packaging != "none" && !strings.HasPrefix(f, "/") {
				t.Errorf("%s on %s: kubelet's file %q", d, name, f)
			}
			if v := dist.Supervisor; v != nil && (!strings.HasPrefix(v.Config, "/") || v.Units.Server == v.Units.Agent || v.CNI.Key == "") {
				t.Errorf("%s: supervisor %+v", d, v)
			}
		}
	}
	for _, name := range s.CNIs() {
		c := s.CNI(name)
		if _, ok := c.Overhead["none"]; !ok {
			t.Errorf("%s: no native routing", name)
		}
		for _, line := range c.Lines() {
			if r := c.Release(line); !strings.HasPrefix(r.LastPatch, line+".") || !r.Kubernetes.Contains(r.Kubernetes.Max) {
				t.Errorf("%s %s: %+v", name, line, r)
			}
		}
	}
	for _, name := range s.Switches() {
		if w := s.Switch(name); !w.Names.Accepts("SITE_NODES") || w.Names.Accepts("a b") || len(w.Proved) == 0 {
			t.Errorf("%s: %+v", name, w.Names)
		}
	}
}

func TestKubernetesRows(t *testing.T) {
	k := read(t).Kubernetes()
	for _, line := range k.GatewayAPILines() {
		for kind, v := range k.GatewayAPIRelease(line).Routes {
			// The experimental channel has all that the standard one has.
			for _, version := range v.Of("standard") {
				if !slices.Contains(v.Of("experimental"), version) {
					t.Errorf("Gateway API %s: %s %s is in the standard channel alone", line, kind, version)
				}
			}
		}
	}
	for _, line := range k.CertManagerLines() {
		if w := k.CertManagerRelease(line + ".1").Kubernetes; !w.Contains(w.Min) || !w.Contains(w.Max) {
			t.Errorf("cert-manager %s: empty window %s", line, w)
		}
	}
	for line, r := range k.Releases {
		if _, err := time.Parse(time.DateOnly, r.EOL); err != nil || k.Release(line+".3") != r {
			t.Errorf("Kubernetes %s: %+v", line, r)
		}
	}
}

// Each mesh must say of each field what it makes of it, so that none is taken for "nothing" by oversight.
func TestCapabilitiesAreComplete(t *testing.T) {
	s := read(t)
	want := names(s.Mesh("istio-sidecar").Capabilities)
	for _, kind := range s.Meshes() {
		if got := names(s.Mesh(kind).Capabilities); !slices.Equal(got, want) {
			t.Errorf("%s has cells for %v, istio-sidecar for %v", kind, got, want)
		}
	}
}
