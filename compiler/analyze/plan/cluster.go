package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/diff"
	"meshgen.dev/meshgen/compiler/ir"
)

// cluster is what the API server gets: a wave a phase, a wave a chart.
func (s *staging) cluster() {
	objects := s.of(func(it *Item) bool {
		return it.Component == diff.Kubernetes && it.Kind != "Kustomization" && it.Effect > Nothing
	})
	quiet := s.of(func(it *Item) bool {
		return it.Component == diff.Kubernetes && it.Kind != "Kustomization" && it.Effect == Nothing
	})
	charts := s.of(func(it *Item) bool { return it.Component == diff.Charts && it.Kind != "script" })
	for _, phase := range s.new.Delivery.Phases {
		for _, step := range phase.Charts {
			s.chart(step.Release.Name, charts)
		}
		if phase.Number < 0 {
			continue
		}
		folder := fmt.Sprintf("%02d-%s", phase.Number, phase.Name)
		s.phase(phase, folder, inFolder(objects, folder), inFolder(quiet, folder))
	}
	for _, it := range charts { // releases that are gone
		if it.Kind == "chart values" && it.Status == diff.Removed && !s.taken[it] {
			name := strings.TrimSuffix(it.Places[0].Name, "/values.yaml")
			s.taken[it] = true
			r := newReach()
			w := Wave{Title: "chart " + name + " goes", Effect: PodRestart, Why: []string{"its pods end"}, Hint: "Only when nothing asks for it any more.",
				Do:    []Step{{Text: "Remove the release.", Lines: []string{"helm uninstall " + name + " --namespace NAMESPACE   # helm list -A names it"}}},
				Check: []string{s.run("kubernetes")},
				Back:  []Step{{Text: "Install it again with charts/" + s.old.Name + "/" + name + "/values.yaml of the former tree."}}}
			for _, old := range s.old.Releases {
				if old.Name == name {
					w.Do[0].Lines = []string{"helm uninstall " + name + " --namespace " + old.Namespace}
					r.namespaces[old.Namespace] = true
				}
			}
			s.wave(w, r)
		}
	}
}

func inFolder(all []*Item, folder string) []*Item {
	var out []*Item
	for _, it := range all {
		if slices.ContainsFunc(it.Places, func(p diff.Place) bool { return strings.Contains(cmp.Or(p.File, p.OldFile), "/"+folder+"/") }) {
			out = append(out, it)
		}
	}
	return out
}

// phase applies one folder of the overlay.
func (s *staging) phase(phase ir.DeliveryPhase, folder string, loud, quiet []*Item) {
	if len(loud)+len(quiet) == 0 {
		return
	}
	w := Wave{Title: "objects of " + folder}
	r := newReach()
	var names []string
	for _, it := range append(slices.Clone(loud), quiet...) {
		w.Effect = max(w.Effect, it.Effect)
		if it.Effect > Nothing {
			w.Why = once(w.Why, it.Kind+": "+it.What)
		}
		s.taken[it] = true
		if it.Effect == SessionReset { // whose is not known: all of them, a machine at a time
			for i := range s.old.LoadBalancer.Peerings {
				r.addPeering(&s.old.LoadBalancer.Peerings[i])
			}
		}
		for _, p := range it.Places {
			verb := map[diff.Status]string{diff.Added: "+ ", diff.Removed: "- ", diff.Changed: "~ ", diff.Renamed: "~ "}[it.Status]
			if p.OldName != "" { // to the API server another object
				verb = "+ "
				names = append(names, "- "+it.Kind+" "+p.OldName)
			}
			names = append(names, verb+it.Kind+" "+p.Name)
			if it.Effect > Nothing {
				s.object(r, it, p)
			}
		}
	}
	w.Do = s.strict(append(slices.Clone(loud), quiet...))
	if s.delivered() && !phase.ByHand {
		w.Do = append(append(w.Do, s.merge()...), Step{Text: fmt.Sprintf("%s applies the folder: %s.", deliverers[s.out.Delivery], some(names))})
		if gone := deletions(append(slices.Clone(loud), quiet...)); gone != nil && !phase.Prune {
			w.Do = append(w.Do, Step{Text: "What the folder no longer has is deleted by name.", Lines: gone})
		}
		w.Check = append(s.arrival(folder, ""), s.run("kubernetes"))
		w.Back = []Step{{Text: "Revert the commit: " + deliverers[s.out.Delivery] + " goes back in the same order."}}
		s.wave(w, r)
		return
	}
	kubectl := fmt.Sprintf("kubectl apply --server-side -k kubernetes/overlays/%s/%s", s.new.Name, folder)
	w.Do = append(w.Do, Step{Text: "Apply the folder: " + some(names) + ".", Lines: []string{strings.Replace(kubectl, "apply", "diff", 1), kubectl}})
	if gone := deletions(append(slices.Clone(loud), quiet...)); gone != nil {
		w.Do = append(w.Do, Step{Text: "What the folder no longer has is deleted by name.", Lines: gone})
	}
	w.Check = []string{s.run("kubernetes")}
	w.Back = []Step{{Text: "The same folder of the former tree; what came with this wave is deleted by name.", Lines: []string{kubectl}}}
	s.wave(w, r)
}

// deletions delete the objects that are gone.
func deletions(all []*Item) []string {
	var gone []string
	for _, it := range all {
		for _, p := range it.Places {
			old := p.OldName
			if it.Status == diff.Removed {
				old = p.Name
			}
			if old != "" {
				ns, name, ok := strings.Cut(old, "/")
				if !ok {
					ns, name = "", old
				}
				line := "kubectl delete " + strings.ToLower(it.Kind) + " " + name
				if ns != "" {
					line += " --namespace " + ns
				}
				gone = append(gone, line)
			}
		}
	}
	return gone
}

// strict is what must be seen before mutual TLS is required of a namespace's clients.
func (s *staging) strict(all []*Item) []Step {
	if !slices.ContainsFunc(all, func(it *Item) bool { return it.Kind == "PeerAuthentication" }) {
		return nil
	}
	was := map[string]bool{}
	for _, svc := range s.old.Services {
		was[svc.Namespace+"/"+svc.Name] = svc.Permissive
	}
	var lines []string
	for _, svc := range s.new.Services {
		if svc.Meshed && !svc.Permissive && was[svc.Namespace+"/"+svc.Name] {
			lines = once(lines, fmt.Sprintf(`sum by (source_workload, destination_workload) (increase({__name__=~"istio_requests_total|istio_tcp_connections_opened_total",reporter="destination",connection_security_policy="none",destination_workload_namespace=%q}[1d])) > 0`, svc.Namespace))
		}
	}
	if lines == nil {
		return nil
	}
	return []Step{{Text: "Ask Prometheus first: nobody may have come without mutual TLS in the last day. The answer is empty.", Lines: lines}}
}

// object adds what an object reaches: its namespace, and the gateway in it.
func (s *staging) object(r *reach, it *Item, p diff.Place) {
	name := p.Name
	if it.Kind != "Namespace" {
		ns, _, ok := strings.Cut(p.Name, "/")
		if !ok {
			return
		}
		name = ns
	}
	r.namespaces[name] = true
	for _, g := range s.new.Gateways {
		if g.Namespace == name && slices.Contains([]string{"Gateway", "VirtualService", "HTTPRoute", "GRPCRoute", "TLSRoute"}, it.Kind) {
			r.gateways[g.Name] = true
		}
	}
}
