package policy

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Reach asks all layers whether a request of a caller arrives. A target that the World does not have is refused.
func (m *Model) Reach(from Caller, to Target, req Request) Verdict {
	if to.Address.IsValid() {
		return m.reachOutside(from, to, req)
	}
	w := m.find(to.Namespace, to.Name)
	var v Verdict
	switch {
	case w == nil:
		v.Steps = []Step{{Layer: Listener, At: to.Namespace + "/" + to.Name, Effect: Refuse, Why: "there is no such workload"}}
	case req.Direct:
		v = m.reachPod(from, w, req)
	case w.Gateway:
		v = m.reachGateway(from, w, req)
	default:
		v = m.reachService(from, w, req)
	}
	_, refused := v.Refused()
	shared := slices.ContainsFunc(v.Leads, func(l Lead) bool { return l.Weight > 0 })
	v.Allowed = !refused && (shared || req.Direct)
	return v
}

// reachOutside is a pod that calls out of the cluster.
func (m *Model) reachOutside(from Caller, to Target, req Request) Verdict {
	var v Verdict
	if w := from.Workload; w != nil {
		if m.meshed(w) && !w.Gateway && !req.UDP && !m.ambient() {
			s, e := m.outside(w, to, req.Port)
			v.Steps = append(v.Steps, s)
			if e != nil {
				if by, k := m.detour(w, e, req.Port); by != nil {
					v.Steps = append(v.Steps, m.throughGateway(w, by, k, to, req.Port)...)
					_, refused := v.Refused()
					v.Allowed = !refused
					return v
				}
			}
		}
		if m.ambient() && m.inAmbient(w) && !w.Gateway && !w.Opted && !req.UDP {
			if e, waypoint := m.egressWaypoint(to); e != nil {
				v.Steps = append(v.Steps, m.throughWaypoint(w, e, waypoint, to, req.Port)...)
				_, refused := v.Refused()
				v.Allowed = !refused
				return v
			}
		}
		v.Steps = append(v.Steps, m.filter(Egress, w, end{address: to.Address}, to.Host, Port{Target: req.Port, Protocol: "tcp"}, req))
	}
	_, refused := v.Refused()
	v.Allowed = !refused
	return v
}

// reachPod is a call to the address of a pod. A sidecar knows Services, not pods.
func (m *Model) reachPod(from Caller, to *Workload, req Request) Verdict {
	var v Verdict
	if m.ambient() {
		v.Steps = m.ambientHop(from, to, req.Port, req.UDP)
		return v
	}
	plain := false
	if w := from.Workload; w != nil && m.meshed(w) && !w.Gateway && !req.UDP {
		var s Step
		s, plain = m.scope(w, "", "")
		v.Steps = append(v.Steps, s)
	}
	port := Port{Target: req.Port, Protocol: "tcp"}
	if req.Method != "" {
		port.Protocol = "http"
	}
	v.Steps = append(v.Steps, m.hop(from, to, port, req, plain)...)
	return v
}

// reachService is a call to a Service: the caller's sidecar routes it, a caller without one or a gateway is led by
// nobody.
func (m *Model) reachService(from Caller, to *Workload, req Request) Verdict {
	var v Verdict
	port, ok := to.port(req.Port)
	if !ok {
		v.Steps = []Step{{Layer: Listener, At: to.Namespace + "/" + to.Name, Effect: Refuse, Why: fmt.Sprintf("the Service has no port %d", req.Port)}}
		return v
	}
	if m.ambient() {
		req.Host = cmp.Or(req.Host, to.Host)
		v.Leads = m.reachAmbient(&v, from, to, port, req)
		return v
	}
	v.Leads = []Lead{{Namespace: to.Namespace, Name: to.Name, Port: req.Port, Weight: 100}}
	plain := false
	if w := from.Workload; w != nil && m.meshed(w) && !w.Gateway && port.Protocol != "udp" {
		var s Step
		s, plain = m.scope(w, to.Namespace, to.Host)
		v.Steps = append(v.Steps, s)
		if !plain {
			s, v.Leads = m.meshRoute(w, to, port, req)
			v.Steps = append(v.Steps, s)
		}
	}
	req.Host = cmp.Or(req.Host, to.Host)
	if m.ciliumMesh() && from.Workload != nil && !from.Workload.Gateway && speaksHTTP(port.Protocol) && !to.Headless {
		var s Step
		s, v.Leads = m.ciliumRoute(to, port, req)
		v.Steps = append(v.Steps, s)
	}
	if m.proxied(from.Workload) && port.Protocol != "udp" {
		var s Step
		s, v.Leads = m.meshLeads(from.Workload.Namespace+"/"+from.Workload.Name, to, port, req)
		v.Steps = append(v.Steps, s)
	}
	m.follow(&v, from, req, plain)
	return v
}

// reachGateway is a client of a gateway, and the gateway as the caller of what its routes lead to.
func (m *Model) reachGateway(from Caller, g *Workload, req Request) Verdict {
	var v Verdict
	facts := m.facts(g)
	target := facts.targetPort(req.Port)
	client := end{from.Workload, from.Address}
	var remote netip.Addr
	at := g.Namespace + "/" + g.Name
	service := Step{Layer: Listener, At: at, Object: facts.object, Effect: Allow, Why: "the Service has the port"}
	if target == 0 {
		service.Effect, service.Why = Refuse, fmt.Sprintf("the Service has no port %d", req.Port)
	}
	if w := from.Workload; w != nil { // by the Service's cluster address, for which source ranges do not hold
		client.address = w.Address
		if m.meshed(w) && !w.Gateway && !m.ambient() && !req.UDP {
			s, _ := m.scope(w, g.Namespace, g.Host)
			v.Steps = append(v.Steps, s)
		}
		if !m.ciliumGateway(g) { // there, what the proxy sends to a service is held to the policies of who calls it
			v.Steps = append(v.Steps, m.networkStep(Egress, w, end{g, g.Address}, target, req.UDP))
		}
	} else {
		ranges := facts.LoadBalancerSourceRanges
		if len(ranges) > 0 && !slices.ContainsFunc(ranges, func(r string) bool { return within(r, client.address) }) {
			service.Effect, service.Why = Refuse, "the client is outside the source ranges of the Service"
		}
		if m.world.Balancer.IsValid() {
			if m.world.ProxyProtocol {
				remote = client.address
			}
			client.address = m.world.Balancer
		}
		if facts.ExternalTrafficPolicy != "Local" && !m.ciliumGateway(g) {
			client.address = m.world.NodeAddress
		}
	}
	in := m.networkStep(Ingress, g, client, target, req.UDP)
	if m.ciliumGateway(g) {
		in = m.ciliumClient(g, from)
	}
	asked := req
	asked.Host, _, _ = strings.Cut(req.Host, ":") // listeners and routes do without the port, policies do not
	open := m.open(g, asked)
	past := open.past && m.ciliumGateway(g)
	if past {
		in = Step{Layer: Ingress, At: at, Effect: Silent, Why: "the client's packets go past the proxies to the pods"}
	}
	v.Steps = append(v.Steps, service, in)
	switch {
	case open.step.Effect == Allow && open.redirect:
		open.step.Effect, open.step.Why = Refuse, "answers with a redirect to HTTPS"
	case open.step.Effect == Allow && open.certificate && !from.Certificate:
		open.step.Effect, open.step.Why = Refuse, "the client has no certificate of the authority that is asked for"
	}
	v.Steps = append(v.Steps, open.step)
	c := connection{address: client.address, remote: remote, port: target, http: true, method: req.Method, path: req.Path, host: req.Host}
	if open.streams {
		c = connection{address: client.address, remote: remote, port: target, sni: asked.Host}
	}
	v.Steps = append(v.Steps, m.authorize(g, c))
	if open.routes == nil {
		return v
	}
	var s Step
	s, v.Leads = open.routes(asked)
	v.Steps = append(v.Steps, s)
	if m.ambient() {
		m.followAmbient(&v, Caller{Workload: g}, req)
		return v
	}
	if past {
		m.follow(&v, Caller{Workload: from.Workload, Address: client.address}, req, false)
		return v
	}
	m.spread(&v, g, req)
	m.follow(&v, Caller{Workload: g}, req, false)
	return v
}

// follow asks the layers of each end that has a share.
func (m *Model) follow(v *Verdict, from Caller, req Request, plain bool) {
	for i := range v.Leads {
		l := &v.Leads[i]
		if l.Weight == 0 {
			continue
		}
		w := m.find(l.Namespace, l.Name)
		var port Port
		ok := w != nil
		if ok {
			if l.Port == 0 && len(w.Ports) == 1 {
				l.Port = w.Ports[0].Port
			}
			port, ok = w.port(l.Port)
		}
		if !ok {
			v.Steps = append(v.Steps, Step{Layer: Route, At: l.Namespace + "/" + l.Name, Effect: Refuse, Why: fmt.Sprintf("there is no such Service with port %d", l.Port)})
			continue
		}
		steps := m.hop(from, w, port, req, plain)
		if w.Machine && m.consul == nil {
			steps = append(steps, m.registered(from, w, port))
		}
		l.Allowed = !slices.ContainsFunc(steps, func(s Step) bool { return s.Effect == Refuse })
		v.Steps = append(v.Steps, steps...)
	}
}

// hop is one connection, from a pod or an address to a port of a pod.
func (m *Model) hop(from Caller, to *Workload, port Port, req Request, plain bool) []Step {
	var steps []Step
	udp := req.UDP || port.Protocol == "udp"
	caller := end{from.Workload, from.Address}
	own := port
	if m.consul != nil && to.Machine {
		return m.consulMachine(from, to, port, req)
	}
	if !udp && m.lost(from.Workload, to) {
		steps = append(steps, Step{Layer: Route, At: to.Namespace + "/" + to.Name, Effect: Refuse,
			Why: "its address is that of a service of Consul, and no pod of it has a proxy"})
	}
	port.Target = m.wire(from.Workload, to, port)
	if w := from.Workload; w != nil {
		caller.address = w.Address
		if !m.ciliumGateway(w) {
			steps = append(steps, m.filter(Egress, w, end{to, to.Address}, "", port, req))
		}
	}
	in := m.filter(Ingress, to, caller, "", port, req)
	if from.Kubelet {
		in = Step{Layer: Ingress, At: in.At, Effect: Silent, Why: "the node of a pod always reaches it"}
	}
	steps = append(steps, in)
	if m.proxied(to) && !udp && !from.Kubelet {
		return append(steps, m.admitted(from, to, own, req)...)
	}
	if !m.captured(to, port.Target, udp) {
		return steps
	}
	tls, identity := m.authenticate(to, from.Workload, port.Target, plain)
	steps = append(steps, tls)
	c := connection{identity: identity, address: caller.address, port: port.Target,
		http: speaksHTTP(port.Protocol), method: req.Method, path: req.Path, host: req.Host}
	if c.http {
		var s Step
		s, c.token = m.validate(to, req.Token)
		steps = append(steps, s)
	}
	return append(steps, m.authorize(to, c))
}

// port returns the port of a workload's Service by number.
func (w *Workload) port(number uint16) (Port, bool) {
	i := slices.IndexFunc(w.Ports, func(p Port) bool { return p.Port == number })
	if i < 0 {
		return Port{}, false
	}
	return w.Ports[i], true
}
