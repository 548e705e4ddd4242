package verify

import "slices"

// checkCiliumStreams: a Gateway of Cilium with connections or datagrams has nothing else, and keeps the client's address:
// packets go past the proxies, to pods of the node that took them, and policies know clients by their addresses.
func (p *pass) checkCiliumStreams(class, g *object) {
	if !g.is("gateway.networking.k8s.io", "Gateway") || str(g.value, "spec", "gatewayClassName") != class.name {
		return
	}
	streams := 0
	listeners := list(g.value, "spec", "listeners")
	for _, l := range listeners {
		if protocol := str(l, "protocol"); protocol == "TCP" || protocol == "UDP" {
			streams++
		}
	}
	if streams == 0 {
		return
	}
	if streams < len(listeners) {
		g.report(p, ruleReference, fieldPath{"spec", "listeners"}, "some are served by proxies of every node, and some by pods of a few: the address is announced by nodes that have none")
	}
	ref := get(class.value, "spec", "parametersRef")
	if c := p.find(ciliumGroup, str(ref, "kind"), str(ref, "namespace"), str(ref, "name")); c != nil && str(c.value, "spec", "service", "externalTrafficPolicy") != "Local" {
		c.report(p, ruleReference, fieldPath{"spec", "service", "externalTrafficPolicy"}, "clients of streams lose their addresses on the way to another node, and policies do not know them any more")
	}
	for _, r := range p.objects {
		if kind := r.kind; r.group != "gateway.networking.k8s.io" || kind != "TCPRoute" && kind != "UDPRoute" || !slices.ContainsFunc(list(r.value, "spec", "parentRefs"), func(ref any) bool {
			return str(ref, "name") == g.name && str(ref, "namespace") == g.namespace
		}) {
			continue
		}
		for i, rule := range list(r.value, "spec", "rules") {
			for j, b := range list(rule, "backendRefs") {
				o := p.find(ciliumGroup, "CiliumNetworkPolicy", r.namespace, "service-"+str(b, "name"))
				if o == nil || !slices.ContainsFunc(list(o.value, "spec", "ingress"), func(rule any) bool {
					return len(strs(rule, "fromCIDR")) > 0 || slices.Contains(strs(rule, "fromEntities"), "world")
				}) {
					r.report(p, ruleReference, fieldPath{"spec", "rules"}.at(i).to("backendRefs").at(j), "no policy of the service admits clients by their addresses")
				}
			}
		}
	}
}
