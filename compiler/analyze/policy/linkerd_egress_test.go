package policy

import (
	"net/netip"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
)

// outsideOf reads objects beside values of a control plane whose cluster is 10.0.0.0/8.
func outsideOf(values, objects string) (*Linkerd, error) {
	tree := artifact.NewTree()
	if !strings.HasPrefix(values, "clusterNetworks") {
		values = "clusterNetworks: 10.0.0.0/8\n" + values
	}
	tree.File("charts/one/linkerd-control-plane/values.yaml").Line(values)
	tree.File("kubernetes/overlays/one/all.yaml").Line(strings.TrimSpace(objects))
	return ReadLinkerd(tree, "charts/one/linkerd-control-plane/values.yaml")
}

// linkerdObjects returns an EgressNetwork or a route; its spec is in flow style.
func linkerdObjects(kind, namespace, name, spec string) string {
	group := "policy.linkerd.io/v1alpha1"
	if kind != "EgressNetwork" {
		group = "gateway.networking.k8s.io/v1"
	}
	return "---\napiVersion: " + group + "\nkind: " + kind + "\nmetadata: {namespace: " + namespace + ", name: " + name + "}\nspec: " + spec + "\n"
}

// TestLinkerdDeparts follows connections as the controller and the proxy of edge-26.6.3 do.
func TestLinkerdDeparts(t *testing.T) {
	network := func(namespace, name, spec string) string {
		return linkerdObjects("EgressNetwork", namespace, name, spec)
	}
	const on = "parentRefs: [{group: policy.linkerd.io, kind: EgressNetwork, name: rest, port: 80}]"
	const back = "backendRefs: [{group: policy.linkerd.io, kind: EgressNetwork, name: rest}]"
	route := func(kind, namespace, name, spec string) string {
		return linkerdObjects(kind, namespace, name, "{"+strings.Replace(on, "name: rest", "name: rest, namespace: a", 1)+", "+spec+"}")
	}
	deny := network("a", "rest", "{trafficPolicy: Deny}")
	allow := network("a", "rest", "{trafficPolicy: Allow}")
	web := route("HTTPRoute", "a", "web", "hostnames: [api.example, \"*.shop.example\"], rules: [{matches: [{path: {type: PathPrefix, value: /}}]}]")
	tls := route("TLSRoute", "a", "tls", "hostnames: [api.example], rules: [{"+back+"}]")
	far := netip.MustParseAddr("192.0.2.9")
	get := func(host string) LinkerdDeparture {
		return LinkerdDeparture{Namespace: "a", Address: far, Port: 80, Host: host, Method: "GET", Path: "/x"}
	}
	hello := func(host string) LinkerdDeparture {
		return LinkerdDeparture{Namespace: "a", Address: far, Port: 80, Host: host}
	}
	to := func(q LinkerdDeparture, change func(*LinkerdDeparture)) LinkerdDeparture { change(&q); return q }
	other := func(q LinkerdDeparture) LinkerdDeparture {
		return to(q, func(q *LinkerdDeparture) { q.Namespace = "b" })
	}
	port := func(n uint16) func(*LinkerdDeparture) { return func(q *LinkerdDeparture) { q.Port = n } }
	at := func(a string) func(*LinkerdDeparture) {
		return func(q *LinkerdDeparture) { q.Address = netip.MustParseAddr(a) }
	}
	for _, tt := range []struct {
		name, values, objects string
		q                     LinkerdDeparture
		open                  bool
		by                    string // route, else network
	}{
		{"nothing says anything", "", "", get("api.example"), true, ""},
		{"all that is outside", "", deny, get("api.example"), false, "rest"},
		{"inside", "", deny, to(get("api.example"), at("10.1.2.3")), true, ""},
		{"the chart's networks", "clusterNetworks: 192.0.2.0/24", deny, get("api.example"), true, ""},
		{"IPv6, which is not redirected", "", deny, to(hello(""), at("2001:db8::1")), true, ""},
		{"IPv6", "disableIPv6: false", deny, to(hello(""), at("2001:db8::1")), false, "rest"},
		{"another namespace's network", "", deny, other(get("api.example")), true, ""},
		{"the global one", "", network("linkerd-egress", "all", "{trafficPolicy: Deny}"), other(get("api.example")), false, "all"},
		{"the global one has another name", "egress: {globalEgressNetworkNamespace: b}", network("linkerd-egress", "all", "{trafficPolicy: Deny}"), get("api.example"), true, ""},
		{"the namespace's own in place of the global one", "", allow + network("linkerd-egress", "all", "{trafficPolicy: Deny}"), get("api.example"), true, "rest"},
		{"the namespace's own, also where it does not have the address", "", network("a", "near", "{networks: [{cidr: 198.51.100.0/24}], trafficPolicy: Deny}") + network("linkerd-egress", "all", "{trafficPolicy: Deny}"), get("api.example"), true, ""},
		{"the smaller one", "", deny + network("a", "one", "{networks: [{cidr: 192.0.2.9/32}], trafficPolicy: Allow}"), get("api.example"), true, "one"},
		{"the smaller one, first", "", network("a", "one", "{networks: [{cidr: 192.0.2.9/32}], trafficPolicy: Deny}") + allow, get("api.example"), false, "one"},
		{"the smaller one by what it leaves out", "", network("a", "x", "{networks: [{cidr: 192.0.0.0/8, except: [192.128.0.0/9, 192.64.0.0/10]}], trafficPolicy: Allow}") + network("a", "y", "{networks: [{cidr: 192.0.0.0/9}], trafficPolicy: Deny}"), get("api.example"), true, "x"},
		{"left out", "", network("a", "one", "{networks: [{cidr: 192.0.2.0/24, except: [192.0.2.9/32]}], trafficPolicy: Deny}"), get("api.example"), true, ""},
		{"a port that proxies do not get", "", deny, to(hello(""), port(4567)), true, ""},
		{"the plug-in's ports", "cniEnabled: true", deny, to(hello(""), port(4567)), false, "rest"},

		{"request by name", "", deny + web, get("api.example"), true, "web"},
		{"request by name, port and case", "", deny + web, get("API.example.:80"), true, "web"},
		{"request, another name", "", deny + web, get("not-api.example"), false, "rest"},
		{"request, end of a name", "", deny + web, get("a.b.shop.example"), true, "web"},
		{"request, end of a name alone", "", deny + web, get("shop.example"), false, "rest"},
		{"request, another port", "", deny + web, to(get("api.example"), port(8080)), false, "rest"},
		{"request, another network", "", deny + network("a", "one", "{networks: [{cidr: 192.0.2.9/32}], trafficPolicy: Deny}") + web, get("api.example"), false, "one"},
		{"request, another path", "", deny + route("HTTPRoute", "a", "web", "rules: [{matches: [{path: {value: /v1}}]}]"), get("api.example"), false, "rest"},
		{"request, another method", "", deny + route("HTTPRoute", "a", "web", "rules: [{matches: [{method: POST}]}]"), get("api.example"), false, "rest"},
		{"request, any", "", deny + route("HTTPRoute", "a", "web", "rules: [{}]"), get("api.example"), true, "web"},
		{"request, in a stream", "proxy: {opaquePorts: \"80\"}", deny + web, get("api.example"), false, "rest"},
		{"request, where others' are refused", "", allow + web, get("other.example"), true, "rest"},
		{"request, to another network than the parent", "", deny + network("a", "near", "{networks: [{cidr: 198.51.100.0/24}], trafficPolicy: Allow}") + route("HTTPRoute", "a", "web", "rules: [{"+strings.Replace(back, "rest", "near", 1)+"}]"), get("api.example"), false, "web"},
		{"TLS where requests have routes", "", deny + web, hello("api.example"), false, "rest"},
		{"without a port it is attached to nothing", "", deny + linkerdObjects("HTTPRoute", "a", "web", "{parentRefs: [{group: policy.linkerd.io, kind: EgressNetwork, name: rest}], rules: [{}]}"), get("api.example"), false, "rest"},
		{"on a network that overlaps the cluster", "", network("a", "rest", "{networks: [{cidr: 0.0.0.0/0}], trafficPolicy: Deny}") + web, get("api.example"), false, "rest"},
		{"on a network that leaves the cluster out", "", network("a", "rest", "{networks: [{cidr: 0.0.0.0/0, except: [10.0.0.0/8]}], trafficPolicy: Deny}") + web, get("api.example"), true, "web"},

		{"TLS by name", "", deny + tls, hello("api.example"), true, "tls"},
		{"TLS, another name", "", deny + tls, hello("other.example"), false, "rest"},
		{"TLS, another case", "", deny + tls, hello("API.example"), false, "rest"},
		{"TLS without a name", "", deny + route("TLSRoute", "a", "tls", "rules: [{"+back+"}]"), hello(""), false, "rest"},
		{"a request where TLS has routes", "", allow + tls, get("api.example"), false, "rest"},
		{"TLS beside routes of requests", "", deny + web + tls, hello("api.example"), false, "rest"},
		{"TLS in a stream", "proxy: {opaquePorts: \"80\"}", deny + tls, hello("api.example"), false, "rest"},
		{"TLS, to nowhere said", "", deny + route("TLSRoute", "a", "tls", "hostnames: [api.example], rules: [{}]"), hello("api.example"), true, "tls"},

		{"gRPC", "", deny + route("GRPCRoute", "a", "rpc", "hostnames: [api.example], rules: [{}]"), to(get("api.example"), func(q *LinkerdDeparture) { q.Method = "POST" }), true, "rpc"},
		{"gRPC, and a client of something else", "", allow + route("GRPCRoute", "a", "rpc", "hostnames: [api.example], rules: [{}]"), get("api.example"), false, "rest"},
		{"gRPC beside requests", "", deny + web + route("GRPCRoute", "a", "rpc", "hostnames: [other.example], rules: [{}]"), to(get("api.example"), func(q *LinkerdDeparture) { q.Method = "POST" }), false, "rest"},
		{"TCP", "", deny + route("TCPRoute", "a", "tcp", "rules: [{"+back+"}]"), hello(""), true, "tcp"},
		{"TCP in a stream", "proxy: {opaquePorts: \"80\"}", deny + route("TCPRoute", "a", "tcp", "rules: [{}]"), hello(""), true, "tcp"},
		{"TCP beside requests", "proxy: {opaquePorts: \"80\"}", deny + web + route("TCPRoute", "a", "tcp", "rules: [{}]"), hello(""), false, "rest"},

		{"another namespace's route", "", deny + route("HTTPRoute", "b", "web", "rules: [{}]"), get("api.example"), false, "rest"},
		{"another namespace's route keeps those of TLS out", "", deny + tls + route("HTTPRoute", "b", "web", "rules: [{}]"), hello("api.example"), false, "rest"},
		{"a route beside the global network", "", network("linkerd-egress", "rest", "{trafficPolicy: Deny}") + strings.Replace(route("HTTPRoute", "b", "web", "rules: [{}]"), "namespace: a", "namespace: linkerd-egress", 1), other(get("api.example")), true, "web"},
	} {
		l, err := outsideOf(tt.values, tt.objects)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		exit := l.Departs(tt.q)
		by := exit.Route.Name
		if by == "" {
			by = exit.Network.Name
		}
		if exit.Allowed != tt.open || by != tt.by || exit.Why == "" {
			t.Errorf("%s: open is %v by %q, want %v by %q: %s", tt.name, exit.Allowed, by, tt.open, tt.by, exit.Why)
		}
	}
}

// What the reader of the way out does not understand is an error with its place.
func TestLinkerdEgressRefuses(t *testing.T) {
	const on = "parentRefs: [{group: policy.linkerd.io, kind: EgressNetwork, name: rest, port: 80}]"
	for _, tt := range []struct{ name, values, objects, want string }{
		{"policy", "", linkerdObjects("EgressNetwork", "a", "x", "{trafficPolicy: Audit}"), `all.yaml:2: trafficPolicy "Audit"`},
		{"field", "", linkerdObjects("EgressNetwork", "a", "x", "{trafficPolicy: Deny, ports: []}"), `unknown field "ports"`},
		{"two for the same", "", linkerdObjects("EgressNetwork", "a", "x", "{trafficPolicy: Deny}") + linkerdObjects("EgressNetwork", "a", "y", "{trafficPolicy: Allow}"), "EgressNetworks x and y"},
		{"ports of its own", "", strings.Replace(linkerdObjects("EgressNetwork", "a", "x", "{trafficPolicy: Deny}"), "name: x", "name: x, annotations: {config.linkerd.io/opaque-ports: \"1\"}", 1), "config.linkerd.io/opaque-ports"},
		{"filter", "", linkerdObjects("HTTPRoute", "a", "x", "{"+on+", rules: [{filters: [{type: RequestRedirect}]}]}"), "filter"},
		{"backend", "", linkerdObjects("TLSRoute", "a", "x", "{"+on+", rules: [{backendRefs: [{kind: Service, name: y, port: 1}]}]}"), "backend"},
		{"rules of TLS", "", linkerdObjects("TLSRoute", "a", "x", "{"+on+", rules: [{}, {}]}"), "2 rules"},
		{"expression", "", linkerdObjects("HTTPRoute", "a", "x", "{"+on+", rules: [{matches: [{path: {type: RegularExpression, value: .*}}]}]}"), "RegularExpression"},
		{"header", "", linkerdObjects("HTTPRoute", "a", "x", "{"+on+", rules: [{matches: [{headers: []}]}]}"), `unknown field "headers"`},
		{"subnets", "proxyInit: {skipSubnets: 192.0.2.0/24}", linkerdObjects("EgressNetwork", "a", "x", "{trafficPolicy: Deny}"), "subnets"},
		{"range of ports", "proxyInit: {ignoreOutboundPorts: 1-2}", linkerdObjects("EgressNetwork", "a", "x", "{trafficPolicy: Deny}"), "1-2"},
		{"ports past the proxy", "", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, annotations: {config.linkerd.io/skip-outbound-ports: \"443\"}}", "skip-outbound-ports of namespace a"},
		{"mode of the proxy", "", "apiVersion: v1\nkind: Namespace\nmetadata: {name: a, annotations: {linkerd.io/inject: ingress}}", "inject ingress of namespace a"},
	} {
		if _, err := outsideOf(tt.values, tt.objects); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
}
