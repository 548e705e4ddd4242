package compiler

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/site"
)

// ours reports whether a caller is in a namespace whose pods have policies of the site.
func (q *inquiry) ours(a *asker) bool {
	w := a.from.Workload
	if w == nil {
		return false
	}
	_, service := q.s.Namespaces[w.Namespace]
	_, gateway := q.s.Gateways[strings.TrimPrefix(w.Namespace, "gateway-")]
	return service || gateway && strings.HasPrefix(w.Namespace, "gateway-")
}

// sidecar reports whether a caller has a sidecar, which knows some services only.
func (q *inquiry) sidecar(a *asker) bool {
	w := a.from.Workload
	if w == nil || w.Gateway || w.Opted || q.s.Mesh.Kind == "none" {
		return false
	}
	if n := q.s.Namespaces[w.Namespace]; n != nil {
		return n.Mesh
	}
	return w.Meshed || q.ours(a)
}

// expectation is what each layer of a callee should say.
type expectation struct{ egress, ingress, tls, authorization bool }

func (e expectation) open() bool { return e.egress && e.ingress && e.tls && e.authorization }

func (q *inquiry) expect(a *asker, callee string, c call) expectation {
	e := expectation{true, q.admits(a.place, callee, c, true) || a.from.Kubelet || q.reaches(a, callee, c.port), true, true}
	if q.ours(a) {
		e.egress = q.wants(a.place, callee, c.port)
	}
	if q.machine(callee) {
		e.ingress = true // nothing here stands in front of it
	}
	if !q.meshed(callee) {
		return e
	}
	w := a.from.Workload
	identity := q.sidecar(a) || w != nil && w.Gateway
	e.tls = identity || q.permissive(callee)
	switch {
	case identity:
		e.authorization = q.admits(a.certificate, callee, c, false)
	case w == nil:
		e.authorization = q.reaches(a, callee, c.port) // an address outside the pod network
	default:
		e.authorization = q.anonymous(callee, c) || q.reaches(a, callee, c.port)
	}
	return e
}

// reaches reports whether a caller outside the cluster has a way to a port of a service that needs no gateway.
func (q *inquiry) reaches(a *asker, callee string, port int) bool {
	for _, e := range q.s.Exposures {
		if q.world.Balancer.IsValid() && e.ExternalTrafficPolicy == "Local" && a.from.Address != q.world.Balancer {
			continue // what comes this way has the address of a balancer
		}
		if e.Service != callee || a.from.Workload != nil && e.ExternalTrafficPolicy == "Local" {
			continue
		}
		for name := range e.Ports {
			if p := q.service(callee).Ports[name]; p != nil && p.Port == port {
				return true
			}
		}
	}
	return false
}

// askService asks for every request at every port of a service. Besides the answer as a whole each layer of each end is
// held to what it should say alone: no layer leaves its work to another one.
func (q *inquiry) askService(a *asker, w *policy.Workload) {
	switch {
	case q.ambient():
		q.askAmbient(a, w)
		return
	case q.ciliumMeshed():
		q.askCilium(a, w)
		return
	}
	callee := w.Namespace + "/" + w.Name
	for _, port := range w.Ports {
		q.requests(a, callee, int(port.Port), func(c call) {
			v := q.model.Reach(a.from, policy.Target{Namespace: w.Namespace, Name: w.Name}, policy.Request{Port: port.Port, UDP: port.Protocol == "udp", Method: c.method, Path: c.path, Host: c.host, Token: c.token})
			what := fmt.Sprintf("%s to %s:%d %s %s %s token %v", a.name, callee, c.port, c.method, c.path, c.host, c.token)
			http := q.http(callee, c.port)
			want := true
			ends := map[string]int{callee: 100}
			if q.sidecar(a) {
				want = q.inScope(a.from.Workload.Namespace, callee)
				q.compareLayer(what, policy.Scope, a.from.Workload.Namespace+"/"+a.from.Workload.Name, want, v)
				if want {
					ends = q.ends(callee, http)
				}
			}
			for end := range ends {
				e := q.expect(a, end, c)
				want = want && e.open() && q.taken(end, c) && (!q.machine(end) || q.sliced() || q.proxied(a))
				q.compareLayers(what, end, e, v)
				if len(ends) == 1 && a.from.Workload != nil {
					q.compareLayer(what, policy.Egress, a.from.Workload.Namespace+"/"+a.from.Workload.Name, e.egress, v)
				}
			}
			q.compare(what, want, v)
			if want {
				q.compareLeads(what, ends, v)
			}
		})
	}
}

// requests calls f with every request that differs at a port.
func (q *inquiry) requests(a *asker, callee string, port int, f func(call)) {
	if !q.http(callee, port) {
		f(call{port: port})
		return
	}
	tokens := []*policy.Token{nil}
	if j := q.service(callee).JWT; j != nil {
		audience := "any"
		if len(j.Audiences) > 0 {
			audience = j.Audiences[0]
		}
		tokens = append(tokens, &policy.Token{Issuer: j.Issuer, Audience: audience}, &policy.Token{Issuer: j.Issuer, Audience: "another"},
			&policy.Token{Issuer: j.Issuer + ".invalid", Audience: audience})
	}
	hosts := []string{""}
	if a.from.Workload != nil && a.from.Workload.Gateway {
		hosts = q.hosts
	}
	for _, host := range hosts {
		for _, method := range []string{"GET", "POST"} {
			for _, path := range q.paths {
				for _, token := range tokens {
					f(call{port, method, path, host, token})
				}
			}
		}
	}
}

// proxied reports whether a caller has a proxy, which asks the mesh's registry.
func (q *inquiry) proxied(a *asker) bool {
	w := a.from.Workload
	return w != nil && (w.Gateway || q.sidecar(a))
}

// taken reports whether the proxy of a service takes the token of a request for good, or has none to look at.
func (q *inquiry) taken(callee string, c call) bool {
	j := q.service(callee).JWT
	return j == nil || c.token == nil || !q.meshed(callee) || q.good(j, c.token)
}

func (q *inquiry) compareLayers(what, end string, e expectation, v policy.Verdict) {
	q.compareLayer(what, policy.Ingress, end, e.ingress, v)
	q.compareLayer(what, policy.PeerAuth, end, e.tls, v)
	q.compareLayer(what, policy.Authorization, end, e.authorization, v)
}

// compareLayer holds each step of a layer at a workload to what it should say.
func (q *inquiry) compareLayer(what string, layer policy.Layer, at string, want bool, v policy.Verdict) {
	for _, s := range v.Steps {
		if s.Layer == layer && s.At == at && (s.Effect != policy.Refuse) != want {
			q.wrong = append(q.wrong, fmt.Sprintf("%s: declared %v, but %s", what, want, s))
		}
	}
}

func (q *inquiry) compareLeads(what string, ends map[string]int, v policy.Verdict) {
	got := map[string]int{}
	for _, l := range v.Leads {
		got[l.Namespace+"/"+l.Name] += l.Weight
	}
	same := len(got) == len(ends)
	for end, weight := range ends {
		same = same && (got[end] == weight || len(ends) == 1 && got[end] > 0)
	}
	if !same {
		q.wrong = append(q.wrong, fmt.Sprintf("%s: leads to %v, declared %v", what, got, ends))
	}
}

// askGateway asks as a client of every port of a gateway, for every request, through to the services behind.
func (q *inquiry) askGateway(a *asker, w *policy.Workload) {
	if q.ciliumMeshed() {
		q.askGatewayCilium(a, w)
		return
	}
	if a.from.Kubelet || q.sidecar(a) || a.from.Workload != nil && a.from.Workload.Gateway {
		return // no clients: a kubelet probes, and a meshed pod has no use for a gateway's listeners
	}
	ports := []int{6666}
	for _, l := range q.s.Gateways[w.Name].Listeners {
		ports = append(ports, l.Port)
	}
	for _, port := range ports {
		q.otherTransport(a, w, port)
		for _, host := range q.hosts {
			for _, method := range []string{"GET", "POST"} {
				for _, path := range q.paths {
					c := call{port, method, path, host, nil}
					if s := q.service(q.route(w.Name, c)); s != nil && s.JWT != nil {
						c.token = &policy.Token{Issuer: s.JWT.Issuer, Audience: slices.Concat(s.JWT.Audiences, []string{"any"})[0]}
					}
					v := q.model.Reach(a.from, policy.Target{Namespace: w.Namespace, Name: w.Name}, policy.Request{Port: uint16(port), UDP: q.datagrams(w.Name, port), Method: method, Path: path, Host: host, Token: c.token})
					address := a.from.Address
					if a.from.Workload != nil {
						address = a.from.Workload.Address
					}
					service := q.client(w.Name, address, a.from.Certificate, c)
					ingress := q.admitsClient(w.Name, address, port)
					if q.world.Balancer.IsValid() { // what the network sees is a balancer; pods do not come that way
						ingress = a.from.Workload == nil && q.listens(w.Name, port)
						if !ingress {
							service = ""
						}
					}
					what := fmt.Sprintf("%s to gateway %s:%d %s %s%s", a.name, w.Name, port, method, host, path)
					q.compare(what, service != "" && !q.ours(a), v)
					at := w.Namespace + "/" + w.Name
					q.compareLayer(what, policy.Ingress, at, ingress, v)
					if !q.redirects(w.Name, port) {
						q.compareLayer(what, policy.Route, at, q.route(w.Name, c) != "", v)
					}
					if q.s.Gateways[w.Name].Implementation == nil { // a program from outside has no policies of the mesh
						q.compareLayer(what, policy.Authorization, at, q.admitsClient(w.Name, address, port) && q.serves(w.Name, c), v)
					}
					if v.Allowed && service != "" {
						q.compareLeads(what, q.ends(service, !q.streaming(w.Name, port)), v)
					}
				}
			}
		}
	}
}

// admitsClient reports whether an address may connect to a port of a gateway. Nodes probe its proxy.
func (q *inquiry) admitsClient(gateway string, a netip.Addr, port int) bool {
	g := q.s.Gateways[gateway]
	for _, l := range g.Listeners {
		if l.Port == port {
			return len(g.SourceRanges) == 0 || slices.ContainsFunc(g.SourceRanges, func(r string) bool { return netip.MustParsePrefix(r).Contains(a) })
		}
	}
	return false
}

// listens reports whether a gateway has a port.
func (q *inquiry) listens(gateway string, port int) bool {
	for _, l := range q.s.Gateways[gateway].Listeners {
		if l.Port == port {
			return true
		}
	}
	return false
}

// streaming reports whether a port of a gateway hands connections on.
func (q *inquiry) streaming(gateway string, port int) bool {
	for _, l := range q.s.Gateways[gateway].Listeners {
		if l.Port == port && streams(l) {
			return true
		}
	}
	return false
}

// datagrams reports whether a port of a gateway is one of UDP.
func (q *inquiry) datagrams(gateway string, port int) bool {
	for _, l := range q.s.Gateways[gateway].Listeners {
		if l.Port == port {
			return l.Protocol == "udp"
		}
	}
	return false
}

// otherTransport: connections at a port of datagrams are refused, and the other way round.
func (q *inquiry) otherTransport(a *asker, w *policy.Workload, port int) {
	r := policy.Request{Port: uint16(port), UDP: !q.datagrams(w.Name, port), Method: "GET", Path: "/", Host: q.hosts[0]}
	q.compare(fmt.Sprintf("%s to gateway %s:%d over the other transport", a.name, w.Name, port), false, q.model.Reach(a.from, policy.Target{Namespace: w.Namespace, Name: w.Name}, r))
}

// redirects reports whether a port of a gateway answers with a redirect alone.
func (q *inquiry) redirects(gateway string, port int) bool {
	for _, l := range q.s.Gateways[gateway].Listeners {
		if l.Port == port && l.RedirectToHTTPS {
			return true
		}
	}
	return false
}

// serves reports whether a port of a gateway answers for a host, be it by a redirect.
func (q *inquiry) serves(gateway string, c call) bool {
	found := false
	for ln, l := range q.s.Gateways[gateway].Listeners {
		q.each(func(_ string, s *site.Service) {
			for _, e := range s.Expose {
				plain := streams(l) && !passes(l) // of a plain connection nobody sees a name
				found = found || l.Port == c.port && e.Gateway == gateway && (plain || sameHost(e.Host, c.host)) &&
					(e.Listener == ln || !streams(l) && (e.Listener == "" || l.RedirectToHTTPS && !streams(q.listener(e))))
			}
		})
	}
	return found
}

// askPod asks for a port of a pod that no Service has: the proxy's own for scrapers and kubelets, others for nobody.
func (q *inquiry) askPod(a *asker, w *policy.Workload, port uint16) {
	switch {
	case q.ambient():
		q.askPodAmbient(a, w, port)
		return
	case q.ciliumMeshed():
		q.askPodCilium(a, w, port)
		return
	}
	v := q.model.Reach(a.from, policy.Target{Namespace: w.Namespace, Name: w.Name}, policy.Request{Port: port, Direct: true})
	if w.Machine {
		return // its own ports are its own affair
	}
	proxy := w.Gateway || q.meshed(w.Namespace+"/"+w.Name)
	scraper := q.s.Observability.Scraper
	var want bool
	switch {
	case a.from.Kubelet:
		// Its node reaches every pod. What the sidecar captures needs a certificate, or a policy that takes it in.
		want = !proxy || w.Gateway || slices.Contains([]uint16{15020, 15021, 15090}, port)
	case a.from.Workload == nil:
		want = proxy && a.from.Address == q.world.NodeAddress && slices.Contains(q.probed(w), port)
	case scraper != nil && a.from.Workload.Namespace == scraper.Namespace:
		// A site names its scraper by namespace alone.
		want = proxy && slices.Contains(q.scraped(w), port) && !q.sidecar(a)
	}
	q.compare(fmt.Sprintf("%s to port %d of a pod of %s/%s", a.name, port, w.Namespace, w.Name), want, v)
}

// askOutside asks for every destination outside that the site declares, and one that it does not. Names are known to
// sidecars alone: a pod without one that may reach a name may reach any address outside on its port.
func (q *inquiry) askOutside() {
	for i := range q.callers {
		a := &q.callers[i]
		if a.from.Workload == nil || !q.ours(a) || a.from.Workload.Gateway {
			continue
		}
		ask := func(name string, to policy.Target, port int, udp, declared bool) {
			v := q.model.Reach(a.from, to, policy.Request{Port: uint16(port), UDP: udp})
			s := q.service(string(a.place))
			want := declared && s != nil && slices.Contains(s.Egress, name)
			if e := q.s.External[name]; e != nil && e.Via != "" && !slices.Contains([]string{"cilium", "calico"}, q.s.EgressGateways[e.Via].Provider) {
				want = want && q.sidecar(a) && a.certificate == a.place // who comes by no sidecar does not come to the gateway
			}
			if s != nil && to.Host != "" && (!q.sidecar(a) || q.ambient()) && !q.ciliumMeshed() {
				want = want || slices.ContainsFunc(s.Egress, func(x string) bool { return q.byName(x, port) })
			}
			q.compare(fmt.Sprintf("%s to %s port %d outside", a.name, name, port), want, v)
		}
		for name, e := range q.s.External {
			for _, p := range e.Ports {
				somewhere := "233.252.0.77"
				if len(e.Addresses) > 0 {
					somewhere = e.Addresses[0]
				}
				for _, h := range e.Hosts {
					ask(name, policy.Target{Host: h, Address: netip.MustParseAddr(somewhere)}, p.Port, p.Protocol == "udp", true)
				}
				for _, addr := range e.Addresses {
					ask(name, policy.Target{Address: netip.MustParseAddr(addr)}, p.Port, p.Protocol == "udp", true)
					ask(name, policy.Target{Address: netip.MustParseAddr(addr)}, p.Port+1, p.Protocol == "udp", false)
				}
			}
		}
		ask("nothing", policy.Target{Host: "other.example.invalid", Address: netip.MustParseAddr("233.252.0.78")}, 443, false, false)
	}
}

// byName reports whether a destination outside is known by names alone, and has a port.
func (q *inquiry) byName(name string, port int) bool {
	e := q.s.External[name]
	for _, p := range e.Ports {
		if p.Port == port && len(e.Hosts) > 0 && len(e.Addresses) == 0 {
			return true
		}
	}
	return false
}

// probed are the ports of a workload's proxy that kubelets ask, and scraped those that the scraper reads: fixed by who
// deploys the proxy.
func (q *inquiry) probed(w *policy.Workload) []uint16 {
	if g := q.s.Gateways[w.Name]; w.Gateway && g != nil && g.Implementation != nil {
		return []uint16{19003}
	}
	return []uint16{15020, 15021}
}

func (q *inquiry) scraped(w *policy.Workload) []uint16 {
	if g := q.s.Gateways[w.Name]; w.Gateway && g != nil && g.Implementation != nil {
		return []uint16{19001}
	}
	return []uint16{15020, 15090}
}
