package compiler

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/analyze/trace"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/site"
)

// TestTraceAgrees asks everything of every example. An answer about two services is that of the oracle where it knows the
// mesh, and that of the site's own words in every mesh; a trace is open where no hop stops it, and a hop that stops it is
// the last one.
func TestTraceAgrees(t *testing.T) {
	for _, name := range exampleNames(t) {
		q := newInquiry(t, name)
		tr := newTracer(t, q, q.tree)
		if err := q.read(q.tree); err != nil && !q.linkerd() {
			t.Fatal(name, err)
		}
		open, closed := 0, 0
		for _, cell := range tr.All() {
			for _, x := range cell.Asked {
				if x.Open {
					open++
				} else if closed++; len(x.Hops) == 0 || x.Hops[len(x.Hops)-1].Pass {
					t.Errorf("%s: %s: refused, and the last hop passes: %+v", name, x.Question, x.Hops)
				}
				if x.Open != (len(x.Refused()) == 0) {
					t.Errorf("%s: %s: open is %v, refused by %+v", name, x.Question, x.Open, x.Refused())
				}
				if x.From == "" {
					continue
				}
				if want := q.declaredOpen(x.Question); want != x.Open {
					t.Errorf("%s: %s: open is %v, declared %v: %+v", name, x.Question, x.Open, want, x.Refused())
				}
				if !q.linkerd() && !q.consul() {
					if v := q.asked(x.Question); v.Allowed != x.Open {
						t.Errorf("%s: %s: open is %v, to the oracle %v\n%s", name, x.Question, x.Open, v.Allowed, steps(v))
					}
				}
			}
		}
		if open == 0 {
			t.Errorf("%s: nothing is open of %d questions", name, closed)
		}
	}
}

func newTracer(t *testing.T, q *inquiry, tree *artifact.Tree) *trace.Tracer {
	t.Helper()
	tr, err := trace.New(q.plan, tree)
	if err != nil {
		t.Fatal(q.plan.Name, err)
	}
	return tr
}

// asked puts a question about two services to the oracle.
func (q *inquiry) asked(x trace.Question) policy.Verdict {
	var from *policy.Workload
	for i := range q.world.Workloads {
		if w := &q.world.Workloads[i]; !w.Gateway && w.Namespace+"/"+w.Name == x.From {
			from = w
		}
	}
	ns, name, _ := strings.Cut(x.To, "/")
	return q.model.Reach(policy.Caller{Workload: from}, policy.Target{Namespace: ns, Name: name},
		policy.Request{Port: x.Port, Method: x.Method, Path: x.Path, UDP: q.udp(x.To, int(x.Port)), Token: q.goodToken(x.To)})
}

func (q *inquiry) goodToken(callee string) *policy.Token {
	j := q.service(callee).JWT
	if j == nil {
		return nil
	}
	return &policy.Token{Issuer: j.Issuer, Audience: slices.Concat(j.Audiences, []string{"any"})[0]}
}

func (q *inquiry) udp(callee string, port int) bool {
	for _, p := range q.service(callee).Ports {
		if p.Port == port && p.Protocol == "udp" {
			return true
		}
	}
	return false
}

// declaredOpen says what the site's words make of a call between two services, each with the proxy that its namespace
// has: both sides declare it, and a callee that is strict has a certificate to look at.
func (q *inquiry) declaredOpen(x trace.Question) bool {
	me := subject(x.From)
	c := call{port: int(x.Port), method: x.Method, path: x.Path, token: q.goodToken(x.To)}
	ends := map[string]int{x.To: 100}
	if q.meshed(x.From) || q.s.Mesh.Kind == "cilium" {
		ends = q.ends(x.To, q.http(x.To, c.port))
	}
	for end := range ends {
		certified := q.meshed(x.From) && !q.udp(end, c.port)
		switch {
		case !q.wants(me, end, c.port), !q.admits(me, end, c, !q.looked(x.From, end)):
			return false
		case q.machine(end) && !q.sliced() && !q.meshed(x.From):
			return false
		case q.meshed(end) && !certified && !q.permissive(end) && q.s.Mesh.Kind != "cilium" && !q.udp(end, c.port):
			return false
		}
	}
	return true
}

// looked reports whether a proxy looks at the requests to a service: its own, or that of its machines, of a waypoint, or,
// with Cilium, of the caller's node.
func (q *inquiry) looked(from, callee string) bool {
	if !q.machine(callee) {
		return q.meshed(callee)
	}
	return q.linkerd() || q.consul() || q.ambient() && q.waypoint(callee) || q.s.Mesh.Kind == "cilium" && q.meshed(from)
}

// TestTraceLeaving asks each service with a proxy for each destination outside: open is what it declares.
func TestTraceLeaving(t *testing.T) {
	asked := 0
	for _, name := range exampleNames(t) {
		q := newInquiry(t, name)
		if q.s.Mesh.Kind != "istio-sidecar" && !q.linkerd() && !q.consul() || q.s.Mesh.EgressPolicy != "registry-only" {
			continue
		}
		tr := newTracer(t, q, q.tree)
		q.each(func(service string, s *site.Service) {
			if !q.meshed(service) || q.machine(service) {
				return
			}
			for external := range q.s.External {
				x, err := tr.Inside(trace.Question{From: service, To: external})
				if want := slices.Contains(s.Egress, external); err != nil || x.Open != want {
					t.Errorf("%s: %s to %s: %v, declared %v: %+v", name, service, external, err, want, x)
				}
				asked++
			}
		})
	}
	if asked == 0 {
		t.Error("nothing asked")
	}
}

// TestTraceLeavingStops breaks what a connection out of Consul's and Linkerd's mesh passes, one piece after the other: the
// trace stops at each.
func TestTraceLeavingStops(t *testing.T) {
	dus1, lla1 := newInquiry(t, "dus1"), newInquiry(t, "lla1")
	archive := trace.Question{From: "pay/cards", To: "archive", Port: 6432}
	tides := trace.Question{From: "ran/scheduler", To: "tides", Port: 443}
	for _, x := range []struct {
		mutant
		stop policy.Layer
	}{
		{mutant{"linkerd", "lla1", "**/40-policy/tlsroute.yaml", `- tides.example.net`, `- tide.example.net`}, policy.Scope},
		{mutant{"linkerd", "lla1", "**/40-policy/tlsroute.yaml", `(?s)(backendRefs:.*?name: )outside`, `${1}to-hub`}, policy.Route},
		{mutant{"networkpolicy", "lla1", "**/40-policy/networkpolicy.yaml", `(?s)(# to external tides.*?port: )443`, `${1}444`}, policy.Egress},
		{mutant{"consul", "dus1", "**/40-policy/serviceintentions.yaml", `(?s)(name: archive-pg\n  sources:\n    - name: )cards`, `${1}web`}, policy.Route},
		{mutant{"consul", "dus1", "**/40-policy/terminatinggateway.yaml", `- name: archive-pg`, `- name: archives-pg`}, policy.Route},
		{mutant{"networkpolicy", "dus1", "**/40-policy/networkpolicy.yaml", `(?s)(name: terminating-gateway\n.*?port: )8443`, `${1}8444`}, policy.Ingress},
		{mutant{"networkpolicy", "dus1", "**/40-policy/networkpolicy.yaml", `(?s)(name: terminating-gateway\n.*)port: 6432`, `${1}port: 5432`}, policy.Egress},
	} {
		q, ask := dus1, archive
		if x.example == "lla1" {
			q, ask = lla1, tides
		}
		if was, err := newTracer(t, q, q.tree).Inside(ask); err != nil || !was.Open {
			t.Fatalf("%v: %v, %+v", ask, err, was)
		}
		tree, ok := mutate(q.tree, x.mutant)
		if !ok {
			t.Errorf("nothing in %s matches %s", x.file, x.old)
			continue
		}
		now, err := newTracer(t, q, tree).Inside(ask)
		if err != nil || now.Open || string(x.stop) != now.Refused()[0].Stage {
			t.Errorf("%s: %v, %+v", x.old, err, now)
		}
	}
}

// TestTraceHops holds the traces of fra1 to the hops that a reader would look for, in their order.
func TestTraceHops(t *testing.T) {
	q := newInquiry(t, "fra1")
	tr := newTracer(t, q, q.tree)
	outside := func(to, path string) *trace.Trace {
		all, err := tr.Outside(trace.Question{To: to, Path: path})
		if err != nil || len(all) != 1 {
			t.Fatal(to, len(all), err)
		}
		return all[0]
	}
	inside := func(from, to string) *trace.Trace {
		x, err := tr.Inside(trace.Question{From: from, To: to})
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, tt := range []struct {
		asked *trace.Trace
		open  bool
		hops  string // stages, each once where it follows itself, and the file that decides
	}{
		{outside("pay.example.com", "/v1"), true, `spine fra1-spine-2.conf; ToR to spine fra1-r3-tor-b.conf; ToR filter fra1-r1-tor-a.conf; session bgppeer.yaml; node node.yaml; ` +
			`ToR filter fra1-r1-tor-b.conf; session bgppeer.yaml; ToR filter fra1-r2-tor-a.eos; session bgppeer.yaml; node node.yaml; ToR filter fra1-r2-tor-b.eos; session bgppeer.yaml; ` +
			`ToR filter fra1-r3-tor-a.conf; session bgppeer.yaml; node node.yaml; ToR filter fra1-r3-tor-b.conf; session bgppeer.yaml; pool bgpadvertisement.yaml; address values.yaml; placement values.yaml; ` +
			`listener values.yaml; ingress networkpolicy.yaml; listener gateway.yaml; certificate gateway.yaml; authorization authorizationpolicy.yaml; route virtualservice.yaml; egress networkpolicy.yaml; ` +
			`ingress networkpolicy.yaml; mutual TLS peerauthentication.yaml; authorization authorizationpolicy.yaml; pod `},
		{inside("payments/api", "ledger/core"), true, `scope sidecar.yaml; route ; egress networkpolicy.yaml; ingress networkpolicy.yaml; mutual TLS peerauthentication.yaml; authorization authorizationpolicy.yaml; pod `},
		{inside("plant/poller", "legacy/inbox"), true, `egress networkpolicy.yaml; ingress networkpolicy.yaml; mutual TLS peerauthentication.yaml; authorization authorizationpolicy.yaml; pod `},
		{inside("plant/poller", "payments/api"), false, `egress networkpolicy.yaml`},
		{inside("web/frontend", "ledger/core"), false, `scope sidecar.yaml`},
	} {
		if got := summary(tt.asked); tt.asked.Open != tt.open || got != tt.hops {
			t.Errorf("%s: open is %v\n got %s\nwant %s", tt.asked.Question, tt.asked.Open, got, tt.hops)
		}
	}
	// No route takes /: the last hop says so.
	x := outside("partners.example.com", "/")
	last := x.Hops[len(x.Hops)-1]
	if x.Open || last.Stage != "route" || !strings.HasSuffix(last.File, "/30-gateways/virtualservice.yaml") || !slices.Contains(last.From, "namespaces.payments.services.api.expose.0") {
		t.Errorf("open is %v, the last hop is %+v", x.Open, last)
	}
	// What the site has not.
	for want, ask := range map[string]trace.Question{
		`the site has no host name "pay.example.co"; did you mean "pay.example.com"?`: {To: "pay.example.co"},
		`the site has no service "payment/api"; did you mean "payments/api"?`:         {From: "web/frontend", To: "payment/api"},
		`no gateway serves pay.example.com on port 8443`:                              {To: "pay.example.com", Port: 8443},
	} {
		var err error
		if ask.From == "" {
			_, err = tr.Outside(ask)
		} else {
			_, err = tr.Inside(ask)
		}
		if err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// summary is the stages of a trace with the name of the file that decides, runs of one stage as their last.
func summary(x *trace.Trace) string {
	var out []string
	for i, h := range x.Hops {
		if i+1 < len(x.Hops) && x.Hops[i+1].Stage == h.Stage {
			continue
		}
		out = append(out, h.Stage+" "+h.File[strings.LastIndexByte(h.File, '/')+1:])
	}
	return strings.Join(out, "; ")
}

// TestTraceNames breaks one line of the tree; the trace of what was open must then name exactly that line. The line is the
// one that line matches, within what file matches; old becomes new on it.
func TestTraceNames(t *testing.T) {
	for _, b := range []struct{ example, ask, file, line, old, new string }{
		{"fra1", "pay.example.com/v1", "fra1-spine-1.conf", `prefix-list FRA1_VIPS .*203.0.113.0/27`, "permit", "deny"},
		{"fra1", "pay.example.com/v1", "fra1-r1-tor-a.conf", `neighbor FRA1_NODES remote-as`, "4200000100", "4200000101"},
		{"fra1", "pay.example.com/v1", "fra1-r2-tor-a.eos", `router bgp`, "4200000012", "4200000013"},
		{"fra1", "pay.example.com/v1", "bgppeer.yaml", `peerASN: 4200000013`, "4200000013", "4200000012"},
		{"fra1", "pay.example.com/v1", "node.yaml", `meshgen.dev/class: edge`, "edge", "worker"},
		{"fra1", "pay.example.com/v1", "gateway.yaml", `credentialName: public`, "public-https-tls", "public-tls"},
		{"fra1", "pay.example.com/v1", "gateway-public/values.yaml", `key: meshgen.dev/class`, "meshgen.dev/class", gone},
		{"fra1", "partners.example.com/v1", "gateway-partner/values.yaml", `loadBalancerIPs: 198.51.100.16`, "198.51.100.16", gone},
		{"fra1", "pay.example.com/v1", "30-gateways/virtualservice.yaml", `prefix: /$`, "/", "/other"},
		{"fra1", "payments/api ledger/core", "authorizationpolicy.yaml", `ns/payments/sa/payments-api$`, "payments-api", "payments-app"},
		{"fra1", "plant/poller legacy/inbox", "40-policy/peerauthentication.yaml", `mode: PERMISSIVE`, "PERMISSIVE", "STRICT"},
		{"krk1", "shop.example.org/cart", "krk1-r1-sw.conf", `prefix-list KRK1_VIPS seq 5`, "permit", "deny"},
		{"krk1", "shop/web stock/orders", "45-enforcement/peerauthentication.yaml", `STRICT`, "STRICT", "STRICT"},
		{"wro1", "shop.example.org/cart", "ciliumbgpclusterconfig.yaml", `peerASN: 4200000781`, "4200000781", "4200000799"},
		{"wro1", "shop/web stock/api", "ciliumnetworkpolicy.yaml", `method: GET`, "GET", "PUT"},
		{"nue1", "", "nue1-east-a.nxos", `prefix-list NUE1_VIPS seq 5`, "permit", "deny"},
		{"fmo1", "", "daemonset.yaml", `10.90.2.2:4200000712`, "4200000712", "4200000711"},
		{"lla1", "legacy/poller intake/collector", "40-policy/networkauthentication.yaml", `cidr: 0.0.0.0/0`, "0.0.0.0/0", "198.18.0.0/15"},
		{"dus1", "pay/cards-next pay/vault", "serviceintentions.yaml", `- name: cards-next$`, "cards-next", "card-next"},
		{"dus1", "shop.example.net/", "30-gateways/service.yaml", `192.0.2.161`, "192.0.2.161", gone},
		{"zrh1", "www.example.net/", "haproxy.cfg", `bind .*:443`, "443", gone},
	} {
		q := newInquiry(t, b.example)
		tree, at := breakLine(q.tree, b.file, b.line, b.old, b.new)
		if at == "" {
			t.Errorf("%s: no line of %s has %s", b.example, b.file, b.line)
			continue
		}
		var named []string
		for _, x := range traces(t, newTracer(t, q, tree), b.ask) {
			for _, h := range x.Refused() {
				if l := fmt.Sprintf("%s:%d", h.File, h.Line); !slices.Contains(named, l) {
					named = append(named, l)
				}
			}
		}
		switch {
		case b.old == b.new:
			if named != nil {
				t.Errorf("%s: %s is as it was, named %q", b.example, at, named)
			}
		case len(named) != 1:
			t.Errorf("%s: broken is %s, named %q", b.example, at, named)
		case b.new == gone: // nothing takes the place of the line
			if !strings.HasSuffix(named[0], ":0") {
				t.Errorf("%s: broken is %s, named %q", b.example, at, named)
			}
		case named[0] != at && !sameObject(tree, named[0], at):
			t.Errorf("%s: broken is %s, named %q", b.example, at, named)
		}
	}
}

// gone stands for what is no longer asked for by anybody.
const gone = "example.invalid/gone"

// sameObject reports whether one place is the head of the YAML document, or of the item, that another lies in: a policy that
// admits nobody is named as a whole.
func sameObject(t *artifact.Tree, head, line string) bool {
	file, from, _ := cutPlace(head)
	other, to, _ := cutPlace(line)
	f := t.Lookup(file)
	if f == nil || file != other || from > to || !strings.HasSuffix(path.Dir(file), "-policy") && !strings.HasSuffix(path.Dir(file), "-gateways") {
		return false
	}
	lines := strings.Split(string(f.Bytes()), "\n")
	return !slices.Contains(lines[from-1:to], "---")
}

func cutPlace(s string) (file string, line int, ok bool) {
	i := strings.LastIndexByte(s, ':')
	line, err := strconv.Atoi(s[i+1:])
	return s[:i], line, err == nil
}

// traces asks for "HOST/PATH", for "FROM TO", or, with nothing, for all that comes from outside.
func traces(t *testing.T, tr *trace.Tracer, ask string) []*trace.Trace {
	t.Helper()
	if from, to, ok := strings.Cut(ask, " "); ok {
		x, err := tr.Inside(trace.Question{From: from, To: to})
		if err != nil {
			t.Fatal(err)
		}
		return []*trace.Trace{x}
	}
	var out []*trace.Trace
	if ask == "" {
		for _, c := range tr.All() {
			if c.From == "" {
				out = append(out, c.Asked...)
			}
		}
		return out
	}
	host, path, _ := strings.Cut(ask, "/")
	out, err := tr.Outside(trace.Question{To: host, Path: "/" + path})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// breakLine changes the first line that a pattern matches in the file whose path ends so, and returns its place.
func breakLine(t *artifact.Tree, file, pattern, old, new string) (broken *artifact.Tree, at string) {
	out := artifact.NewTree()
	line := regexp.MustCompile(pattern)
	for _, f := range t.Files() {
		if strings.HasPrefix(f.Path(), artifact.ManifestDir+"/") {
			continue
		}
		g := out.File(f.Path(), f.Origins()...)
		if len(f.Bytes()) == 0 {
			continue
		}
		for i, text := range strings.Split(strings.TrimSuffix(string(f.Bytes()), "\n"), "\n") {
			if at == "" && strings.HasSuffix(f.Path(), "/"+file) && line.MatchString(text) && strings.Contains(text, old) {
				text, at = strings.Replace(text, old, new, 1), fmt.Sprintf("%s:%d", f.Path(), i+1)
			}
			g.Line(text)
		}
	}
	return out, at
}
