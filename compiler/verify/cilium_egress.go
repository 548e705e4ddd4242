package verify

import (
	"net/netip"
	"slices"
	"strings"
)

// egressAnnotation is on each Node that has source addresses to give out.
const egressAnnotation = "meshgen.dev/egress-addresses"

// checkCiliumEgress holds a policy of source addresses against the nodes and the namespaces of the tree.
func (p *pass) checkCiliumEgress(o *object) {
	for i, s := range list(o.value, "spec", "selectors") {
		at := fieldPath{"spec", "selectors"}.at(i)
		labels := dict(s, "podSelector", "matchLabels")
		ns, _ := labels["io.kubernetes.pod.namespace"].(string)
		if p.find("", "Namespace", "", ns) == nil {
			o.report(p, ruleReference, at, "it selects pods of no Namespace of the tree")
		} else if len(labels) < 2 {
			o.report(p, ruleReference, at, "it selects all pods of Namespace %q", ns)
		}
	}
	families := map[bool]bool{}
	for i, text := range strs(o.value, "spec", "destinationCIDRs") {
		d, err := netip.ParsePrefix(text)
		if err != nil || d != d.Masked() {
			o.report(p, ruleReference, fieldPath{"spec", "destinationCIDRs"}.at(i), "%q is no network without host bits", text)
			continue
		}
		families[d.Addr().Is4()] = true
	}
	if len(families) != 1 {
		o.report(p, ruleReference, fieldPath{"spec", "destinationCIDRs"}, "its destinations are of %d families: a source address is of one", len(families))
	}
	first := get(o.value, "spec", "egressGateway")
	p.checkEgressSource(o, fieldPath{"spec", "egressGateway"}, first, families)
	var seen []string
	for i, s := range list(o.value, "spec", "egressGateways") {
		at := fieldPath{"spec", "egressGateways"}.at(i)
		if slices.Contains(seen, str(s, "egressIP")) {
			o.report(p, ruleReference, at, "%s stands twice", str(s, "egressIP"))
		}
		seen = append(seen, str(s, "egressIP"))
		p.checkEgressSource(o, at, s, families)
	}
	if len(seen) > 0 && !slices.Contains(seen, str(first, "egressIP")) {
		o.report(p, ruleReference, fieldPath{"spec", "egressGateway"}, "%q is not among egressGateways, which alone are read", str(first, "egressIP"))
	}
}

// checkEgressSource: one node is selected, it has the address, and the destinations are of its family.
func (p *pass) checkEgressSource(o *object, at fieldPath, s any, families map[bool]bool) {
	ip, err := netip.ParseAddr(str(s, "egressIP"))
	if err != nil || !families[ip.Is4()] {
		o.report(p, ruleReference, at.to("egressIP"), "%q is no address of the destinations' family", str(s, "egressIP"))
		return
	}
	var nodes []*object
	for _, n := range p.objects {
		if !n.is("", "Node") {
			continue
		}
		labels := map[string]any{"kubernetes.io/hostname": n.name}
		for k, v := range dict(n.value, "metadata", "labels") {
			labels[k] = v
		}
		if takes(get(s, "nodeSelector"), labels) {
			nodes = append(nodes, n)
		}
	}
	if len(nodes) != 1 {
		o.report(p, ruleNodeLabel, at.to("nodeSelector"), "it selects %d Nodes of the tree, and an address is on one", len(nodes))
		return
	}
	has := strings.Split(str(nodes[0].value, "metadata", "annotations", egressAnnotation), " ")
	if !slices.Contains(has, ip.String()) {
		o.report(p, ruleReference, at.to("egressIP"), "%s is none of the source addresses of Node %s", ip, nodes[0].name)
	}
}
