package compiler

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/site"
)

// TestPolicyAmbientSites asks two sites of an ambient mesh together, each by its own objects: the caller's about the way out,
// the callee's about the way in. Open is what one service calls and the other one admits, and nothing else of either.
func TestPolicyAmbientSites(t *testing.T) {
	here, there := newInquiry(t, "bri1"), newInquiry(t, "bri2")
	wrong, open, closed := betweenSites(t, here, there)
	for _, w := range wrong {
		t.Error(w)
	}
	if open != 2 || closed == 0 {
		t.Errorf("%d answers are open and %d closed", open, closed)
	}
	ask := func(broken *inquiry, t *testing.T) ([]string, int, int) { return betweenSites(t, broken, there) }
	oracle(ask).notices(t, here, []mutant{
		{"istio-ambient", "bri1", "**/40-policy/service.yaml", `istio.io/global: "true"`, `istio.io/global: "false"`},
		{"istio-ambient", "bri1", "**/40-policy/service.yaml", `name: api`, `name: apis`},
		{"istio-ambient", "bri1", "**/40-policy/service.yaml", `  ports:`, "  selector: {app: api}\n  ports:"},
		{"istio-ambient", "bri1", "**/30-gateways/gateway.yaml", `istio-east-west`, `istio`},
		{"istio-ambient", "bri1", "**/30-gateways/gateway.yaml", `protocol: HBONE`, `protocol: TLS`},
		{"istio-ambient", "bri1", "**/30-gateways/configmap.yaml", `10.206.1.0/24`, `10.207.1.0/24`},
		{"istio-ambient", "bri1", "**/30-gateways/authorizationpolicy.yaml", `ns/payments/sa/api`, `ns/payments/sa/apis`},
		{"istio-ambient", "bri1", "**/40-policy/authorizationpolicy.yaml", `ns/payments/sa/api`, `ns/payments/sa/ledger`},
		{"istio-ambient", "bri1", "**/40-policy/networkpolicy.yaml", `cidr: 10.206.1.201/32`, `cidr: 10.206.1.202/32`},
		{"istio-ambient", "bri1", "**/40-policy/networkpolicy.yaml", `(name: gateway-east\n +podSelector(?s:.*?)port: )15008`, `${1}8080`},
		{"istio-ambient", "bri1", "**/05-namespaces/namespace.yaml", `(name: shop\n(?s:.*?)dataplane-mode: )ambient`, `${1}none`},
	})
}

// betweenSites asks for every pair of services of two sites, both ways.
func betweenSites(t *testing.T, sites ...*inquiry) (wrong []string, open, closed int) {
	t.Helper()
	for _, q := range sites {
		if err := q.read(q.tree); err != nil {
			return append(wrong, err.Error()), open, closed
		}
	}
	for i, from := range sites {
		to := sites[1-i]
		gateway := to.s.Gateways[to.s.Federation.Gateway]
		door := policy.Target{Namespace: "gateway-" + to.s.Federation.Gateway, Name: to.s.Federation.Gateway}
		for k := range from.world.Workloads[:from.own] {
			w := &from.world.Workloads[k]
			if w.Gateway {
				continue
			}
			caller := w.Namespace + "/" + w.Name
			identity := from.s.Mesh.TrustDomain + "/ns/" + w.Namespace + "/sa/" + w.ServiceAccount
			to.each(func(callee string, _ *site.Service) {
				ns, sn, _ := strings.Cut(callee, "/")
				for _, port := range to.service(callee).Ports {
					at := policy.Target{Namespace: ns, Name: sn, Address: netip.MustParseAddr(gateway.Addresses[0])}
					calls := slices.Contains(from.service(caller).Calls, to.s.Name+":"+callee)
					admits := false
					for _, a := range to.service(callee).Allow {
						admits = admits || slices.Contains(a.From, from.s.Name+":"+caller)
					}
					out := from.model.ReachAway(w, at, uint16(port.Port))
					in := to.model.ReachAcross(identity, from.world.NodeAddress, door, policy.Target{Namespace: ns, Name: sn}, uint16(port.Port))
					what := fmt.Sprintf("%s:%s to %s:%s port %d", from.s.Name, caller, to.s.Name, callee, port.Port)
					if out.Allowed != calls {
						wrong = append(wrong, fmt.Sprintf("%s: out is %v, declared %v\n%s", what, out.Allowed, calls, steps(out)))
					}
					if in.Allowed != admits {
						wrong = append(wrong, fmt.Sprintf("%s: in is %v, declared %v\n%s", what, in.Allowed, admits, steps(in)))
					}
					if calls && admits {
						open++
					} else {
						closed++
					}
				}
			})
		}
	}
	return wrong, open, closed
}
