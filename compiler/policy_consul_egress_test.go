package compiler

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/site"
)

// TestPolicyConsulEgress asks for each destination outside, by name and by address, and for one that no site declares: the
// caller's proxy, the network on the way to the terminating gateway, and the network of that one. Open is what a service
// declares; past the gateway nothing is.
func TestPolicyConsulEgress(t *testing.T) {
	ask := oracle((*inquiry).askConsulEgress)
	seen := false
	for _, name := range exampleNames(t) {
		q := newInquiry(t, name)
		if !q.consul() || q.s.Mesh.EgressPolicy != "registry-only" || len(q.s.External) == 0 || q.datacenter() {
			continue // of a datacenter the entries of all are asked: TestPolicyDatacentersLeave
		}
		seen = true
		ask.agrees(t, name, q)
		if name != "dus1" {
			continue
		}
		ask.notices(t, q, []mutant{
			{"consul", name, "**/40-policy/serviceintentions.yaml", `(?s)(name: archive-pg\n  sources:\n    - name: )cards`, `${1}web`},
			{"consul", name, "**/40-policy/servicedefaults.yaml", `- 203.0.113.40`, `- 203.0.113.41`},
			{"consul", name, "**/40-policy/servicedefaults.yaml", `- backup.acquirer.example`, `- backup.acquirers.example`},
			{"consul", name, "**/40-policy/servicedefaults.yaml", `port: 6432`, `port: 8080`},
			{"consul", name, "**/40-policy/servicedefaults.yaml", `(?s)protocol: http(\n  destination)`, `protocol: tcp${1}`},
			{"consul", name, "**/40-policy/terminatinggateway.yaml", `- name: rates-http`, `- name: rates-tcp`},
			{"consul", name, "**/40-policy/terminatinggateway.yaml", `- name: signer`, `- name: signers`},
			{"networkpolicy", name, "**/40-policy/networkpolicy.yaml", `(?s)(# to external keys of tokens.*?port: )443`, `${1}444`},
			{"consul", name, "**/40-policy/registration.yaml", `port: 9443`, `port: 9000`},
			{"consul", name, "**/40-policy/serviceintentions.yaml", `pathExact: /sign\n`, "pathPrefix: /sign\n"},
			{"consul", name, "**/40-policy/networkpolicy.yaml", `cidr: 10.60.9.21/32`, `cidr: 10.60.9.22/32`},
			{"consul", name, "**/40-policy/mesh.yaml", `meshDestinationsOnly: true`, `meshDestinationsOnly: false`},
			{"consul", name, "**/40-policy/networkpolicy.yaml", `(?s)(name: terminating-gateway\n.*?port: )8443`, `${1}8444`},
			{"consul", name, "**/40-policy/networkpolicy.yaml", `(?s)(name: terminating-gateway\n.*)port: 6432`, `${1}port: 5432`},
			{"consul", name, "**/40-policy/networkpolicy.yaml", `(port: )514\n( +protocol: )UDP`, "${1}6432\n${2}TCP"},
		})
	}
	if !seen {
		t.Error("no example of Consul is closed")
	}
}

func (q *inquiry) askConsulEgress(t *testing.T) (wrong []string, open, closed int) {
	t.Helper()
	mesh, err := policy.ReadConsul(q.tree, "charts/"+q.plan.Name+"/consul/values.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return q.askConsulEgressBy(t, mesh)
}

// datacenter reports whether the site is a datacenter of a federation.
func (q *inquiry) datacenter() bool {
	f := q.s.Federation
	return f != nil && f.Consul != nil && f.Consul.Mode == "wan"
}

func (q *inquiry) askConsulEgressBy(t *testing.T, mesh *policy.Consul) (wrong []string, open, closed int) {
	t.Helper()
	// The pods of the chart's terminating gateways, with the labels that its template gives them.
	ways := map[string]*policy.Workload{}
	world := q.world
	q.world.Workloads = slices.Clone(world.Workloads)
	for _, via := range append([]string{""}, slices.Sorted(maps.Keys(q.s.EgressGateways))...) {
		name := "terminating-gateway"
		if via != "" {
			name += "-" + via
		}
		if q.datacenter() {
			name += "-" + q.s.Name
		}
		ways[name] = &policy.Workload{Namespace: "consul", Name: name, Address: netip.MustParseAddr("10.255.255.1"), Opted: true,
			Labels: map[string]string{"app": "consul", "component": "terminating-gateway", "terminating-gateway-name": "consul-" + name, "release": "consul"}}
		q.world.Workloads = append(q.world.Workloads, *ways[name])
	}
	if err := q.read(q.tree); err != nil {
		t.Fatal(err)
	}
	q.world = world
	for i := range q.callers {
		a := &q.callers[i]
		w := a.from.Workload
		if w == nil || w.Gateway || w.Machine || !q.sidecar(a) || q.ours(a) && w.Opted {
			continue
		}
		identity, s := cmp.Or(w.ServiceAccount, "default"), q.service(string(a.place))
		who := q.service(string(a.certificate)) // the proxy goes by the account, the network by the pod
		ask := func(what string, d policy.ConsulDeparture, want bool) {
			d.From = identity
			exit := mesh.Departs(d)
			got := exit.Allowed
			if way := ways[exit.Way]; way != nil {
				in := q.model.Reach(a.from, policy.Target{Namespace: way.Namespace, Name: way.Name}, policy.Request{Port: 8443, Direct: true})
				out := q.model.Reach(policy.Caller{Workload: way}, policy.Target{Address: d.Address, Host: d.Host}, policy.Request{Port: d.Port})
				got = got && in.Allowed && out.Allowed
			} else if exit.Way == "" && got {
				got = q.model.Reach(a.from, policy.Target{Address: d.Address}, policy.Request{Port: d.Port}).Allowed
			}
			if got != want {
				wrong = append(wrong, fmt.Sprintf("%s to %s: open is %v by %s, declared %v", a.name, what, got, exit.By, want))
			}
			if past := q.model.Reach(a.from, policy.Target{Address: d.Address}, policy.Request{Port: d.Port}); q.ours(a) && past.Allowed && !q.keys(s, d.Port) {
				wrong = append(wrong, fmt.Sprintf("%s to %s: the network is open past the way out", a.name, what))
			}
			if want {
				open++
			} else {
				closed++
			}
		}
		for name, e := range q.s.External {
			declared := s != nil && who != nil && slices.Contains(s.Egress, name) && slices.Contains(who.Egress, name)
			fixed := q.s.EgressGateways[e.Via] != nil && q.s.EgressGateways[e.Via].Provider == "host" // known by addresses alone
			for _, p := range e.Ports {
				if p.Protocol == "udp" {
					continue
				}
				somewhere := netip.MustParseAddr("233.252.0.77")
				if len(e.Addresses) > 0 {
					somewhere = netip.MustParseAddr(e.Addresses[0])
				}
				if p.Protocol != "tcp" && !fixed {
					for _, h := range e.Hosts {
						d := policy.ConsulDeparture{Address: somewhere, Host: h, Port: uint16(p.Port), HTTP: p.Protocol == "http" || p.Protocol == "grpc"}
						ask(name+" as "+h, d, declared)
						d.Host = "not-" + h
						ask(name+" as "+d.Host, d, false)
					}
				}
				if len(e.Hosts) == 0 || p.Protocol == "tcp" || fixed {
					for _, x := range e.Addresses {
						d := policy.ConsulDeparture{Address: netip.MustParseAddr(x), Port: uint16(p.Port)}
						ask(name+" at "+x, d, declared)
						d.Port++
						ask(name+" at "+x+", another port", d, false)
					}
				}
			}
		}
		if past := q.model.Reach(a.from, policy.Target{Address: netip.MustParseAddr("233.252.0.78")}, policy.Request{Port: 443}); q.ours(a) && past.Allowed != q.keys(s, 443) {
			wrong = append(wrong, fmt.Sprintf("%s to the keys of tokens: %s", a.name, steps(past)))
		}
		ask("nothing", policy.ConsulDeparture{Address: netip.MustParseAddr("233.252.0.78"), Host: "other.example.invalid", Port: 443}, false)
		for k := range q.world.Workloads[:q.own] {
			to := &q.world.Workloads[k]
			if !to.Machine {
				continue
			}
			callee := to.Namespace + "/" + to.Name
			behind, way := mesh.Machines(to.Name)
			var declared []netip.AddrPort
			for _, p := range to.Ports {
				for _, x := range q.service(callee).Addresses {
					declared = append(declared, netip.AddrPortFrom(netip.MustParseAddr(x), p.Target))
				}
				if !slices.Equal(behind, declared) || ways[way] == nil {
					wrong = append(wrong, fmt.Sprintf("%s is %v by way of %q, declared %v", callee, behind, way, declared))
					continue
				}
				reached := q.model.Reach(a.from, policy.Target{Namespace: "consul", Name: way}, policy.Request{Port: 8443, Direct: true}).Allowed
				for _, x := range behind {
					to := policy.Target{Address: x.Addr()}
					reached = reached && q.model.Reach(policy.Caller{Workload: ways[way]}, to, policy.Request{Port: x.Port()}).Allowed
					if q.ours(a) && q.model.Reach(a.from, to, policy.Request{Port: x.Port()}).Allowed {
						wrong = append(wrong, fmt.Sprintf("%s to %s: the network is open past the way out", a.name, callee))
					}
				}
				q.requests(a, callee, int(p.Port), func(c call) {
					admitted, by := mesh.Admits(policy.ConsulRequest{From: identity, To: to.Name, Method: c.method, Path: c.path})
					got, want := admitted && reached, who != nil && q.admits(a.place, callee, c, false) && q.admits(a.certificate, callee, c, false)
					if got != want {
						wrong = append(wrong, fmt.Sprintf("%s to machines %s %s %s: open is %v by %s, declared %v", a.name, callee, c.method, c.path, got, by, want))
					}
				})
			}
		}
		if s == nil {
			continue
		}
		for _, callee := range s.Calls {
			to := q.service(callee)
			if to == nil {
				continue // of another site
			}
			for _, port := range to.Ports {
				if mesh.Shadows(identity, uint16(port.Port)) {
					wrong = append(wrong, fmt.Sprintf("%s to %s: its proxy looks outside alone at port %d", a.name, callee, port.Port))
				}
			}
		}
	}
	return wrong, open, closed
}

// TestPolicyConsulWays asks the same of a site in which one destination is reached by an egress gateway with a fixed source
// address: it has a terminating gateway of its own, whose pods have the address.
func TestPolicyConsulWays(t *testing.T) {
	text := read(t, filepath.Join(examplesDir, "dus1", "site.cue"))
	for _, change := range [][2]string{
		{`cni: {kind: "calico", version: "3.31.0", encapsulation: "vxlan"}`,
			`cni: {kind: "cilium", version: "1.20.2", encapsulation: "vxlan", cilium: {exclusive: false, socketLB: hostNamespaceOnly: true, bpfMasquerade: true}}`},
		{`kubeProxy: mode: "iptables"`, `kubeProxy: mode: "replaced"`},
		{`address: "10.60.\(i+1).21"`, `address: "10.60.\(i+1).21", egressAddresses: ["10.60.\(i+1).201"]`},
		{`archive: {addresses: ["203.0.113.40"],`, `archive: {addresses: ["203.0.113.40"], via: "corporate",`},
		{`capacity: {`, "egressGateways: corporate: {provider: \"cilium\", addresses: [\"10.60.1.201\"], placement: class: \"edge\"}\n\ncapacity: {"},
	} {
		if !strings.Contains(text, change[0]) {
			t.Fatalf("dus1 has no %q", change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	q := inquire(t, text)
	wrong, open, closed := q.askConsulEgress(t)
	for _, w := range wrong {
		t.Error(w)
	}
	if open == 0 || closed == 0 {
		t.Errorf("%d answers are open and %d closed", open, closed)
	}
	for _, want := range [][2]string{
		{"kubernetes/overlays/dus1/40-policy/ciliumegressgatewaypolicy.yaml", "terminating-gateway-name: consul-terminating-gateway-corporate"},
		{"charts/dus1/consul/values.yaml", "meshgen.dev/class: edge"},
	} {
		if f := q.tree.Lookup(want[0]); f == nil || !strings.Contains(string(f.Bytes()), want[1]) {
			t.Errorf("%s does not say %q", want[0], want[1])
		}
	}
}

// keys reports whether the proxy of a service fetches keys of tokens at a port, by itself, from a server that is known by
// its name alone.
func (q *inquiry) keys(s *site.Service, port uint16) bool {
	if s == nil || s.JWT == nil {
		return false
	}
	u, err := url.Parse(s.JWT.JWKSURI)
	if err != nil {
		return false
	}
	_, err = netip.ParseAddr(u.Hostname())
	return err != nil && cmp.Or(u.Port(), "443") == strconv.Itoa(int(port))
}
