package policy

import (
	"net/netip"
	"slices"
)

// Between sites of an ambient mesh (Istio 1.31) ztunnel dials the gateway of the other site, and the pod's ztunnel there sees
// the caller's own certificate. The gateway is a waypoint to istiod, with its policies, and asks about identities alone.

// eastWestClass is the class of gateways between sites.
const eastWestClass = "istio-east-west"

// ReachAway asks whether a pod gets as far as the gateway of another site with a call to a service there: its name is known
// here and global, ztunnel carries it, and network policies let it out to the gateway's address.
func (m *Model) ReachAway(from *Workload, to Target, port uint16) Verdict {
	var v Verdict
	at := to.Namespace + "/" + to.Name
	known := Step{Layer: Registry, At: at, Effect: Refuse, Why: "there is no Service of that name and port"}
	for i := range m.services {
		k := &m.services[i]
		if k.Namespace != to.Namespace || k.Name != to.Name {
			continue
		}
		known.Object = k.Object
		switch {
		case len(k.spec.Selector) > 0:
			known.Why = "it has pods of this site"
		case k.labels["istio.io/global"] != "true":
			known.Why = "it is not global: no pod of another site is behind it"
		case m.known(k, port):
			known.Effect, known.Why = Allow, "the Service is global"
		}
	}
	if !m.inAmbient(from) || from.Opted {
		known.Effect, known.Why = Refuse, "ztunnel does not carry what the pod sends"
	}
	v.Steps = []Step{known, m.networkStep(Egress, from, end{address: to.Address}, tunnelPort, false)}
	_, refused := v.Refused()
	v.Allowed = !refused
	return v
}

// known reports whether a Service of another site has a port, and no waypoint here that would take its requests.
func (m *Model) known(k *kubeService, port uint16) bool {
	through := m.namespaces[k.Namespace][useWaypoint]
	if own, ok := k.labels[useWaypoint]; ok {
		through = own
	}
	return (through == "" || through == "none") && slices.ContainsFunc(k.spec.Ports, func(p kubePort) bool { return p.Port == port })
}

// ReachAcross asks whether a caller of another site, known by its identity, gets from the gateway between sites to a service
// here. The address is that of the node that it calls from.
func (m *Model) ReachAcross(identity string, address netip.Addr, gateway, to Target, port uint16) Verdict {
	var v Verdict
	g, w := m.find(gateway.Namespace, gateway.Name), m.find(to.Namespace, to.Name)
	at := gateway.Namespace + "/" + gateway.Name
	if g == nil || w == nil {
		v.Steps = []Step{{Layer: Listener, At: at, Effect: Refuse, Why: "there is no such gateway, or no such service"}}
		return v
	}
	door := Step{Layer: Listener, At: at, Effect: Refuse, Why: "no listener takes tunnels of other sites"}
	if api := m.apiGatewayOf(g); api != nil && api.spec.GatewayClassName == eastWestClass {
		door.Object = api.Object
		for _, l := range api.spec.Listeners {
			if l.Port == tunnelPort && l.Protocol == "HBONE" && l.TLS != nil && l.TLS.Mode == "Terminate" {
				door.Effect, door.Why = Allow, "the listener takes tunnels"
			}
		}
	}
	facts := m.facts(g)
	if ranges := facts.LoadBalancerSourceRanges; len(ranges) > 0 && !slices.ContainsFunc(ranges, func(r string) bool { return within(r, address) }) {
		door.Effect, door.Why = Refuse, "the caller is outside the source ranges of the Service"
	}
	if facts.ExternalTrafficPolicy != "Local" {
		address = m.world.NodeAddress
	}
	atGateway := func(p *authorizationPolicy) bool {
		return m.applies(p, g) && len(p.spec.TargetRefs) > 0 || slices.ContainsFunc(p.spec.TargetRefs, func(r targetRef) bool { return r.Kind == "GatewayClass" && p.Namespace == m.root })
	}
	v.Steps = append(v.Steps, door,
		m.networkStep(Ingress, g, end{address: address}, tunnelPort, false),
		m.authorizeAt(at, atGateway, connection{identity: identity, address: address, port: port}))
	p, ok := w.port(port)
	lead := Step{Layer: Route, At: to.Namespace + "/" + to.Name, Effect: Allow, Why: "the tunnel goes to a pod of the service"}
	switch {
	case !ok || p.Protocol == "udp" || w.Headless || !m.inAmbient(w):
		lead.Effect, lead.Why = Refuse, "no pod in the mesh takes the port by the Service's name"
	case m.waypointOf(w, w) != nil:
		lead.Effect, lead.Why = Refuse, "the gateway leads to the waypoint, whose certificate the caller does not expect"
	}
	v.Steps = append(v.Steps, lead)
	if lead.Effect == Allow {
		v.Steps = append(v.Steps,
			m.networkStep(Egress, g, end{w, w.Address}, tunnelPort, false),
			m.networkStep(Ingress, w, end{g, g.Address}, tunnelPort, false),
			m.authorize(w, connection{identity: identity, address: g.Address, port: p.Target}))
	}
	_, refused := v.Refused()
	v.Allowed = !refused
	return v
}
