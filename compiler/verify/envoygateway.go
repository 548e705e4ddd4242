package verify

import "slices"

// checkTrafficTargets checks what a BackendTrafficPolicy is for: a route of its own namespace, and where it names a rule, one
// that the route has. The controller takes any name, and says in the status alone that there is nothing of it.
func checkTrafficTargets(p *pass, o *object) {
	seen := map[[2]string]bool{}
	for i, ref := range list(o.value, "spec", "targetRefs") {
		at := fieldPath{"spec", "targetRefs"}.at(i)
		group, kind, name, section := str(ref, "group"), str(ref, "kind"), str(ref, "name"), str(ref, "sectionName")
		if seen[[2]string{name, section}] {
			o.report(p, ruleReference, at, "stands twice")
		}
		seen[[2]string{name, section}] = true
		route := p.find(group, kind, o.namespace, name)
		if route == nil {
			o.report(p, ruleReference, at, "there is no %s %s/%s in the tree", kind, o.namespace, name)
			continue
		}
		named := func(r any) bool { return str(r, "name") == section }
		if section != "" && !slices.ContainsFunc(list(route.value, "spec", "rules"), named) {
			o.report(p, ruleReference, at.to("sectionName"), "%s has no rule %q", route, section)
		}
	}
}
