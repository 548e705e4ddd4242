package compiler

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/site"
)

// ciliumMeshed reports whether the mesh is that of the pod network: callers are known by namespace, labels and account,
// and have no certificates.
func (q *inquiry) ciliumMeshed() bool { return q.s.Mesh.Kind == "cilium" }

// ciliumStreams reports whether clients of a gateway pass no proxy: they come to services as themselves.
func (q *inquiry) ciliumStreams(gateway string) bool {
	g := q.s.Gateways[gateway]
	if !q.ciliumMeshed() || g == nil {
		return false
	}
	for _, l := range g.Listeners {
		if !streams(l) || passes(l) {
			return false
		}
	}
	return len(g.Listeners) > 0
}

// streamClient reports whether an address is a client of a gateway of streams that leads to a port of a service: whoever
// is may come to its pods by any way.
func (q *inquiry) streamClient(from netip.Addr, callee string, port int) bool {
	s := q.service(callee)
	return from != q.world.NodeAddress && slices.ContainsFunc(s.Expose, func(e site.Expose) bool {
		ranges := q.s.Gateways[e.Gateway].SourceRanges
		return q.ciliumStreams(e.Gateway) && q.routedPort(s, e) == port && (len(ranges) == 0 || slices.ContainsFunc(ranges, func(r string) bool {
			return netip.MustParsePrefix(r).Contains(from)
		}))
	})
}

// exposureClient reports whether an address is a client of an exposure that leads to a port of a service. Without a tunnel
// a node hands clients on under its own address, unless it keeps to its own pods.
func (q *inquiry) exposureClient(from netip.Addr, callee string, port int) bool {
	for _, e := range q.s.Exposures {
		local := e.ExternalTrafficPolicy == "Local"
		if e.Service != callee || from == q.world.NodeAddress && (local || q.s.Kubernetes.CNI.Encapsulation != "none") || local && q.world.Balancer.IsValid() && from != q.world.Balancer {
			continue
		}
		for name := range e.Ports {
			if p := q.service(callee).Ports[name]; p != nil && p.Port == port {
				return true
			}
		}
	}
	return false
}

// known is who a caller is to the agents; "" for a stranger.
func (q *inquiry) known(a *asker) subject {
	w := a.from.Workload
	if w == nil {
		return a.place // of a machine
	}
	if w.ServiceAccount == "stranger" {
		return ""
	}
	if _, gateway := a.place.gateway(); gateway && !w.Gateway {
		return "" // a pod beside a Gateway is none of its proxies
	}
	return a.place
}

// expectCilium says whether a request is declared, and where it goes: routes of services hold for every pod.
func (q *inquiry) expectCilium(a *asker, callee string, c call) (open bool, ends map[string]int) {
	ends = map[string]int{callee: 100}
	w := a.from.Workload
	if w == nil && !a.from.Kubelet && (q.streamClient(a.from.Address, callee, c.port) || q.exposureClient(a.from.Address, callee, c.port)) {
		return true, ends
	}
	if w != nil && !w.Gateway && q.meshed(callee) && !q.service(callee).Headless {
		ends = q.ends(callee, q.http(callee, c.port))
	}
	for end := range ends {
		if a.from.Kubelet {
			continue
		}
		if q.machine(end) { // who calls is held where he is, and nobody else
			if q.ours(a) && !(q.wants(a.place, end, c.port) && q.heldAtHome(a, end, c)) {
				return false, ends
			}
			continue
		}
		if q.ours(a) && !w.Gateway && !q.wants(a.place, end, c.port) || !q.admits(q.known(a), end, c, !q.meshed(end)) {
			return false, ends
		}
	}
	return true, ends
}

// heldAtHome reports whether the policies of a caller let it ask a machine for something. Outside the mesh nobody looks into
// its requests.
func (q *inquiry) heldAtHome(a *asker, machine string, c call) bool {
	return q.admits(a.place, machine, c, !q.s.Namespaces[a.from.Workload.Namespace].Mesh)
}

func (q *inquiry) askCilium(a *asker, w *policy.Workload) {
	callee := w.Namespace + "/" + w.Name
	if w.Machine && a.from.Workload != nil && (a.from.Workload.Gateway || q.s.Namespaces[a.from.Workload.Namespace] == nil && q.ours(a)) {
		return // no route leads there
	}
	for _, port := range w.Ports {
		q.requests(a, callee, int(port.Port), func(c call) {
			v := q.model.Reach(a.from, policy.Target{Namespace: w.Namespace, Name: w.Name}, policy.Request{Port: port.Port, Method: c.method, Path: c.path, Host: c.host})
			what := fmt.Sprintf("%s to %s:%d %s %s %s", a.name, callee, c.port, c.method, c.path, c.host)
			want, ends := q.expectCilium(a, callee, c)
			q.compare(what, want, v)
			if want {
				q.compareLeads(what, ends, v)
			}
			if _, beside := a.place.gateway(); q.ours(a) && !beside && len(ends) == 1 { // each side refuses alone
				if q.machine(callee) {
					q.compareLayer(what, policy.Egress, a.from.Workload.Namespace+"/"+a.from.Workload.Name, want, v)
					return
				}
				q.compareLayer(what, policy.Egress, a.from.Workload.Namespace+"/"+a.from.Workload.Name, q.wants(a.place, callee, c.port), v)
				q.compareLayer(what, policy.Ingress, callee, q.admits(q.known(a), callee, c, !q.meshed(callee)), v)
			}
		})
	}
}

// askGatewayCilium asks as a client: somebody outside is one, and nobody inside.
func (q *inquiry) askGatewayCilium(a *asker, w *policy.Workload) {
	if a.from.Workload != nil && a.from.Workload.Gateway {
		return
	}
	ports := []int{6666}
	for _, l := range q.s.Gateways[w.Name].Listeners {
		ports = append(ports, l.Port)
	}
	for _, port := range ports {
		q.otherTransport(a, w, port)
		for _, host := range q.hosts {
			for _, path := range q.paths {
				c := call{port, "GET", path, host, nil}
				v := q.model.Reach(a.from, policy.Target{Namespace: w.Namespace, Name: w.Name}, policy.Request{Port: uint16(port), UDP: q.datagrams(w.Name, port), Method: "GET", Path: path, Host: host})
				service := ""
				if a.from.Workload == nil && a.from.Address != q.world.NodeAddress {
					service = q.client(w.Name, a.from.Address, a.from.Certificate, c)
				}
				what := fmt.Sprintf("%s to gateway %s:%d %s%s", a.name, w.Name, port, host, path)
				q.compare(what, service != "", v)
				if service != "" {
					q.compareLeads(what, q.ends(service, true), v)
				}
			}
		}
	}
}

// askPodCilium: pods have no ports of a proxy, and their node's processes reach them as they are. Ztunnel makes all ports of a
// pod one, so that who may call a service of it may call this one too.
func (q *inquiry) askPodCilium(a *asker, w *policy.Workload, port uint16) {
	if w.Gateway || w.Machine || a.from.Workload != nil && a.from.Workload.Gateway {
		return
	}
	v := q.model.Reach(a.from, policy.Target{Namespace: w.Namespace, Name: w.Name}, policy.Request{Port: port, Direct: true})
	callee := w.Namespace + "/" + w.Name
	want := a.from.Kubelet
	if s, place := q.service(callee), q.known(a); s != nil && a.from.Workload != nil && q.s.Mesh.Enrolls(w.Namespace) && q.s.Mesh.Enrolls(a.from.Workload.Namespace) {
		for _, p := range s.Ports {
			open, _ := q.expectCilium(a, callee, call{port: p.Port})
			want = want || open && place != ""
		}
	}
	q.compare(fmt.Sprintf("%s to port %d of a pod of %s", a.name, port, callee), want, v)
}

// askPlatformCilium: pods need names and the API server, and nothing of a mesh.
func (q *inquiry) askPlatformCilium() {
	for i := range q.callers {
		a := &q.callers[i]
		if !q.ours(a) || a.from.Workload.Gateway {
			continue
		}
		inside := !strings.HasPrefix(a.from.Workload.Namespace, "gateway-")
		for _, to := range q.world.Workloads[q.own:] {
			for _, port := range to.Ports {
				v := q.model.Reach(a.from, policy.Target{Namespace: to.Namespace, Name: to.Name}, policy.Request{Port: port.Port})
				q.compare(fmt.Sprintf("%s to %s:%d", a.name, to.Name, port.Port), inside && (to.Name == "kube-dns" || to.Name == "kubernetes"), v)
			}
		}
	}
}
