package lower

import (
	"cmp"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// consulInjectors is the number of injectors: one may be drained while the other answers the webhooks.
const consulInjectors = 2

// consul decides what Consul is told: how its chart is installed, what each service speaks, who may call it, and what
// becomes of requests.
func (l *lowering) consul() {
	m := &l.p.Mesh
	if m.Kind != "consul" {
		return
	}
	k := &ir.Consul{
		Datacenter: l.p.Name, Domain: "consul",
		GossipSecret: "consul-gossip", CASecret: "consul-ca", ServerSecret: "consul-server-tls", TokenSecret: "consul-bootstrap-token",
		InjectLabel: consulInjected, CNINamespace: consulCNINamespace,
		Tolerated: (m.Replicas - 1) / 2, SpreadKey: rackLabel,
		From: m.From.Of("kind"),
	}
	l.p.Consul = k
	for i := range l.p.Services {
		if s := &l.p.Services[i]; (s.Meshed || s.Workload == ir.Machine) && len(s.Ports) > 0 {
			k.Services = append(k.Services, l.consulService(s))
		} else if s.Meshed { // it calls, and nobody calls it
			k.Services = append(k.Services, ir.ConsulService{Namespace: s.Namespace, Name: s.Name, Protocol: "tcp", Upstreams: l.consulUpstreams(s), From: s.EdgesFrom})
		}
	}
	slices.SortFunc(k.Services, func(a, b ir.ConsulService) int { return cmp.Compare(a.Name, b.Name) })
	for i := range l.p.Gateways {
		g := &l.p.Gateways[i]
		if l.p.CrossesSites(g) {
			continue
		}
		place := ir.ConsulGateway{Gateway: g.Name, Offset: consulOffset}
		place.Label, _ = l.consulPlace(g.Name, l.s.Gateways[g.Name])
		k.Places = append(k.Places, place)
		for j := range g.Listeners {
			if li := &g.Listeners[j]; li.Port < 1024 {
				li.Target = li.Port + consulOffset
			}
		}
	}
	k.CA = l.consulCA()
	if !l.consulWAN() {
		l.consulPeers()
	}
	l.consulWays()
}

// dialed reports whether the callers of a service dial its pods, and Consul's proxies carry that to the port that was
// dialed: a headless Service has no address by which they could know it (hashicorp/consul agent/xds/listeners.go, the chains
// of PassthroughUpstreams, and agent/xds/clusters.go, makePassthroughClusters; read 2026-11-22). At the pod all ports lead
// to its proxy.
func (l *lowering) dialed(s *ir.Service) bool {
	return l.p.Mesh.Kind == "consul" && s.Meshed && s.Headless
}

func dialedFrom(s *ir.Service) ir.From {
	return ir.From{site.Join("namespaces", s.Namespace, "services", s.Name, "headless")}
}

// consulProtocol is that of the one port that proxies take.
func consulProtocol(s *ir.Service) string {
	for _, p := range s.Ports {
		switch p.Protocol {
		case "http", "grpc":
			return p.Protocol
		}
	}
	return "tcp"
}

func (l *lowering) consulService(s *ir.Service) ir.ConsulService {
	out := ir.ConsulService{Namespace: s.Namespace, Name: s.Name, Machine: s.Workload == ir.Machine, Protocol: consulProtocol(s), Upstreams: l.consulUpstreams(s), Split: s.Split, From: slices.Clone(s.EdgesFrom)}
	if l.dialed(s) {
		out.DialedFrom = dialedFrom(s)
	}
	if s.Permissive && s.Meshed {
		// Plain text goes past the intentions: NetworkPolicy alone tells who sends it.
		out.Permissive, l.p.Consul.Permissive = true, true
		out.PermissiveFrom = append(under(site.Join("namespaces", s.Namespace), "mtls", "mesh"), "mesh.mtls")
	}
	for _, m := range l.p.Mesh.Migrations {
		if m.Namespace == s.Namespace && s.Meshed {
			out.Migrating, out.PermissiveFrom = true, append(under(site.Join("namespaces", s.Namespace), "mtls", "mesh", "migration"), "mesh.mtls")
		}
	}
	for _, p := range s.Ports {
		out.From = append(out.From, p.From...)
	}
	requests := out.Protocol != "tcp"
	for _, c := range slices.Concat(s.Callers, s.Peers) {
		if c.Identity == "" || !slices.ContainsFunc(c.Ports, func(p ir.Port) bool { return p.Protocol != "udp" }) {
			continue
		}
		i := slices.IndexFunc(out.Callers, func(o ir.ConsulCaller) bool { return o.Name == c.Name && o.Peer == c.Peer })
		permissions := consulPermissions(c)
		if !requests && len(permissions) > 0 {
			continue // nothing of a stream is a request
		}
		switch {
		case i < 0:
			out.Callers = append(out.Callers, ir.ConsulCaller{Name: c.Name, Peer: c.Peer, Permissions: permissions, From: c.From})
		case len(permissions) == 0 || len(out.Callers[i].Permissions) == 0: // one of both is everything
			out.Callers[i].Permissions = nil
		default:
			out.Callers[i].Permissions = append(out.Callers[i].Permissions, permissions...)
		}
	}
	if requests && !out.Machine && len(out.Callers) > 0 { // a terminating gateway reads no tokens; without callers there are no intentions to ask for one
		out.Token = s.JWT
	}
	slices.SortFunc(out.Callers, func(a, b ir.ConsulCaller) int {
		return cmp.Or(cmp.Compare(a.Peer, b.Peer), cmp.Compare(a.Name, b.Name))
	})
	if requests && (len(out.Callers) > 0 || s.Timeout != nil || s.Retries != nil) {
		out.Routes, out.RoutesFrom = consulRoutes(s, l.meshProfile().RetryOn)
		for i := range s.Exposes {
			out.ExposedFrom = append(out.ExposedFrom, s.Exposes[i].From...)
		}
	}
	return out
}

// consulPermissions are the kinds of request that a caller is held to; none: it may make any. Consul compares characters
// and not segments, so that a prefix is the path itself and what is below it.
func consulPermissions(c ir.Caller) []ir.ConsulPermission {
	if len(c.Methods) == 0 && len(c.Paths) == 0 {
		return nil
	}
	var paths []ir.Path
	for _, p := range c.Paths {
		switch {
		case p.Exact:
			paths = append(paths, p)
		case p.Value == "/":
			paths = append(paths, ir.Path{Value: "/"})
		default:
			base := p.Value
			for len(base) > 1 && base[len(base)-1] == '/' {
				base = base[:len(base)-1]
			}
			paths = append(paths, ir.Path{Value: base, Exact: true}, ir.Path{Value: base + "/"})
		}
	}
	if len(paths) == 0 {
		paths = []ir.Path{{Value: "/"}}
	}
	var out []ir.ConsulPermission
	for _, p := range paths {
		if p.Value == "/" && !p.Exact && len(c.Methods) == 0 {
			return nil
		}
		out = append(out, ir.ConsulPermission{Path: p, Methods: c.Methods})
	}
	return out
}

// consulUpstreams: who takes an endpoint out of the rotation is the caller's proxy.
func (l *lowering) consulUpstreams(s *ir.Service) []ir.ConsulUpstream {
	var out []ir.ConsulUpstream
	for _, c := range s.Callees {
		if to := l.find(c.Namespace + "/" + c.Name); to.Meshed && to.Outlier != nil &&
			!slices.ContainsFunc(out, func(u ir.ConsulUpstream) bool { return u.Name == to.Name }) {
			out = append(out, ir.ConsulUpstream{Name: to.Name, Outlier: *to.Outlier})
		}
	}
	return out
}

// consulNoTimeout takes Envoy's own time for a request away, which is 15 s wherever Consul says nothing of it (hashicorp/consul
// agent/xds/routes.go, makeUpstreamRouteForDiscoveryChain; pull request 19992, from 1.18 on; read 2026-11-22).
const consulNoTimeout = "-1s"

// consulRoutes: requests with the methods that may be sent again come first.
func consulRoutes(s *ir.Service, words map[string]string) ([]ir.ConsulRoute, ir.From) {
	var out []ir.ConsulRoute
	var from ir.From
	rest := ir.ConsulRoute{Timeout: consulNoTimeout}
	if s.Timeout != nil {
		rest.Timeout, from = s.Timeout.Text, append(from, s.Timeout.From...)
	}
	if r := s.Retries; r != nil {
		again := ir.ConsulRoute{Methods: r.Methods, Timeout: rest.Timeout, Retries: r.Attempts}
		for _, on := range r.On {
			again.RetryOn = append(again.RetryOn, words[on])
		}
		out, from = append(out, again), append(from, r.From...)
	}
	if len(out) == 0 || len(out[0].Methods) > 0 {
		out = append(out, rest)
	}
	return out, from
}
