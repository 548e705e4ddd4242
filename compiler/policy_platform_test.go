package compiler

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/analyze/policy"
)

// platform returns what pods need besides services: names, the API server, the mesh's control plane, the collector of
// spans. None of it is in the tree.
func (q *inquiry) platform() []policy.Workload {
	domain := ".svc." + q.s.Kubernetes.ClusterDomain
	out := []policy.Workload{
		{Namespace: "kube-system", Name: "kube-dns", Host: "kube-dns.kube-system" + domain, Labels: map[string]string{"k8s-app": "kube-dns"},
			Ports: []policy.Port{{Port: 53, Target: 53, Protocol: "tcp"}, {Port: 5353, Target: 53, Protocol: "udp"}}},
		{Namespace: "default", Name: "kubernetes", Host: "kubernetes.default" + domain, Address: netip.MustParseAddr(q.s.Kubernetes.APIServer.Address),
			Ports: []policy.Port{{Port: 443, Target: uint16(q.s.Kubernetes.APIServer.Port), Protocol: "tcp"}}},
		{Namespace: "istio-system", Name: "istiod", Host: "istiod.istio-system" + domain, Labels: map[string]string{"app": "istiod"},
			Ports: []policy.Port{{Port: 15012, Target: 15012, Protocol: "tcp"}, {Port: 15010, Target: 15010, Protocol: "tcp"}}},
	}
	out = append(out, policy.Workload{Namespace: "envoy-gateway-system", Name: "envoy-gateway", Host: "envoy-gateway.envoy-gateway-system" + domain,
		Labels: map[string]string{"control-plane": "envoy-gateway"}, Ports: []policy.Port{{Port: 18000, Target: 18000, Protocol: "tcp"}, {Port: 18001, Target: 18001, Protocol: "tcp"}}})
	if name, ns, port, ok := q.collector(); ok {
		out = append(out, policy.Workload{Namespace: ns, Name: name, Host: name + "." + ns + domain,
			Ports: []policy.Port{{Port: port, Target: port, Protocol: "tcp"}}})
	}
	return out
}

// collector returns where spans go.
func (q *inquiry) collector() (name, namespace string, port uint16, ok bool) {
	t := q.s.Observability.Tracing
	if t == nil {
		return "", "", 0, false
	}
	host, number, _ := strings.Cut(t.OTLP, ":")
	name, namespace, _ = strings.Cut(host, ".")
	n, err := strconv.ParseUint(number, 10, 16)
	return name, namespace, uint16(n), err == nil
}

// askPlatform asks for all of it, for each pod of the site's namespaces: gateways have no use for the API server, pods
// outside the mesh none for the mesh.
func (q *inquiry) askPlatform() {
	if q.ciliumMeshed() {
		q.askPlatformCilium()
		return
	}
	for i := range q.callers {
		a := &q.callers[i]
		if !q.ours(a) {
			continue
		}
		w := a.from.Workload
		_, isGateway := q.s.Gateways[strings.TrimPrefix(w.Namespace, "gateway-")]
		place, _ := a.place.gateway()
		gateway := isGateway && place != "" // a stranger beside a gateway needs nothing
		n := q.s.Namespaces[w.Namespace]
		mesh := q.s.Mesh.Kind != "none" && (n != nil && n.Mesh && !q.ambient() || gateway) // pods that have a proxy
		program := gateway && q.s.Gateways[string(place)].Implementation != nil
		for _, to := range q.world.Workloads[q.own:] {
			for _, port := range to.Ports {
				v := q.model.Reach(a.from, policy.Target{Namespace: to.Namespace, Name: to.Name}, policy.Request{Port: port.Port})
				var want bool
				switch to.Name {
				case "kube-dns":
					want = n != nil || gateway
				case "kubernetes":
					want = n != nil
				case "envoy-gateway":
					want = program && port.Port == 18000
				case "istiod":
					want = mesh && port.Port == 15012
				default:
					want = mesh
				}
				q.compare(fmt.Sprintf("%s to %s:%d", a.name, to.Name, port.Port), want, v)
			}
		}
	}
}
