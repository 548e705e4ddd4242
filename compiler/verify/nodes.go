package verify

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// nodeLabels returns the labels that each Node of the tree will carry: those applied, and those that every kubelet sets.
func (p *pass) nodeLabels() []map[string]any {
	var out []map[string]any
	for _, o := range p.objects {
		if !o.is("", "Node") {
			continue
		}
		labels := maps.Clone(dict(o.value, "metadata", "labels"))
		if labels == nil {
			labels = map[string]any{}
		}
		labels["kubernetes.io/hostname"] = o.name
		labels["kubernetes.io/os"] = "linux"
		out = append(out, labels)
	}
	return out
}

// checkNodeSelection checks that everything that selects nodes, or spreads over them, finds some: pods that nothing
// can schedule and sessions that no speaker opens make no noise.
func (p *pass) checkNodeSelection() {
	nodes := p.nodeLabels()
	some := func(match func(labels map[string]any) bool) bool { return slices.ContainsFunc(nodes, match) }
	p.everywhere(func(o place, path fieldPath, key string, v any) {
		switch key {
		case "nodeSelector":
			m, ok := v.(map[string]any)
			if !ok || len(m) == 0 {
				return
			}
			if isSelector(m) {
				if !some(func(l map[string]any) bool { return takes(m, l) }) {
					o.report(p, ruleNodeLabel, path, "no Node of the tree is selected")
				}
				return
			}
			if required := list(m, "nodeSelectorTerms"); required != nil {
				return // of a volume; the terms are visited by themselves
			}
			if !some(func(l map[string]any) bool { return takes(map[string]any{"matchLabels": m}, l) }) {
				o.report(p, ruleNodeLabel, path, "no Node of the tree has %s", pairs(m))
			}
		case "nodeSelectors":
			for i, s := range list(v) {
				if !some(func(l map[string]any) bool { return takes(s, l) }) {
					o.report(p, ruleNodeLabel, path.at(i), "no Node of the tree is selected")
				}
			}
		case "nodeSelectorTerms":
			for i, term := range list(v) {
				if !some(func(l map[string]any) bool { return meets(list(term, "matchExpressions"), l) }) {
					o.report(p, ruleNodeLabel, path.at(i), "no Node of the tree is selected")
				}
			}
		case "preference":
			if !some(func(l map[string]any) bool { return meets(list(v, "matchExpressions"), l) }) {
				o.report(p, ruleNodeLabel, path, "no Node of the tree is selected")
			}
		case "topologyKey":
			s, _ := v.(string)
			if !some(func(l map[string]any) bool { return l[s] != nil }) {
				o.report(p, ruleNodeLabel, path, "no Node of the tree has the label %q", s)
			}
		}
	}, "nodeSelector", "nodeSelectors", "nodeSelectorTerms", "preference", "topologyKey")
}

// isSelector reports whether what stands under nodeSelector is a selector, as in Cilium's objects, and not labels.
func isSelector(m map[string]any) bool {
	return list(m, "matchExpressions") != nil || dict(m, "matchLabels") != nil
}

// pairs prints labels, sorted.
func pairs(m map[string]any) string {
	var out []string
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s=%v", k, m[k]))
	}
	return strings.Join(out, ",")
}
