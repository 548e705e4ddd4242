package istio

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// What the sidecars of a namespace know of is what its services call, and nothing else of other namespaces.
func TestSidecarScope(t *testing.T) {
	p := testPlan(ir.FrontendIstio)
	all := readObjects(t, p)
	platform := []string{"istio-system/*", "default/kubernetes.default.svc.cluster.local", "kube-system/kube-dns.kube-system.svc.cluster.local",
		"watch/otel.watch.svc.cluster.local"}
	for namespace, called := range map[string][]string{
		"shop": {"pay/api-next.pay.svc.cluster.local", "pay/api.pay.svc.cluster.local"},
		"pay":  {"./acquirer.test", "pay/store.pay.svc.cluster.local"},
		"old":  {"./vault.external.old.mesh.internal"},
	} {
		o := find(t, all, networkingV1, "Sidecar", namespace, "default")
		if want := append(slices.Clone(platform), called...); o == nil || !slices.Equal(o.Spec.Egress[0].Hosts, want) {
			t.Errorf("%s: %+v, want %v", namespace, o, want)
		}
	}
	if find(t, all, networkingV1, "Sidecar", "plant", "default") != nil {
		t.Error("a Sidecar in a namespace outside the mesh")
	}
}

func TestExternalResolution(t *testing.T) {
	for _, tt := range []struct {
		name             string
		hosts, addresses []string
		want             []string // name: resolution
	}{
		{"name", []string{"a.test"}, nil, []string{"x: DNS"}},
		{"two names", []string{"a.test", "b.test"}, nil, []string{"x-a.test: DNS", "x-b.test: DNS"}},
		{"one address", nil, []string{"10.9.0.1/32"}, []string{"x: STATIC"}},
		{"name and address", []string{"a.test"}, []string{"10.9.0.1/32"}, []string{"x: STATIC"}},
		{"two addresses", nil, []string{"10.9.0.1/32", "10.9.0.2/32"}, []string{"x: NONE"}},
		{"range", nil, []string{"10.9.0.0/24"}, []string{"x: NONE"}},
	} {
		p := testPlan(ir.FrontendIstio)
		x := ir.External{Name: "x", Hosts: tt.hosts, Ports: []ir.Port{port("tls", 443, 443, "tls")}, Users: p.Externals[0].Users}
		for _, a := range tt.addresses {
			x.Addresses = append(x.Addresses, netip.MustParsePrefix(a))
		}
		p.Externals = []ir.External{x}
		var got []string
		for _, o := range readObjects(t, p) {
			if o.Kind == "ServiceEntry" {
				got = append(got, o.Metadata.Name+": "+o.Spec.Resolution)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// Intents that are absent leave nothing behind.
func TestAbsent(t *testing.T) {
	p := testPlan(ir.FrontendIstio)
	p.Mesh.Tracing, p.Mesh.AccessLogs, p.Mesh.NativeSidecars, p.Mesh.RegistryOnly, p.Mesh.ImageHub = nil, "off", false, false, ""
	p.Gateways[1].Listeners[0].Hosts, p.Gateways[1].Listeners[1].Hosts = nil, nil
	p.Gateways[0].Replicas = 1
	for _, o := range readObjects(t, p) {
		if o.Kind == "Telemetry" || o.Kind == "Certificate" || o.Kind == "Gateway" && o.Metadata.Name == "public" {
			t.Errorf("%s %s", o.Kind, o.Metadata.Name)
		}
	}
	istiod := readValues(t, p, "istiod")
	if at(istiod, "env") != nil || at(istiod, "global", "hub") != nil || at(istiod, "meshConfig", "extensionProviders") != nil {
		t.Errorf("istiod: %v", istiod)
	}
	if mode := at(istiod, "meshConfig", "outboundTrafficPolicy", "mode"); mode != "ALLOW_ANY" {
		t.Errorf("outbound mode %v", mode)
	}
	if pdb := at(readValues(t, p, "gateway-partner"), "podDisruptionBudget"); pdb != nil {
		t.Errorf("a disruption budget for one pod: %v", pdb)
	}
}

func TestDualStack(t *testing.T) {
	p := testPlan(ir.FrontendIstio)
	p.Cluster.PodCIDRs = append(p.Cluster.PodCIDRs, netip.MustParsePrefix("fd00:64::/48"))
	p.Gateways[0].VIPs = append(p.Gateways[0].VIPs, netip.MustParseAddr("2001:db8::20"))
	if got := at(readValues(t, p, "istiod"), "env", "ISTIO_DUAL_STACK"); got != "true" {
		t.Errorf("istiod: %v", got)
	}
	if got := at(readValues(t, p, "gateway-partner"), "service", "ipFamilyPolicy"); got != "RequireDualStack" {
		t.Errorf("gateway: %v", got)
	}
}

// A mesh that is permissive has strict namespaces, where a strict one has permissive ones; what refuses is applied last.
func TestPeerAuthentication(t *testing.T) {
	for _, strict := range []bool{true, false} {
		p := testPlan(ir.FrontendIstio)
		p.Mesh.Strict = strict
		var got []string
		for _, o := range readObjects(t, p) {
			if o.Kind == "PeerAuthentication" {
				got = append(got, o.Metadata.Namespace)
			}
		}
		want := []string{"old", "istio-system"}
		if !strict {
			want = []string{"istio-system", "pay", "shop"}
		}
		if !slices.Equal(got, want) {
			t.Errorf("strict %v: %v, want %v", strict, got, want)
		}
	}
}

// A Gateway of the Gateway API asks for client certificates on the ports of its mutual listeners alone.
func TestGatewayAPIMutual(t *testing.T) {
	p := testPlan(ir.FrontendGatewayAPI)
	p.Gateways[1].Listeners[1].TLS = &ir.TLS{Mode: "mutual", Secret: "s", ClientCA: "clients-ca"}
	f := emitted(t, p).Lookup("kubernetes/overlays/one/30-gateways/gateway.yaml")
	if got := strings.Count(string(f.Bytes()), "caCertificateRefs:"); got != 1 {
		t.Errorf("%d references to an authority:\n%s", got, f.Bytes())
	}
}

// What a listener passes through is routed by server name.
func TestGatewayAPIPassThrough(t *testing.T) {
	p := testPlan(ir.FrontendGatewayAPI)
	g := &p.Gateways[1]
	g.Listeners = append(g.Listeners, ir.Listener{Name: "broker", Port: 8883, Protocol: "tls", TLS: &ir.TLS{Mode: "passthrough"},
		Hosts: []ir.ListenerHost{{Host: "mq.test", Namespaces: []string{"shop"}}}})
	web := &p.Services[5]
	web.Exposes = append(web.Exposes, expose("public", "broker", "mq.test", ir.Path{Value: "/"}, *web))
	all := readObjects(t, p)
	if find(t, all, "gateway.networking.k8s.io/v1", "TLSRoute", "shop", "public-mq.test") == nil {
		t.Error("no TLSRoute")
	}
	if find(t, all, "gateway.networking.k8s.io/v1", "HTTPRoute", "shop", "public-mq.test") != nil {
		t.Error("an HTTPRoute for a connection that carries none")
	}
}

// Lines name the facts that they show.
func TestOrigins(t *testing.T) {
	tree := emitted(t, testPlan(ir.FrontendIstio))
	for _, tt := range []struct{ file, line, path string }{
		{"charts/one/istiod/values.yaml", "replicaCount: 3", "mesh.controlPlane.replicas"},
		{"charts/one/istiod/values.yaml", "trustDomain: td.test", "mesh.trustDomain"},
		{"charts/one/istiod/values.yaml", "clusterName: one", "name"},
		{"charts/one/istio-base/values.yaml", "defaultRevision:", "mesh.revision"},
		{"charts/one/gateway-partner/values.yaml", "198.51.100.0/25", "gateways.partner.sourceRanges"},
		{"kubernetes/overlays/one/20-mesh/telemetry.yaml", "randomSamplingPercentage", "observability.tracing.samplingPercent"},
		{"kubernetes/overlays/one/30-gateways/gateway.yaml", "shop/www.test", "namespaces.shop.services.web.expose.0.host"},
		{"kubernetes/overlays/one/30-gateways/virtualservice.yaml", "weight: 10", "namespaces.pay.services.api.split.1"},
		{"kubernetes/overlays/one/40-policy/authorizationpolicy.yaml", "td.test/ns/shop/sa/web", "namespaces.shop.services.web.calls.0"},
		{"kubernetes/overlays/one/40-policy/authorizationpolicy.yaml", "10.64.0.0/14", "kubernetes.podCIDRs"},
		{"kubernetes/overlays/one/40-policy/authorizationpolicy.yaml", "notPrincipals", "namespaces.old.mtls"},
		{"kubernetes/overlays/one/40-policy/peerauthentication.yaml", "mode: PERMISSIVE", "mesh.mtls"},
		{"kubernetes/overlays/one/40-policy/virtualservice.yaml", "timeout: 5s", "namespaces.pay.services.api.timeout"},
		{"kubernetes/overlays/one/40-policy/destinationrule.yaml", "interval: 10s", "namespaces.pay.services.api.outlierDetection"},
	} {
		f := tree.Lookup(tt.file)
		found := false
		for i, line := range strings.Split(string(f.Bytes()), "\n") {
			if !strings.Contains(line, tt.line) {
				continue
			}
			found = true
			if o, _ := f.Origin(i + 1); !slices.Contains(o.Paths, tt.path) {
				t.Errorf("%s:%d: %q has origin %v, want %s among it", tt.file, i+1, line, o.Paths, tt.path)
			}
		}
		if !found {
			t.Errorf("%s: no line %q", tt.file, tt.line)
		}
	}
}

// A caller without a certificate is admitted by a permissive service alone.
func TestStrictRefusesUnidentified(t *testing.T) {
	p := testPlan(ir.FrontendIstio)
	p.Services[0].Permissive = false
	if o := find(t, readObjects(t, p), securityV1, "AuthorizationPolicy", "old", "inbox"); o != nil {
		t.Errorf("%+v", o.Spec.Rules)
	}
}

func TestOtherMesh(t *testing.T) {
	p := testPlan(ir.FrontendIstio)
	p.Mesh.Kind = "linkerd"
	tree := artifact.NewTree()
	if Backend.Emit(p, tree); len(tree.Files()) > 0 {
		t.Errorf("%d files for another mesh", len(tree.Files()))
	}
}
