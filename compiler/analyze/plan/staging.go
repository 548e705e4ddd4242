package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/diff"
	"meshgen.dev/meshgen/compiler/ir"
)

// staging makes the waves, in this order: what others must do first; switches, with the other ends of the sessions that
// they reset; machines; the objects and charts of the cluster in the order of installation; pods that take up a proxy.
type staging struct {
	*known
	out   *Rollout
	taken map[*Item]bool // wholly in waves

	merged bool // the delivery goes on by itself
}

func (s *staging) stage() {
	s.taken = map[*Item]bool{}
	s.before()
	s.secrets()
	s.fabric()
	s.hosts()
	s.cluster()
	s.restarts()
}

// of returns the items that a test takes and no wave has yet.
func (s *staging) of(test func(*Item) bool) []*Item {
	var out []*Item
	for i := range s.out.Items {
		if it := &s.out.Items[i]; !s.taken[it] && test(it) {
			out = append(out, it)
		}
	}
	return out
}

func (s *staging) wave(w Wave, r *reach) {
	w.Radius = s.done(r)
	s.out.Waves = append(s.out.Waves, w)
}

// before is what must be so before anything is touched.
func (s *staging) before() {
	w := Wave{Title: "before anything", Do: []Step{{Text: "The site is as it was planned: nothing fails, from a checkout of the former tree.",
		Lines: []string{s.run("kubernetes")}}}}
	for i := range s.old.Switches {
		if sw := &s.old.Switches[i]; sw.Role == "tor" && s.touched(sw.Hostname) {
			w.Do[0].Lines = append(w.Do[0].Lines, s.run("switch "+sw.Hostname))
		}
	}
	if flows := s.of(func(it *Item) bool { return it.Kind == "flows" }); len(flows) > 0 {
		w.Do = append(w.Do, Step{Text: "Hand fabric/" + s.new.Name + "/flows.csv to whoever runs the firewalls. Flows that come must be open before the next wave; those that go are closed after the last one."})
	}
	if s.delivered() && s.has(func(it *Item) bool {
		return it.Kind == "BGPPeer" && it.Effect == SessionReset && it.Status != diff.Removed
	}) {
		w.Do = append(w.Do, Step{Text: fmt.Sprintf("Stop %s for this site, as RUNBOOK.md does under Break glass: it would undo what is done to objects by hand.", deliverers[s.out.Delivery])})
	}
	if len(s.out.Items) > 0 {
		s.wave(w, newReach())
	}
}

// secrets brings those that sessions ask for before any session does: speakers take no configuration that names a Secret
// which is not there.
func (s *staging) secrets() {
	asked := s.has(func(it *Item) bool {
		return it.Kind == "BGPPeer" && slices.ContainsFunc(it.Hunks, func(c Consequence) bool { return strings.Contains(c.At, "passwordSecret") })
	})
	if !asked {
		return
	}
	r := newReach()
	w := Wave{Title: "Secrets that sessions ask for", Effect: Nothing, Why: []string{"nothing asks for them yet; those of before stay"},
		Hint: "Speakers take no configuration at all while a Secret that it names is missing.",
		Back: []Step{{Text: "They may stay."}}}
	var names []string
	for _, old := range s.new.LoadBalancer.Peerings {
		if old.PasswordSecret != "" {
			names = once(names, old.PasswordSecret)
		}
	}
	for _, name := range names {
		w.Check = append(w.Check, fmt.Sprintf("kubectl -n %s get secret %s", s.new.LoadBalancer.Namespace, name))
	}
	w.Do = []Step{{Text: "docs/" + s.new.Name + "/SECRETS.md says who makes " + strings.Join(names, ", ") + "."}}
	for _, p := range s.new.Delivery.Phases {
		if folder := fmt.Sprintf("%02d-%s", p.Number, p.Name); len(inFolder(s.items("ExternalSecret"), folder)) > 0 {
			w.Do = append(w.Do, Step{Text: "External Secrets makes them once it is told.", Lines: []string{fmt.Sprintf("kubectl apply --server-side -k kubernetes/overlays/%s/%s", s.new.Name, folder)}})
			for _, name := range names {
				w.Check = append([]string{fmt.Sprintf("kubectl -n %s wait externalsecret/%s --for=condition=Ready --timeout=5m", s.new.LoadBalancer.Namespace, name)}, w.Check...)
			}
		}
	}
	s.wave(w, r)
}

// delivered reports whether somebody applies what is merged.
func (s *staging) delivered() bool { return deliverers[s.out.Delivery] != "" }

// merge is the step from which on the delivery goes on by itself; none where it does already, or nobody delivers.
func (s *staging) merge() []Step {
	if s.merged || !s.delivered() {
		return nil
	}
	s.merged = true
	step := Step{Text: fmt.Sprintf("Merge the change, and let %s go again if it was stopped. From here on it goes on by itself, in this order, and waits until each step is healthy.", deliverers[s.out.Delivery])}
	if s.out.Delivery == ir.ArgoCD {
		step.Lines = []string{fmt.Sprintf("kubectl -n %s annotate applications --all argocd.argoproj.io/refresh=normal --overwrite   # it looks at once", ir.ArgoNamespace)}
	}
	return []Step{step}
}

// arrival waits until the delivery has brought a folder or a chart.
func (s *staging) arrival(folder, chart string) []string {
	switch s.out.Delivery {
	case ir.ArgoCD:
		return []string{fmt.Sprintf("kubectl -n %s wait application/%s-%s --for=jsonpath='{.status.sync.status}'=Synced --timeout=15m", ir.ArgoNamespace, s.new.Name, cmp.Or(folder, chart)),
			fmt.Sprintf("kubectl -n %s wait application/%s-%s --for=jsonpath='{.status.health.status}'=Healthy --timeout=15m", ir.ArgoNamespace, s.new.Name, cmp.Or(folder, chart))}
	case ir.Flux:
		name := folder
		if chart != "" {
			name = "chart-" + chart
		}
		return []string{fmt.Sprintf("kubectl -n %s wait kustomization.kustomize.toolkit.fluxcd.io/%s --for=condition=Ready --timeout=15m", ir.FluxNamespace, name)}
	}
	return nil
}

// deliverers are who delivers, by the kind of delivery.
var deliverers = map[string]string{"argocd": "Argo CD", "flux": "Flux"}

func (s *staging) has(test func(*Item) bool) bool { return len(s.of(test)) > 0 }

// touched reports whether a file of the switch changes.
func (s *staging) touched(hostname string) bool {
	return s.has(func(it *Item) bool {
		return it.Kind == "switch" && slices.ContainsFunc(it.Places, func(p diff.Place) bool { return isOf(p.File, hostname) })
	})
}

// isOf reports whether a file is that of a switch.
func isOf(file, hostname string) bool {
	return strings.HasPrefix(file[strings.LastIndexByte(file, '/')+1:], hostname+".")
}

// restarts brings pods what they get when they start: a namespace at a time.
func (s *staging) restarts() {
	for _, ns := range s.new.Namespaces {
		for i := range s.out.Items {
			it := &s.out.Items[i]
			if it.Effect != ProxyRestart || it.Kind != "Namespace" || !slices.ContainsFunc(it.Places, func(p diff.Place) bool { return p.Name == ns.Name }) {
				continue
			}
			r := newReach()
			r.namespaces[ns.Name] = true
			s.wave(Wave{
				Title: "pods of namespace " + ns.Name, Effect: ProxyRestart, Why: []string{it.What},
				Do: []Step{{Text: "Restart its workloads; each goes by its own strategy and disruption budget.",
					Lines: []string{fmt.Sprintf("kubectl -n %s rollout restart deployment,statefulset,daemonset", ns.Name)}}},
				Check: []string{fmt.Sprintf("kubectl -n %s get deployments,statefulsets,daemonsets -o name | xargs -rn 1 kubectl -n %s rollout status --timeout=15m", ns.Name, ns.Name), s.run("kubernetes")},
				Back:  []Step{{Text: "Apply the namespace of the former tree and restart its workloads again."}},
			}, r)
		}
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
