package policy

import (
	"errors"
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/artifact"
)

// Linkerd and Consul keep their policies in kinds of their own, and their proxies meet at ports of their own. With
// World.Linkerd or World.Consul a Model asks them too: the network at the port where proxies meet, then the callee's.

// Where the proxies of a pod take connections of the mesh. Sources: linkerd/linkerd2 version-2.20 charts/partials
// (LINKERD2_PROXY_INBOUND_LISTEN_ADDR, the port of transport-level headers for what is opaque); hashicorp/consul-k8s
// 2.0.3 connect-inject constants (ProxyDefaultInboundPort); 2026-11-21.
const (
	linkerdStreams = 4143
	consulInbound  = 20000
)

// Names of upstream by which a namespace's pods get a proxy.
const (
	linkerdInject = "linkerd.io/inject"
	consulInject  = "consul.hashicorp.com/connect-inject"
	consulGateway = "gateway.consul.hashicorp.com/name" // label of the pods of a gateway
)

// readMeshes reads the policies of the mesh that the World names.
func (m *Model) readMeshes(t *artifact.Tree) error {
	var errs []error
	var err error
	if m.world.Linkerd != "" {
		m.linkerd, err = ReadLinkerd(t, m.world.Linkerd)
		errs = append(errs, err)
	}
	if m.world.Consul != "" {
		m.consul, err = ReadConsul(t, m.world.Consul)
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// proxied reports whether a pod has the proxy of Linkerd or Consul. The gateways of both are in their mesh.
func (m *Model) proxied(w *Workload) bool {
	switch {
	case w == nil || w.Opted || m.linkerd == nil && m.consul == nil:
		return false
	case w.Machine:
		return m.linkerd != nil && m.linkerd.Machine(w, nil) != ""
	case w.Gateway && m.consul != nil:
		return true
	}
	if m.linkerd != nil {
		if set, ours := m.injected[w.Namespace]; ours {
			return set == "enabled"
		}
	} else if labels, ours := m.namespaces[w.Namespace]; ours {
		return labels[consulInject] == "true"
	}
	return w.Meshed
}

// wire is the port at which a connection arrives at the callee's pod.
func (m *Model) wire(from, to *Workload, port Port) uint16 {
	switch {
	case !m.proxied(from) || !m.proxied(to) || port.Protocol == "udp":
		return port.Target
	case m.consul != nil && m.consul.dialed[to.Name] && !from.Gateway: // gateways go by the catalog
		return port.Target
	case m.consul != nil:
		return consulInbound
	case !speaksHTTP(port.Protocol):
		return linkerdStreams
	}
	return port.Target
}

// lost reports whether the proxy of a caller knows the callee as a service of Consul and finds none of its pods: a service
// keeps its address for as long as it has ServiceDefaults or intentions, also when no pod of it has a proxy (hashicorp/consul
// agent/consul/state freeServiceVirtualIP, intentionTopologyTxn; read 2026-11-21).
func (m *Model) lost(from, to *Workload) bool {
	if m.consul == nil || !m.proxied(from) || m.proxied(to) {
		return false
	}
	_, known := m.consul.protocols[to.Name]
	return known || m.consul.of(to.Name) != nil
}

// admitted asks the callee's proxy of Linkerd or Consul. Both take an identity from the caller's certificate.
func (m *Model) admitted(from Caller, to *Workload, port Port, req Request) []Step {
	at := to.Namespace + "/" + to.Name
	s := Step{Layer: Authorization, At: at, Effect: Refuse}
	w := from.Workload
	certificate := m.proxied(w)
	var ok bool
	if m.consul != nil {
		q := ConsulRequest{To: to.Name, Method: req.Method, Path: req.Path, Token: req.Token}
		if certificate && w.Gateway {
			q.From = w.Name
		} else if certificate {
			q.From = w.ServiceAccount
		}
		tls := Step{Layer: PeerAuth, At: at, Effect: Allow, Why: "the caller shows a certificate for " + q.From}
		if q.From == "" {
			tls.Why = "the caller has no certificate"
			if !m.consul.takesPlain(to.Name) {
				tls.Effect, tls.Why = Refuse, tls.Why+", and plain text is refused"
			}
		}
		ok, s.Object = m.consul.Admits(q)
		s.Why = fmt.Sprintf("no intention admits %q", q.From)
		if ok {
			s.Effect, s.Why = Allow, fmt.Sprintf("an intention admits %q", q.From)
		}
		return []Step{tls, s}
	}
	q := LinkerdRequest{Address: from.Address, Port: port.Target, Method: req.Method, Path: req.Path, Host: req.Host}
	who := "a caller without a certificate"
	if w != nil {
		q.Address = w.Address
	}
	if certificate {
		q.Namespace, q.Account = w.Namespace, w.ServiceAccount
		who = "account " + w.Namespace + "/" + w.ServiceAccount
		if w.Machine {
			q.Namespace, q.Account, q.Identity = "", "", m.linkerd.Machine(w, nil)
			who = q.Identity
		}
	}
	ok, s.Object = m.linkerd.Admits(to, q)
	s.Why = "no policy of the port admits " + who
	if ok {
		s.Effect, s.Why = Allow, "admits "+who
	}
	return []Step{s}
}

// meshLeads is where the caller's proxy of Linkerd or Consul sends a request to a Service.
func (m *Model) meshLeads(at string, to *Workload, port Port, req Request) (Step, []Lead) {
	s := Step{Layer: Route, At: at, Effect: Silent, Why: "straight to the service"}
	straight := []Lead{{Namespace: to.Namespace, Name: to.Name, Port: port.Port, Weight: 100}}
	if !speaksHTTP(port.Protocol) || to.Headless {
		return s, straight
	}
	if m.consul != nil {
		for i := range m.consul.splitters {
			p := &m.consul.splitters[i]
			if p.Namespace != to.Namespace || p.Name != to.Name {
				continue
			}
			s.Object, s.Effect, s.Why = p.at("spec", "splits"), Allow, "takes the request"
			var leads []Lead
			for _, x := range p.spec.Splits {
				leads = append(leads, Lead{Namespace: m.namespaceOf(x.Service, to.Namespace), Name: x.Service, Port: port.Port, Weight: int(x.Weight)})
			}
			return s, leads
		}
		return s, straight
	}
	// The most specific match of all routes of the Service; a rule without matches takes what is left.
	var best *httpRoute
	var rule *routeRule
	rank := []int{-1}
	for i := range m.routes {
		r := &m.routes[i]
		if !r.ofService(to, port) {
			continue
		}
		for k := range r.spec.Rules {
			matches := r.spec.Rules[k].Matches
			if len(matches) == 0 {
				matches = []routeMatch{{}}
			}
			for _, x := range matches {
				if x.matches(req) && slices.Compare(x.rank(), rank) > 0 {
					best, rule, rank = r, &r.spec.Rules[k], x.rank()
					s.Object = r.at("spec", "rules", k)
				}
			}
		}
	}
	if best == nil {
		return s, straight
	}
	return m.backends(s, best, rule)
}

// namespaceOf is that of a service of Consul, which knows it by name alone.
func (m *Model) namespaceOf(name, near string) string {
	if m.find(near, name) != nil {
		return near
	}
	for _, w := range m.world.Workloads {
		if w.Name == name && !w.Gateway {
			return w.Namespace
		}
	}
	return near
}

// spread replaces each end that a gateway of Linkerd or Consul leads to by where the mesh leads on.
func (m *Model) spread(v *Verdict, g *Workload, req Request) {
	if !m.proxied(g) {
		return
	}
	var out []Lead
	for _, l := range v.Leads {
		to := m.find(l.Namespace, l.Name)
		port, ok := Port{}, to != nil
		if ok {
			port, ok = to.port(l.Port)
		}
		if !ok {
			out = append(out, l)
			continue
		}
		s, ends := m.meshLeads(g.Namespace+"/"+g.Name, to, port, req)
		if s.Effect != Silent {
			v.Steps = append(v.Steps, s)
		}
		if len(ends) == 1 || len(v.Leads) > 1 {
			ends = []Lead{l}
		}
		out = append(out, ends...)
	}
	v.Leads = out
}

// consulService returns the Service of the tree that leads to the pods of a gateway, or nil: Consul makes none for
// clients outside.
func (m *Model) consulService(w *Workload) *kubeService {
	i := slices.IndexFunc(m.services, func(k kubeService) bool {
		return m.consul != nil && k.Namespace == w.Namespace && len(k.spec.Selector) > 0 && subset(k.spec.Selector, w.Labels)
	})
	if i < 0 {
		return nil
	}
	return &m.services[i]
}

func (k *kubeService) facts() serviceFacts {
	out := serviceFacts{ExternalTrafficPolicy: k.spec.ExternalTrafficPolicy, LoadBalancerSourceRanges: k.spec.LoadBalancerSourceRanges, object: k.Object}
	for _, p := range k.spec.Ports {
		x := servicePort{Port: p.Port}
		if n, ok := p.TargetPort.(float64); ok {
			x.TargetPort = uint16(n)
		}
		out.Ports = append(out.Ports, x)
	}
	return out
}
