package verify

import (
	"maps"
	"slices"
	"strings"
)

// checkWorkload checks a Deployment, DaemonSet or StatefulSet: its selector must take its own pods.
func checkWorkload(p *pass, o *object) {
	template := fieldPath{"spec", "template"}
	if !o.partial {
		s := get(o.value, "spec", "selector")
		if len(dict(s, "matchLabels")) == 0 && len(list(s, "matchExpressions")) == 0 {
			o.report(p, ruleWorkload, fieldPath{"spec", "selector"}, "an empty selector")
		} else if !takes(s, dict(get(o.value, template...), "metadata", "labels")) {
			o.report(p, ruleWorkload, fieldPath{"spec", "selector"}, "does not take the labels of its own template")
		}
		oneOf(p, o, ruleWorkload, template.to("spec"), get(o.value, template.to("spec")...), "restartPolicy", "Always")
	}
	p.checkPods(o, template)
}

func checkJob(p *pass, o *object) { p.checkRun(o, fieldPath{"spec"}) }

func checkCronJob(p *pass, o *object) {
	spec := get(o.value, "spec")
	if len(strings.Fields(str(spec, "schedule"))) != 5 && !strings.HasPrefix(str(spec, "schedule"), "@") {
		o.report(p, ruleWorkload, fieldPath{"spec", "schedule"}, "%q does not have five fields", str(spec, "schedule"))
	}
	oneOf(p, o, ruleWorkload, fieldPath{"spec"}, spec, "concurrencyPolicy", "Allow", "Forbid", "Replace")
	p.checkRun(o, fieldPath{"spec", "jobTemplate", "spec"})
}

// checkRun checks the pods of a Job: they end.
func (p *pass) checkRun(o *object, job fieldPath) {
	template := job.to("template")
	if policy := str(o.value, template.to("spec", "restartPolicy")...); policy != "Never" && policy != "OnFailure" {
		o.report(p, ruleWorkload, template.to("spec", "restartPolicy"), "%q is not one of Never, OnFailure", policy)
	}
	p.checkPods(o, template)
}

// checkPods checks the template of a workload.
func (p *pass) checkPods(o *object, template fieldPath) {
	at, spec := template.to("spec"), get(o.value, template.to("spec")...)
	containers := list(spec, "containers")
	if len(containers) == 0 && !o.partial {
		o.report(p, ruleWorkload, at, "pods without containers")
	}
	volumes := map[string]bool{}
	for i, v := range list(spec, "volumes") {
		name := str(v, "name")
		if !isDNSLabel(name) || volumes[name] {
			o.report(p, ruleWorkload, at.to("volumes").at(i), "the name %q is no DNS label or stands twice", name)
		}
		volumes[name] = true
	}
	names := map[string]bool{}
	for _, field := range []string{"initContainers", "containers"} {
		for i, c := range list(spec, field) {
			at := at.to(field).at(i)
			name := str(c, "name")
			if !isDNSLabel(name) || names[name] {
				o.report(p, ruleWorkload, at.to("name"), "%q is no DNS label or stands twice", name)
			}
			names[name] = true
			p.checkContainer(o, at, c, volumes)
		}
	}
}

func (p *pass) checkContainer(o *object, at fieldPath, c any, volumes map[string]bool) {
	if str(c, "image") == "" && !o.partial {
		o.report(p, ruleWorkload, at, "no image")
	}
	for i, port := range list(c, "ports") {
		at := at.to("ports").at(i)
		if n, ok := integer(port, "containerPort"); ok && !isPort(n) {
			o.report(p, ruleWorkload, at.to("containerPort"), "%d is no port (1 to 65535)", n)
		}
		oneOf(p, o, ruleWorkload, at, port, "protocol", "TCP", "UDP", "SCTP")
		if name := str(port, "name"); name != "" && !isPortName(name) {
			o.report(p, ruleWorkload, at.to("name"), "%q is no name of a port", name)
		}
	}
	for i, m := range list(c, "volumeMounts") {
		if name := str(m, "name"); !volumes[name] && !o.partial {
			o.report(p, ruleWorkload, at.to("volumeMounts").at(i).to("name"), "no volume is called %q", name)
		}
	}
}

// checkDisruptionBudget checks a PodDisruptionBudget, in an object or as the values of a chart hold it.
func checkDisruptionBudget(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	p.checkBudget(o, at, spec)
	if !o.partial && !has(spec, "minAvailable") && !has(spec, "maxUnavailable") {
		o.report(p, ruleWorkload, at, "neither minAvailable nor maxUnavailable")
	}
	if !o.partial && len(dict(spec, "selector")) == 0 {
		o.report(p, ruleWorkload, at, "no selector: the budget would cover every pod of the namespace")
	}
}

func (p *pass) checkBudget(o place, at fieldPath, spec any) {
	if has(spec, "minAvailable") && has(spec, "maxUnavailable") {
		o.report(p, ruleWorkload, at, "minAvailable and maxUnavailable exclude each other")
	}
	for _, field := range []string{"minAvailable", "maxUnavailable"} {
		if v := get(spec, field); v != nil && !isPercentOrInt(v) {
			o.report(p, ruleWorkload, at.to(field), "%s is neither a number nor a percentage", show(v))
		}
	}
	oneOf(p, o, ruleWorkload, at, spec, "unhealthyPodEvictionPolicy", "IfHealthyBudget", "AlwaysAllow")
}

func checkAutoscaler(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	low, okLow := integer(spec, "minReplicas")
	high, okHigh := integer(spec, "maxReplicas")
	if okLow && low < 1 {
		o.report(p, ruleWorkload, at.to("minReplicas"), "%d is less than 1", low)
	}
	if okLow && okHigh && low > high {
		o.report(p, ruleWorkload, at.to("minReplicas"), "%d is more than maxReplicas %d", low, high)
	}
}

// checkNode checks a Node as it is applied: labels and taints.
func checkNode(p *pass, o *object) {
	seen := map[string]bool{}
	for i, t := range list(o.value, "spec", "taints") {
		at := fieldPath{"spec", "taints"}.at(i)
		key, effect := str(t, "key"), str(t, "effect")
		switch {
		case !isQualifiedName(key):
			o.report(p, ruleWorkload, at.to("key"), "%q is no key of a taint", key)
		case !isTaintEffect(effect):
			o.report(p, ruleWorkload, at.to("effect"), "%q is not one of %s", effect, strings.Join(taintEffects, ", "))
		case !isLabelValue(str(t, "value")):
			o.report(p, ruleWorkload, at.to("value"), "%q is no value of a taint", str(t, "value"))
		case seen[key+":"+effect]:
			o.report(p, ruleWorkload, at, "%s:%s stands twice", key, effect)
		}
		seen[key+":"+effect] = true
	}
}

// maxConfigMap is the API server's bound on the data of a ConfigMap, in bytes.
const maxConfigMap = 1 << 20

func checkConfigMap(p *pass, o *object) {
	size := 0
	data := dict(o.value, "data")
	for _, k := range slices.Sorted(maps.Keys(data)) {
		if !isDataKey(k) {
			o.report(p, ruleMeta, fieldPath{"data"}.to(k), "the key is none of a ConfigMap")
		}
		size += len(str(data, k))
	}
	if size > maxConfigMap {
		o.report(p, ruleMeta, fieldPath{"data"}, "%d bytes, the API server takes %d", size, maxConfigMap)
	}
}

// checkSecret refuses what must never stand in a tree: it goes to git.
func checkSecret(p *pass, o *object) {
	for _, field := range []string{"data", "stringData"} {
		if len(dict(o.value, field)) > 0 {
			o.report(p, ruleMeta, fieldPath{field}, "a secret value")
		}
	}
}

func isDataKey(s string) bool {
	return s != "" && s != "." && s != ".." && len(s) <= 253 &&
		strings.Trim(s, "-._0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
