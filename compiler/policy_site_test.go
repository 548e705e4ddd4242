package compiler

import (
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/site"
)

// declared answers from a site alone what TestPolicy asks the oracle: it knows the language, and neither the plan nor
// anything that is emitted.
type declared struct{ s *site.Site }

// subject is somebody that edges are declared for: a service, "namespace/name", or a gateway, "gateway:name". The empty
// one is a stranger.
type subject string

func (s subject) gateway() (string, bool) { return strings.CutPrefix(string(s), "gateway:") }

// call is a request at a port of a service.
type call struct {
	port               int // of the Service
	method, path, host string
	token              *policy.Token
}

func (d declared) service(name string) *site.Service {
	ns, sn, _ := strings.Cut(name, "/")
	if n := d.s.Namespaces[ns]; n != nil {
		return n.Services[sn]
	}
	return nil
}

// each calls f for every service.
func (d declared) each(f func(name string, s *site.Service)) {
	for nn, n := range d.s.Namespaces {
		for sn, s := range n.Services {
			f(nn+"/"+sn, s)
		}
	}
}

// sources returns a service and those of its namespace whose split sends a share to it.
func (d declared) sources(callee string) []string {
	out := []string{callee}
	ns, sn, _ := strings.Cut(callee, "/")
	for name, s := range d.s.Namespaces[ns].Services {
		if name != sn && slices.ContainsFunc(s.Split, func(t site.SplitTarget) bool { return t.Service == sn }) {
			out = append(out, ns+"/"+name)
		}
	}
	return out
}

func (d declared) meshed(service string) bool {
	ns, _, _ := strings.Cut(service, "/")
	if d.machine(service) {
		return false
	}
	return d.s.Namespaces[ns].Mesh && d.s.Mesh.Kind != "none"
}

// machine reports whether a service is machines outside the cluster.
func (d declared) machine(service string) bool {
	s := d.service(service)
	return s != nil && s.Workload == "VM"
}

// sliced reports whether a Service leads to machines for everybody, and not only for who asks a mesh.
func (d declared) sliced() bool { return d.s.Mesh.Kind == "none" || d.s.Mesh.Kind == "cilium" }

func (d declared) permissive(service string) bool {
	ns, _, _ := strings.Cut(service, "/")
	mode := d.s.Namespaces[ns].MTLS
	if mode == "" {
		mode = d.s.Mesh.MTLS
	}
	return mode == "permissive"
}

// http reports whether requests, and not only connections, are seen at a port.
func (d declared) http(callee string, port int) bool {
	for _, p := range d.service(callee).Ports {
		if p.Port == port {
			return p.Protocol == "http" || p.Protocol == "grpc"
		}
	}
	return false
}

func (d declared) hasPort(service string, port int) bool {
	for _, p := range d.service(service).Ports {
		if p.Port == port {
			return true
		}
	}
	return false
}

// wants reports whether a caller declares the connection: services by calls, gateways by expose. A split shares out the
// ports of its source. Port 0 is any.
func (d declared) wants(caller subject, callee string, port int) bool {
	if name, ok := caller.gateway(); ok {
		return d.crosses(name, callee, port) || d.exposed(caller, callee, func(e site.Expose, onPort int) bool { return onPort == port })
	}
	s := d.service(string(caller))
	return s != nil && slices.ContainsFunc(d.sources(callee), func(source string) bool {
		return slices.Contains(s.Calls, source) && (port == 0 || d.hasPort(source, port))
	})
}

// admits reports whether the callee lets the caller do something; with any, whatever the request.
func (d declared) admits(caller subject, callee string, c call, any bool) bool {
	if !any && !d.welcome(callee, c) {
		return false
	}
	if name, ok := caller.gateway(); ok {
		return any && d.crosses(name, callee, c.port) || d.exposed(caller, callee, func(e site.Expose, onPort int) bool {
			return onPort == c.port && (any || !d.http(callee, c.port) || sameHost(e.Host, c.host) && exposes(e, c.path))
		})
	}
	s := d.service(string(caller))
	if s == nil {
		return false
	}
	for _, source := range d.sources(callee) {
		src := d.service(source)
		if !d.hasPort(source, c.port) {
			continue
		}
		if src.Allow == nil && slices.Contains(s.Calls, source) {
			return true
		}
		for _, a := range src.Allow {
			if slices.Contains(a.From, string(caller)) && (any || d.allows(a, callee, c)) {
				return true
			}
		}
	}
	return false
}

// welcome reports whether a request brings the token that a service asks for. A connection can bring none.
func (d declared) welcome(callee string, c call) bool {
	j := d.service(callee).JWT
	return j == nil || d.http(callee, c.port) && c.token != nil && d.good(j, c.token)
}

func (d declared) good(j *site.JWT, t *policy.Token) bool {
	return t.Issuer == j.Issuer && (len(j.Audiences) == 0 || slices.Contains(j.Audiences, t.Audience))
}

func (d declared) allows(a site.Allow, callee string, c call) bool {
	if !d.http(callee, c.port) {
		return len(a.Methods) == 0 && len(a.Paths) == 0
	}
	return (len(a.Methods) == 0 || slices.Contains(a.Methods, c.method)) &&
		(len(a.Paths) == 0 || slices.ContainsFunc(a.Paths, func(p site.PathMatch) bool { return pathMatch(p, c.path) }))
}

// exposed reports whether a gateway has a route to a service, or to one whose split leads to it, that f takes.
func (d declared) exposed(g subject, callee string, f func(e site.Expose, port int) bool) bool {
	name, _ := g.gateway()
	for _, source := range d.sources(callee) {
		s := d.service(source)
		for _, e := range s.Expose {
			if e.Gateway == name && f(e, d.routedPort(s, e)) {
				return true
			}
		}
	}
	return false
}

// listener is the one that a route names, or nil.
func (d declared) listener(e site.Expose) *site.Listener {
	return d.s.Gateways[e.Gateway].Listeners[e.Listener]
}

func passes(l *site.Listener) bool { return l != nil && l.TLS != nil && l.TLS.Mode == "passthrough" }

func streams(l *site.Listener) bool {
	return l != nil && (passes(l) || l.Protocol == "tcp" || l.Protocol == "udp" || l.Protocol == "tls")
}

// routedPort is the port that routes from gateways lead to: the first by name that speaks HTTP, else gRPC; behind a
// listener of connections, one that takes what it hands on.
func (d declared) routedPort(s *site.Service, e site.Expose) int {
	names := make([]string, 0, len(s.Ports))
	for n := range s.Ports {
		names = append(names, n)
	}
	slices.Sort(names)
	protocols := []string{"http", "grpc"}
	if l := d.listener(e); passes(l) {
		protocols = []string{"tls", "https", "tcp"}
	} else if l != nil && l.Protocol == "udp" {
		protocols = []string{"udp"}
	} else if streams(l) {
		protocols = []string{"tcp", "tls"}
	}
	for _, protocol := range protocols {
		for _, n := range names {
			if s.Ports[n].Protocol == protocol {
				return s.Ports[n].Port
			}
		}
	}
	return 0
}

func sameHost(declared, asked string) bool {
	name, _, _ := strings.Cut(asked, ":")
	if rest, ok := strings.CutPrefix(declared, "*"); ok {
		return strings.HasSuffix(name, rest)
	}
	return name == declared
}

func exposes(e site.Expose, path string) bool {
	return e.Path == nil || pathMatch(*e.Path, path)
}

// pathMatch: a prefix is one of whole segments.
func pathMatch(p site.PathMatch, path string) bool {
	if p.Exact != "" {
		return path == p.Exact
	}
	prefix := strings.TrimSuffix(p.Prefix, "/")
	return path == prefix || strings.HasPrefix(path, prefix+"/")
}

// anonymous reports whether some caller of a service has no certificate, or may have none yet, and may be one: such
// callers cannot be told apart by the mesh. The last stage of a migration is for those that never have one.
func (d declared) anonymous(callee string, c call) bool {
	found := false
	d.each(func(name string, _ *site.Service) {
		proxied := d.meshed(name) && !d.unproxied(callee) || d.machine(name) && d.s.Mesh.Kind == "linkerd"
		any := d.meshed(name) && d.s.Mesh.Kind == "istio-ambient" // nothing on its way sees requests
		found = found || !proxied && d.permissive(callee) && d.admits(subject(name), callee, c, any)
	})
	return found
}

// unproxied reports whether the stage of a service's migration is for callers too that have no proxy yet.
func (d declared) unproxied(service string) bool {
	ns, _, _ := strings.Cut(service, "/")
	return d.migrates(service) && d.s.Namespaces[ns].Migration.Stage != d.s.Namespaces[ns].Migration.Target
}

// migrates reports whether the namespace of a service is on its way to another mode of mutual TLS.
func (d declared) migrates(service string) bool {
	ns, _, _ := strings.Cut(service, "/")
	n := d.s.Namespaces[ns]
	return n != nil && n.Mesh && n.Migration != nil
}

// inScope reports whether the sidecars of a namespace have to know a service.
func (d declared) inScope(namespace, callee string) bool {
	n := d.s.Namespaces[namespace]
	if n == nil {
		return true
	}
	for sn := range n.Services {
		if d.wants(subject(namespace+"/"+sn), callee, 0) {
			return true
		}
	}
	return false
}

// ends returns where a call goes, by weight: to the service, or to what its split says.
func (d declared) ends(callee string, http bool) map[string]int {
	ns, _, _ := strings.Cut(callee, "/")
	s := d.service(callee)
	if !http || len(s.Split) == 0 {
		return map[string]int{callee: 100}
	}
	out := map[string]int{}
	for _, t := range s.Split {
		out[ns+"/"+t.Service] = t.Weight
	}
	return out
}

// client answers for a request from outside at a listener: which service has it, "" where none has.
func (d declared) client(gateway string, from netip.Addr, certificate bool, c call) string {
	g := d.s.Gateways[gateway]
	if len(g.SourceRanges) > 0 && !slices.ContainsFunc(g.SourceRanges, func(r string) bool { return netip.MustParsePrefix(r).Contains(from) }) {
		return ""
	}
	for _, l := range g.Listeners {
		if l.Port == c.port && l.TLS != nil && l.TLS.Mode == "mutual" && !certificate {
			return ""
		}
	}
	return d.route(gateway, c)
}

// route returns the service that has a request at a listener. Of the routes that take it the exact one wins, then the
// longest.
func (d declared) route(gateway string, c call) string {
	best, rank := "", -1
	for ln, l := range d.s.Gateways[gateway].Listeners {
		if l.Port != c.port || l.RedirectToHTTPS {
			continue
		}
		d.each(func(name string, s *site.Service) {
			for _, e := range s.Expose {
				if e.Gateway == gateway && streams(l) && e.Listener == ln && (!passes(l) || sameHost(e.Host, c.host)) {
					best, rank = name, 1<<17
				}
				if streams(l) || streams(d.listener(e)) {
					continue
				}
				if e.Gateway != gateway || e.Listener != "" && e.Listener != ln || !sameHost(e.Host, c.host) || !exposes(e, c.path) {
					continue
				}
				at := 0
				if e.Path != nil {
					at = len(e.Path.Prefix)
					if e.Path.Exact != "" {
						at = 1 << 16
					}
				}
				if at > rank {
					best, rank = name, at
				}
			}
		})
	}
	return best
}
