package verify

import (
	"slices"
	"strings"
)

// checkLinkerdNetworks: a pod's proxy is held to the EgressNetworks of its own namespace, and where that has one to no
// others; what none of them has is let through. Of two for the same addresses only one is looked at
// (policy-controller/k8s/index/src/outbound/index/egress_network.rs of edge-26.6.3).
func (p *pass) checkLinkerdNetworks(v *values) {
	global := str(v.value, "egress", "globalEgressNetworkNamespace")
	closed := map[string]bool{} // namespaces that refuse what no other network of theirs has
	networks := map[string]*object{}
	var all []*object
	for _, o := range p.objects {
		if !o.is(linkerdGroup, "EgressNetwork") {
			continue
		}
		all = append(all, o)
		prefixes := list(o.value, "spec", "networks")
		var texts []string
		for _, n := range prefixes {
			texts = append(texts, str(n, "cidr"))
		}
		if len(prefixes) == 0 {
			texts = []string{""}
			if str(o.value, "spec", "trafficPolicy") == "Deny" {
				closed[o.namespace] = true
			}
		}
		slices.Sort(texts)
		for _, text := range slices.Compact(texts) {
			if first := networks[o.namespace+" "+text]; first != nil {
				o.report(p, ruleLinkerd, fieldPath{"spec", "networks"}, "EgressNetwork %s has the same addresses: only one of the two is looked at", first.name)
				continue
			}
			networks[o.namespace+" "+text] = o
		}
	}
	for _, o := range all {
		if !closed[global] {
			o.report(p, ruleLinkerd, fieldPath{"spec"}, "no EgressNetwork of namespace %s refuses what is outside for namespaces without networks", global)
		}
		if !closed[o.namespace] {
			o.report(p, ruleLinkerd, fieldPath{"spec"}, "namespace %s has a network of its own and none that refuses the rest: that of namespace %s does not hold there", o.namespace, global)
		}
	}
	routed := p.checkLinkerdExits(v)
	for _, o := range all {
		if len(list(o.value, "spec", "networks")) > 0 && str(o.value, "spec", "trafficPolicy") == "Deny" && !routed[o.namespace+"/"+o.name] {
			o.report(p, ruleLinkerd, fieldPath{"spec", "trafficPolicy"}, "addresses of their own that are refused, and no route leads there")
		}
	}
}

// checkLinkerdExits: of the routes of one port of a network, those of requests are looked at, or those of TLS, or one of streams
// (policy-controller/grpc/src/outbound.rs of edge-26.6.3): never two kinds, and none but the last where the port is one of
// streams. It returns the networks that routes lead to, as "namespace/name".
func (p *pass) checkLinkerdExits(v *values) map[string]bool {
	opaque := strings.Split(str(v.value, "proxy", "opaquePorts"), ",")
	kinds, routed := map[string]string{}, map[string]bool{}
	for _, o := range p.objects {
		if o.group != "gateway.networking.k8s.io" || !slices.Contains([]string{"HTTPRoute", "TLSRoute", "TCPRoute"}, o.kind) {
			continue
		}
		for i, ref := range list(o.value, "spec", "parentRefs") {
			if str(ref, "kind") != "EgressNetwork" {
				continue
			}
			at, port := fieldPath{"spec", "parentRefs"}.at(i), show(get(ref, "port"))
			name := o.namespace + "/" + str(ref, "name")
			id := name + " " + port
			routed[name] = true
			switch other := kinds[id]; {
			case other != "" && other != o.kind:
				o.report(p, ruleLinkerd, at, "port %s of the network has a %s too: one of the two kinds is not looked at", port, other)
			case other == "TCPRoute":
				o.report(p, ruleLinkerd, at, "port %s of the network has another TCPRoute: one of the two is not looked at", port)
			}
			kinds[id] = o.kind
			if o.kind != "TCPRoute" && slices.Contains(opaque, port) {
				o.report(p, ruleLinkerd, at.to("port"), "port %s is one of streams, of which no name is read: proxy.opaquePorts of the chart", port)
			}
		}
	}
	return routed
}
