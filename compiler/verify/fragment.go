package verify

import (
	"maps"
	"slices"
	"strings"
)

// A place is what a finding is about: an object or the values of a chart.
type place interface {
	String() string
	report(p *pass, rule string, path fieldPath, format string, args ...any)
}

// checkFragments walks v and checks what has one meaning wherever it stands, in objects as in chart values: labels,
// selectors, tolerations, affinity, resources, sysctls.
func (p *pass) checkFragments(o place, path fieldPath, v any) {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			p.checkFragments(o, path.at(i), e)
		}
	case map[string]any:
		for _, k := range sortedKeys(v) {
			at := path.to(k)
			if check := fragments[k]; check != nil {
				check(p, o, at, v[k])
			}
			p.checkFragments(o, at, v[k])
		}
	}
}

// fragments are the checks by the key that holds the fragment.
var fragments = map[string]func(p *pass, o place, path fieldPath, v any){
	"annotations":               func(p *pass, o place, path fieldPath, v any) { checkAnnotations(p, o, path, dict(v)) },
	"labels":                    checkLabelsAt,
	"matchExpressions":          checkExpressions,
	"matchLabels":               checkLabelsAt,
	"nodeSelector":              checkLabelsAt,
	"resources":                 checkResources,
	"sysctls":                   checkSysctls,
	"tolerations":               checkTolerations,
	"topologySpreadConstraints": checkSpread,
	"podAffinityTerm":           checkAffinityTerm,
}

func checkLabelsAt(p *pass, o place, path fieldPath, v any) {
	// Alerts have labels too, with templates as values; they are Prometheus' business.
	if po, ok := o.(*object); ok && po.group == "monitoring.coreos.com" && path[0] == "spec" {
		return
	}
	if m, ok := v.(map[string]any); ok && !isSelector(m) {
		checkLabels(p, o, path, unsourced(o, m))
	}
}

// unsourced takes the source off the keys by which Cilium's objects select: of labels that Kubernetes gives, or Cilium.
func unsourced(o place, labels map[string]any) map[string]any {
	if c, ok := o.(*object); !ok || c.group != ciliumGroup {
		return labels
	}
	out := map[string]any{}
	for k, v := range labels {
		out[unsourcedKey(o, k)] = v
	}
	return out
}

func unsourcedKey(o place, key string) string {
	if c, ok := o.(*object); ok && c.group == ciliumGroup {
		for _, source := range []string{"k8s:", "reserved:"} {
			if rest, ok := strings.CutPrefix(key, source); ok {
				return rest
			}
		}
	}
	return key
}

func checkExpressions(p *pass, o place, path fieldPath, v any) {
	for i, e := range list(v) {
		at, key := path.at(i), unsourcedKey(o, str(e, "key"))
		if !isQualifiedName(key) {
			o.report(p, ruleMeta, at.to("key"), "%q is no key of a label", key)
		}
		values := strs(e, "values")
		switch op := str(e, "operator"); op {
		case "In", "NotIn":
			if len(values) == 0 {
				o.report(p, ruleMeta, at, "operator %s without values", op)
			}
		case "Exists", "DoesNotExist":
			if len(values) > 0 {
				o.report(p, ruleMeta, at, "operator %s with values", op)
			}
		case "Gt", "Lt":
			if len(values) != 1 {
				o.report(p, ruleMeta, at, "operator %s takes one value", op)
			}
		default:
			o.report(p, ruleMeta, at.to("operator"), "%q is not one of In, NotIn, Exists, DoesNotExist", op)
		}
		for j, s := range values {
			if !isLabelValue(s) {
				o.report(p, ruleMeta, at.to("values").at(j), "%q is no value of a label", s)
			}
		}
	}
}

// checkResources compares requests with limits of a container's resources; elsewhere the key may hold other things.
func checkResources(p *pass, o place, path fieldPath, v any) {
	requests, limits := dict(v, "requests"), dict(v, "limits")
	for _, side := range []string{"requests", "limits"} {
		amounts := dict(v, side)
		for _, name := range slices.Sorted(maps.Keys(amounts)) {
			if _, ok := amount(amounts[name]); !ok {
				o.report(p, ruleWorkload, path.to(side, name), "%s is no quantity", show(amounts[name]))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(requests)) {
		request, ok := amount(requests[name])
		limit, okLimit := amount(limits[name])
		if ok && okLimit && request > limit {
			o.report(p, ruleWorkload, path.to("requests", name), "%s is more than the limit %s", show(requests[name]), show(limits[name]))
		}
	}
}

func checkTolerations(p *pass, o place, path fieldPath, v any) {
	for i, t := range list(v) {
		at := path.at(i)
		key, value, op := str(t, "key"), str(t, "value"), str(t, "operator")
		switch {
		case key != "" && !isQualifiedName(key):
			o.report(p, ruleWorkload, at.to("key"), "%q is no key of a taint", key)
		case key == "" && op != "Exists":
			o.report(p, ruleWorkload, at, "no key, which only operator Exists may leave out")
		case op == "Exists" && value != "":
			o.report(p, ruleWorkload, at.to("value"), "operator Exists takes no value")
		case op != "" && op != "Exists" && op != "Equal":
			o.report(p, ruleWorkload, at.to("operator"), "%q is not one of Equal, Exists", op)
		case !isLabelValue(value):
			o.report(p, ruleWorkload, at.to("value"), "%q is no value of a taint", value)
		}
		effect := str(t, "effect")
		if effect != "" && !isTaintEffect(effect) {
			o.report(p, ruleWorkload, at.to("effect"), "%q is not one of %s", effect, strings.Join(taintEffects, ", "))
		}
		if has(t, "tolerationSeconds") && effect != "NoExecute" {
			o.report(p, ruleWorkload, at.to("tolerationSeconds"), "counts for effect NoExecute only")
		}
	}
}

var taintEffects = []string{"NoSchedule", "PreferNoSchedule", "NoExecute"}

func isTaintEffect(s string) bool { return slices.Contains(taintEffects, s) }

func checkSpread(p *pass, o place, path fieldPath, v any) {
	for i, c := range list(v) {
		at := path.at(i)
		if n, ok := integer(c, "maxSkew"); !ok || n < 1 {
			o.report(p, ruleWorkload, at.to("maxSkew"), "is not 1 or more")
		}
		if !isQualifiedName(str(c, "topologyKey")) {
			o.report(p, ruleWorkload, at.to("topologyKey"), "%q is no key of a label", str(c, "topologyKey"))
		}
		oneOf(p, o, ruleWorkload, at, c, "whenUnsatisfiable", "DoNotSchedule", "ScheduleAnyway")
		if len(dict(c, "labelSelector")) == 0 {
			o.report(p, ruleWorkload, at, "no labelSelector: the constraint would count no pod")
		}
	}
}

func checkAffinityTerm(p *pass, o place, path fieldPath, v any) {
	if !isQualifiedName(str(v, "topologyKey")) {
		o.report(p, ruleWorkload, path.to("topologyKey"), "%q is no key of a label", str(v, "topologyKey"))
	}
}

// checkSysctls checks the form of sysctls of a pod; which the kubelet lets through is the site's business.
func checkSysctls(p *pass, o place, path fieldPath, v any) {
	seen := map[string]bool{}
	for i, s := range list(v) {
		name := str(s, "name")
		at := path.at(i)
		switch {
		case !sysctlName.MatchString(name):
			o.report(p, ruleWorkload, at.to("name"), "%q is no name of a sysctl", name)
		case seen[strings.ReplaceAll(name, "/", ".")]:
			o.report(p, ruleWorkload, at.to("name"), "%q is set twice", name)
		case !isNamespacedSysctl(name):
			o.report(p, ruleWorkload, at.to("name"), "%q belongs to the host; a pod cannot set it", name)
		}
		if _, ok := get(s, "value").(string); !ok {
			o.report(p, ruleWorkload, at.to("value"), "%s is no string", show(get(s, "value")))
		}
		seen[strings.ReplaceAll(name, "/", ".")] = true
	}
}

// oneOf reports a field, where it is given, that has none of the values that the server takes.
func oneOf(p *pass, o place, rule string, path fieldPath, v any, field string, allowed ...string) {
	if s, ok := get(v, field).(string); ok && !slices.Contains(allowed, s) {
		// The empty string stands in charts for "leave it out".
		named := slices.DeleteFunc(slices.Clone(allowed), func(a string) bool { return a == "" })
		o.report(p, rule, path.to(field), "%q is not one of %s", s, strings.Join(named, ", "))
	}
}
