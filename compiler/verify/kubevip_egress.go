package verify

import (
	"net/netip"
	"slices"
	"strings"
)

// Annotations by which kube-vip rewrites what the pod behind a Service sends (v1.2.3, pkg/kubevip/annotations.go).
const (
	kubeVIPEgress   = "kube-vip.io/egress"
	kubeVIPNetworks = "kube-vip.io/egress-allowed-networks"
)

// checkKubeVIPEgress holds each egress gateway whose Service has an address against what kube-vip does with it: for one
// pod, on the node that has it, for the destinations and nothing else.
func (p *pass) checkKubeVIPEgress(outside []proxiedDestination) {
	for _, name := range sortedKeys(p.values) {
		v := p.values[name]
		annotations := dict(v.value, "service", "annotations")
		var want []string
		for _, x := range outside {
			if x.release == name && x.elsewhere && !slices.Contains(want, x.to.String()) {
				want = append(want, x.to.String())
			}
		}
		if len(want) == 0 && annotations[kubeVIPEgress] == nil {
			continue
		}
		at := fieldPath{"service", "annotations"}
		if annotations[kubeVIPEgress] != "true" {
			v.report(p, ruleSources, at, "nothing gives what its pods send a source address")
			continue
		}
		networks, _ := annotations[kubeVIPNetworks].(string)
		have := strings.Split(networks, ",")
		slices.Sort(want)
		slices.Sort(have)
		if !slices.Equal(want, have) {
			v.report(p, ruleSources, at.to(kubeVIPNetworks), "it is rewritten on the way to %s, and connects to %s", strings.Join(have, ", "), strings.Join(want, ", "))
		}
		if n, _ := integer(v.value, "replicaCount"); n != 1 || str(v.value, "strategy", "type") != "Recreate" {
			v.report(p, ruleSources, fieldPath{"replicaCount"}, "kube-vip rewrites what one pod sends, and there can be more")
		}
		if str(v.value, "service", "externalTrafficPolicy") != "Local" || str(v.value, "service", "type") != "LoadBalancer" {
			v.report(p, ruleSources, fieldPath{"service"}, "the address may be on another node than the pod")
		}
		own, _ := annotations["kube-vip.io/loadbalancerIPs"].(string)
		if a, err := netip.ParseAddr(own); err != nil || !a.Is4() {
			v.report(p, ruleSources, at, "%q is no address of the destinations' family", own)
		}
		p.checkKubeVIPRewrites(name)
	}
}

// checkKubeVIPRewrites: the kube-vip that answers for addresses rewrites, and knows what stays inside.
func (p *pass) checkKubeVIPRewrites(who string) {
	for _, o := range p.objects {
		if o.kind != "DaemonSet" || o.within != nil {
			continue
		}
		for _, c := range list(o.value, "spec", "template", "spec", "containers") {
			env := environment(c)
			if env == nil || !on(env, "vip_arp") {
				continue
			}
			if on(env, "egress_withnftables") && env["egress_podcidr"] != "" && env["egress_servicecidr"] != "" {
				return
			}
			o.report(p, ruleSources, nil, "it writes no rules for the source address of %s, or does not know what stays inside", who)
			return
		}
	}
}
