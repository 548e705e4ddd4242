package lower

import (
	"cmp"
	"net/netip"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// nameLabel is the pod label that stands for a service where the site names no labels.
const nameLabel = "app.kubernetes.io/name"

func (l *lowering) services() {
	for nn, n := range byKey(l.s.Namespaces) {
		for sn, s := range byKey(n.Services) {
			l.p.Services = append(l.p.Services, l.service(nn, sn, n, s))
		}
	}
	l.index()
	l.edges()
	l.tunnels()
	l.ciliumTunnels()
	l.unproxied()
	if l.s.Mesh.Kind == "consul" {
		l.consulRestarts()
	}
	l.knownServices()
	l.externals()
}

// service decides everything of a service but who may reach whom.
func (l *lowering) service(nn, sn string, n *site.Namespace, s *site.Service) ir.Service {
	path := site.Join("namespaces", nn, "services", sn)
	out := ir.Service{
		Namespace: nn, Name: sn, Host: sn + "." + nn + ".svc." + l.p.Cluster.Domain,
		ServiceAccount: cmp.Or(s.ServiceAccount, sn),
		Labels:         []ir.KV{{Key: nameLabel, Value: sn}},
		Workload:       s.Workload, Headless: s.Headless,
		Meshed: n.Mesh && l.s.Mesh.Kind != "none" && s.Workload != ir.Machine, Permissive: l.permissive(nn),
		Externals: slices.Sorted(slices.Values(s.Egress)),
		From:      append(ir.From{path, "kubernetes.clusterDomain", "mesh.kind"}, under(site.Join("namespaces", nn), "mesh", "mtls")...),
	}
	if len(s.Labels) > 0 {
		out.Labels = nil
		for k, v := range byKey(s.Labels) {
			out.Labels = append(out.Labels, ir.KV{Key: k, Value: v})
		}
	}
	if (out.Meshed || n.Mesh && s.Workload == ir.Machine) && n.Waypoint && l.p.Mesh.Waypoint != nil && !s.Headless {
		// Clients of a headless Service dial pods, and what is addressed to a pod does not pass the waypoint of Services.
		out.Waypoint = l.p.Mesh.TrustDomain + "/ns/" + nn + "/sa/" + l.p.Mesh.Waypoint.Name
	}
	if n.Mesh && s.Workload == ir.Machine && l.s.Mesh.Kind == "linkerd" {
		out.Identity = machineIdentity(out.ServiceAccount, nn, l.p.Mesh.TrustDomain)
		out.From = append(out.From, "mesh.trustDomain")
	}
	if out.Meshed {
		out.Identity = l.p.Mesh.TrustDomain + "/ns/" + nn + "/sa/" + out.ServiceAccount
	}
	for pn, p := range byKey(s.Ports) {
		out.Ports = append(out.Ports, ir.Port{
			Name: pn, Port: uint16(p.Port), TargetPort: uint16(cmp.Or(p.TargetPort, p.Port)), Protocol: p.Protocol,
			From: ir.From{site.Join("namespaces", nn, "services", sn, "ports", pn)},
		})
	}
	if h := s.Health; h != nil {
		out.Health = &ir.Health{Port: uint16(h.Port), Path: h.Path, From: ir.From{path + ".health"}}
	}
	for i, e := range s.Expose {
		x := ir.Expose{Gateway: e.Gateway, Listeners: l.exposedOn(e), Host: e.Host, Path: ir.Path{Value: "/"},
			From: ir.From{site.Join("namespaces", nn, "services", sn, "expose", site.Index(i)), site.Join("gateways", e.Gateway, "listeners"), site.Join("gateways", e.Gateway, "frontend")}}
		if e.Path != nil {
			x.Path = irPath(*e.Path)
		}
		if len(out.Ports) > 0 {
			x.Port = out.Ports[exposedPort(out.Ports, l.s.Gateways[e.Gateway].Listeners[e.Listener])]
			x.From = append(x.From, path+".ports")
		}
		out.Exposes = append(out.Exposes, x)
	}
	if s.Timeout != "" {
		out.Timeout = &ir.Duration{Text: span(s.Timeout), From: ir.From{path + ".timeout"}}
	}
	if r := s.Retries; r != nil {
		out.Retries = &ir.Retries{Attempts: r.Attempts, PerTryTimeout: span(r.PerTryTimeout), On: r.On, Methods: r.Methods, From: ir.From{path + ".retries"}}
	}
	for i, w := range s.Split {
		out.Split = append(out.Split, ir.Weighted{Namespace: nn, Name: w.Service, Host: w.Service + "." + nn + ".svc." + l.p.Cluster.Domain,
			Weight: w.Weight, From: ir.From{site.Join("namespaces", nn, "services", sn, "split", site.Index(i)), "kubernetes.clusterDomain"}})
	}
	if o := s.OutlierDetection; o != nil {
		out.Outlier = &ir.Outlier{Consecutive5xx: o.Consecutive5xx, Interval: span(o.Interval), BaseEjectionTime: span(o.BaseEjectionTime),
			MaxEjectionPercent: o.MaxEjectionPercent, From: ir.From{path + ".outlierDetection"}}
	}
	if r := s.RateLimit; r != nil {
		out.RateLimit = &ir.RateLimit{PerSecond: r.RequestsPerSecond, From: ir.From{path + ".rateLimit"}}
	}
	if f := s.Fault; f != nil && f.Delay != nil && f.Delay.Percent > 0 && site.ParseDuration(f.Delay.Duration) > 0 {
		out.Fault = &ir.Fault{DelayPercent: f.Delay.Percent, Delay: span(f.Delay.Duration), From: ir.From{path + ".fault"}}
	}
	if j := s.JWT; j != nil {
		out.JWT = &ir.JWT{Issuer: j.Issuer, Audiences: j.Audiences, KeysURI: j.JWKSURI, From: ir.From{path + ".jwt"}}
		if l.s.Mesh.Kind == "consul" {
			out.JWT.Keys = keysAt(j.JWKSURI, out.JWT.From)
		}
	}
	out.Addresses = addrs(s.Addresses)
	l.tunnelled(&out, path)
	return out
}

// exposedPort is the port that a route leads to: the first by name that speaks HTTP, else gRPC, else the first; behind a
// listener of connections one that speaks what the listener hands on. The listener is nil where the route names none.
func exposedPort(ports []ir.Port, li *site.Listener) int {
	protocols := []string{"http", "grpc"}
	switch {
	case li == nil:
	case li.TLS != nil && li.TLS.Mode == "passthrough":
		protocols = []string{"tls", "https", "tcp"}
	case li.Protocol == "tcp" || li.Protocol == "tls":
		protocols = []string{"tcp", "tls"}
	case li.Protocol == "udp":
		protocols = []string{"udp"}
	}
	for _, protocol := range protocols {
		if i := slices.IndexFunc(ports, func(p ir.Port) bool { return p.Protocol == protocol }); i >= 0 {
			return i
		}
	}
	return 0
}

func irPath(p site.PathMatch) ir.Path {
	if p.Exact != "" {
		return ir.Path{Value: p.Exact, Exact: true}
	}
	return ir.Path{Value: p.Prefix}
}

// edges closes the policy: the callers of each service are those that declare a call (or exactly those it allows), the
// gateways that expose it, and whoever may call a service whose split sends traffic to it.
func (l *lowering) edges() {
	for i := range l.p.Services {
		callee := &l.p.Services[i]
		declared := l.s.Namespaces[callee.Namespace].Services[callee.Name]
		if declared.Allow != nil {
			l.allowed(callee, declared)
		} else {
			l.callersByCall(callee)
		}
		l.callersByGateway(callee)
	}
	l.splitCallers()
	for i := range l.p.Services {
		s := &l.p.Services[i]
		sortCallers(s)
		l.callees(s)
		l.away(s)
		s.EdgesFrom = append(s.EdgesFrom, s.From...)
		for _, c := range slices.Concat(s.Callers, s.Peers) {
			s.EdgesFrom = append(s.EdgesFrom, c.From...)
		}
		for _, c := range s.Away {
			s.EdgesFrom = append(s.EdgesFrom, c.From...)
		}
		for _, c := range s.Callees {
			s.EdgesFrom = append(s.EdgesFrom, c.From...)
		}
	}
}

// allowed admits exactly the callers that the service names.
func (l *lowering) allowed(callee *ir.Service, declared *site.Service) {
	for i, a := range declared.Allow {
		for _, name := range a.From {
			from := ir.From{site.Join("namespaces", callee.Namespace, "services", callee.Name, "allow", site.Index(i))}
			var c ir.Caller
			if caller := l.find(name); caller != nil {
				c = callerService(caller, callee, "allow", from)
			} else if l.isAway(name) {
				c = l.awayCaller(name, callee, from)
			} else {
				continue // of a site that the federation does not name: refused, and no guard
			}
			c.Methods = slices.Sorted(slices.Values(a.Methods))
			for _, p := range a.Paths {
				c.Paths = append(c.Paths, irPath(p))
			}
			if l.isAway(name) {
				callee.Peers = append(callee.Peers, c)
			} else {
				callee.Callers = append(callee.Callers, c)
			}
		}
	}
}

// call is one entry of a service's calls.
type call struct{ caller, index int }

// index notes where each service stands and who declares a call to it, once.
func (l *lowering) index() {
	l.serviceAt, l.calledBy = map[string]int{}, map[string][]call{}
	for i := range l.p.Services {
		s := &l.p.Services[i]
		l.serviceAt[s.Namespace+"/"+s.Name] = i
		for k, callee := range l.s.Namespaces[s.Namespace].Services[s.Name].Calls {
			if of := l.calledBy[callee]; len(of) == 0 || of[len(of)-1].caller != i {
				l.calledBy[callee] = append(of, call{i, k})
			}
		}
	}
}

// callersByCall admits every service that declares a call.
func (l *lowering) callersByCall(callee *ir.Service) {
	for _, c := range l.calledBy[callee.Namespace+"/"+callee.Name] {
		caller := &l.p.Services[c.caller]
		callee.Callers = append(callee.Callers, callerService(caller, callee, "calls", ir.From{
			site.Join("namespaces", caller.Namespace, "services", caller.Name, "calls", site.Index(c.index))}))
	}
}

func callerService(caller, callee *ir.Service, why string, from ir.From) ir.Caller {
	// The identity is the ServiceAccount's, and the labels are the service's own.
	from = append(append(from, "mesh.trustDomain"), caller.From...)
	return ir.Caller{
		Kind: "service", Namespace: caller.Namespace, Name: caller.Name, ServiceAccount: caller.ServiceAccount,
		Identity: caller.Identity, Labels: caller.Labels, Addresses: caller.Addresses, Ports: callee.Ports, Why: why,
		From: append(from, callee.From...),
	}
}

// callersByGateway admits the gateways that expose the service, on the port that the route leads to.
func (l *lowering) callersByGateway(callee *ir.Service) {
	for _, e := range callee.Exposes {
		g := l.gateway(e.Gateway)
		callee.Callers = append(callee.Callers, ir.Caller{
			Kind: "gateway", Namespace: g.Namespace, Name: g.Name, ServiceAccount: g.ServiceAccount,
			Identity: l.p.Mesh.TrustDomain + "/ns/" + g.Namespace + "/sa/" + g.ServiceAccount,
			Labels:   g.Selector, Ports: []ir.Port{e.Port}, Paths: exposedPaths(e.Path), Hosts: []string{e.Host}, Why: "expose",
			From: append(ir.From{"mesh.trustDomain", "mesh.kind"}, append(e.From, e.Port.From...)...),
		})
	}
}

func exposedPaths(p ir.Path) []ir.Path {
	if p.Value == "/" && !p.Exact {
		return nil
	}
	return []ir.Path{p}
}

// splitCallers admits the callers of a split's source at each of its targets: they do not know which of them answers.
// A target without outlier detection of its own has that of the source.
func (l *lowering) splitCallers() {
	for i := range l.p.Services {
		source := &l.p.Services[i]
		for _, w := range source.Split {
			target := l.find(w.Namespace + "/" + w.Name)
			if target == source {
				continue
			}
			if target.Outlier == nil {
				target.Outlier = source.Outlier
			}
			for _, c := range source.Callers {
				if c.Why == "split" {
					continue
				}
				c.Ports = samePorts(target.Ports, c.Ports)
				if slices.ContainsFunc(target.Callers, func(o ir.Caller) bool { return mayAll(o, c) }) {
					continue
				}
				c.Why = "split"
				c.From = append(append(ir.From{}, c.From...), w.From...)
				c.From = append(c.From, target.From...)
				target.Callers = append(target.Callers, c)
			}
		}
	}
}

// mayAll reports whether a caller of a service may do already what c may: it is the same one, and held to nothing else.
func mayAll(o, c ir.Caller) bool {
	return o.Kind == c.Kind && o.Namespace == c.Namespace && o.Name == c.Name && len(o.Paths) == 0 && len(o.Methods) == 0 &&
		(len(o.Hosts) == 0 || slices.Equal(o.Hosts, c.Hosts)) && len(samePorts(o.Ports, c.Ports)) == len(c.Ports)
}

// samePorts returns the ports of a split's target that are also asked for at its source, by number: a share keeps its
// port.
func samePorts(target, source []ir.Port) []ir.Port {
	var out []ir.Port
	for _, p := range target {
		if slices.ContainsFunc(source, func(o ir.Port) bool { return o.Port == p.Port }) {
			out = append(out, p)
		}
	}
	return out
}

func sortCallers(s *ir.Service) {
	slices.SortStableFunc(s.Callers, func(a, b ir.Caller) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}

// callees lists what a service may reach: what it calls, and where the splits of those send it.
func (l *lowering) callees(s *ir.Service) {
	add := func(target *ir.Service, ports []ir.Port, why string, from ir.From) {
		if slices.ContainsFunc(s.Callees, func(c ir.Callee) bool { return c.Host == target.Host }) {
			return
		}
		if target.Workload == ir.Machine && !slices.ContainsFunc(target.Callers, func(c ir.Caller) bool { return c.Namespace == s.Namespace && c.Name == s.Name }) {
			return // whom a machine does not allow is held back where he is
		}
		s.Callees = append(s.Callees, ir.Callee{Namespace: target.Namespace, Name: target.Name, Host: target.Host,
			Labels: target.Labels, Addresses: target.Addresses, Through: l.machinePassage(target), Ports: ports, Why: why, From: append(from, target.From...)})
	}
	calls := l.s.Namespaces[s.Namespace].Services[s.Name].Calls
	declared := func(i int) (*ir.Service, ir.From) {
		return l.find(calls[i]), ir.From{site.Join("namespaces", s.Namespace, "services", s.Name, "calls", site.Index(i))}
	}
	for i := range calls {
		if target, from := declared(i); target != nil { // else it is of another site
			add(target, target.Ports, "calls", from)
		}
	}
	for i := range calls {
		source, from := declared(i)
		if source == nil {
			continue
		}
		for _, w := range source.Split {
			target := l.find(w.Namespace + "/" + w.Name)
			add(target, samePorts(target.Ports, source.Ports), "split", append(from, w.From...))
		}
	}
	slices.SortFunc(s.Callees, func(a, b ir.Callee) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
}

// externals lists the destinations outside, each with the services that declare it.
func (l *lowering) externals() {
	for name, e := range byKey(l.s.External) {
		out := ir.External{Name: name, Hosts: e.Hosts, From: append(ir.From{site.Join("external", name)}, l.closedFrom()...)}
		for _, a := range e.Addresses {
			ip := addr(a)
			out.Addresses = append(out.Addresses, netip.PrefixFrom(ip, ip.BitLen()))
		}
		for pn, p := range byKey(e.Ports) {
			out.Ports = append(out.Ports, ir.Port{Name: pn, Port: uint16(p.Port), TargetPort: uint16(p.Port), Protocol: p.Protocol,
				From: ir.From{site.Join("external", name, "ports", pn)}})
		}
		for _, s := range l.p.Services {
			declared := l.s.Namespaces[s.Namespace].Services[s.Name].Egress
			if k := slices.Index(declared, name); k >= 0 {
				out.Users = append(out.Users, ir.ExternalUser{Namespace: s.Namespace, Name: s.Name, Labels: s.Labels,
					From: append(ir.From{site.Join("namespaces", s.Namespace, "services", s.Name, "egress", site.Index(k))}, s.From...)})
			}
		}
		out.Through = l.consulPassage(e.Via)
		l.p.Externals = append(l.p.Externals, out)
	}
}

// find returns a service by "namespace/name", or nil.
func (l *lowering) find(name string) *ir.Service {
	i, ok := l.serviceAt[name]
	if !ok {
		return nil
	}
	return &l.p.Services[i]
}

// gateway returns a gateway of the plan by name.
func (l *lowering) gateway(name string) *ir.Gateway {
	i := slices.IndexFunc(l.p.Gateways, func(g ir.Gateway) bool { return g.Name == name })
	if i < 0 {
		return nil
	}
	return &l.p.Gateways[i]
}
