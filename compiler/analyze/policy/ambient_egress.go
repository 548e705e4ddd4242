package policy

import (
	"fmt"
	"slices"
)

// egressWaypoint is the entry that ztunnel takes an address outside for, with the waypoint that it leads to; nil: ztunnel sends
// the connection on as it is. The port makes no difference to it.
func (m *Model) egressWaypoint(to Target) (*serviceEntry, *Workload) {
	for i := range m.entries {
		e := &m.entries[i]
		name := e.labels[useWaypoint]
		if name == "" || name == "none" || !e.is(Target{Address: to.Address}) {
			continue
		}
		if waypoint := m.waypointNamed(e.Namespace, name); waypoint != nil {
			return e, waypoint
		}
	}
	return nil, nil
}

// throughWaypoint follows a connection to an address outside by way of its waypoint, which has a chain for each port of the
// entry and none for others, asks the policies that name the entry, and connects to the entry's endpoint.
func (m *Model) throughWaypoint(w *Workload, e *serviceEntry, waypoint *Workload, to Target, port uint16) []Step {
	at := waypoint.Namespace + "/" + waypoint.Name
	s := Step{Layer: Route, At: at, Object: e.Object, Effect: Refuse}
	k := slices.IndexFunc(e.spec.Ports, func(p entryPort) bool { return p.Number == port })
	switch {
	case k < 0:
		s.Why = fmt.Sprintf("the entry has no port %d", port)
	case e.spec.Ports[k].Protocol != "TCP":
		s.Why = "what the waypoint makes of protocol " + e.spec.Ports[k].Protocol + " is not understood"
	case e.spec.Resolution != "STATIC" || len(e.spec.Endpoints) != 1 || e.spec.Endpoints[0].Address != to.Address.String():
		s.Why = "it leads to another address"
	default:
		s.Effect, s.Object, s.Why = Allow, e.at("spec", "ports", k), "connects to "+to.Address.String()
	}
	return []Step{
		m.networkStep(Egress, w, end{waypoint, waypoint.Address}, tunnelPort, false),
		m.networkStep(Ingress, waypoint, end{w, w.Address}, tunnelPort, false),
		s,
		m.authorizeAt(at, func(p *authorizationPolicy) bool {
			return slices.ContainsFunc(p.spec.TargetRefs, func(r targetRef) bool { return m.namesEntry(r, p.Namespace, waypoint, e) })
		}, connection{identity: m.identity(w), address: w.Address, port: port}),
		m.networkStep(Egress, waypoint, end{address: to.Address}, port, false),
	}
}

// namesEntry: by the entry itself, by its waypoint, or from the root namespace by the class of all waypoints.
func (m *Model) namesEntry(r targetRef, namespace string, waypoint *Workload, e *serviceEntry) bool {
	if r.Kind == "ServiceEntry" {
		return r.Group == "networking.istio.io" && namespace == e.Namespace && r.Name == e.Name
	}
	return r.Kind != "Service" && m.namesWaypoint(r, namespace, waypoint, waypoint)
}
