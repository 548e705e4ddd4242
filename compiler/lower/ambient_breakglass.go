package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// outOfAmbient: the node agent takes its rules out of running pods when the label of their namespace says so, and nothing
// starts anew (istio/istio 1.31.0 cni/pkg/nodeagent/informers.go). What is said of waypoints is said, and not left out: where who
// delivers owns a label, it stays.
func outOfAmbient(n *ir.Namespace) {
	waypoint := n.Waypoint
	for _, key := range []string{"istio.io/dataplane-mode", "istio.io/ingress-use-waypoint", "istio.io/use-waypoint"} {
		n.InjectLabels = without(n.InjectLabels, key)
	}
	n.InjectLabels = append(n.InjectLabels, ir.KV{Key: "istio.io/dataplane-mode", Value: "none"})
	if waypoint {
		n.InjectLabels = append(n.InjectLabels, ir.KV{Key: "istio.io/ingress-use-waypoint", Value: "false"}, ir.KV{Key: "istio.io/use-waypoint", Value: "none"})
	}
}

// ambientLeaves decides what the network has to admit between pods of which one is captured and the other is not, or neither:
// their own ports, from callers, gateways and waypoints. What the mesh admits is opened apart.
func (l *lowering) ambientLeaves(g *ir.BreakGlass) {
	g.Running = true
	for _, s := range l.p.Services {
		if !s.Meshed {
			continue
		}
		callers, callees, through := s.Callers, s.Callees, s.Waypoint != ""
		s.EdgesFrom = slices.Concat(g.From, s.EdgesFrom)
		s.Callers, s.Callees, s.Peers, s.Away, s.Externals, s.Waypoint, s.Meshed = nil, nil, nil, nil, nil, "", false
		for _, c := range callers {
			if c.Tunnel {
				c.Tunnel = false
				s.Callers = append(s.Callers, c)
			}
		}
		if w := l.p.Mesh.Waypoint; through && len(s.Callers) > 0 {
			s.Callers = append(s.Callers, ir.Caller{Kind: "waypoint", Namespace: s.Namespace, Name: w.Name, Labels: w.Selector, Ports: s.Ports,
				From: slices.Concat(s.EdgesFrom, w.From)})
		}
		for _, c := range callees {
			if c.Tunnel {
				c.Tunnel, c.Waypoint = false, false
				s.Callees = append(s.Callees, c)
			}
		}
		if len(s.Callers)+len(s.Callees) > 0 || s.Health != nil {
			g.Plain = append(g.Plain, s)
		}
	}
}
