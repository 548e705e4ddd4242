package policy

import (
	"net/netip"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
)

// values of a control plane without options.
const plainMesh = "meshConfig:\n  trustDomain: td\n"

// read builds a model of objects, separated by "---", in a cluster of three meshed workloads: a/web, b/api with HTTP on
// port 80 (container 8080) and TCP on 5432, b/api2 like it; and c/old without a sidecar.
func read(t *testing.T, mesh, objects string) *Model {
	t.Helper()
	m, err := readErr(mesh, objects)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func readErr(mesh, objects string) (*Model, error) {
	tree := artifact.NewTree()
	tree.File("charts/one/istiod/values.yaml").Line(strings.TrimSuffix(mesh, "\n"))
	tree.File("kubernetes/overlays/one/all.yaml").Line(strings.TrimSpace(objects))
	w := World{MeshNamespace: "root", MeshValues: "charts/one/istiod/values.yaml"}
	for i, name := range []string{"a/web", "b/api", "b/api2", "c/old"} {
		ns, n, _ := strings.Cut(name, "/")
		w.Workloads = append(w.Workloads, Workload{Namespace: ns, Name: n, Host: n + "." + ns + ".svc", ServiceAccount: n, Labels: map[string]string{"app": n},
			Address: netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), Meshed: ns != "c",
			Ports: []Port{{"http", 80, 8080, "http"}, {"pg", 5432, 5432, "tcp"}}})
	}
	return Read(tree, w)
}

// object returns one object; its spec is in flow style.
func object(kind, namespace, name, spec string) string {
	group := map[string]string{"NetworkPolicy": "networking.k8s.io/v1", "PeerAuthentication": "security.istio.io/v1", "AuthorizationPolicy": "security.istio.io/v1"}[kind]
	if group == "" {
		group = "networking.istio.io/v1"
	}
	return "---\napiVersion: " + group + "\nkind: " + kind + "\nmetadata: {namespace: " + namespace + ", name: " + name + "}\nspec: " + spec + "\n"
}

// question is one request: from a workload, to another one.
type question struct {
	from, to string
	req      Request
}

func (q question) ask(m *Model) Verdict {
	find := func(name string) (string, string) {
		ns, n, _ := strings.Cut(name, "/")
		return ns, n
	}
	ns, n := find(q.to)
	return m.Reach(Caller{Workload: m.find(find(q.from))}, Target{Namespace: ns, Name: n}, q.req)
}

func get(path string) Request { return Request{Port: 80, Method: "GET", Path: path} }

// Each case is objects and what one request then meets: open, or the layer that refuses first.
func TestReach(t *testing.T) {
	strict := object("PeerAuthentication", "root", "default", "{mtls: {mode: STRICT}}")
	authz := func(spec string) string { return object("AuthorizationPolicy", "b", "p", spec) }
	web := func(req Request) question { return question{"a/web", "b/api", req} }
	old := func(req Request) question { return question{"c/old", "b/api", req} }
	pg := Request{Port: 5432}
	scope := func(spec string) string { return object("Sidecar", "a", "default", spec) }
	tests := []struct {
		name, mesh, objects string
		q                   question
		refused             Layer // "" for open
	}{
		{"nothing says anything", "", "", web(get("/")), ""},
		{"no such port", "", "", web(Request{Port: 81}), Listener},

		{"network: another namespace's policy", "", object("NetworkPolicy", "a", "p", "{podSelector: {}, policyTypes: [Ingress]}"), web(get("/")), ""},
		{"network: no rule", "", object("NetworkPolicy", "b", "p", "{podSelector: {}}"), web(get("/")), Ingress},
		{"network: egress only, without types, still isolates ingress", "", object("NetworkPolicy", "b", "p", "{podSelector: {}, egress: [{}]}"), web(get("/")), Ingress},
		{"network: egress", "", object("NetworkPolicy", "a", "p", "{podSelector: {}, policyTypes: [Egress]}"), web(get("/")), Egress},
		{"network: policies add up", "", object("NetworkPolicy", "b", "p", "{podSelector: {}}") + object("NetworkPolicy", "b", "q", "{podSelector: {matchLabels: {app: api}}, ingress: [{ports: [{port: 8080}]}]}"), web(get("/")), ""},
		{"network: the port is the container's", "", object("NetworkPolicy", "b", "p", "{podSelector: {}, ingress: [{ports: [{port: 80}]}]}"), web(get("/")), Ingress},
		{"network: range of ports", "", object("NetworkPolicy", "b", "p", "{podSelector: {}, ingress: [{ports: [{port: 8000, endPort: 8080}]}]}"), web(get("/")), ""},
		{"network: other protocol", "", object("NetworkPolicy", "b", "p", "{podSelector: {}, ingress: [{ports: [{port: 8080, protocol: UDP}]}]}"), web(get("/")), Ingress},
		{"network: a pod selector alone is of the own namespace", "", object("NetworkPolicy", "b", "p", "{podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}"), web(get("/")), Ingress},
		{"network: namespace and pod both", "", object("NetworkPolicy", "b", "p", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: a}}, podSelector: {matchLabels: {app: other}}}]}]}"), web(get("/")), Ingress},
		{"network: namespace or pod", "", object("NetworkPolicy", "b", "p", "{podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: a}}}, {podSelector: {matchLabels: {app: other}}}]}]}"), web(get("/")), ""},
		{"network: expressions", "", object("NetworkPolicy", "b", "p", "{podSelector: {matchExpressions: [{key: app, operator: NotIn, values: [api]}]}}"), web(get("/")), ""},
		{"network: block", "", object("NetworkPolicy", "b", "p", "{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/24, except: [10.0.0.1/32]}}]}]}"), web(get("/")), Ingress},

		{"mTLS: strict, meshed caller", "", strict, web(get("/")), ""},
		{"mTLS: strict, unmeshed caller", "", strict, old(get("/")), PeerAuth},
		{"mTLS: permissive namespace", "", strict + object("PeerAuthentication", "b", "default", "{mtls: {mode: PERMISSIVE}}"), old(get("/")), ""},
		{"mTLS: unset is the mesh's", "", strict + object("PeerAuthentication", "b", "default", "{mtls: {mode: UNSET}}"), old(get("/")), PeerAuth},
		{"mTLS: workload wins", "", object("PeerAuthentication", "b", "x", "{selector: {matchLabels: {app: api}}, mtls: {mode: STRICT}}"), old(get("/")), PeerAuth},
		{"mTLS: port of the container wins", "", strict + object("PeerAuthentication", "b", "x", "{selector: {matchLabels: {app: api}}, portLevelMtls: {\"8080\": {mode: PERMISSIVE}}}"), old(get("/")), ""},
		{"mTLS: ports the sidecar does not capture", "", strict, old(Request{Port: 15020, Direct: true}), ""},
		{"mTLS: without it, no identity", "", object("PeerAuthentication", "root", "default", "{mtls: {mode: DISABLE}}") + authz("{rules: [{from: [{source: {principals: [\"*\"]}}]}]}"), web(get("/")), Authorization},

		{"authorization: no rules", "", authz("{}"), web(get("/")), Authorization},
		{"authorization: one empty rule", "", authz("{rules: [{}]}"), web(get("/")), ""},
		{"authorization: root policy", "", object("AuthorizationPolicy", "root", "p", "{}"), web(get("/")), Authorization},
		{"authorization: root policy, and one that allows", "", object("AuthorizationPolicy", "root", "p", "{}") + authz("{rules: [{}]}"), web(get("/")), ""},
		{"authorization: another namespace's", "", object("AuthorizationPolicy", "a", "p", "{}"), web(get("/")), ""},
		{"authorization: selector", "", authz("{selector: {matchLabels: {app: api2}}}"), web(get("/")), ""},
		{"authorization: for a Gateway", "", authz("{targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: api}]}"), web(get("/")), ""},
		{"authorization: DENY goes first", "", authz("{rules: [{}]}") + object("AuthorizationPolicy", "b", "q", "{action: DENY, rules: [{to: [{operation: {paths: [/x*]}}]}]}"), web(get("/xy")), Authorization},
		{"authorization: DENY that does not match", "", object("AuthorizationPolicy", "b", "q", "{action: DENY, rules: [{to: [{operation: {paths: [/x*]}}]}]}"), web(get("/y")), ""},
		{"authorization: DENY without rules", "", object("AuthorizationPolicy", "b", "q", "{action: DENY}"), web(get("/")), ""},
		{"authorization: principal", "", authz("{rules: [{from: [{source: {principals: [td/ns/a/sa/web]}}]}]}"), web(get("/")), ""},
		{"authorization: principal of another domain", "", authz("{rules: [{from: [{source: {principals: [cluster.local/ns/a/sa/web]}}]}]}"), web(get("/")), Authorization},
		{"authorization: end of a principal", "", authz("{rules: [{from: [{source: {principals: [\"*/sa/web\"]}}]}]}"), web(get("/")), ""},
		{"authorization: namespace", "", authz("{rules: [{from: [{source: {namespaces: [a]}}]}]}"), web(get("/")), ""},
		{"authorization: namespace of who has no identity", "", authz("{rules: [{from: [{source: {namespaces: [c]}}]}]}"), old(get("/")), Authorization},
		{"authorization: no principal", "", authz("{rules: [{from: [{source: {notPrincipals: [\"*\"]}}]}]}"), old(get("/")), ""},
		{"authorization: no principal, but one", "", authz("{rules: [{from: [{source: {notPrincipals: [\"*\"]}}]}]}"), web(get("/")), Authorization},
		{"authorization: fields of a source are all of them", "", authz("{rules: [{from: [{source: {notPrincipals: [\"*\"], ipBlocks: [10.0.0.0/31]}}]}]}"), old(get("/")), Authorization},
		{"authorization: port is the container's", "", authz("{rules: [{to: [{operation: {ports: [\"80\"]}}]}]}"), web(get("/")), Authorization},
		{"authorization: path prefix of text", "", authz("{rules: [{to: [{operation: {paths: [/v1/*]}}]}]}"), web(get("/v1")), Authorization},
		{"authorization: host, whatever its case", "", authz("{rules: [{to: [{operation: {hosts: [API.b.svc]}}]}]}"), web(get("/")), ""},
		{"authorization: methods", "", authz("{rules: [{to: [{operation: {methods: [POST]}}]}]}"), web(get("/")), Authorization},
		{"authorization: a rule of HTTP allows no connection", "", authz("{rules: [{to: [{operation: {ports: [\"5432\"], methods: [GET]}}]}]}"), web(pg), Authorization},
		{"authorization: a rule of HTTP denies connections", "", authz("{action: DENY, rules: [{to: [{operation: {ports: [\"5432\"], methods: [GET]}}]}]}"), web(pg), Authorization},

		{"scope: imported", "", scope("{egress: [{hosts: [b/*]}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}"), web(get("/")), ""},
		{"scope: not imported", "", scope("{egress: [{hosts: [./*]}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}"), web(get("/")), Scope},
		{"scope: nothing", "", scope("{egress: [{hosts: [\"~/*\"]}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}"), web(get("/")), Scope},
		{"scope: the mesh's mode", "meshConfig: {trustDomain: td, outboundTrafficPolicy: {mode: REGISTRY_ONLY}}", scope("{egress: [{hosts: [./*]}]}"), web(get("/")), Scope},
		{"scope: the root's", "", object("Sidecar", "root", "default", "{egress: [{hosts: [./*]}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}"), web(get("/")), Scope},
		{"scope: unknown goes on as it is", "", scope("{egress: [{hosts: [./*]}]}"), web(get("/")), ""},
		{"scope: as it is, and refused there", "", strict + scope("{egress: [{hosts: [./*]}]}"), web(get("/")), PeerAuth},
		{"scope: not for the unmeshed", "", object("Sidecar", "c", "default", "{egress: [{hosts: [./*]}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}"), old(get("/")), ""},
		{"scope: a pod is no service", "meshConfig: {outboundTrafficPolicy: {mode: REGISTRY_ONLY}}", "", web(Request{Port: 8080, Direct: true}), Scope},
		{"scope: targets of imported routes", "", scope("{egress: [{hosts: [b/api2.b.svc]}], outboundTrafficPolicy: {mode: REGISTRY_ONLY}}") +
			object("VirtualService", "b", "v", "{hosts: [api2.b.svc], http: [{route: [{destination: {host: api.b.svc}}]}]}"), web(get("/")), ""},

		{"route: prefix is one of text", "", object("VirtualService", "b", "v", "{hosts: [api.b.svc], http: [{match: [{uri: {prefix: /v1}}], route: [{destination: {host: api.b.svc}}]}]}"), web(get("/v1beta")), ""},
		{"route: none", "", object("VirtualService", "b", "v", "{hosts: [api.b.svc], http: [{match: [{uri: {prefix: /v1}}], route: [{destination: {host: api.b.svc}}]}]}"), web(get("/v2")), Route},
		{"route: of a gateway", "", object("VirtualService", "b", "v", "{hosts: [api.b.svc], gateways: [x/y], http: []}"), web(get("/v2")), ""},
		{"route: not for connections", "", object("VirtualService", "b", "v", "{hosts: [api.b.svc], http: []}"), web(pg), ""},
		{"route: nowhere", "", object("VirtualService", "b", "v", "{hosts: [api.b.svc], http: [{route: [{destination: {host: other.b.svc}}]}]}"), web(get("/")), Route},
		{"route: not for the unmeshed", "", object("VirtualService", "b", "v", "{hosts: [api.b.svc], http: []}"), old(get("/")), ""},
	}
	for _, tt := range tests {
		mesh := tt.mesh
		if mesh == "" {
			mesh = plainMesh
		}
		v := tt.q.ask(read(t, mesh, tt.objects))
		s, refused := v.Refused()
		if s.Layer != tt.refused || refused == v.Allowed {
			t.Errorf("%s: refused by %q, want %q; allowed %v, steps %v", tt.name, s.Layer, tt.refused, v.Allowed, v.Steps)
		}
	}
}

// A split is open when all of its ends are, and says which of them is not.
func TestLeads(t *testing.T) {
	split := object("VirtualService", "b", "v", "{hosts: [api.b.svc], http: [{route: [{destination: {host: api.b.svc}, weight: 90}, {destination: {host: api2.b.svc}, weight: 10}]}]}")
	v := question{"a/web", "b/api", get("/")}.ask(read(t, plainMesh, split+object("AuthorizationPolicy", "b", "p", "{selector: {matchLabels: {app: api2}}}")))
	if v.Allowed || len(v.Leads) != 2 || !v.Leads[0].Allowed || v.Leads[1].Allowed || v.Leads[1].Weight != 10 {
		t.Errorf("%+v", v)
	}
}

// A step names the object, and the line of the rule.
func TestStepNamesObject(t *testing.T) {
	m := read(t, plainMesh, "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata:\n  namespace: b\n  name: p\nspec:\n  rules:\n    - to:\n        - operation:\n            ports: [\"1\"]\n    - {}")
	v := question{"a/web", "b/api", get("/")}.ask(m)
	last := v.Steps[len(v.Steps)-1]
	want := Object{"AuthorizationPolicy", "b", "p", "kubernetes/overlays/one/all.yaml", 11}
	if last.Object != want || !strings.Contains(last.String(), "b/p (kubernetes/overlays/one/all.yaml:11)") {
		t.Errorf("%s", last)
	}
}

// What is not understood is refused where it stands.
func TestReadRefuses(t *testing.T) {
	for _, tt := range []struct{ name, mesh, objects, want string }{
		{"kind", "", object("WorkloadGroup", "a", "x", "{}"), "all.yaml:2: WorkloadGroup of networking.istio.io/v1"},
		{"filter for nothing", "", object("EnvoyFilter", "a", "x", "{}"), "EnvoyFilter a/x"},
		{"another filter", "", object("EnvoyFilter", "a", "x", "{workloadSelector: {labels: {a: b}}, configPatches: [{applyTo: NETWORK_FILTER}]}"), "NETWORK_FILTER"},
		{"condition", "", object("AuthorizationPolicy", "a", "x", "{rules: [{when: [{key: \"request.auth.claims[iss]\", values: [x]}]}]}"), "request.auth.claims"},
		{"abort", "", object("VirtualService", "a", "x", "{hosts: [h], http: [{fault: {abort: {}}}]}"), `unknown field "abort"`},
		{"field", "", object("Sidecar", "a", "x", "{ingress: []}"), `Sidecar a/x: json: unknown field "ingress"`},
		{"named port", "", object("NetworkPolicy", "a", "x", "{podSelector: {}, ingress: [{ports: [{port: http}]}]}"), "NetworkPolicy a/x"},
		{"action", "", object("AuthorizationPolicy", "a", "x", "{action: CUSTOM}"), "CUSTOM"},
		{"template of paths", "", object("AuthorizationPolicy", "a", "x", "{rules: [{to: [{operation: {paths: [\"/{*}/x\"]}}]}]}"), "templates"},
		{"subtraction", "", object("Sidecar", "a", "x", "{egress: [{hosts: [./*, \"~b/*\"]}]}"), "~b/*"},
		{"TLS to a host", "", object("DestinationRule", "a", "x", "{host: h, trafficPolicy: {tls: {mode: DISABLE}}}"), `unknown field "tls"`},
		{"no mutual TLS by itself", "meshConfig: {enableAutoMtls: false}", "", "enableAutoMtls"},
	} {
		mesh, objects := tt.mesh, tt.objects
		if mesh == "" {
			mesh = plainMesh
		}
		if objects == "" {
			objects = object("Sidecar", "a", "x", "{}")
		}
		if _, err := readErr(mesh, objects); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
