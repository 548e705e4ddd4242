package verify

import "maps"

// checkExposed holds a Service that clients outside reach against the policies of its namespace: pods that a policy
// governs and that let nobody in at the Service's ports take the address and answer nothing.
func (p *pass) checkExposed(o *object) {
	spec := get(o.value, "spec")
	if t := str(spec, "type"); t != "LoadBalancer" && t != "NodePort" || o.partial || o.within != nil {
		return
	}
	selector := dict(spec, "selector")
	var governing []*object
	governed := false // some policy governs pods of the namespace
	for _, np := range p.objects {
		selects := ""
		switch {
		case np.namespace != o.namespace || np.within != nil:
		case np.is("networking.k8s.io", "NetworkPolicy"):
			selects = "podSelector"
		case np.is(ciliumGroup, "CiliumNetworkPolicy"):
			selects = "endpointSelector"
		}
		if selects == "" {
			continue
		}
		labels := dict(np.value, "spec", selects, "matchLabels")
		governed = true
		if len(labels) > 0 && maps.Equal(texts(labels), texts(selector)) {
			governing = append(governing, np)
		}
	}
	if !governed {
		return
	}
	if len(governing) == 0 {
		o.report(p, ruleReference, fieldPath{"spec", "selector"}, "no policy of the namespace is for these pods, and another refuses what none admits")
		return
	}
	for i, port := range list(spec, "ports") {
		target, _ := integer(port, "targetPort")
		if target == 0 {
			continue // by name, or that of the Service
		}
		admitted := false
		for _, np := range governing {
			if np.is(ciliumGroup, "CiliumNetworkPolicy") {
				admitted = admitted || p.ciliumAdmitsOutside(np, o, target, str(port, "protocol"))
				continue
			}
			admitted = admitted || admitsOutside(np, target, str(port, "protocol"))
		}
		if !admitted {
			o.report(p, ruleReference, fieldPath{"spec", "ports"}.at(i), "no policy lets clients outside the cluster reach port %d of the pods", target)
		}
	}
}

// admitsOutside reports whether a policy lets some address outside in at a port of its pods.
func admitsOutside(np *object, target int64, protocol string) bool {
	for _, rule := range list(np.value, "spec", "ingress") {
		outside := len(list(rule, "from")) == 0
		for _, from := range list(rule, "from") {
			outside = outside || has(from, "ipBlock")
		}
		for _, port := range list(rule, "ports") {
			if n, _ := integer(port, "port"); outside && n == target && str(port, "protocol") == protocol {
				return true
			}
		}
	}
	return false
}

// texts are the entries of a mapping whose values are text.
func texts(m map[string]any) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[k], _ = v.(string)
	}
	return out
}
