package verify

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"meshgen.dev/meshgen/compiler/artifact"
)

// A serviceMark is what a component adds to one Service that somebody else makes.
type serviceMark struct {
	Namespace, Service  string
	Labels, Annotations map[string]string
}

// componentsGlob are the components that owners of Services take in.
const componentsGlob = "kubernetes/overlays/*/services/*/kustomization.yaml"

// isComponent reports whether a file is one of them: no kustomization of the site's takes it.
func isComponent(p string) bool { return match(componentsGlob, p) }

// readComponent is the verifier of components: each patch aims at one Service of the namespace, whether it says its
// namespace or not, and changes nothing of it but labels and annotations that a mesh reads.
func readComponent(f *artifact.File, p *pass) {
	docs := p.documents(f)
	if len(docs) != 1 || docs[0].Kind != yaml.MappingNode {
		p.report(f, 0, ruleKustomization, "a component is one mapping")
		return
	}
	v, namespace := dict(value(docs[0])), path.Base(path.Dir(f.Path()))
	report := func(at fieldPath, format string, args ...any) {
		p.report(f, lineOf(docs[0], at), ruleKustomization, format, args...)
	}
	if str(v, "apiVersion") != "kustomize.config.k8s.io/v1alpha1" || str(v, "kind") != "Component" {
		report(nil, "apiVersion or kind is not that of a Component")
	}
	for _, field := range slices.Sorted(maps.Keys(v)) {
		if !slices.Contains([]string{"apiVersion", "kind", "patches"}, field) {
			report(fieldPath{field}, "field %q is none of a component that changes Services alone", field)
		}
	}
	seen := map[string]bool{}
	for i, patch := range list(v, "patches") {
		at := fieldPath{"patches"}.at(i)
		m := p.readMark(patch, namespace, func(format string, args ...any) { report(at, format, args...) })
		if m == nil {
			continue
		}
		if seen[m.Service] {
			report(at, "Service %s stands twice", m.Service)
		}
		seen[m.Service] = true
		p.marks = append(p.marks, *m)
	}
	if len(seen) == 0 {
		report(nil, "it changes no Service")
	}
}

// readMark reads one patch; nil where it is none of a Service.
func (p *pass) readMark(patch any, namespace string, report func(format string, args ...any)) *serviceMark {
	target := dict(patch, "target")
	m := &serviceMark{Namespace: namespace, Service: str(target, "name"), Labels: map[string]string{}, Annotations: map[string]string{}}
	if want := "^(" + namespace + "|default)$"; len(target) != 4 || str(target, "kind") != "Service" || str(target, "version") != "v1" || str(target, "namespace") != want {
		report("it does not aim at one Service of namespace %s, with its namespace or without", namespace)
		return nil
	}
	var what map[string]any
	if err := yaml.Unmarshal([]byte(str(patch, "patch")), &what); err != nil {
		report("the patch is no YAML: %v", err)
		return nil
	}
	meta := dict(what, "metadata")
	if len(what) != 3 || str(what, "apiVersion") != "v1" || str(what, "kind") != "Service" || m.Service == "" || str(meta, "name") != m.Service {
		report("the patch is not of Service %q, or changes more than its metadata", m.Service)
		return nil
	}
	for _, field := range slices.Sorted(maps.Keys(meta)) {
		into := map[string]map[string]string{"labels": m.Labels, "annotations": m.Annotations}[field]
		if field != "name" && into == nil {
			report("metadata.%s of the Service is its owner's", field)
		}
		for key, v := range dict(meta, field) {
			text, isText := v.(string)
			known := markKeys[field][key]
			if known == nil || !isText || !known(text) {
				report("%s %q with value %s is none that a mesh reads on a Service", strings.TrimSuffix(field, "s"), key, show(v))
			}
			into[key] = text
		}
	}
	if accrual(m, "min") > accrual(m, "max") {
		report("the first penalty is longer than the longest: the whole annotation would be left out")
	}
	if len(m.Labels)+len(m.Annotations) == 0 {
		report("it adds nothing to Service %s", m.Service)
	}
	return m
}

const accrualPrefix = "balancer.linkerd.io/failure-accrual"

// markKeys are the labels and annotations that meshes read on a Service, and what they take as values (linkerd/linkerd2
// edge-26.6.3 policy-controller/k8s/index/src/outbound/index.rs parse_accrual_config, multicluster/service-mirror
// isExported; istio/istio 1.31.0 manifests/helm-profiles/ambient.yaml serviceScopeConfigs; read 2026-11-21).
var markKeys = map[string]map[string]func(string) bool{
	"labels": {
		"istio.io/global": func(v string) bool { return v == "true" },
		exportedKey:       func(v string) bool { return v == exportedGateway || v == exportedFlat },
		federatedKey:      func(v string) bool { return v == federatedMember },
	},
	"annotations": {
		accrualPrefix: func(v string) bool { return v == "consecutive" },
		accrualPrefix + "-consecutive-max-failures": func(v string) bool {
			n, err := strconv.ParseUint(v, 10, 32)
			return err == nil && n > 0
		},
		accrualPrefix + "-consecutive-min-penalty": isWhole,
		accrualPrefix + "-consecutive-max-penalty": isWhole,
	},
}

// isWhole reports whether a time span is one whole number with a unit: Linkerd takes no other.
func isWhole(v string) bool {
	unit := strings.TrimLeft(v, "0123456789")
	return len(unit) < len(v) && slices.Contains([]string{"ms", "s", "m", "h"}, unit)
}

// accrual is one bound of how long a failing pod is left out.
func accrual(m *serviceMark, bound string) time.Duration {
	d, _ := time.ParseDuration(m.Annotations[accrualPrefix+"-consecutive-"+bound+"-penalty"])
	return d
}

// checkMarks holds the components against the rest of the tree: their namespaces are the site's, what they add is expected
// of the running site, and what other sites may ask for here is known there.
func (p *pass) checkMarks() {
	var have []string
	exported := map[string]bool{}
	marks := map[string]serviceMark{}
	for _, m := range p.marks {
		if !slices.ContainsFunc(p.objects, func(o *object) bool { return o.is("", "Namespace") && o.name == m.Namespace }) {
			p.missing(ruleKustomization, "the component of namespace %s is of no namespace of the tree", m.Namespace)
		}
		have = append(have, markText(m))
		exported[m.Service+"."+m.Namespace] = m.Labels[exportedKey] == exportedGateway
		marks[m.Service+"."+m.Namespace] = m
	}
	if p.expected != nil {
		var want []string
		for _, m := range p.expected.Marks {
			want = append(want, markText(m))
		}
		p.differ("marks", want, have)
	}
	if v, _ := p.linksValues(); v != nil && flat(v) {
		p.checkFlatExports(marks)
		return
	}
	p.checkLinkExports(exported)
}

func markText(m serviceMark) string {
	var b strings.Builder
	b.WriteString("Service " + m.Namespace + "/" + m.Service)
	for _, kvs := range []map[string]string{m.Labels, m.Annotations} {
		b.WriteString(",")
		for _, k := range slices.Sorted(maps.Keys(kvs)) {
			b.WriteString(" " + k + "=" + kvs[k])
		}
	}
	return b.String()
}

// checkLinkExports: of Linkerd, what the gateway for other sites has routes to is exported, and nothing else.
func (p *pass) checkLinkExports(exported map[string]bool) {
	_, ns := p.linksValues()
	if ns == "" {
		return
	}
	routed := map[string]bool{}
	for _, o := range p.objects {
		if !o.is("gateway.networking.k8s.io", "HTTPRoute") || o.namespace != ns {
			continue
		}
		for _, host := range strs(o.value, "spec", "hostnames") {
			name, _, _ := strings.Cut(host, ".svc.")
			if routed[name] = true; !exported[name] {
				o.report(p, ruleLinkerd, fieldPath{"spec", "hostnames"}, "no component exports %s: it is not known at other sites", name)
			}
		}
	}
	for name, is := range exported {
		if is && !routed[name] {
			p.missing(ruleLinkerd, "%s is exported, and the gateway for other sites admits nobody to it", name)
		}
	}
}
