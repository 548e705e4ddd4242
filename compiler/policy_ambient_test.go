package compiler

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/analyze/policy"
)

// ambient reports whether nodes have the mesh's proxies, and pods have none.
func (q *inquiry) ambient() bool { return q.s.Mesh.Kind == "istio-ambient" }

// captured reports whether the proxy of its node carries what a caller sends.
func (q *inquiry) captured(a *asker) bool {
	w := a.from.Workload
	if w == nil || w.Gateway || w.Opted {
		return false
	}
	if n := q.s.Namespaces[w.Namespace]; n != nil {
		return n.Mesh
	}
	return w.Meshed && !q.ours(a)
}

// waypoint reports whether requests of the mesh to a service pass one.
func (q *inquiry) waypoint(callee string) bool {
	ns, _, _ := strings.Cut(callee, "/")
	return q.s.Namespaces[ns].Waypoint && (q.meshed(callee) || q.machine(callee)) && !q.service(callee).Headless
}

// expectAmbient says whether a request is declared, and where it goes. Connections between captured pods arrive at one
// port, so that policies of the network let more through than those of the mesh, which decide.
func (q *inquiry) expectAmbient(a *asker, callee string, c call) (open bool, ends map[string]int) {
	ends = map[string]int{callee: 100}
	e := q.expect(a, callee, c)
	w := a.from.Workload
	gateway := w != nil && w.Gateway
	switch {
	case q.machine(callee):
		if q.waypoint(callee) { // it holds all of its callers
			return (q.captured(a) || gateway) && e.egress && q.admits(a.certificate, callee, c, false), q.ends(callee, q.http(callee, c.port))
		}
		return (q.captured(a) || gateway) && e.egress, ends
	case !q.meshed(callee):
		return e.open(), ends
	case a.from.Kubelet:
		return true, ends // ztunnel leaves the processes of the node alone
	case q.captured(a) || gateway:
		if q.waypoint(callee) {
			ends = q.ends(callee, q.http(callee, c.port))
		}
		// Without a waypoint nobody holds a gateway to its routes but itself. The one between sites hands on what others sign.
		alone := gateway && !q.waypoint(callee) && q.s.Gateways[w.Name].Purpose != "federation"
		return e.egress && e.ingress && q.admits(a.certificate, callee, c, alone), ends
	case w == nil:
		return e.open(), ends // a client of an exposure, which passes no proxy of a caller
	case q.s.Namespaces[w.Namespace] != nil && q.s.Namespaces[w.Namespace].Mesh && !q.migrates(callee):
		return false, ends // a pod of the mesh that is not captured has no way out but the tunnel
	}
	return e.egress && e.ingress && e.tls && e.authorization, ends
}

func (q *inquiry) askAmbient(a *asker, w *policy.Workload) {
	callee := w.Namespace + "/" + w.Name
	for _, port := range w.Ports {
		q.requests(a, callee, int(port.Port), func(c call) {
			v := q.model.Reach(a.from, policy.Target{Namespace: w.Namespace, Name: w.Name}, policy.Request{Port: port.Port, Method: c.method, Path: c.path, Host: c.host, Token: c.token})
			what := fmt.Sprintf("%s to %s:%d %s %s %s", a.name, callee, c.port, c.method, c.path, c.host) + fmt.Sprintf(" token %v", c.token)
			want, ends := q.expectAmbient(a, callee, c)
			q.compare(what, want, v)
			if want {
				q.compareLeads(what, ends, v)
			}
			if q.waypoint(callee) && q.meshed(callee) && q.captured(a) { // who goes round the waypoint is refused by the pod itself
				direct := q.model.Reach(a.from, policy.Target{Namespace: w.Namespace, Name: w.Name}, policy.Request{Port: port.Target, Direct: true, Method: c.method, Path: c.path})
				q.compare(what+" past the waypoint", false, direct)
				q.compareLayer(what+" past the waypoint", policy.Authorization, callee, false, direct)
				// Without the network's policies the waypoint's would still hold.
				q.compareLayer(what, policy.Authorization, w.Namespace+"/waypoint", q.admits(a.certificate, callee, c, false), v)
			}
			if q.meshed(callee) && a.from.Workload != nil && !a.from.Workload.Gateway && !q.captured(a) {
				q.compareLayer(what, policy.PeerAuth, callee, q.permissive(callee), v)
			}
		})
	}
}

// askPodAmbient: pods of services have no ports of a proxy, and their node's processes reach them as they are.
func (q *inquiry) askPodAmbient(a *asker, w *policy.Workload, port uint16) {
	if w.Machine {
		return
	}
	v := q.model.Reach(a.from, policy.Target{Namespace: w.Namespace, Name: w.Name}, policy.Request{Port: port, Direct: true})
	scraper := q.s.Observability.Scraper
	var want bool
	switch {
	case a.from.Kubelet:
		want = true
	case a.from.Workload == nil:
		want = w.Gateway && a.from.Address == q.world.NodeAddress && slices.Contains([]uint16{15020, 15021}, port)
	case scraper != nil && a.from.Workload.Namespace == scraper.Namespace:
		want = w.Gateway && port == 15020
	}
	q.compare(fmt.Sprintf("%s to port %d of a pod of %s/%s", a.name, port, w.Namespace, w.Name), want, v)
}
