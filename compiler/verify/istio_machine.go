package verify

import "net/netip"

// checkWorkloadEntry checks a machine outside the cluster: its address, and that a Service of the tree leads to it. With a
// serviceAccount proxies would ask it for a certificate, which it does not have.
func checkWorkloadEntry(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	if _, err := netip.ParseAddr(str(spec, "address")); err != nil {
		o.report(p, ruleIstio, at.to("address"), "%q is no address", str(spec, "address"))
	}
	if has(spec, "serviceAccount") {
		o.report(p, ruleIstio, at.to("serviceAccount"), "a machine without a proxy has no identity")
	}
	checkLabels(p, o, at.to("labels"), dict(spec, "labels"))
	labels := dict(spec, "labels")
	for _, s := range p.objects {
		if s.is("", "Service") && s.namespace == o.namespace && fits(dict(s.value, "spec", "selector"), labels) {
			return
		}
	}
	o.report(p, ruleIstio, at.to("labels"), "no Service of the namespace selects it")
}

// fits reports whether labels have all of a selector, which must not be empty.
func fits(selector, labels map[string]any) bool {
	for k, v := range selector {
		if labels[k] != v {
			return false
		}
	}
	return len(selector) > 0
}
