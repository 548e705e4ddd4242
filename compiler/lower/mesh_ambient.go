package lower

import (
	"cmp"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// istioAmbient is Istio with a proxy for each node, ztunnel, and one for the requests of a namespace, its waypoint.
var istioAmbient = meshKind{
	inject:       captureAmbient,
	out:          outOfAmbient,
	namespaces:   istioNamespaces,
	releases:     ambientReleases,
	gateway:      istioGateway,
	step:         istioStep,
	certificates: ambientCertificates,
	pushes:       ambientPushes,
	metrics:      ambientMetrics,
	monitors:     ambientMonitors,
	machines:     machineEntries,
	crossing:     &ambientCrossing,
	marks:        ambientMarks,
	wayOut:       &wayOut{providers: []string{"host"}, proxy: ambientWayOut},
}

// waypointName is the name of the Gateway in each namespace with a waypoint. istiod gives it to Deployment, Service and
// account as well (pilot/pkg/config/kube/gatewaycommon/classinfo.go, DisableNameSuffix).
const waypointName = "waypoint"

// waypointReplicas is the number of pods of a waypoint where the site says nothing: all requests to a namespace pass it,
// so that one must remain while the other's node is drained.
const waypointReplicas = 2

// waypoint decides the size of waypoints; nil where no namespace has one.
func (l *lowering) waypoint() *ir.Waypoint {
	if l.s.Mesh.Kind != "istio-ambient" {
		return nil
	}
	w := &ir.Waypoint{
		Name: waypointName, Replicas: waypointReplicas, Resources: l.gatewayResources(),
		Selector: []ir.KV{{Key: "gateway.networking.k8s.io/gateway-name", Value: waypointName}},
		From:     under("mesh", "kind", "waypoint"),
	}
	if m := l.s.Mesh.Waypoint; m != nil {
		w.Replicas = m.Replicas
		if r := resources(m.Resources, "mesh.waypoint.resources"); r.From != nil {
			w.Resources = r
		}
	}
	w.Resources.From = w.From
	for _, n := range l.s.Namespaces {
		if n.Waypoint && n.Mesh {
			return w
		}
	}
	return nil
}

// captureAmbient: no webhook takes part. A revision on a namespace would bring sidecars into its pods, and a pod with a
// sidecar is not captured; the Gateways name theirs.
func captureAmbient(l *lowering, n *ir.Namespace) {
	switch {
	case n.Purpose == "gateway": // its pods take part in the mesh by themselves
		injectSidecars(l, n)
	case !n.Meshed:
		n.InjectLabels = []ir.KV{{Key: "istio.io/dataplane-mode", Value: "none"}}
	default:
		n.InjectLabels = []ir.KV{{Key: "istio.io/dataplane-mode", Value: "ambient"}}
		if n.Waypoint && l.p.Mesh.Waypoint != nil {
			n.InjectLabels = append(n.InjectLabels,
				ir.KV{Key: "istio.io/ingress-use-waypoint", Value: "true"}, // else gateways would pass it by
				ir.KV{Key: "istio.io/use-waypoint", Value: l.p.Mesh.Waypoint.Name})
		}
	}
	if n.Purpose == "services" {
		n.From = append(n.From, site.Join("namespaces", n.Name, "waypoint"), "mesh.kind")
	}
}

// ambientReleases puts ztunnel behind the node agent: it serves the pods that the agent hands to it, and neither may be
// newer than istiod. ztunnel stands with the agent, in the one namespace that admits privileged pods.
func ambientReleases(l *lowering) []ir.Release {
	out := istioReleases(l)
	m := l.p.Mesh
	row := l.meshProfile().Release(m.Version)
	agent := slices.IndexFunc(out, func(r ir.Release) bool { return r.Namespace == istioCNINamespace })
	return slices.Insert(out, agent+1, ir.Release{Name: "ztunnel", Component: "istio", Chart: row.Charts.Ztunnel,
		Repository: row.Charts.Repository, Version: m.Version, Namespace: istioCNINamespace, From: under("mesh", "kind", "version")})
}

// waypointWaits are the waypoints that istiod makes pods for: until then requests go straight to the pods, and the
// policy of a later phase admits the waypoint alone.
func (l *lowering) waypointWaits() []ir.Wait {
	var out []ir.Wait
	for _, n := range l.p.Namespaces {
		if w := l.p.Mesh.Waypoint; w != nil && n.Waypoint && n.Meshed {
			out = append(out, ir.Wait{Namespace: n.Name, Object: "gateway.gateway.networking.k8s.io/" + w.Name, For: "condition=Programmed",
				From: ir.From{site.Join("namespaces", n.Name, "waypoint"), "mesh.kind"}})
		}
	}
	return out
}

// tunnels decides how the edges travel: between meshed ends all TCP arrives at one port, at the pod itself or at its
// namespace's waypoint.
func (l *lowering) tunnels() {
	if l.p.Mesh.ProxyPorts.Tunnel == 0 {
		return
	}
	for i := range l.p.Services {
		s := &l.p.Services[i]
		for k := range s.Callers {
			c := &s.Callers[k]
			c.Tunnel = (s.Meshed || s.Waypoint != "") && c.Identity != ""
			if c.Kind == "service" && l.dialed(s) {
				c.Tunnel, c.From = false, append(slices.Clone(c.From), dialedFrom(s)...)
			}
		}
		for k := range s.Callees {
			c := &s.Callees[k]
			to := l.find(c.Namespace + "/" + c.Name)
			c.Tunnel = s.Meshed && (to.Meshed || to.Waypoint != "")
			c.Waypoint = c.Tunnel && to.Waypoint != ""
			if l.dialed(to) {
				c.Tunnel, c.From = false, append(slices.Clone(c.From), dialedFrom(to)...)
			}
		}
	}
}

// tunnelFlows lists a meshed edge as it is on the wire, from the caller or by way of the waypoint, and returns the ports
// that go past the tunnel.
func (l *lowering) tunnelFlows(s *ir.Service, caller string, c ir.Caller) []ir.Port {
	note := "HBONE: all TCP of the mesh, encrypted"
	if l.p.Mesh.ProxyPorts.InPods {
		note = "all TCP of the mesh, encrypted"
	}
	reads, to := ir.From{"namespaces", "gateways", "mesh", "kubernetes"}, l.pods("service "+s.Namespace+"/"+s.Name)
	add := func(from, to ir.FlowEnd) {
		l.flow(ir.Flow{Area: ir.PodArea, From: from, To: to, Protocol: "tcp", Port: cmp.Or(l.p.Mesh.ProxyPorts.Tunnel, ztunnelPort), Why: c.Why,
			Note: note}, reads, c.From)
	}
	past := slices.DeleteFunc(slices.Clone(c.Ports), func(p ir.Port) bool { return portProtocol(p) != "udp" && !c.Plain })
	streams := slices.ContainsFunc(c.Ports, func(p ir.Port) bool { return portProtocol(p) != "udp" })
	switch waypoint := l.pods("waypoint of " + s.Namespace); {
	case !streams:
	case s.Waypoint != "":
		add(l.pods(caller), waypoint)
		add(waypoint, to)
		for _, p := range c.Ports {
			if s.Migrating && portProtocol(p) != "udp" {
				l.flow(ir.Flow{Area: ir.PodArea, From: waypoint, To: to, Protocol: portProtocol(p), Port: p.TargetPort, Why: c.Why,
					Note: "pods that are not captured yet"}, reads, c.From, p.From)
			}
		}
	default:
		add(l.pods(caller), to)
	}
	return past
}

// tunnelled adds what decides how a service is reached to what shows it.
func (l *lowering) tunnelled(s *ir.Service, path string) {
	if l.p.Mesh.ProxyPorts.Tunnel == 0 {
		return
	}
	why := under(site.Join("namespaces", s.Namespace), "waypoint", "mesh")
	s.From = append(s.From, why...)
	for i := range s.Exposes {
		s.Exposes[i].From = slices.Concat(s.Exposes[i].From, ir.From{path + ".headless"}, why)
	}
	if s.Timeout != nil {
		s.Timeout.From = slices.Concat(s.Timeout.From, ir.From{path + ".headless"}, why)
	}
}
