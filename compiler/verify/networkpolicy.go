package verify

import "net/netip"

// checkNetworkPolicy follows the API server's validation of NetworkPolicies (pkg/apis/networking/validation).
func checkNetworkPolicy(p *pass, o *object) {
	spec := get(o.value, "spec")
	if _, ok := dict(spec)["podSelector"]; !ok {
		o.report(p, ruleNetworkPolicy, fieldPath{"spec"}, "no podSelector; one that takes all pods is written {}")
	}
	types := map[string]bool{}
	for i, t := range strs(spec, "policyTypes") {
		if t != "Ingress" && t != "Egress" || types[t] {
			o.report(p, ruleNetworkPolicy, fieldPath{"spec", "policyTypes"}.at(i), "%q is not one of Ingress, Egress, or stands twice", t)
		}
		types[t] = true
	}
	for _, d := range []struct{ rules, peers, kind string }{{"ingress", "from", "Ingress"}, {"egress", "to", "Egress"}} {
		rules := list(spec, d.rules)
		if len(rules) > 0 && len(types) > 0 && !types[d.kind] {
			o.report(p, ruleNetworkPolicy, fieldPath{"spec", d.rules}, "has no effect: policyTypes lacks %s", d.kind)
		}
		for i, r := range rules {
			at := fieldPath{"spec", d.rules}.at(i)
			for j, peer := range list(r, d.peers) {
				p.checkPolicyPeer(o, at.to(d.peers).at(j), peer)
			}
			for j, port := range list(r, "ports") {
				p.checkPolicyPort(o, at.to("ports").at(j), port)
			}
		}
	}
}

func (p *pass) checkPolicyPeer(o *object, at fieldPath, peer any) {
	m := dict(peer)
	_, pods := m["podSelector"]
	_, namespaces := m["namespaceSelector"]
	block, isBlock := m["ipBlock"]
	switch {
	case !pods && !namespaces && !isBlock:
		o.report(p, ruleNetworkPolicy, at, "an empty peer")
		return
	case isBlock && (pods || namespaces):
		o.report(p, ruleNetworkPolicy, at, "ipBlock excludes selectors")
	case !isBlock:
		return
	}
	cidr := str(block, "cidr")
	outer, err := netip.ParsePrefix(cidr)
	if err != nil || !isCanonicalPrefix(cidr) {
		o.report(p, ruleNetworkPolicy, at.to("ipBlock", "cidr"), "%q is no prefix without host bits", cidr)
		return
	}
	for i, e := range strs(block, "except") {
		inner, err := netip.ParsePrefix(e)
		switch {
		case err != nil || !isCanonicalPrefix(e):
			o.report(p, ruleNetworkPolicy, at.to("ipBlock", "except").at(i), "%q is no prefix without host bits", e)
		case inner.Bits() <= outer.Bits() || !outer.Contains(inner.Addr()):
			o.report(p, ruleNetworkPolicy, at.to("ipBlock", "except").at(i), "%s is not strictly inside %s", e, cidr)
		}
	}
}

func (p *pass) checkPolicyPort(o *object, at fieldPath, port any) {
	oneOf(p, o, ruleNetworkPolicy, at, port, "protocol", "TCP", "UDP", "SCTP")
	checkTargetPort(p, o, ruleNetworkPolicy, at.to("port"), get(port, "port"))
	end, ok := integer(port, "endPort")
	if !ok {
		return
	}
	if start, isNumber := integer(port, "port"); !isNumber || end < start || !isPort(end) {
		o.report(p, ruleNetworkPolicy, at.to("endPort"), "%d does not end a range that begins at %s", end, show(get(port, "port")))
	}
}
