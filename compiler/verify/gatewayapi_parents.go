package verify

import (
	"cmp"
	"slices"
)

// listenerRoutes are the kinds of routes that a listener takes, by its protocol and what it does with TLS
// (gateway-api.sigs.k8s.io, "TLS Configuration" and the comments on ProtocolType in apis/v1/gateway_types.go, v1.6.3,
// 2026-11-21). A route of another kind attaches to nothing, and only its status says so. What terminates TLS hands on
// streams, to routes of either kind by what the implementation supports.
var listenerRoutes = map[string][]string{
	"HTTP":            {"HTTPRoute", "GRPCRoute"},
	"HTTPS":           {"HTTPRoute", "GRPCRoute"},
	"TLS Passthrough": {"TLSRoute"},
	"TLS Terminate":   {"TLSRoute", "TCPRoute"},
	"TCP":             {"TCPRoute"},
	"UDP":             {"UDPRoute"},
}

// takesRoute reports whether a listener takes routes of a kind of the Gateway API.
func takesRoute(listener any, kind string) bool {
	protocol := str(listener, "protocol")
	if protocol == "TLS" {
		protocol += " " + cmp.Or(str(listener, "tls", "mode"), "Terminate")
	}
	routes, known := listenerRoutes[protocol]
	if named := list(listener, "allowedRoutes", "kinds"); len(named) > 0 {
		return slices.ContainsFunc(named, func(k any) bool { return str(k, "kind") == kind }) && (!known || slices.Contains(routes, kind))
	}
	return !known || slices.Contains(routes, kind) // an implementation's own protocol
}

// checkParents checks that the Gateway of a route is there, with the listener that the route names, and that it takes routes
// of the kind.
func checkParents(p *pass, o *object) {
	for i, ref := range list(o.value, "spec", "parentRefs") {
		kind, group := str(ref, "kind"), str(ref, "group")
		if kind != "" && kind != "Gateway" || group != "" && group != o.group {
			continue // a Service of the site's users
		}
		namespace := cmp.Or(str(ref, "namespace"), o.namespace)
		at := fieldPath{"spec", "parentRefs"}.at(i)
		gateway := p.find(o.group, "Gateway", namespace, str(ref, "name"))
		if gateway == nil {
			o.report(p, ruleReference, at, "there is no Gateway %s/%s in the tree", namespace, str(ref, "name"))
			continue
		}
		section := str(ref, "sectionName")
		found, taken := false, false
		for _, l := range list(gateway.value, "spec", "listeners") {
			if section != "" && str(l, "name") != section || has(ref, "port") && get(ref, "port") != get(l, "port") {
				continue
			}
			found, taken = true, taken || takesRoute(l, o.kind)
		}
		switch {
		case !found:
			o.report(p, ruleReference, at.to("sectionName"), "%s has no listener %q", gateway, section)
		case !taken && section != "":
			o.report(p, ruleGatewayAPI, at.to("sectionName"), "listener %s of %s takes no %s", section, gateway, o.kind)
		case !taken:
			o.report(p, ruleGatewayAPI, at, "no listener of %s takes a %s", gateway, o.kind)
		}
	}
}
