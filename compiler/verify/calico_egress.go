package verify

import (
	"net/netip"
	"slices"
	"strings"
)

const (
	calicoGroup            = "projectcalico.org"
	calicoOperator         = "operator.tigera.io"
	calicoPolicyAnnotation = "egress.projectcalico.org/egressGatewayPolicy"
)

// checkCalicoEgress follows packets from the namespaces that go by policies of Calico, over the rules and the gateways that
// these select, to the addresses that the gateways' pods have.
func (p *pass) checkCalicoEgress() {
	owner := map[string]string{} // IPPool to the gateway with its addresses
	for _, o := range p.objects {
		if o.is(calicoOperator, "EgressGateway") {
			p.checkCalicoGateway(o, owner)
		}
	}
	reads := map[string][]string{} // policy to the namespaces that it is for
	for _, o := range p.objects {
		if !o.is("", "Namespace") {
			continue
		}
		if name := str(o.value, "metadata", "annotations", calicoPolicyAnnotation); name != "" {
			reads[name] = append(reads[name], o.name)
			p.refer(o, fieldPath{"metadata", "annotations"}, calicoGroup, "EgressGatewayPolicy", "", name)
			if e := p.find(calicoGroup, "EgressGatewayPolicy", "", name); e != nil && phaseOf(e) >= phaseOf(o) {
				o.report(p, ruleReference, fieldPath{"metadata", "annotations"}, "EgressGatewayPolicy %s comes with it or later: until then Calico lets nothing out", name)
			}
		}
	}
	for _, o := range p.objects {
		switch {
		case o.is(calicoGroup, "IPPool") && get(o.value, "spec", "disabled") == true: // checkCalicoElsewhere
		case o.is(calicoGroup, "IPPool"):
			p.checkCalicoPool(o)
			if owner[o.name] == "" {
				o.report(p, ruleReference, fieldPath{"spec"}, "no EgressGateway of the tree has its addresses")
			}
		case o.is(calicoGroup, "EgressGatewayPolicy"):
			if len(reads[o.name]) == 0 {
				o.report(p, ruleReference, fieldPath{"metadata", "name"}, "no Namespace of the tree goes by it")
			}
			p.checkCalicoPolicy(o, reads[o.name])
		}
	}
}

// checkCalicoPool: the operator's pods alone take addresses out of it, one a block, which leave as they are, and which every
// node is told the way to.
func (p *pass) checkCalicoPool(o *object) {
	n, err := netip.ParsePrefix(str(o.value, "spec", "cidr"))
	if err != nil || n != n.Masked() || !n.Addr().Is4() {
		o.report(p, ruleReference, fieldPath{"spec", "cidr"}, "%q is no network of IPv4 without host bits", str(o.value, "spec", "cidr"))
		return
	}
	for _, other := range p.objects {
		if !other.is(calicoGroup, "IPPool") || other == o {
			continue
		}
		if m, err := netip.ParsePrefix(str(other.value, "spec", "cidr")); err == nil && m.Overlaps(n) {
			o.report(p, ruleReference, fieldPath{"spec", "cidr"}, "%s overlaps that of %s: Calico disables one of them", n, other)
		}
	}
	if size, ok := get(o.value, "spec", "blockSize").(int64); !ok || size != 32 {
		o.report(p, ruleReference, fieldPath{"spec", "blockSize"}, "one node would have several addresses, and pods elsewhere none")
	}
	if str(o.value, "spec", "nodeSelector") != "!all()" {
		o.report(p, ruleReference, fieldPath{"spec", "nodeSelector"}, "any pod might get a source address")
	}
	if get(o.value, "spec", "natOutgoing") == true {
		o.report(p, ruleReference, fieldPath{"spec", "natOutgoing"}, "what leaves would have the address of a node")
	}
	if str(o.value, "spec", "vxlanMode") != "Always" {
		o.report(p, ruleReference, fieldPath{"spec", "vxlanMode"}, "nodes would not know the way to the gateway's pods without BGP")
	}
}

// checkCalicoGateway: it has pools of the tree, for itself, with an address more than pods, and may run where it is.
func (p *pass) checkCalicoGateway(o *object, owner map[string]string) {
	addresses := 0
	for i, ref := range list(o.value, "spec", "ipPools") {
		at := fieldPath{"spec", "ipPools"}.at(i)
		name := str(ref, "name")
		p.refer(o, at, calicoGroup, "IPPool", "", name)
		if pool := p.find(calicoGroup, "IPPool", "", name); pool != nil {
			if n, err := netip.ParsePrefix(str(pool.value, "spec", "cidr")); err == nil && n.Addr().Is4() {
				addresses += 1 << (32 - n.Bits())
			}
		}
		if owner[name] != "" {
			o.report(p, ruleReference, at, "IPPool %q is already that of EgressGateway %s", name, owner[name])
		}
		owner[name] = o.name
	}
	if replicas, ok := get(o.value, "spec", "replicas").(int64); !ok || replicas < 1 || replicas >= int64(addresses) {
		o.report(p, ruleReference, fieldPath{"spec", "replicas"}, "%v pods of %d addresses: a rollout needs one more than there are pods", get(o.value, "spec", "replicas"), addresses)
	}
	labels := dict(o.value, "spec", "template", "metadata", "labels")
	if len(labels) == 0 {
		o.report(p, ruleReference, fieldPath{"spec", "template", "metadata", "labels"}, "no policy can select its pods")
	}
	for i, c := range list(o.value, "spec", "template", "spec", "topologySpreadConstraints") {
		if !takes(get(c, "labelSelector"), labels) {
			o.report(p, ruleReference, fieldPath{"spec", "template", "spec", "topologySpreadConstraints"}.at(i), "it spreads other pods than the gateway's")
		}
	}
	if ns := p.find("", "Namespace", "", o.namespace); ns != nil && str(ns.value, "metadata", "labels", "pod-security.kubernetes.io/enforce") != "privileged" {
		o.report(p, ruleReference, fieldPath{"metadata", "namespace"}, "Namespace %s refuses its pods, whose first container is privileged", o.namespace)
	}
}

// checkCalicoPolicy: each rule leads one destination, which its namespaces may reach, to one gateway of the tree.
func (p *pass) checkCalicoPolicy(o *object, namespaces []string) {
	var seen []string
	for i, r := range list(o.value, "spec", "rules") {
		at := fieldPath{"spec", "rules"}.at(i)
		text := str(r, "destination", "cidr")
		n, err := netip.ParsePrefix(text)
		if err != nil || n != n.Masked() || !n.Addr().Is4() {
			o.report(p, ruleReference, at.to("destination"), "%q is no network of IPv4 without host bits", text)
			continue
		}
		if slices.Contains(seen, text) {
			o.report(p, ruleReference, at.to("destination"), "%s stands twice", text)
		}
		seen = append(seen, text)
		for _, ns := range namespaces {
			if !p.mayReach(ns, text) {
				o.report(p, ruleReference, at.to("destination"), "no NetworkPolicy of Namespace %s admits anybody to %s", ns, text)
			}
		}
		var gateways int
		for _, g := range p.objects {
			if g.is(calicoOperator, "EgressGateway") && equalsTerm(str(r, "gateway", "namespaceSelector"), map[string]any{"projectcalico.org/name": g.namespace}) &&
				equalsTerm(str(r, "gateway", "selector"), dict(g.value, "spec", "template", "metadata", "labels")) {
				gateways++
			}
		}
		if gateways != 1 {
			o.report(p, ruleReference, at.to("gateway"), "it selects the pods of %d EgressGateways of the tree, and a source is that of one", gateways)
		}
	}
}

// mayReach reports whether a NetworkPolicy of a namespace has a rule for a network outside.
func (p *pass) mayReach(namespace, network string) bool {
	for _, o := range p.objects {
		if !o.is("networking.k8s.io", "NetworkPolicy") || o.namespace != namespace {
			continue
		}
		for _, e := range list(o.value, "spec", "egress") {
			for _, to := range list(e, "to") {
				if str(to, "ipBlock", "cidr") == network {
					return true
				}
			}
		}
	}
	return false
}

// equalsTerm reads a selector of Calico's with one comparison, key == 'value'; any other selects nothing here.
func equalsTerm(selector string, labels map[string]any) bool {
	key, value, ok := strings.Cut(selector, " == ")
	return ok && key != "" && labels[key] != nil && value == "'"+labels[key].(string)+"'"
}
