package trace

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/load"
)

// Outside follows a request of a client outside the cluster to a host name: one trace for each gateway that serves the
// name, in the order of their names. Port 0 is the first port that answers requests and does not redirect; a client that
// is not given is one that the gateway admits.
func (t *Tracer) Outside(q Question) ([]*Trace, error) {
	var out []*Trace
	for i := range t.plan.Gateways {
		g := &t.plan.Gateways[i]
		l := serving(g, q.To, q.Port)
		if l == nil {
			continue
		}
		asked := q
		asked.Port = l.Port
		if asked.Method, asked.Path = "", ""; l.SeesRequests() {
			if asked.Method, asked.Path = q.Method, q.Path; q.Method == "" {
				asked.Method = "GET"
			}
			if q.Path == "" {
				asked.Path = "/"
			}
		}
		out = append(out, t.outside(asked, g, l))
	}
	if out != nil {
		return out, nil
	}
	hosts := t.hosts()
	if slices.Contains(hosts, q.To) {
		return nil, fmt.Errorf("no gateway serves %s on port %d", q.To, q.Port)
	}
	return nil, &Unknown{"host name", q.To, load.Closest(q.To, hosts), hosts}
}

// hosts are the names that gateways serve, sorted.
func (t *Tracer) hosts() []string {
	var out []string
	for _, g := range t.plan.Gateways {
		for _, l := range g.Listeners {
			for _, h := range l.Hosts {
				if h.Host != "" && g.Pool != "" && (l.TLS == nil || l.TLS.Mode != acrossSites) {
					out = append(out, h.Host)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// acrossSites is the mode of listeners for the meshes of other sites, whose callers are no clients.
const acrossSites = "auto-passthrough"

// serving returns the listener of a gateway for a name, nil where it has none.
func serving(g *ir.Gateway, host string, port uint16) *ir.Listener {
	var found *ir.Listener
	for i := range g.Listeners {
		l := &g.Listeners[i]
		ok := slices.ContainsFunc(l.Hosts, func(h ir.ListenerHost) bool {
			rest, wild := strings.CutPrefix(h.Host, "*")
			return h.Host == host || wild && strings.HasSuffix(host, rest)
		})
		if !ok || l.TLS != nil && l.TLS.Mode == acrossSites || port != 0 && l.Port != port {
			continue
		}
		if found == nil || found.Redirect && !l.Redirect {
			found = l
		}
	}
	return found
}

func (t *Tracer) outside(q Question, g *ir.Gateway, l *ir.Listener) *Trace {
	if !q.Client.IsValid() {
		q.Client = t.client(g)
	}
	out := &Trace{Question: q, Gateway: g.Name}
	open := len(g.VIPs) == 0
	for _, vip := range g.VIPs {
		hops, ok := t.arrive(vip, g, l)
		out.Hops, open = append(out.Hops, hops...), open || ok
	}
	if !open {
		return out
	}
	if h, ok := t.placement(g); ok {
		if out.Hops = append(out.Hops, h); !h.Pass {
			return out
		}
	}
	target := policy.Target{Namespace: g.Namespace, Name: g.Name}
	from := policy.Caller{Address: q.Client, Certificate: true}
	r := policy.Request{Port: q.Port, UDP: l.Protocol == "udp", Method: q.Method, Path: q.Path, Host: q.To}
	v := t.model.Reach(from, target, r)
	for _, lead := range v.Leads { // with the token that the service asks for
		if w, err := t.workload(lead.Namespace + "/" + lead.Name); err == nil && t.token(w) != nil {
			r.Token = t.token(w)
			v = t.model.Reach(from, target, r)
			break
		}
	}
	t.take(out, v)
	return out
}

// arrive follows a virtual address to the nodes.
func (t *Tracer) arrive(vip netip.Addr, g *ir.Gateway, l *ir.Listener) (hops []Hop, open bool) {
	hops, open = t.balancers(vip, l)
	if !open {
		return hops, false
	}
	if g.NodePorts {
		return hops, true
	}
	for i := range t.plan.Pools {
		p := &t.plan.Pools[i]
		if p.Name != g.Pool {
			continue
		}
		way, ok := t.fabric(vip, p)
		own := append(t.pool(vip, p), t.address(vip, g))
		for _, h := range own {
			ok = ok && h.Pass
		}
		hops, open = append(append(hops, way...), own...), open && ok
	}
	return hops, open
}

// balancers asks the machines in front of the cluster whether they take connections to an address and port.
func (t *Tracer) balancers(vip netip.Addr, l *ir.Listener) (hops []Hop, open bool) {
	b := t.plan.Balancers
	if b == nil {
		return nil, true
	}
	bind := "bind " + netip.AddrPortFrom(vip, l.Port).String()
	if vip.Is6() {
		bind = fmt.Sprintf("bind %s:%d", vip, l.Port)
	}
	for _, m := range b.Members {
		h := Hop{Stage: Balancer, At: m.Name, From: m.From, Why: "nothing of it takes connections to " + netip.AddrPortFrom(vip, l.Port).String()}
		for _, f := range t.tree.Files() {
			if path.Base(f.Path()) != "haproxy.cfg" || !strings.Contains(f.Path(), "/"+m.Name+"/") {
				continue
			}
			h.File = f.Path()
			for i, line := range t.lines(h.File) {
				if text := strings.TrimSpace(line); text == bind || strings.HasPrefix(text, bind+" ") {
					h.Line, h.Pass, h.Why = i+1, true, "takes connections to "+netip.AddrPortFrom(vip, l.Port).String()
				}
			}
		}
		hops, open = append(hops, t.at(h)), open || h.Pass
	}
	return hops, open
}

// somewhere are addresses of documentation (RFC 5737, RFC 3849), as clients that nothing is known of.
var somewhere = []string{"192.0.2.1", "198.51.100.1", "203.0.113.254", "2001:db8:ffff::1"}

// client is an address outside the cluster that a gateway admits, of the family of its first address.
func (t *Tracer) client(g *ir.Gateway) netip.Addr {
	six := len(g.VIPs) > 0 && g.VIPs[0].Is6()
	for _, r := range g.SourceRanges {
		if r.Addr().Is6() == six {
			if r.IsSingleIP() {
				return r.Addr()
			}
			return r.Masked().Addr().Next()
		}
	}
	var last netip.Addr
	for _, s := range somewhere {
		a := netip.MustParseAddr(s)
		if a.Is6() != six {
			continue
		}
		last = a
		inside := slices.ContainsFunc(t.plan.Pools, func(p ir.Pool) bool {
			return slices.ContainsFunc(p.Prefixes, func(x netip.Prefix) bool { return x.Contains(a) })
		})
		if !inside {
			return a
		}
	}
	return last
}

// certificate follows the certificate of the listener that takes a request, to what makes it.
func (t *Tracer) certificate(out *Trace, s policy.Step) (Hop, bool) {
	g := t.plan.Gateway(out.Gateway)
	l := serving(g, out.To, out.Port)
	if l == nil || l.TLS == nil || l.TLS.Secret == "" || s.Object.Kind != "Gateway" {
		return Hop{}, false
	}
	h := Hop{Stage: Certificate, At: g.Namespace + "/" + l.TLS.Secret, File: s.Object.File, From: l.TLS.From}
	lines := t.lines(s.Object.File)
	dash := strings.IndexByte(lines[s.Object.Line-1], '-')
	for i := s.Object.Line; i < len(lines); i++ {
		indent := len(lines[i]) - len(strings.TrimLeft(lines[i], " "))
		if lines[i] == "---" || indent <= dash {
			break
		}
		key, value, _ := strings.Cut(strings.TrimPrefix(strings.TrimSpace(lines[i]), "- "), ": ")
		named := key == "credentialName" || key == "name" && i > 0 && strings.Contains(strings.Join(lines[max(i-4, 0):i], "\n"), "certificateRefs")
		if !named {
			continue
		}
		h.Line, h.Pass = i+1, strings.Trim(value, `"`) == l.TLS.Secret
		h.Why = "Secret " + value
		if !h.Pass {
			h.Why += ", and the certificate is in " + l.TLS.Secret
		}
		break
	}
	if h.Line == 0 {
		h.Why = "the listener names no certificate"
		return t.at(h), true
	}
	if h.Pass && l.TLS.Issuer != "" {
		for _, o := range t.objects(gatewayPhase) {
			if o.kind == "Certificate" && text(o.node, "metadata", "namespace") == g.Namespace && text(o.node, "spec", "secretName") == l.TLS.Secret {
				h.Why += fmt.Sprintf(", made by Certificate %s of issuer %s (%s:%d)", o.name, text(o.node, "spec", "issuerRef", "name"), o.file, below(o.node, "spec", "secretName").Line)
				return t.at(h), true
			}
		}
		h.Pass, h.Why = false, h.Why+", which no Certificate makes"
	}
	return t.at(h), true
}
