package verify

import (
	"net/netip"
	"strings"
)

// Of EndpointSlices (k8s.io/api/discovery/v1; kubernetes pkg/apis/discovery/validation, 1.36).
const (
	sliceService   = "kubernetes.io/service-name"
	sliceManager   = "endpointslice.kubernetes.io/managed-by"
	sliceEndpoints = 1000
)

// sliceControllers write slices themselves, and take back what others write in their name.
var sliceControllers = []string{"endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"}

// checkEndpointSlice checks where the Service of machines outside the cluster leads: to addresses of the slice's own
// family, at ports that the Service of the tree finds by name, and in nobody else's charge.
func checkEndpointSlice(p *pass, o *object) {
	labels := dict(o.value, "metadata", "labels")
	at := fieldPath{"metadata", "labels"}
	switch manager := str(labels, sliceManager); {
	case manager == "":
		o.report(p, ruleService, at, "no label %s: whose it is, nobody knows", sliceManager)
	case manager == sliceControllers[0] || manager == sliceControllers[1]:
		o.report(p, ruleService, at.to(sliceManager), "%s would take it for its own and delete it", manager)
	}
	family := str(o.value, "addressType")
	oneOf(p, o, ruleService, nil, o.value, "addressType", "IPv4", "IPv6")
	endpoints := list(o.value, "endpoints")
	if len(endpoints) == 0 || len(endpoints) > sliceEndpoints {
		o.report(p, ruleService, fieldPath{"endpoints"}, "%d endpoints: 1 to %d", len(endpoints), sliceEndpoints)
	}
	for i, e := range endpoints {
		at := fieldPath{"endpoints"}.at(i)
		all := strs(e, "addresses")
		if len(all) != 1 {
			o.report(p, ruleService, at.to("addresses"), "one address an endpoint: of others nobody takes notice")
		}
		for _, s := range all {
			if a, err := netip.ParseAddr(s); err != nil || a.Is4() != (family == "IPv4") {
				o.report(p, ruleService, at.to("addresses"), "%q is no address of %s", s, family)
			}
		}
	}
	var service *object
	for _, s := range p.objects {
		if s.is("", "Service") && s.namespace == o.namespace && s.name == str(labels, sliceService) {
			service = s
		}
	}
	switch {
	case service == nil:
		o.report(p, ruleService, at.to(sliceService), "no Service of the tree is called %q", str(labels, sliceService))
		return
	case has(get(service.value, "spec"), "selector"):
		o.report(p, ruleService, at.to(sliceService), "Service %q has a selector: its endpoints are those of pods", service.name)
	}
	families := strs(service.value, "spec", "ipFamilies")
	if len(families) > 0 && !strings.Contains(strings.Join(families, " "), family) {
		o.report(p, ruleService, fieldPath{"addressType"}, "Service %q has no address of %s", service.name, family)
	}
	checkSlicePorts(p, o, service)
}

// checkSlicePorts: a port of the Service leads to the one of the slice that has its name.
func checkSlicePorts(p *pass, o, service *object) {
	target := map[string]any{}
	for _, port := range list(service.value, "spec", "ports") {
		n, _ := integer(port, "targetPort")
		target[str(port, "name")+" "+str(port, "protocol")] = n
	}
	for i, port := range list(o.value, "ports") {
		at := fieldPath{"ports"}.at(i)
		key := str(port, "name") + " " + str(port, "protocol")
		n, _ := integer(port, "port")
		if want, ok := target[key]; !ok || want != n {
			o.report(p, ruleService, at, "port %q leads to %d, and Service %q says %v", str(port, "name"), n, service.name, want)
		}
		delete(target, key)
	}
	if len(target) > 0 {
		o.report(p, ruleService, fieldPath{"ports"}, "%d port(s) of Service %q lead nowhere", len(target), service.name)
	}
}
