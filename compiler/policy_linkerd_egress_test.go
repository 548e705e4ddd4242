package compiler

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/site"
)

// linkerdWays are destinations that lla1 has not, each with a service of namespace far that declares it: what an EgressNetwork
// and its routes can say, and what they leave to the network.
const linkerdWays = `
external: {
	ledger: {addresses: ["203.0.113.40"], ports: pg: {port: 5432, protocol: "tcp"}}
	mail: {hosts: ["mail.example.com"], addresses: ["203.0.113.51"], ports: tls: {port: 465, protocol: "tls"}}
	rates: {hosts: ["rates.example.com", "*.rates.example.com"], ports: {http: {port: 8080, protocol: "http"}, tls: {port: 8443, protocol: "tls"}}}
	radar: {hosts: ["radar.example.com"], ports: calls: {port: 50051, protocol: "grpc"}}
	copy: {addresses: ["203.0.113.40"], ports: copy: {port: 5440, protocol: "tcp"}}
	depot: {addresses: ["203.0.113.71"], ports: http: {port: 8082, protocol: "http"}}
	syslog: {addresses: ["203.0.113.61"], ports: syslog: {port: 514, protocol: "udp"}}
}
namespaces: far: {owner: "ran-platform", services: {
	books: {ports: http: {port: 8090, protocol: "http"}, egress: ["ledger", "syslog"]}
	post: {ports: http: {port: 8090, protocol: "http"}, egress: ["mail", "radar", "copy"]}
	quotes: {ports: http: {port: 8090, protocol: "http"}, egress: ["rates", "depot"]}
	idle: ports: http: {port: 8090, protocol: "http"}
}}
`

// TestPolicyLinkerdEgress asks for each destination outside, by name and by address, for one that no site declares, and for
// other names, addresses and ports: the caller's proxy and the network together. Open is what a service declares; of who has
// no proxy, what the network alone can tell.
func TestPolicyLinkerdEgress(t *testing.T) {
	lla1 := read(t, filepath.Join(examplesDir, "lla1", "site.cue"))
	texts := map[string]string{"lla1 and more": lla1 + linkerdWays}
	for _, name := range exampleNames(t) {
		texts[name] = read(t, filepath.Join(examplesDir, name, "site.cue"))
	}
	seen := 0
	for name, text := range texts {
		if !strings.Contains(text, `"linkerd"`) {
			continue
		}
		q := inquire(t, text)
		if !q.linkerd() || q.s.Mesh.EgressPolicy != "registry-only" {
			continue
		}
		seen++
		open, closed := q.askLinkerdEgress(t)
		for _, w := range q.wrong {
			t.Error(name, w)
		}
		if closed == 0 || open == 0 && len(q.s.External) > 0 {
			t.Errorf("%s: %d answers are open and %d closed", name, open, closed)
		}
	}
	if seen < 2 {
		t.Errorf("%d sites of Linkerd are closed", seen)
	}
}

// TestPolicyLinkerdEgressNotices breaks the emitted objects; the answers must then differ from what the site declares.
func TestPolicyLinkerdEgressNotices(t *testing.T) {
	q := inquire(t, read(t, filepath.Join(examplesDir, "lla1", "site.cue"))+linkerdWays)
	ask := func(q *inquiry, t *testing.T) ([]string, int, int) {
		open, closed := q.askLinkerdEgress(t)
		return q.wrong, open, closed
	}
	oracle(ask).notices(t, q, []mutant{
		{"linkerd", "lla1", "**/45-enforcement/egressnetwork.yaml", `(?s)(namespace: ran\n.*?trafficPolicy: )Deny`, `${1}Allow`},
		{"linkerd", "lla1", "**/45-enforcement/egressnetwork.yaml", `(?s)(namespace: linkerd-egress\n.*?trafficPolicy: )Deny`, `${1}Allow`},
		{"linkerd", "lla1", "**/45-enforcement/egressnetwork.yaml", `namespace: linkerd-egress`, `namespace: linkerd`},
		{"linkerd", "lla1", "**/45-enforcement/egressnetwork.yaml", `(?s)---\n[^-]*?name: outside\n  namespace: ran\n.*`, "\n"},
		{"linkerd", "lla1", "**/45-enforcement/egressnetwork.yaml", `cidr: 10.86.0.20/32`, `cidr: 10.86.0.21/32`},
		{"linkerd", "lla1", "**/45-enforcement/egressnetwork.yaml", `(?s)(name: to-hub\n.*?trafficPolicy: )Deny`, `${1}Allow`},
		{"linkerd", "lla1", "**/40-policy/tcproute.yaml", `(?s)(name: to-hub-8443\n.*?port: )8443`, `${1}8444`},
		{"linkerd", "lla1", "**/40-policy/tcproute.yaml", `port: 5440`, `port: 5441`},
		{"linkerd", "lla1", "**/40-policy/httproute.yaml", `(?s)(name: to-depot-8082\n.*?port: )8082`, `${1}8083`},
		{"linkerd", "lla1", "**/45-enforcement/egressnetwork.yaml", `(?s)(name: to-copy\n.*?)203.0.113.40/32`, `${1}203.0.113.0/26`},
		{"linkerd", "lla1", "**/40-policy/httproute.yaml", `- weather.example.net`, `- weather.example.com`},
		{"linkerd", "lla1", "**/40-policy/httproute.yaml", ` +hostnames:\n +- weather.example.net\n`, ``},
		{"linkerd", "lla1", "**/40-policy/httproute.yaml", `(?s)(name: to-weather-80\n.*?port: )80`, `${1}81`},
		{"linkerd", "lla1", "**/40-policy/httproute.yaml", `(?s)(name: to-weather-80\n.*?kind: EgressNetwork\n +name: )outside`, `${1}to-hub`},
		{"linkerd", "lla1", "**/40-policy/httproute.yaml", `(?s)(name: to-weather-80\n  namespace: )ran`, `${1}intake`},
		{"linkerd", "lla1", "**/40-policy/tlsroute.yaml", `- tides.example.net`, `- "*.example.net"`},
		{"linkerd", "lla1", "**/40-policy/tlsroute.yaml", `(?s)(name: to-tides-443\n.*backendRefs:.*?name: )outside`, `${1}to-hub`},
		{"linkerd", "lla1", "**/40-policy/tlsroute.yaml", `port: 8443`, `port: 8080`},
		{"linkerd", "lla1", "**/40-policy/networkpolicy.yaml", `port: 5432`, `port: 5433`},
		{"linkerd", "lla1", "**/40-policy/networkpolicy.yaml", `(port: )514\n( +protocol: )UDP`, "${1}514\n${2}TCP"},
		{"linkerd", "lla1", "charts/*/linkerd-control-plane/values.yaml", `(clusterNetworks: )`, `${1}0.0.0.0/0,`},
		{"linkerd", "lla1", "charts/*/linkerd-control-plane/values.yaml", `(opaquePorts: 25,)`, `${1}80,`},
		{"namespaces", "lla1", "**/namespace.yaml", `(?s)(name: far\n.*?linkerd.io/inject: )enabled`, `${1}disabled`},
	})
}

// leaver asks one caller.
type leaver struct {
	*inquiry
	a       *asker
	s       *site.Service // as which the network knows it; nil: a stranger
	proxied bool
}

func (q *inquiry) askLinkerdEgress(t *testing.T) (open, closed int) {
	t.Helper()
	world := q.world
	world.Linkerd = "charts/" + q.plan.Name + "/linkerd-control-plane/values.yaml"
	model, err := policy.Read(q.tree, world)
	if err != nil {
		t.Fatal(err)
	}
	q.model = model
	for i := range q.callers {
		a := &q.callers[i]
		if a.from.Workload == nil || a.from.Workload.Gateway || a.from.Workload.Machine {
			continue
		}
		w := a.from.Workload
		besideGateway := slices.ContainsFunc(q.world.Workloads[:q.own], func(x policy.Workload) bool { return x.Gateway && x.Namespace == w.Namespace })
		l := leaver{q, a, nil, q.sidecar(a) || besideGateway && !w.Opted}
		if q.ours(a) {
			l.s = q.service(string(a.place))
		}
		o, c := l.ask()
		open, closed = open+o, closed+c
	}
	return open, closed
}

// ask asks for everything that some service declares, and beside each for another name, another address and another port. The
// proxy and the network are each held to what they should say alone: neither leaves its work to the other.
func (l leaver) ask() (open, closed int) {
	try := func(to policy.Target, port int, protocol string) {
		r := policy.Request{Port: uint16(port), UDP: protocol == "udp"}
		if speaksRequests(protocol) {
			r.Method, r.Path = map[string]string{"http": "GET", "grpc": "POST"}[protocol], "/x"
		}
		v := l.model.Depart(l.a.from, to, r)
		var got [2]bool // of the proxy, of the network
		for i, layers := range [][]policy.Layer{{policy.Scope, policy.Route}, {policy.Egress}} {
			got[i] = !slices.ContainsFunc(v.Steps, func(s policy.Step) bool { return slices.Contains(layers, s.Layer) && s.Effect == policy.Refuse })
		}
		want := [2]bool{l.proxy(to, port, protocol), l.network(to, port, protocol)}
		if got != want || v.Allowed != (got[0] && got[1]) {
			l.wrong = append(l.wrong, fmt.Sprintf("%s to %s %q port %d %s: open is %v to proxy and network, declared %v\n%s", l.a.name, to.Address, to.Host, port, protocol, got, want, steps(v)))
		}
		if v.Allowed {
			open++
		} else {
			closed++
		}
		if l.s != nil && l.proxied && v.Allowed != l.declares(l.s, to, port, protocol) {
			l.wrong = append(l.wrong, fmt.Sprintf("%s to %s %q port %d %s: open is %v, which the service does not declare\n%s", l.a.name, to.Address, to.Host, port, protocol, v.Allowed, steps(v)))
		}
	}
	somewhere := netip.MustParseAddr("233.252.0.77")
	for _, e := range l.inquiry.declared.s.External {
		for _, p := range e.Ports {
			for _, h := range append(slices.Clone(e.Hosts), "") {
				h = strings.Replace(h, "*", "some", 1)
				for _, a := range append([]string{somewhere.String()}, e.Addresses...) {
					to := policy.Target{Address: netip.MustParseAddr(a), Host: h}
					try(to, p.Port, p.Protocol)
					try(to, p.Port+1, p.Protocol)
					try(policy.Target{Address: to.Address.Next(), Host: h}, p.Port, p.Protocol)
					try(policy.Target{Address: to.Address, Host: "not-" + h}, p.Port, p.Protocol)
					for _, other := range []string{"http", "tls"} {
						try(to, p.Port, other)
					}
				}
			}
		}
	}
	for _, protocol := range []string{"http", "tls", "tcp", "udp"} {
		try(policy.Target{Address: somewhere, Host: "other.example.invalid"}, 443, protocol)
	}
	return open, closed
}

func speaksRequests(protocol string) bool { return protocol == "http" || protocol == "grpc" }

// leaves calls found for each port of each destination that a service declares, over the transport of a protocol.
func (l leaver) leaves(s *site.Service, protocol string, found func(e *site.External, p *site.PlainPort) bool) bool {
	return slices.ContainsFunc(s.Egress, func(name string) bool {
		e := l.inquiry.declared.s.External[name]
		for _, p := range e.Ports {
			if (p.Protocol == "udp") == (protocol == "udp") && found(e, p) {
				return true
			}
		}
		return false
	})
}

// declares reports whether a service declares a connection. A destination with addresses is known by them, whatever is said
// there, but for ports of requests; one without by the name in a request or a handshake.
func (l leaver) declares(s *site.Service, to policy.Target, port int, protocol string) bool {
	return l.leaves(s, protocol, func(e *site.External, p *site.PlainPort) bool {
		if len(e.Addresses) > 0 || p.Port != port {
			return p.Port == port && slices.Contains(e.Addresses, to.Address.String()) && (speaksRequests(protocol) || !speaksRequests(p.Protocol))
		}
		return speaksRequests(p.Protocol) == speaksRequests(protocol) && slices.ContainsFunc(e.Hosts, func(h string) bool {
			end, wild := strings.CutPrefix(h, "*")
			return h == to.Host || wild && strings.HasSuffix(to.Host, end)
		})
	})
}

// proxy is what the caller's proxy should say: it knows its namespace.
func (l leaver) proxy(to policy.Target, port int, protocol string) bool {
	if !l.proxied || protocol == "udp" {
		return true
	}
	n := l.inquiry.declared.s.Namespaces[l.a.from.Workload.Namespace]
	if n == nil {
		return false
	}
	for _, s := range n.Services {
		if l.declares(s, to, port, protocol) {
			return true
		}
	}
	return false
}

// network is what the network should say: it knows the pod, and of a destination without addresses the port alone. Nothing
// of the site is in a namespace that it does not name.
func (l leaver) network(to policy.Target, port int, protocol string) bool {
	if l.s == nil {
		return !slices.ContainsFunc(l.world.Workloads[:l.own], func(w policy.Workload) bool { return w.Namespace == l.a.from.Workload.Namespace })
	}
	return l.leaves(l.s, protocol, func(e *site.External, p *site.PlainPort) bool {
		return p.Port == port && (len(e.Addresses) == 0 || slices.Contains(e.Addresses, to.Address.String()))
	})
}
