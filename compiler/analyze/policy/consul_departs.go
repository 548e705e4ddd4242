package policy

// departConsul follows a connection of a pod to the terminating gateway that stands for the destination, and on from there.
func (m *Model) departConsul(w *Workload, to Target, req Request) Verdict {
	identity := w.ServiceAccount
	if identity == "" {
		identity = "default"
	}
	exit := m.consul.Departs(ConsulDeparture{From: identity, Address: to.Address, Host: to.Host, Port: req.Port, HTTP: req.Method != ""})
	s := Step{Layer: Route, At: w.Namespace + "/" + w.Name, Effect: Refuse, Why: "the proxy of " + identity + " knows no such destination", Object: exit.By}
	v := Verdict{Steps: []Step{s}}
	out := Port{Target: req.Port, Protocol: "tcp"}
	switch {
	case !exit.Allowed:
		if exit.By.Name != "" {
			v.Steps[0].Why = "no terminating gateway stands for it"
		}
		return v
	case exit.Way == "":
		v.Steps[0].Effect, v.Steps[0].Why = Allow, "no destination of the mesh: the proxy lets it out as it is"
		v.Steps = append(v.Steps, m.filter(Egress, w, end{address: to.Address}, to.Host, out, req))
	default:
		v.Steps[0].Effect, v.Steps[0].Why = Allow, "by terminating gateway "+exit.Way
		way, wire := m.consul.wayPods(exit.Way), Port{Target: consulWayPort, Protocol: "tcp"}
		v.Steps = append(v.Steps,
			m.filter(Egress, w, end{w: way}, "", wire, req),
			m.filter(Ingress, way, end{w, w.Address}, "", wire, req),
			m.filter(Egress, way, end{address: to.Address}, to.Host, out, req))
	}
	_, refused := v.Refused()
	v.Allowed = !refused
	return v
}
