package lower

import (
	"meshgen.dev/meshgen/compiler/ir"
)

// egressWaypointClass is the GatewayClass of waypoints; istiod makes it.
const egressWaypointClass = "istio-waypoint"

// ambientWayOut: the pods are a waypoint, which istiod makes of a Gateway and gives its name to. ztunnel knows each address
// of a destination as a service of the mesh whose connections go to that waypoint, in a tunnel with the caller's certificate.
func ambientWayOut(l *lowering, x *ir.EgressProxy) {
	x.Port = l.p.Mesh.ProxyPorts.Tunnel
	g := &x.Pods
	g.Frontend, g.APIClass = ir.FrontendGatewayAPI, egressWaypointClass
	g.Selector = []ir.KV{{Key: "gateway.networking.k8s.io/gateway-name", Value: g.Release}}
	g.Parameters = ir.ObjectRef{Kind: "ConfigMap", Name: g.Release + "-parameters"}
	g.Labels = []ir.KV{{Key: "istio.io/rev", Value: l.p.Mesh.RevisionLabel()}, {Key: "istio.io/waypoint-for", Value: "service"}}

}

// egressWaits are the waypoints of egress gateways that istiod makes pods for: until then ztunnel knows no way to the
// addresses behind them but the straight one.
func (l *lowering) egressWaits() []ir.Wait {
	var out []ir.Wait
	for i := range l.p.EgressProxies {
		if x := &l.p.EgressProxies[i]; x.Pods.APIClass != "" {
			out = append(out, ir.Wait{Namespace: x.Pods.Namespace, Object: "gateway.gateway.networking.k8s.io/" + x.Pods.Release, For: "condition=Programmed", From: x.From})
		}
	}
	return out
}
