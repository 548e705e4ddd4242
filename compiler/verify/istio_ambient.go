package verify

import (
	"maps"
	"slices"
	"strings"
)

// ambientOptions are labels of ambient mode with the values that Istio reads. Another one is taken as if there were none.
var ambientOptions = map[string][]string{
	"istio.io/dataplane-mode":       {"ambient", "none"},
	"istio.io/ingress-use-waypoint": {"true", "false"},
	"istio.io/waypoint-for":         {"service", "workload", "all", "none"},
}

// checkAmbient holds the objects of an ambient mesh against each other: what names a waypoint where there is none, and what
// ztunnel cannot do, is passed over without a word, or refuses everything.
func (p *pass) checkAmbient() {
	istiods := p.istiods()
	if !slices.ContainsFunc(istiods, func(v *values) bool { return str(v.value, "profile") == "ambient" }) {
		return
	}
	p.checkAmbientCharts(istiods)
	p.checkEastWest(istiods)
	p.checkEgressEntries()
	root := p.releases.Charts[istiods[0].release].Namespace
	hosts := map[string]*object{}
	for _, o := range p.objects {
		p.checkAmbientLabels(o)
		switch o.kind {
		case "VirtualService":
			for _, h := range strs(o.value, "spec", "hosts") {
				if len(strs(o.value, "spec", "gateways")) == 0 {
					hosts[h] = o
				}
			}
		case "AuthorizationPolicy":
			p.checkAmbientPolicy(o, root)
		case "PeerAuthentication":
			if str(o.value, "spec", "mtls", "mode") == "DISABLE" {
				o.report(p, ruleIstio, fieldPath{"spec", "mtls", "mode"}, "DISABLE has no effect in ambient mode")
			}
		case "Sidecar":
			o.report(p, ruleIstio, nil, "there is no sidecar that would read it")
		case "Gateway":
			if str(o.value, "spec", "gatewayClassName") == "istio-waypoint" {
				p.checkWaypoint(o)
			}
		}
	}
	for _, o := range p.objects {
		if o.kind == "HTTPRoute" {
			p.checkServiceRoute(o, hosts)
		}
	}
}

// checkAmbientCharts: istiod, node agent and ztunnel have one mode, and istiod knows the account of ztunnel.
func (p *pass) checkAmbientCharts(istiods []*values) {
	charts := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		chart := p.releases.Charts[name]
		if chart.Name != "istiod" && chart.Name != "cni" && chart.Name != "ztunnel" {
			continue
		}
		charts[chart.Name] = true
		if got := str(p.values[name].value, "profile"); got != "ambient" {
			p.values[name].report(p, ruleIstio, fieldPath{"profile"}, "%q, and the control plane's is ambient", got)
		}
		if chart.Name == "ztunnel" {
			p.checkZtunnelLogs(p.values[name])
		}
		if chart.Name != "ztunnel" {
			continue
		}
		p.checkLife(p.values[name], fieldPath{"env", "SECRET_TTL"})
		for _, v := range istiods {
			if str(v.value, "trustedZtunnelNamespace") != chart.Namespace || str(v.value, "trustedZtunnelName") != name {
				v.report(p, ruleIstio, fieldPath{"trustedZtunnelNamespace"}, "ztunnel is %s/%s: it would get no certificate", chart.Namespace, name)
			}
		}
	}
	for _, need := range []string{"cni", "ztunnel"} {
		if !charts[need] {
			p.missing(ruleIstio, "ambient mode without the chart %s", need)
		}
	}
}

func (p *pass) checkAmbientLabels(o *object) {
	labels := dict(o.value, "metadata", "labels")
	for key, known := range ambientOptions {
		if v, ok := labels[key].(string); ok && !slices.Contains(known, v) {
			o.report(p, ruleIstio, fieldPath{"metadata", "labels", key}, "%q is none of %s", v, strings.Join(known, ", "))
		}
	}
	if o.kind != "Namespace" {
		return
	}
	if labels["istio.io/dataplane-mode"] == "ambient" && (labels["istio.io/rev"] != nil || labels["istio-injection"] == "enabled") {
		o.report(p, ruleIstio, fieldPath{"metadata", "labels"}, "pods would get sidecars, and ztunnel leaves those alone")
	}
	if name, ok := labels["istio.io/use-waypoint"].(string); ok && name != "none" && !p.hasWaypoint(o.name) {
		o.report(p, ruleIstio, fieldPath{"metadata", "labels", "istio.io/use-waypoint"}, "there is no waypoint %s/%s", o.name, name)
	}
}

// waypointName is the name of the waypoint that the Services of a namespace use; "" for none.
func (p *pass) waypointName(namespace string) string {
	if ns := p.find("", "Namespace", "", namespace); ns != nil {
		name, _ := dict(ns.value, "metadata", "labels")["istio.io/use-waypoint"].(string)
		return name
	}
	return ""
}

// hasWaypoint reports whether the Services of a namespace have a waypoint.
func (p *pass) hasWaypoint(namespace string) bool {
	g := p.find("gateway.networking.k8s.io", "Gateway", namespace, p.waypointName(namespace))
	return g != nil && str(g.value, "spec", "gatewayClassName") == "istio-waypoint"
}

func (p *pass) checkWaypoint(o *object) {
	ready := false
	for _, l := range list(o.value, "spec", "listeners") {
		port, _ := integer(l, "port")
		ready = ready || port == 15008 && str(l, "protocol") == "HBONE"
	}
	if !ready {
		o.report(p, ruleIstio, fieldPath{"spec", "listeners"}, "a waypoint listens for protocol HBONE on port 15008")
	}
}

// checkAmbientPolicy: a policy for pods is ztunnel's, which takes no rule about requests; one with targets is a waypoint's
// or a gateway's.
func (p *pass) checkAmbientPolicy(o *object, root string) {
	for i, ref := range list(o.value, "spec", "targetRefs") {
		at, name := fieldPath{"spec", "targetRefs"}.at(i), str(ref, "name")
		switch str(ref, "kind") {
		case "ServiceEntry":
			if e := p.find("networking.istio.io", "ServiceEntry", o.namespace, name); e == nil || p.egressWaypoint(e) == nil {
				o.report(p, ruleIstio, at, "there is no ServiceEntry %s with a waypoint: nobody holds the policy", name)
			}
		case "Service":
			if !p.hasWaypoint(o.namespace) {
				o.report(p, ruleIstio, at, "namespace %s has no waypoint: nobody holds the policy", o.namespace)
			}
		case "GatewayClass":
			if o.namespace != root || name != "istio-waypoint" {
				o.report(p, ruleIstio, at, "a class is named in %s alone, and is istio-waypoint", root)
			}
		default:
			p.refer(o, at.to("name"), str(ref, "group"), str(ref, "kind"), o.namespace, name)
		}
	}
	ns := p.find("", "Namespace", "", o.namespace)
	if len(list(o.value, "spec", "targetRefs")) > 0 || ns == nil || dict(ns.value, "metadata", "labels")["istio.io/dataplane-mode"] != "ambient" {
		return
	}
	for i, r := range list(o.value, "spec", "rules") {
		for j, to := range list(r, "to") {
			for _, field := range []string{"hosts", "notHosts", "methods", "notMethods", "paths", "notPaths"} {
				if has(to, "operation", field) {
					o.report(p, ruleIstio, fieldPath{"spec", "rules"}.at(i).to("to").at(j).to("operation", field), "ztunnel sees no requests, and leaves the rule out")
				}
			}
		}
	}
}

// checkServiceRoute: a route of a Service is a waypoint's, which must be there; a VirtualService about the same host
// leaves it open which of the two holds.
func (p *pass) checkServiceRoute(o *object, hosts map[string]*object) {
	for i, ref := range list(o.value, "spec", "parentRefs") {
		if str(ref, "kind") != "Service" {
			continue
		}
		at, name := fieldPath{"spec", "parentRefs"}.at(i), str(ref, "name")
		if !p.hasWaypoint(o.namespace) {
			o.report(p, ruleIstio, at, "namespace %s has no waypoint: nobody follows the route", o.namespace)
		}
		for h, v := range hosts {
			if strings.HasPrefix(h, name+"."+o.namespace+".svc.") {
				o.report(p, ruleIstio, at, "%s is about the same host", v)
			}
		}
	}
}
