package compiler

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"meshgen.dev/meshgen/compiler/artifact"
)

// A stage of an upgrade is a state of the site, and the steps that are taken while it is what the site says.
type stage struct {
	name  string
	q     *inquiry
	steps []string // of upgrade.sh
}

var (
	upgradeLine   = regexp.MustCompile(`(?m)^\tupgrade: .*\n`)
	upgradeFacts  = regexp.MustCompile(`\tupgrade: \{?to: "([^"]+)"(?:, revision: "([^"]+)")?`)
	upgradeCanary = regexp.MustCompile(`canary: \[[^\]]*\]`)
	releaseFact   = regexp.MustCompile(`\tversion: +"[^"]+"`)
	revisionFact  = regexp.MustCompile(`\trevision: +"[^"]+"`)
	podNetFact    = regexp.MustCompile(`(\tcni: \{.*version: )"[^"]+"`)
)

// upgrading are the examples with an upgrade under way.
func upgrading(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range exampleNames(t) {
		if text := read(t, filepath.Join(examplesDir, name, "site.cue")); upgradeLine.MatchString(text) {
			out[name] = text
		}
	}
	return out
}

// upgradeStages are the states of a site from before its upgrade until behind it: without it; with both control planes and
// nobody gone ahead, then one namespace more each time, where there are two, else with the steps of the script; and with
// the new release.
func upgradeStages(t *testing.T, text string) []stage {
	t.Helper()
	facts := upgradeFacts.FindStringSubmatch(text)
	if len(upgradeLine.FindAllString(text, -1)) != 1 || facts == nil {
		t.Fatal("not one upgrade on a line of its own")
	}
	var out []stage
	add := func(name, text string) *stage {
		out = append(out, stage{name: name, q: inquire(t, text)})
		return &out[len(out)-1]
	}
	add("before", upgradeLine.ReplaceAllString(text, ""))
	if upgradeCanary.MatchString(text) {
		none := add("both control planes", upgradeCanary.ReplaceAllString(text, "canary: []"))
		var ahead []string
		for _, ns := range slices.Sorted(maps.Keys(none.q.s.Namespaces)) {
			if n := none.q.s.Namespaces[ns]; n.Mesh && (n.Waypoint || !none.q.ambient()) {
				ahead = append(ahead, fmt.Sprintf("%q", ns))
				add(ns+" ahead", upgradeCanary.ReplaceAllString(text, "canary: ["+strings.Join(ahead, ", ")+"]"))
			}
		}
	} else {
		during := add("by steps", text)
		for _, s := range during.q.plan.Upgrade.Steps {
			during.steps = append(during.steps, s.Name)
		}
	}
	head, mesh, _ := strings.Cut(upgradeLine.ReplaceAllString(text, ""), "\nmesh: {")
	mesh, rest, _ := strings.Cut(mesh, "\n}\n")
	if out[0].q.ciliumMeshed() {
		head = podNetFact.ReplaceAllString(head, `${1}"`+facts[1]+`"`)
	}
	mesh = releaseFact.ReplaceAllString(mesh, "\tversion: \""+facts[1]+"\"")
	if facts[2] != "" {
		mesh = revisionFact.ReplaceAllString(mesh, "\trevision: \""+facts[2]+"\"")
	}
	add("after", head+"\nmesh: {"+mesh+"\n}\n"+rest)
	return out
}

// An instant is the cluster at one moment of an upgrade.
type instant struct {
	what    string // which call has been the last
	cluster *cluster
	old     map[string]applied // the namespaces as they were when the pods that run were started; nil: as they are
}

// A passage goes through an upgrade, forwards and back, call by call, and tells f of each moment at which something is
// another than before.
type passage struct {
	t       *testing.T
	trees   map[string]*artifact.Tree // by stage; what is not there is the stage's own
	now     *cluster
	started map[string]applied // namespaces when the pods were started
	f       func(s *stage, at instant)
	undone  int // ways back that were taken
	faults  []string
}

func (p *passage) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Sprintf(format, args...))
}

func (p *passage) tree(s *stage) *artifact.Tree { return cmp.Or(p.trees[s.name], s.q.tree) }

// run takes the calls of a script.
func (p *passage) run(s *stage, what, script string, args ...string) {
	p.t.Helper()
	for _, call := range scriptCalls(p.t, s.q.plan, p.tree(s), script, args...) {
		was := p.now.clone()
		if err := p.now.take(p.tree(s), call); err != nil {
			p.t.Fatalf("%s: %v", what, err)
		}
		if p.f != nil && len(was.differs(p.now)) > 0 {
			p.f(s, instant{what + ", " + call, p.now, p.started})
		}
	}
	p.started = p.now.namespaces()
}

// deliver takes the installation of a stage.
func (p *passage) deliver(s *stage, what string) { p.run(s, what, "install.sh") }

func (c *cluster) namespaces() map[string]applied {
	out := map[string]applied{}
	for key, o := range c.objects {
		if strings.HasPrefix(key, "v1 Namespace ") {
			out[key] = o
		}
	}
	return out
}

// goneBack is what a way back that does not lead to where its step began leads to: all charts are as the site has them, so
// that it takes back the steps in front of it too.
var goneBack = map[string]string{
	"cilium/proxies":       "agents",
	"consul/servers":       "first-server",
	"consul/control-plane": "first-server",
}

// through goes from the first stage to the last one; each step and each namespace is taken back before it is taken for good.
func (p *passage) through(stages []stage) {
	p.t.Helper()
	f := p.f
	p.f = func(*stage, instant) {} // nothing runs before the first installation
	p.deliver(&stages[0], stages[0].name)
	p.f = f
	p.f(&stages[0], instant{what: stages[0].name, cluster: p.now})
	for i := range stages[1:] {
		was, s := &stages[i], &stages[i+1]
		before := p.now.clone()
		p.deliver(s, s.name)
		switch {
		case len(was.steps) > 0:
			p.same("the tree of the new release", "what the steps have brought", before)
		case len(s.steps) > 0:
			p.same(s.name, "what was there before", before)
			p.steps(s)
		case i+2 < len(stages): // the last one has no way back
			there := p.now.clone()
			p.deliver(was, s.name+" and back")
			for release := range p.now.charts {
				if _, ok := before.charts[release]; !ok {
					p.retire(was, s, release)
				}
			}
			p.back(s.name, before)
			p.deliver(s, s.name)
			p.same(s.name+" once more", "the first time", there)
		}
	}
}

// same holds the cluster against what it should be.
func (p *passage) same(what, as string, want *cluster) {
	if d := p.now.differs(want); len(d) > 0 {
		p.fault("%s is not as %s: %s", what, as, strings.Join(d, "; "))
	}
}

func (p *passage) back(what string, want *cluster) {
	p.same(what+", taken back,", "before", want)
	p.undone++
}

// retire takes a chart away as the runbook says that was read on the way there: no delivery does.
func (p *passage) retire(was, s *stage, release string) {
	p.t.Helper()
	book := string(p.tree(s).Lookup("docs/" + s.q.plan.Name + "/RUNBOOK.md").Bytes())
	if !strings.Contains(book, " uninstall "+release+"\n") && !strings.Contains(book, "delete application "+s.q.plan.Name+"-"+release+" ") {
		p.fault("%s: the runbook does not say how chart %s is taken away", s.name, release)
	}
	if err := p.now.take(p.tree(was), "helm uninstall "+release); err != nil {
		p.t.Fatal(err)
	}
}

// steps takes the steps of a script, each of them and back and again, then all of them back in reverse, then all again.
func (p *passage) steps(s *stage) {
	p.t.Helper()
	began := map[string]*cluster{}
	for i, name := range s.steps {
		began[name] = p.now.clone()
		p.run(s, name, "upgrade.sh", name)
		there := p.now.clone()
		p.run(s, name+" back", "upgrade.sh", "--back", name)
		to := cmp.Or(goneBack[s.q.s.Mesh.Kind+"/"+name], name)
		p.back(name, began[to])
		book := string(p.tree(s).Lookup("docs/" + s.q.plan.Name + "/RUNBOOK.md").Bytes())
		_, book, _ = strings.Cut(book, "upgrade.sh "+name+"\n")
		book, _, _ = strings.Cut(book, "upgrade.sh --back "+name+"\n")
		if strings.Contains(book, "takes back every step from `"+to+"` on") != (to != name) {
			p.fault("%s: the runbook does not say that the way back takes back steps from %s on", name, to)
		}
		for _, again := range s.steps[slices.Index(s.steps, to) : i+1] {
			p.run(s, again+" again", "upgrade.sh", again)
		}
		p.same(name+" once more", "the first time", there)
	}
	end := p.now.clone()
	for _, name := range slices.Backward(s.steps) {
		p.run(s, "all the way back, "+name, "upgrade.sh", "--back", name)
	}
	p.back("every step", began[s.steps[0]])
	for _, name := range s.steps {
		p.run(s, name+" after all", "upgrade.sh", name)
	}
	p.same("every step once more", "the first time", end)
}

// moments asks the oracle at each moment; answers to what was asked before are kept.
type moments struct{ asked map[string][]string }

// wrong are the answers that are not as the site declares: of pods that start now, and of those that run on.
func (m *moments) wrong(t *testing.T, s *stage, at instant) []string {
	t.Helper()
	out := m.ask(t, s, at.cluster)
	if at.old == nil {
		return out
	}
	running := at.cluster.clone()
	maps.Copy(running.objects, at.old)
	for key := range running.objects {
		if _, was := at.old[key]; !was && strings.HasPrefix(key, "v1 Namespace ") {
			return out // nothing runs there yet
		}
	}
	return append(out, m.ask(t, s, running)...)
}

func (m *moments) ask(t *testing.T, s *stage, c *cluster) []string {
	t.Helper()
	q := *s.q
	if wrong := q.asksFor(c); len(wrong) > 0 {
		return wrong
	}
	key := c.decides()
	if was, ok := m.asked[key]; ok {
		return was
	}
	q.tree, q.wrong, q.brief = c.tree(), nil, true
	q.controlPlanes(c)
	var wrong []string
	switch {
	case q.linkerd():
		wrong, _, _ = q.askLinkerd(t)
	case q.consul():
		wrong, _, _ = q.askConsul(t)
	default:
		if err := q.read(q.tree); err != nil {
			wrong = []string{err.Error()}
			break
		}
		q.ask()
		wrong = q.wrong
	}
	if q.linkerd() || q.consul() {
		_, refused := q.declaredTo(q.oracle(t))
		for _, r := range refused {
			wrong = append(wrong, "refused: "+r)
		}
	}
	m.asked[key] = wrong
	return wrong
}

// decides is all of a cluster that an answer can depend on. Which of the control planes that are there an object asks for
// makes no difference: what they tell proxies does, and each of them is in it.
func (c *cluster) decides() string {
	all := map[string]bool{}
	for _, o := range c.objects {
		if !strings.Contains(o.file, "/50-observability/") {
			all[revisionLabel.ReplaceAllString(o.text, "")] = true
		}
	}
	for release, x := range c.charts {
		text := comments.ReplaceAllString(x.text, "")
		if x.chart == "istiod" {
			release, text = "", revisionValue.ReplaceAllString(text, "")
		} else if slices.Contains([]string{"base", "cni", "ztunnel", "metallb"}, x.chart) {
			continue // no answer reads them
		}
		all[release+"\n"+revisionValue.ReplaceAllString(text, "")] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(all)), "\n---\n")
}

// controlPlanes has the world know those that are installed.
func (q *inquiry) controlPlanes(c *cluster) {
	q.world.NextValues = ""
	found := 0
	for _, release := range slices.Sorted(maps.Keys(c.charts)) {
		if c.charts[release].chart != "istiod" {
			continue
		}
		if values := "charts/" + c.site + "/" + release + "/values.yaml"; found == 0 {
			q.world.MeshValues = values
		} else {
			q.world.NextValues = values
		}
		found++
	}
}

var (
	comments      = regexp.MustCompile(`(?m)^ *#.*\n`)
	revisionValue = regexp.MustCompile(`(?m)^revision: .*\n`)
	revisionLabel = regexp.MustCompile(`(?m)^    istio\.io/rev: "?([^"\n]+)"?$`)
)

// asksFor finds objects that ask for a control plane which is not installed: pods that start there have no proxy, and
// gateways are not deployed.
func (q *inquiry) asksFor(c *cluster) (wrong []string) {
	there := map[string]bool{}
	for _, x := range c.charts {
		if revision, ok := x.values["revision"].(string); x.chart == "istiod" && ok {
			there[revision] = true
		}
	}
	for key, o := range c.objects {
		if m := revisionLabel.FindStringSubmatch(o.text); m != nil && !there[m[1]] {
			wrong = append(wrong, key+" asks for control plane "+m[1]+", which is not there")
		}
	}
	slices.Sort(wrong)
	return wrong
}

// upgrade goes through stages with some trees changed, asks at each moment, and returns what is wrong.
func upgrade(t *testing.T, name string, stages []stage, trees map[string]*artifact.Tree) *passage {
	t.Helper()
	m := &moments{asked: map[string][]string{}}
	p := &passage{t: t, trees: trees, now: newCluster(name)}
	p.f = func(s *stage, at instant) {
		for _, w := range m.wrong(t, s, at) {
			p.fault("%s: %s", at.what, w)
		}
	}
	p.through(stages)
	if len(m.asked) == 0 || p.undone == 0 && trees == nil {
		p.fault("%d moments, %d ways back", len(m.asked), p.undone)
	}
	t.Logf("%s: %d stages, %d moments that differ, %d ways back", name, len(stages), len(m.asked), p.undone)
	return p
}

// TestPolicyUpgrade takes each upgrade call by call, as the scripts make them, and back: at every moment, for pods that
// start then and for pods that have run since before, open is what the site declares and nothing else; each way back leads
// to where its step began; and what the steps have brought is what the tree of the new release asks for.
func TestPolicyUpgrade(t *testing.T) {
	real(t, "bash")
	for name, text := range upgrading(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, fault := range upgrade(t, name, upgradeStages(t, text), nil).faults {
				if i == 5 {
					t.Fatal("and more")
				}
				t.Error(fault)
			}
		})
	}
}

// upgradeBreaks are mistakes in a stage of an upgrade, and a word of what is said of each.
var upgradeBreaks = []struct {
	wrong, stage string
	mutant
	says string
}{
	{"proxies of the new control plane let everything out", "both control planes", mutant{"", "dus2", "charts/dus2/istiod-1-31-1/values.yaml", `mode: REGISTRY_ONLY`, `mode: ALLOW_ANY`}, "differ in what they tell proxies"},
	{"namespaces go ahead to nobody", "shop ahead", mutant{"", "dus2", "**/namespace.yaml", `istio.io/rev: "1-31-1"`, `istio.io/rev: "1-31-2"`}, "is not there"},
	{"the gateway's new control plane is none", "after", mutant{"", "dus2", "**/30-gateways/gateway.yaml", `istio.io/rev: "1-31-1"`, `istio.io/rev: "1-31"`}, "is not there"},
	{"a namespace that goes ahead leaves the mesh", "shop ahead", mutant{"", "dus2", "**/namespace.yaml", `(?s)(name: shop\n.*?)istio.io/rev: "1-31-1"`, `${1}istio-injection: disabled`}, "declared"},
	{"the new release opens what was closed", "after", mutant{"", "dus2", "**/40-policy/authorizationpolicy.yaml", `(?s)(namespace: stock\n.*?principals:\n +- )\S+`, `${1}"*"`}, "declared false"},
	{"nothing says how the new control plane goes away", "both control planes", mutant{"", "dus2", "docs/dus2/RUNBOOK.md", `kubectl -n argocd delete application dus2-istiod-1-31-1 `, `kubectl -n argocd get application dus2-istiod-1-31-1 `}, "how chart istiod-1-31-1"},
	{"the step of the control plane opens ports that nobody declares", "by steps", mutant{"", "vno1", "charts/vno1/upgrade/linkerd-sidecars/values.yaml", `proxy:\n`, "proxy:\n  defaultInboundPolicy: all-unauthenticated\n"}, "what the steps have brought"},
	{"the way back forgets the plug-in", "by steps", mutant{"", "vno1", "charts/vno1/upgrade.sh", `\tback chart linkerd2-cni .*\n`, ""}, "plug-in, taken back"},
	{"the way back of the kinds is the new release", "by steps", mutant{"", "vno1", "charts/vno1/upgrade.sh", `(back chart linkerd-crds linkerd) \S+`, `${1} 2026.6.3`}, "kinds, taken back"},
	{"the first server has no access lists", "by steps", mutant{"", "dus1", "charts/dus1/upgrade/consul-servers/values.yaml", `server:\n`, "global:\n  acls:\n    manageSystemACLs: false\nserver:\n"}, "open"},
	{"the servers stay where the partition was", "by steps", mutant{"", "dus1", "charts/dus1/upgrade.sh", `\tdoes chart consul consul 2.0.3 .*\n`, ""}, "what the steps have brought"},
	{"the proxies never change", "by steps", mutant{"", "wro1", "charts/wro1/upgrade.sh", `\tdoes chart cilium kube-system \S+ cilium --repo \S+ --values charts/wro1/cilium/values.yaml\n`, ""}, "what the steps have brought"},
}

// TestPolicyUpgradeNotices breaks one stage at a time.
func TestPolicyUpgradeNotices(t *testing.T) {
	real(t, "bash")
	texts, sites := upgrading(t), map[string][]stage{}
	for _, b := range upgradeBreaks {
		if sites[b.example] == nil {
			sites[b.example] = upgradeStages(t, texts[b.example])
		}
		stages := sites[b.example]
		i := slices.IndexFunc(stages, func(s stage) bool { return s.name == b.stage })
		if i < 0 {
			t.Fatalf("%s has no stage %q", b.example, b.stage)
		}
		tree, ok := mutate(stages[i].q.tree, b.mutant)
		if !ok {
			t.Errorf("%s: nothing in %s matches %s", b.wrong, b.file, b.old)
			continue
		}
		faults := upgrade(t, b.example, stages[max(i-1, 0):min(i+2, len(stages))], map[string]*artifact.Tree{b.stage: tree}).faults
		if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, b.says) }) {
			t.Errorf("not noticed: %s; but %v", b.wrong, faults)
		}
	}
	// A namespace that goes ahead in the delivery that brings its control plane, which MG9015 refuses: a pod that starts
	// meanwhile has no proxy.
	straight := slices.DeleteFunc(slices.Clone(sites["dus2"]), func(s stage) bool { return s.name == "both control planes" })
	if faults := upgrade(t, "dus2", straight, nil).faults; !strings.Contains(strings.Join(faults, "\n"), "1-31-1, which is not there") {
		t.Errorf("not noticed: a namespace before its control plane; but %v", faults)
	}
}
