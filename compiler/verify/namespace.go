package verify

import (
	"maps"
	"slices"
	"strings"
)

// builtinNamespaces are those that every cluster has.
var builtinNamespaces = []string{"default", "kube-node-lease", "kube-public", "kube-system"}

// checkNamespaces checks every namespace that the tree uses or names.
func (p *pass) checkNamespaces() {
	known := map[string]bool{}
	for _, name := range slices.Concat(builtinNamespaces, p.releases.ExternalNamespaces) {
		known[name] = true
	}
	for _, o := range p.objects {
		if o.is("", "Namespace") {
			known[o.name] = true
		}
	}
	check := func(o place, path fieldPath, namespace string) {
		if !known[namespace] {
			o.report(p, ruleNamespace, path, "namespace %q is neither made by the tree nor declared to exist", namespace)
		}
	}
	p.checkNetwork()
	for _, o := range p.objects {
		if o.namespace != "" {
			check(o, fieldPath{"metadata", "namespace"}, o.namespace)
		}
		p.namedNamespaces(o, func(path fieldPath, name string) { check(o, path, name) })
	}
	for _, name := range slices.Sorted(maps.Keys(p.releases.Charts)) {
		if namespace := p.releases.Charts[name].Namespace; !known[namespace] {
			p.missing(ruleNamespace, "namespace %q of chart release %s is neither made by the tree nor declared to exist", namespace, name)
		}
	}
}

// namedNamespaces calls visit for every namespace that an object names in its spec.
func (p *pass) namedNamespaces(o *object, visit func(path fieldPath, name string)) {
	each(o, fieldPath{"spec"}, o.value["spec"], func(_ place, path fieldPath, key string, v any) {
		switch {
		case key == "kubernetes.io/metadata.name":
			if s, ok := v.(string); ok {
				visit(path, s)
			}
		case key == "matchExpressions":
			for i, e := range list(v) {
				if str(e, "key") == "kubernetes.io/metadata.name" {
					for j, s := range strs(e, "values") {
						visit(path.at(i).to("values").at(j), s)
					}
				}
			}
		case o.is("networking.istio.io", "Sidecar") && key == "hosts",
			o.is("networking.istio.io", "Gateway") && key == "hosts":
			for i, h := range strs(v) {
				if namespace, _, ok := strings.Cut(h, "/"); ok && !strings.ContainsAny(namespace, "*.~") && !p.isAway(o, h) {
					visit(path.at(i), namespace)
				}
			}
		case o.is("security.istio.io", "AuthorizationPolicy") && (key == "principals" || key == "namespaces"):
			for i, s := range strs(v) {
				if key == "principals" {
					parts := strings.Split(s, "/")
					if len(parts) != 5 || p.isPeer(parts[0]) {
						continue
					}
					s = parts[2]
				}
				if !strings.Contains(s, "*") {
					visit(path.at(i), s)
				}
			}
		}
	})
}
