package verify

import (
	"maps"
	"slices"
)

// eastWestClass is the class of gateways between the sites of an ambient mesh.
const eastWestClass = "istio-east-west"

// checkEastWest holds what joins sites of an ambient mesh against each other: a gateway that istiod does not take for one
// between networks, or a ztunnel of another network, leads nowhere without a word.
func (p *pass) checkEastWest(istiods []*values) {
	if len(p.releases.Peers) == 0 {
		return
	}
	network := str(istiods[0].value, "global", "network")
	for _, v := range istiods {
		if str(v.value, "env", "AMBIENT_ENABLE_MULTI_NETWORK") != "true" {
			v.report(p, ruleIstio, fieldPath{"env"}, "without AMBIENT_ENABLE_MULTI_NETWORK there is no class %s, and no Service of another site", eastWestClass)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		if p.releases.Charts[name].Name == "ztunnel" && str(p.values[name].value, "network") != network {
			p.values[name].report(p, ruleValues, fieldPath{"network"}, "the network of the control plane is %q", network)
		}
	}
	var gates []*object
	for _, o := range p.objects {
		switch {
		case o.is("gateway.networking.k8s.io", "Gateway") && str(o.value, "spec", "gatewayClassName") == eastWestClass:
			gates = append(gates, o)
			p.checkEastWestGateway(o, network)
		case o.is("", "Service") && str(o.value, "metadata", "labels", "istio.io/global") != "":
			p.checkKnownService(o)
		}
	}
	if len(gates) != 1 {
		p.missing(ruleIstio, "%d gateways between sites, and not one", len(gates))
		return
	}
	at := slices.IndexFunc(p.objects, func(o *object) bool {
		return o.is("security.istio.io", "AuthorizationPolicy") && o.namespace == gates[0].namespace && str(o.value, "spec", "action") == "ALLOW" &&
			slices.ContainsFunc(list(o.value, "spec", "targetRefs"), func(r any) bool { return str(r, "kind") == "Gateway" && str(r, "name") == gates[0].name })
	})
	if at < 0 {
		gates[0].report(p, ruleIstio, nil, "no policy says who comes through it")
		return
	}
	global := slices.ContainsFunc(p.marks, func(m serviceMark) bool { return m.Labels["istio.io/global"] == "true" })
	if admits := len(list(p.objects[at].value, "spec", "rules")) > 0; admits != global {
		p.objects[at].report(p, ruleIstio, fieldPath{"spec"}, "callers of other sites are admitted: %v; a Service is known to them: %v", admits, global)
	}
}

func (p *pass) checkEastWestGateway(o *object, network string) {
	if have := str(o.value, "metadata", "labels", networkLabel); have != network || network == "" {
		o.report(p, ruleIstio, fieldPath{"metadata", "labels"}, "the gateway's network %q is not that of the control plane, %q", have, network)
	}
	at := fieldPath{"spec", "listeners"}
	listeners := list(o.value, "spec", "listeners")
	if len(listeners) != 1 {
		o.report(p, ruleIstio, at, "a gateway between sites has one listener")
		return
	}
	l := listeners[0]
	if port, _ := integer(l, "port"); port != 15008 || str(l, "protocol") != "HBONE" {
		o.report(p, ruleIstio, at.at(0), "other sites dial port 15008, for protocol HBONE")
	}
	if str(l, "tls", "mode") != "Terminate" || str(l, "tls", "options", "gateway.istio.io/tls-terminate-mode") != "ISTIO_MUTUAL" {
		o.report(p, ruleIstio, at.at(0).to("tls"), "it does not end mutual TLS with the mesh's certificates, and no site takes it for a gateway")
	}
}

// checkKnownService: a Service of another site has no pods here, and its requests pass no waypoint here.
func (p *pass) checkKnownService(o *object) {
	labels := fieldPath{"metadata", "labels"}
	if v := str(o.value, "metadata", "labels", "istio.io/global"); v != "true" {
		o.report(p, ruleIstio, labels.to("istio.io/global"), "%q is not true: it stays of this site", v)
	}
	if str(o.value, "metadata", "labels", "istio.io/use-waypoint") != "none" {
		o.report(p, ruleIstio, labels, "a waypoint here would take its requests past the callee's policy")
	}
	if has(o.value, "spec", "selector") {
		o.report(p, ruleIstio, fieldPath{"spec", "selector"}, "its pods are at another site")
	}
	if len(list(o.value, "spec", "ports")) == 0 {
		o.report(p, ruleIstio, fieldPath{"spec"}, "a Service without ports")
	}
}
