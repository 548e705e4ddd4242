package plan

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/diff"
)

// chart upgrades one release, where its values or its version differ.
func (s *staging) chart(name string, charts []*Item) {
	w := Wave{Title: "chart " + name}
	r := newReach()
	found := false
	for _, it := range charts {
		switch {
		case it.Kind == "chart values" && slices.ContainsFunc(it.Places, func(p diff.Place) bool { return p.Name == name+"/values.yaml" }):
			found = true
			s.taken[it] = true
			w.Effect, w.Why = max(w.Effect, it.Effect), once(w.Why, it.What)
		case it.Kind == "releases":
			for _, c := range it.Hunks {
				if m := release.FindStringSubmatch(c.At); m != nil && m[1] == name && c.Effect > Nothing {
					found = true
					w.Effect, w.Why = max(w.Effect, c.Effect), once(w.Why, c.What)
				}
			}
		}
	}
	if !found {
		return
	}
	for _, rel := range s.new.Releases {
		if rel.Name != name {
			continue
		}
		r.namespaces[rel.Namespace] = true
		for _, g := range s.new.Gateways {
			if g.Name == rel.Gateway && w.Effect > Reload {
				r.gateways[g.Name] = true
				w.Check = append(w.Check, fmt.Sprintf("kubectl -n %s rollout status deployment/%s --timeout=15m", g.Namespace, g.Release))
				for _, n := range s.new.Nodes {
					if n.Class == g.Class && slices.Contains(g.Racks, n.Rack) {
						r.nodes[n.Name], r.racks[n.Rack] = true, true
					}
				}
			}
		}
		if w.Effect == SessionReset {
			for i := range s.old.LoadBalancer.Peerings {
				r.addPeering(&s.old.LoadBalancer.Peerings[i])
			}
			r.rolling = true
			w.Hint = "The DaemonSet replaces its pods one node at a time, so that an address keeps the sessions of all other nodes."
		}
	}
	w.Check = append(w.Check, s.run("kubernetes"))
	if s.delivered() {
		w.Do = append(s.merge(), Step{Text: deliverers[s.out.Delivery] + " upgrades the chart."})
		w.Check = append(s.arrival("", name), w.Check...)
		w.Back = []Step{{Text: "Revert the commit: " + deliverers[s.out.Delivery] + " goes back in the same order."}}
		s.wave(w, r)
		return
	}
	w.Back = []Step{{Text: "The revision of the release before."}}
	for _, rel := range s.new.Releases {
		if rel.Name == name {
			w.Do = []Step{{Text: "Install or upgrade the release.", Lines: []string{fmt.Sprintf("helm upgrade --install %s %s --version %s --namespace %s --values charts/%s/%s/values.yaml --wait --timeout 15m",
				name, rel.HelmChart(), rel.Version, rel.Namespace, s.new.Name, name)}}}
			w.Back[0].Lines = []string{fmt.Sprintf("helm rollback %s --namespace %s --wait", name, rel.Namespace)}
			if s.isNewRelease(name) {
				w.Back = []Step{{Text: "It came with this wave, and nothing asks for it yet.", Lines: []string{fmt.Sprintf("helm uninstall %s --namespace %s", name, rel.Namespace)}}}
			}
		}
	}
	s.wave(w, r)
}

func (s *staging) isNewRelease(name string) bool {
	for _, r := range s.old.Releases {
		if r.Name == name {
			return false
		}
	}
	return true
}
