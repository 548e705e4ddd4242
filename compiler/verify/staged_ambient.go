package verify

import (
	"reflect"
	"slices"
)

// checkAmbientGlass: where pods are let go, their waypoint goes with them and admits everybody until then, and the network
// admits pods at their own ports wherever it admits the tunnel.
func (p *pass) checkAmbientGlass(open, out []*object, own map[string]*object) {
	for _, o := range out {
		was := own[" "+o.String()]
		if was == nil || str(was.value, "metadata", "labels", "istio.io/dataplane-mode") != "ambient" {
			continue
		}
		if name := str(was.value, "metadata", "labels", "istio.io/use-waypoint"); name != "" {
			if str(o.value, "metadata", "labels", "istio.io/use-waypoint") != "none" || str(o.value, "metadata", "labels", "istio.io/ingress-use-waypoint") == "true" {
				o.report(p, ruleStaged, fieldPath{"metadata", "labels"}, "requests still pass the waypoint")
			}
			if !slices.ContainsFunc(open, func(x *object) bool { return opensWaypoint(x, o.name, name) }) {
				o.report(p, ruleStaged, nil, "no policy of break-glass/open admits everybody at the waypoint")
			}
		}
		for _, policy := range p.objects {
			if policy.is("networking.k8s.io", "NetworkPolicy") && policy.namespace == o.name {
				p.checkPlain(policy, open)
			}
		}
	}
}

func opensWaypoint(o *object, namespace, name string) bool {
	rules := list(o.value, "spec", "rules")
	return o.is("security.istio.io", "AuthorizationPolicy") && o.namespace == namespace && str(o.value, "spec", "action") == "ALLOW" &&
		len(rules) == 1 && len(dict(rules[0])) == 0 &&
		slices.ContainsFunc(list(o.value, "spec", "targetRefs"), func(r any) bool { return str(r, "kind") == "Gateway" && str(r, "name") == name })
}

// checkPlain: for each end of a tunnel to or from a pod there is one without it. Waypoints and gateways between sites are ends
// of tunnels alone.
func (p *pass) checkPlain(was *object, open []*object) {
	const gatewayName = "gateway.networking.k8s.io/gateway-name"
	proxy := func(selector any) string { return str(selector, "matchLabels", gatewayName) }
	if proxy(get(was.value, "spec", "podSelector")) != "" {
		return
	}
	for _, way := range [][2]string{{"ingress", "from"}, {"egress", "to"}} {
		for _, r := range list(was.value, "spec", way[0]) {
			if !hasPort(r, 15008) {
				continue
			}
			for _, peer := range list(r, way[1]) {
				between := p.find("gateway.networking.k8s.io", "Gateway", str(peer, "namespaceSelector", "matchLabels", "kubernetes.io/metadata.name"), proxy(get(peer, "podSelector")))
				crosses := between != nil && str(between.value, "spec", "gatewayClassName") == eastWestClass
				if has(peer, "ipBlock") || crosses || way[0] == "egress" && proxy(get(peer, "podSelector")) != "" {
					continue
				}
				if !slices.ContainsFunc(open, func(o *object) bool {
					return o.is("networking.k8s.io", "NetworkPolicy") && o.namespace == was.namespace &&
						reflect.DeepEqual(get(o.value, "spec", "podSelector"), get(was.value, "spec", "podSelector")) &&
						slices.ContainsFunc(list(o.value, "spec", way[0]), func(plain any) bool {
							return !hasPort(plain, 15008) && slices.ContainsFunc(list(plain, way[1]), func(x any) bool { return reflect.DeepEqual(x, peer) })
						})
				}) {
					was.report(p, ruleStaged, fieldPath{"spec", way[0]}, "no policy of break-glass/open admits pods without the tunnel")
				}
			}
		}
	}
}
