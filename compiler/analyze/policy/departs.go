package policy

// Depart follows a connection of a pod to somebody outside the cluster, as Reach does, and where the pod has a proxy of
// Linkerd or Consul by way of what that knows. With a Method the connection carries requests; with a Host of the target and
// no Method it is TLS, which says the name in its first packet; else it says no name. Proxies see no datagrams.
func (m *Model) Depart(from Caller, to Target, req Request) Verdict {
	w := from.Workload
	switch {
	case req.UDP || !m.proxied(w):
		return m.Reach(from, to, req)
	case m.linkerd != nil:
		return m.departLinkerd(w, to, req)
	case w.Gateway:
		return m.Reach(from, to, req)
	}
	return m.departConsul(w, to, req)
}

// departLinkerd asks the proxy beside a pod for the network that has the address and the route that takes the connection, and
// then the network.
func (m *Model) departLinkerd(w *Workload, to Target, req Request) Verdict {
	exit := m.linkerd.Departs(LinkerdDeparture{Namespace: w.Namespace, Address: to.Address, Port: req.Port, Host: to.Host, Method: req.Method, Path: req.Path})
	at := w.Namespace + "/" + w.Name
	steps := []Step{{Layer: Scope, At: at, Object: exit.Network, Effect: Allow, Why: exit.Why}}
	if exit.Route.Kind != "" {
		steps[0].Why = "has " + to.Address.String()
		steps = append(steps, Step{Layer: Route, At: at, Object: exit.Route, Effect: Allow, Why: exit.Why})
	}
	if !exit.Allowed {
		steps[len(steps)-1].Effect = Refuse
	}
	v := Verdict{Steps: append(steps, m.filter(Egress, w, end{address: to.Address}, to.Host, Port{Target: req.Port, Protocol: "tcp"}, req))}
	_, refused := v.Refused()
	v.Allowed = !refused
	return v
}
