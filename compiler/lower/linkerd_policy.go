package lower

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

const (
	linkerdPolicy = "policy.linkerd.io"
	gatewayGroup  = "gateway.networking.k8s.io"
)

// linkerdServers describes each port of each meshed service, and admits its callers. A port that no Server describes
// refuses everybody: that is the mesh-wide default.
func (l *lowering) linkerdServers() {
	for i := range l.p.Services {
		s := &l.p.Services[i]
		if !s.Meshed && s.Workload != ir.Machine {
			continue
		}
		if step := l.stage(s.Namespace); step != nil {
			l.linkerdStaged(s, *step)
		} else {
			l.linkerdPorts(s)
		}
	}
	for i := range l.p.Namespaces {
		n := &l.p.Namespaces[i]
		if n.Purpose == "services" && n.Meshed || n.Purpose == "gateway" && n.Name != linkerdMulticluster { // which has a Server of its own
			l.linkerdMetricsServer(n)
		}
	}
}

// linkerdPorts are the ports of a service.
func (l *lowering) linkerdPorts(s *ir.Service) {
	for j := range s.Ports {
		if s.Ports[j].Protocol != "udp" { // proxies take TCP alone
			l.linkerdServer(s, &s.Ports[j])
		}
	}
}

// linkerdServer is one port of a service.
func (l *lowering) linkerdServer(s *ir.Service, port *ir.Port) {
	k := l.p.Linkerd
	from := append(slices.Clone(s.EdgesFrom), port.From...)
	access, stage := l.linkerdAccess(s.Namespace)
	server := ir.LinkerdServer{Namespace: s.Namespace, Name: s.Name + "-" + strconv.Itoa(int(port.TargetPort)), Selector: s.Labels, External: s.Workload == ir.Machine, Port: port.TargetPort,
		Protocol: linkerdProtocol(port.Protocol), Access: access, From: append(from[:len(from):len(from)], stage...)}
	if slices.ContainsFunc(k.Servers, func(o ir.LinkerdServer) bool { return o.Namespace == server.Namespace && o.Name == server.Name }) {
		return // two ports of the Service lead to one of the pods
	}
	k.Servers = append(k.Servers, server)
	if r := s.RateLimit; r != nil && ir.IsHTTP(port.Protocol) {
		k.Limits = append(k.Limits, ir.LinkerdLimit{Namespace: s.Namespace, Name: server.Name, Server: server.Name, PerSecond: r.PerSecond,
			From: append(slices.Clone(r.From), from...)})
	}
	all := append(callersOf(s, port, ir.IsHTTP(port.Protocol)), l.linkerdLinked(s, port)...)
	all = append(all, l.linkerdExposed(s, port)...)
	free := slices.DeleteFunc(slices.Clone(all), func(c permit) bool { return c.bound() })
	l.linkerdGrants(s, server.Name, ir.LinkerdTarget{Group: linkerdPolicy, Kind: "Server", Name: server.Name}, free, from)
	bound := slices.DeleteFunc(slices.Clone(all), func(c permit) bool { return !c.bound() })
	if len(bound) > 0 {
		l.linkerdServerRoutes(s, port, server.Name, server.Name, []string{""}, bound, from)
	}
}

// permit is what one caller may ask for at one port.
type permit struct {
	account   ir.LinkerdAccount // "": a caller without a certificate
	unproxied bool              // one that will have one
	paths     []ir.Path         // empty: all
	methods   []string
	hosts     []string
}

func (c permit) bound() bool { return len(c.paths)+len(c.methods)+len(c.hosts) > 0 }

// callersOf lists who may reach a port. Those without a certificate count where the namespace is permissive; those of the
// mesh count as such too, as long as they may have no proxy.
func callersOf(s *ir.Service, port *ir.Port, requests bool) []permit {
	var out []permit
	for _, c := range s.Callers {
		if !slices.ContainsFunc(c.Ports, func(p ir.Port) bool { return p.TargetPort == port.TargetPort }) || c.Identity == "" && !s.Permissive {
			continue
		}
		p := permit{}
		if c.Identity != "" {
			p.account = ir.LinkerdAccount{Namespace: c.Namespace, Name: c.ServiceAccount}
			if len(c.Addresses) > 0 {
				p.account = ir.LinkerdAccount{Identity: spiffeScheme + c.Identity, Machine: true}
			}
		}
		if requests {
			p.paths, p.methods = c.Paths, c.Methods
			for _, h := range c.Hosts {
				if h != "" {
					p.hosts = append(p.hosts, h)
				}
			}
		} else if len(c.Methods) > 0 {
			continue // nothing of a stream is a request
		}
		out = append(out, p)
		if s.Unproxied && c.OfMesh() {
			p.account, p.unproxied = ir.LinkerdAccount{}, true
			out = append(out, p)
		}
	}
	return out
}

// linkerdExposed are the clients of exposures that lead to a port: they come past every gateway, and without a certificate.
func (l *lowering) linkerdExposed(s *ir.Service, port *ir.Port) []permit {
	if !s.Permissive {
		return nil
	}
	for _, e := range l.p.ExposuresOf(s) {
		if slices.ContainsFunc(e.Ports, func(p ir.Port) bool { return p.TargetPort == port.TargetPort && p.Protocol != "udp" }) {
			return []permit{{}}
		}
	}
	return nil
}

// covers reports whether a caller may do all that an alternative stands for.
func (c permit) covers(host string, m ir.LinkerdMatch) bool {
	if len(c.hosts) > 0 && !slices.Contains(c.hosts, host) || len(c.methods) > 0 && !slices.Contains(c.methods, m.Method) {
		return false
	}
	return len(c.paths) == 0 || slices.ContainsFunc(c.paths, func(p ir.Path) bool {
		if p.Exact {
			return m.Path.Exact && m.Path.Value == p.Value
		}
		return below(m.Path.Value, p.Value)
	})
}

// below reports whether a path is a prefix, or below it, by whole segments.
func below(path, prefix string) bool {
	prefix = strings.TrimSuffix(prefix, "/")
	rest, ok := strings.CutPrefix(path, prefix)
	return ok && (rest == "" || rest[0] == '/')
}

// matchesOfRoute is how many matches an HTTPRoute may have, in all of its rules (Gateway API 1.5.1, HTTPRouteSpec).
const matchesOfRoute = 128

// linkerdServerRoutes tells the requests apart that callers are held to. Of the routes that match a request the most
// specific decides, alone: so each admits every caller who may do all that it matches. What no other route matches is
// left to the one for everything, which admits those who may do anything at the port. Names of routes begin with prefix;
// hosts are told apart besides those that callers are held to.
func (l *lowering) linkerdServerRoutes(s *ir.Service, port *ir.Port, server, prefix string, hosts []string, bound []permit, from ir.From) {
	paths, methods := []ir.Path{{Value: "/"}}, []string{""}
	probed := s.Health != nil && s.Health.Port == port.TargetPort
	for _, c := range bound {
		paths, methods, hosts = append(paths, c.paths...), append(methods, c.methods...), append(hosts, c.hosts...)
	}
	probe := ir.LinkerdMatch{Method: "GET"}
	if probed {
		path, _, _ := strings.Cut(s.Health.Path, "?")
		probe.Path = ir.Path{Value: path, Exact: true}
		paths, methods = append(paths, probe.Path), append(methods, "GET")
	}
	paths = pathTexts(paths).paths()
	slices.Sort(methods)
	slices.Sort(hosts)
	methods, hosts = slices.Compact(methods), slices.Compact(hosts)
	type key struct {
		host, who string
		probe     bool
		part      int
	}
	var order []key
	groups := map[key]*ir.LinkerdServerRoute{}
	members := map[key][]permit{}
	for _, host := range hosts {
		for _, path := range paths {
			for _, method := range methods {
				m := ir.LinkerdMatch{Path: path, Method: method}
				var who []permit
				for _, c := range bound {
					if c.covers(host, m) {
						who = append(who, c)
					}
				}
				at := key{host: host, who: fmt.Sprint(accountsOf(who), unproxied(who)), probe: probed && m == probe}
				for groups[at] != nil && len(groups[at].Matches) == matchesOfRoute {
					at.part++
				}
				if groups[at] == nil {
					order = append(order, at)
					groups[at] = &ir.LinkerdServerRoute{Namespace: s.Namespace, Server: server, Host: host, Name: prefix + "-" + strconv.Itoa(len(order)), From: from}
					members[at] = who
				}
				groups[at].Matches = append(groups[at].Matches, m)
			}
		}
	}
	for _, at := range order {
		r := groups[at]
		l.p.Linkerd.ServerRoutes = append(l.p.Linkerd.ServerRoutes, *r)
		target := ir.LinkerdTarget{Group: gatewayGroup, Kind: "HTTPRoute", Name: r.Name}
		l.linkerdGrants(s, r.Name, target, members[at], from)
		if at.probe {
			// With routes of ours the mesh makes none for the probes that it finds in the pod.
			l.grant(ir.LinkerdGrant{Namespace: s.Namespace, Name: r.Name + "-probes", Target: target, Networks: l.p.Linkerd.Probes,
				Reason: "Kubelets probe it without a certificate.", From: slices.Concat(from, s.Health.From, l.p.Linkerd.ProbesFrom)})
		}
	}
}

// pathText is a path as one word, by which paths are sorted.
type pathText []string

func pathTexts(in []ir.Path) pathText {
	var out pathText
	for _, p := range in {
		mark := " "
		if p.Exact {
			mark = "="
		}
		out = append(out, p.Value+mark)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (t pathText) paths() []ir.Path {
	var out []ir.Path
	for _, s := range t {
		out = append(out, ir.Path{Value: s[:len(s)-1], Exact: s[len(s)-1] == '='})
	}
	return out
}

// accountsOf returns the accounts of callers, each once; a caller without one is "".
func accountsOf(in []permit) []ir.LinkerdAccount {
	var out []ir.LinkerdAccount
	for _, c := range in {
		if !slices.Contains(out, c.account) {
			out = append(out, c.account)
		}
	}
	return out
}

// unproxied reports whether all callers without a certificate will have one.
func unproxied(in []permit) bool {
	return !slices.ContainsFunc(in, func(c permit) bool { return c.account == ir.LinkerdAccount{} && !c.unproxied })
}

// linkerdGrants opens a target: to accounts by certificate, and to callers without one, who are told from others by
// NetworkPolicy alone.
func (l *lowering) linkerdGrants(s *ir.Service, name string, target ir.LinkerdTarget, who []permit, from ir.From) {
	accounts := accountsOf(who)
	anonymous := slices.Contains(accounts, ir.LinkerdAccount{})
	accounts = slices.DeleteFunc(accounts, func(a ir.LinkerdAccount) bool { return a == ir.LinkerdAccount{} })
	// An authentication names accounts of this cluster or what stands in certificates, never both.
	machines := slices.DeleteFunc(slices.Clone(accounts), func(a ir.LinkerdAccount) bool { return !a.Machine })
	if len(machines) > 0 {
		l.grant(ir.LinkerdGrant{Namespace: s.Namespace, Name: name + "-machines", Target: target, Accounts: machines, From: from})
	}
	away := slices.DeleteFunc(slices.Clone(accounts), func(a ir.LinkerdAccount) bool { return !a.Away })
	if len(away) > 0 {
		l.grant(ir.LinkerdGrant{Namespace: s.Namespace, Name: name + "-away", Target: target, Accounts: away, From: from})
	}
	if accounts = slices.DeleteFunc(accounts, func(a ir.LinkerdAccount) bool { return a.Machine || a.Away }); len(accounts) > 0 {
		l.grant(ir.LinkerdGrant{Namespace: s.Namespace, Name: name, Target: target, Accounts: accounts, From: from})
	}
	if anonymous {
		l.grant(ir.LinkerdGrant{Namespace: s.Namespace, Name: name + "-permissive", Target: target, Networks: everywhere, From: from,
			Anonymous: true, Unproxied: unproxied(who), Own: ir.LinkerdAccount{Namespace: s.Namespace, Name: s.ServiceAccount},
			Reason: "Callers without a certificate, because the namespace is permissive: NetworkPolicy tells them apart."})
	}
}

func (l *lowering) grant(g ir.LinkerdGrant) { l.p.Linkerd.Grants = append(l.p.Linkerd.Grants, g) }

// linkerdMetricsServer admits the scraper to the proxies' own port. The mesh admits kubelets there by itself.
func (l *lowering) linkerdMetricsServer(n *ir.Namespace) {
	scraper := l.p.Scraper
	if scraper == nil {
		return
	}
	k := l.p.Linkerd
	from := append(slices.Clone(n.From), scraper.From...)
	server := ir.LinkerdServer{Namespace: n.Name, Name: "proxy-metrics", Port: l.p.Mesh.ProxyPorts.EnvoyMetrics, Protocol: "HTTP/1", Access: linkerdDeny, From: from,
		Reason: "The proxies' own metrics. Kubelets' probes of the proxies are admitted by the mesh itself."}
	k.Servers = append(k.Servers, server)
	l.scraperGrant(n.Name, server.Name, ir.LinkerdTarget{Group: linkerdPolicy, Kind: "Server", Name: server.Name}, from)
}

// loopback is where a forwarded port comes from.
var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("::1/128")}

// scraperGrant admits the scraper to a Server, by its certificate where it has one, and whoever may forward the port. A
// proxy asks both for leave: it holds no address to be its own.
func (l *lowering) scraperGrant(namespace, name string, target ir.LinkerdTarget, from ir.From) {
	scraper := l.p.Scraper
	g := ir.LinkerdGrant{Namespace: namespace, Name: name, Target: target, From: from}
	if scraper.Meshed {
		g.Accounts = []ir.LinkerdAccount{{Namespace: scraper.Namespace, Name: scraper.ServiceAccount}}
	} else {
		g.Networks, g.From = l.p.Cluster.PodCIDRs, append(from, l.p.Cluster.From.Of("podCIDRs")...)
		g.Reason = "The scraper has no certificate: NetworkPolicy admits its namespace alone."
	}
	l.grant(g)
	l.grant(ir.LinkerdGrant{Namespace: namespace, Name: name + "-forwarded", Target: target, Networks: loopback, From: from,
		Reason: "Who forwards the port by the API server, as \"linkerd diagnostics proxy-metrics\" does."})
}
