package compiler

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/analyze/policy"
	"meshgen.dev/meshgen/compiler/analyze/trace"
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/load"
	"meshgen.dev/meshgen/compiler/site"
)

// inquiry asks the oracle about everybody and everything of one example, and holds the answers against the site.
type inquiry struct {
	declared
	model        *policy.Model
	world        policy.World
	own          int // workloads of the site; those of the platform follow
	plan         *ir.Plan
	tree         *artifact.Tree
	callers      []asker
	paths, hosts []string
	open, closed int
	wrong        []string
	brief        bool // stop at the first wrong answer
}

// asker is a caller and what the site knows it as. Its place, a namespace and labels, is what network policies go by,
// and its certificate what the mesh goes by; they differ for impostors.
type asker struct {
	name        string
	from        policy.Caller
	place       subject
	certificate subject
}

// TestPolicy asks the oracle, which reads the emitted objects alone, whether each service, gateway, scraper, stranger,
// impostor, node and client may reach each service and gateway on each port with each method and path. Open is what the
// site declares, and nothing else.
func TestPolicy(t *testing.T) {
	for _, name := range exampleNames(t) {
		if q := newInquiry(t, name); q.linkerd() || q.consul() {
			continue // TestPolicyLinkerd and TestPolicyConsul ask
		}
		t.Run(name, func(t *testing.T) {
			newInquiry(t, name).run(t)
		})
	}
}

// run asks everything and reports the wrong answers.
func (q *inquiry) run(t *testing.T) {
	t.Helper()
	if err := q.read(q.tree); err != nil {
		t.Fatal(err)
	}
	q.ask()
	for i, w := range q.wrong {
		if i == 10 {
			t.Errorf("and %d more", len(q.wrong)-i)
			break
		}
		t.Error(w)
	}
	if q.open == 0 || q.closed == 0 {
		t.Errorf("%d questions answered open, %d closed: one kind is missing", q.open, q.closed)
	}
	t.Logf("%d questions: %d open, %d closed", q.open+q.closed, q.open, q.closed)
}

func newInquiry(t *testing.T, name string) *inquiry {
	t.Helper()
	return inquire(t, read(t, filepath.Join(examplesDir, name, "site.cue")))
}

// inquire compiles the text of a site and lists what there is to ask.
func inquire(t *testing.T, text string) *inquiry {
	t.Helper()
	src, found := load.Bytes("site.cue", []byte(text))
	if src == nil {
		t.Fatal(found)
	}
	out, err := vet(src, Options{Now: today}, true)
	if err != nil || out.Plan == nil {
		t.Fatal(err, out.Findings)
	}
	q := &inquiry{declared: declared{src.Site}, plan: out.Plan}
	if q.tree, err = emit(out.Plan, src.Resolved()); err != nil {
		t.Fatal(err)
	}
	q.tree = Applied(q.plan, q.tree) // what reaches the cluster counts
	q.world = policyWorld(q.plan)
	if e := q.s.LoadBalancer.External; q.s.LoadBalancer.Kind == "external" && e != nil {
		for _, b := range e.Balancers {
			q.world.Balancer, q.world.ProxyProtocol = netip.MustParseAddr(b.Address), e.ProxyProtocol
		}
	}
	q.own = len(q.world.Workloads)
	q.world.Workloads = append(q.world.Workloads, q.platform()...)
	q.everybody()
	q.everything()
	return q
}

func (q *inquiry) read(tree *artifact.Tree) (err error) {
	q.model, err = policy.Read(tree, q.world)
	return err
}

// policyWorld says which workloads of a plan exist. What Linkerd and Consul alone decide is asked apart.
func policyWorld(p *ir.Plan) policy.World {
	w := trace.World(p)
	w.Linkerd, w.Consul, w.Balancer, w.ProxyProtocol = "", "", netip.Addr{}, false
	return w
}

// everybody lists the callers: each workload, those that are like it in part, strangers in each namespace.
func (q *inquiry) everybody() {
	stranger := map[string]string{"app.kubernetes.io/name": "stranger"}
	address := q.plan.Cluster.PodCIDRs[0].Addr()
	for range 1000 {
		address = address.Next()
	}
	add := func(name string, w policy.Workload, place, certificate subject) {
		address = address.Next()
		w.Address = cmp.Or(w.Address, address)
		q.callers = append(q.callers, asker{name, policy.Caller{Workload: &w}, place, certificate})
	}
	namespaces := map[string]bool{"elsewhere": false, "kube-system": false}
	for _, w := range q.world.Workloads[:q.own] {
		if w.Machine { // one without a proxy is its address
			if q.linkerd() { // with a proxy
				add("machine "+string(subject(w.Namespace+"/"+w.Name)), w, subject(w.Namespace+"/"+w.Name), subject(w.Namespace+"/"+w.Name))
			}
			if q.sliced() {
				q.callers = append(q.callers, asker{"machine " + w.Namespace + "/" + w.Name, policy.Caller{Address: w.Address}, subject(w.Namespace + "/" + w.Name), ""})
			}
			continue
		}
		if w.Gateway && q.ciliumStreams(w.Name) { // it has no proxy that could call
			continue
		}
		me := subject(w.Namespace + "/" + w.Name)
		certificate := me
		if w.Gateway {
			me = subject("gateway:" + w.Name)
			certificate = me
		} else if !q.meshed(string(me)) {
			certificate = ""
		}
		namespaces[w.Namespace] = true
		add(string(me), w, me, certificate)
		like := func(what string, change func(*policy.Workload), place, certificate subject) {
			x := w
			x.Name, x.Host, x.Address, x.Ports, x.Gateway, x.Values = "impostor", "", netip.Addr{}, nil, false, ""
			change(&x)
			add(string(me)+what, x, place, certificate)
		}
		like(" with another account", func(x *policy.Workload) { x.ServiceAccount = "stranger" }, me, "")
		like(" with other labels", func(x *policy.Workload) { x.Labels = stranger }, "", certificate)
		like(" without a sidecar", func(x *policy.Workload) { x.Opted = true }, me, "")
		like(" in another namespace", func(x *policy.Workload) { x.Namespace = "elsewhere" }, "", "")
		like(" in another namespace, meshed", func(x *policy.Workload) { x.Namespace, x.Meshed = "elsewhere", true }, "", "")
	}
	if s := q.s.Observability.Scraper; s != nil {
		namespaces[s.Namespace] = false
		add("scraper", policy.Workload{Namespace: s.Namespace, Name: "scraper", ServiceAccount: s.ServiceAccount, Labels: map[string]string{"app": "scraper"}, Meshed: s.Meshed}, "", "")
	}
	for _, ns := range slices.Sorted(maps.Keys(namespaces)) {
		add("stranger in "+ns, policy.Workload{Namespace: ns, Name: "stranger", Labels: stranger}, "", "")
		add("stranger without a sidecar in "+ns, policy.Workload{Namespace: ns, Name: "stranger", Labels: stranger, Opted: true}, "", "")
		if !namespaces[ns] {
			add("meshed stranger in "+ns, policy.Workload{Namespace: ns, Name: "stranger", Labels: stranger, Meshed: true}, "", "")
		}
	}
	outside := []netip.Addr{netip.MustParseAddr("233.252.0.9")}
	for _, g := range q.s.Gateways {
		for _, r := range g.SourceRanges {
			outside = append(outside, netip.MustParsePrefix(r).Addr().Next())
		}
	}
	for _, a := range outside {
		q.callers = append(q.callers, asker{"client " + a.String(), policy.Caller{Address: a}, "", ""})
		q.callers = append(q.callers, asker{"client with a certificate " + a.String(), policy.Caller{Address: a, Certificate: true}, "", ""})
	}
	if a := q.world.Balancer; a.IsValid() && len(q.s.Exposures) > 0 {
		q.callers = append(q.callers, asker{"balancer", policy.Caller{Address: a}, "", ""})
	}
	node := q.world.NodeAddress
	q.callers = append(q.callers, asker{"node", policy.Caller{Address: node}, "", ""}, asker{"kubelet", policy.Caller{Address: node, Kubelet: true}, "", ""})
}

// everything lists the paths and hosts that are asked for: the declared ones, and some beside them.
func (q *inquiry) everything() {
	q.paths, q.hosts = []string{"/", "/v1beta"}, []string{"other.example.invalid"}
	path := func(p site.PathMatch) {
		for _, at := range []string{p.Prefix, p.Exact} {
			if at = strings.TrimSuffix(at, "/"); at != "" {
				q.paths = append(q.paths, at, at+"/x", at+"beta")
			}
		}
	}
	q.each(func(_ string, s *site.Service) {
		for _, e := range s.Expose {
			q.hosts = append(q.hosts, e.Host, e.Host+":8443")
			if e.Path != nil {
				path(*e.Path)
			}
		}
		for _, a := range s.Allow {
			for _, p := range a.Paths {
				path(p)
			}
		}
	})
	slices.Sort(q.paths)
	slices.Sort(q.hosts)
	q.paths, q.hosts = slices.Compact(q.paths), slices.Compact(q.hosts)
}

func (q *inquiry) ask() {
	for i := range q.callers {
		if q.brief && len(q.wrong) > 0 {
			return
		}
		a := &q.callers[i]
		for k := range q.own {
			w := &q.world.Workloads[k]
			if !w.Gateway {
				q.askService(a, w)
			} else {
				q.askGateway(a, w)
			}
			for _, port := range []uint16{15020, 15021, 15090, 19001, 19003, 6666} {
				q.askPod(a, w, port)
			}
		}
	}
	q.askOutside()
	q.askPlatform()
}

// compare counts an answer and keeps it if it is not the expected one.
func (q *inquiry) compare(what string, want bool, v policy.Verdict) {
	if want {
		q.open++
	} else {
		q.closed++
	}
	if v.Allowed != want {
		q.wrong = append(q.wrong, fmt.Sprintf("%s: open is %v, declared %v\n%s", what, v.Allowed, want, steps(v)))
	}
}

func steps(v policy.Verdict) string {
	var b strings.Builder
	for _, s := range v.Steps {
		fmt.Fprintf(&b, "    %s\n", s)
	}
	return b.String()
}
