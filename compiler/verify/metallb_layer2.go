package verify

import (
	"regexp"
	"slices"
)

// deaf are the interfaces on which speakers answer nothing: the chart's list (charts/metallb/templates/exclude-l2-config.yaml
// of MetalLB 0.16.2), which stands unless speaker.excludeInterfaces is off.
var deaf = regexp.MustCompile(`^(docker|cbr|dummy|virbr|lxcbr|veth|cali|tunl|flannel|kube-ipvs|cni|nodelocaldns|lxc)|^lo$`)

// checkL2Advertisement follows l2AdvertisementFromCR in MetalLB's internal/config.
func checkL2Advertisement(p *pass, o *object) {
	for _, field := range []string{"ipAddressPools", "interfaces"} {
		p.onceEach(o, field)
	}
	for i, name := range strs(o.value, "spec", "interfaces") {
		at := fieldPath{"spec", "interfaces"}.at(i)
		switch {
		case name == "" || len(name) > 15:
			o.report(p, ruleMetalLB, at, "%q is no name of an interface", name)
		case deaf.MatchString(name):
			o.report(p, ruleMetalLB, at, "speakers answer nothing on %s", name)
		}
	}
}

// onceEach reports a name that stands twice in a list, for which MetalLB refuses the object.
func (p *pass) onceEach(o *object, field string) {
	names := strs(o.value, "spec", field)
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			o.report(p, ruleMetalLB, fieldPath{"spec", field}.at(i), "%q a second time", name)
		}
	}
}

// checkAnswering checks that some node answers for the pools of an L2Advertisement: it is selected, a speaker may run on
// it, and the speakers know of each other, without which each would believe that every node has a speaker.
func (p *pass) checkAnswering(o *object) {
	v := p.values["metallb"]
	if v == nil {
		return
	}
	if get(v.value, "speaker", "memberlist", "enabled") == false {
		v.report(p, ruleMetalLB, fieldPath{"speaker", "memberlist", "enabled"}, "speakers that do not know of each other elect nodes without a speaker, for %s", o)
	}
	var selected, running int
	for _, n := range p.objects {
		if n.kind != "Node" || n.group != "" || !p.picked(n, list(o.value, "spec", "nodeSelectors")) {
			continue
		}
		selected++
		terms := list(v.value, "speaker", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
		if !p.picked(n, terms) {
			o.report(p, ruleMetalLB, fieldPath{"spec", "nodeSelectors"}, "Node %s is selected, and no speaker may run on it", n.name)
			continue
		}
		running++
	}
	if selected == 0 || running == 0 {
		o.report(p, ruleMetalLB, fieldPath{"spec", "nodeSelectors"}, "no node answers")
	}
}

// picked reports whether the labels of a Node meet one of some selectors, or there is none.
func (p *pass) picked(node *object, selectors []any) bool {
	if len(selectors) == 0 {
		return true
	}
	labels := map[string]string{}
	for k, v := range dict(node.value, "metadata", "labels") {
		labels[k], _ = v.(string)
	}
	return slices.ContainsFunc(selectors, func(s any) bool { return selectorOf(s).matches(labels) })
}

// selectorOf reads a label selector, or a term of a node affinity, which says its expressions the same way.
func selectorOf(v any) *selector {
	s := &selector{MatchLabels: map[string]string{}}
	for k, l := range dict(v, "matchLabels") {
		s.MatchLabels[k], _ = l.(string)
	}
	for _, e := range list(v, "matchExpressions") {
		s.MatchExpressions = append(s.MatchExpressions, expression{str(e, "key"), str(e, "operator"), strs(e, "values")})
	}
	return s
}
