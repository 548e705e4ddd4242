package verify

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
)

// The programs that speak BGP for MetalLB.
const (
	byFRRK8s = "frr-k8s"
	byFRR    = "frr"
	byNative = "native"
)

// program is what speaks BGP with the values of the chart, which falls back to frr-k8s (charts/metallb/values.yaml and
// templates/speaker.yaml: METALLB_BGP_TYPE).
func (p *pass) program() string {
	v := p.values["metallb"]
	if v == nil {
		return byFRRK8s
	}
	frr, k8s := get(v.value, "speaker", "frr", "enabled") == true, get(v.value, "frrk8s", "enabled") != false
	switch {
	case frr:
		return byFRR
	case k8s || get(v.value, "frrk8s", "external") == true:
		return byFRRK8s
	}
	return byNative
}

// checkMetalLB holds MetalLB's objects against each other and against what reads them, as its speakers do: one that they
// refuse holds back all.
func (p *pass) checkMetalLB() {
	program := p.program()
	if v := p.values["metallb"]; v != nil && program == byFRR && get(v.value, "frrk8s", "enabled") != false {
		v.report(p, ruleMetalLB, fieldPath{"frrk8s", "enabled"}, "frr-k8s and FRR in the speaker's pod exclude each other")
	}
	p.checkSpeakerPods(program)
	p.checkAllocations()
	for _, o := range p.objects {
		if o.is("monitoring.coreos.com", "PrometheusRule") {
			p.checkSessionMetric(o, program)
		}
		if !o.is("metallb.io", o.kind) {
			continue
		}
		if program == byNative {
			p.checkNative(o)
		}
		if program != byFRRK8s && o.kind == "BGPAdvertisement" && has(o.value, "spec", "asPathPrepend") {
			o.report(p, ruleMetalLB, fieldPath{"spec", "asPathPrepend"}, "only frr-k8s takes it")
		}
		if o.kind == "L2Advertisement" {
			p.checkAnswering(o)
		}
	}
	if program != byNative {
		p.checkPeersTogether()
	}
}

// checkSpeakerPods holds the pods of frr-k8s against those of the speakers, which have them speak: where one kind is
// missing nothing is announced.
func (p *pass) checkSpeakerPods(program string) {
	v := p.values["metallb"]
	if v == nil || program != byFRRK8s {
		return
	}
	for _, field := range []string{"affinity", "tolerations"} {
		if at := (fieldPath{"frr-k8s", "frrk8s", field}); !reflect.DeepEqual(get(v.value, at...), get(v.value, "speaker", field)) {
			v.report(p, ruleMetalLB, at, "differs from that of the speakers: both must run on the same nodes")
		}
	}
}

// checkAllocations follows isPoolCompatibleWithService in MetalLB's internal/allocator: a Service in another namespace than
// those of the pool gets no address. It looks at Services of charts and Gateways; what else asks is no more than a label.
func (p *pass) checkAllocations() {
	p.everywhere(func(o place, path fieldPath, key string, v any) {
		namespace := ""
		switch o := o.(type) {
		case *object:
			if namespace = o.namespace; o.within != nil {
				namespace = o.within.namespace // istiod makes it beside what holds it
			}
		case *values:
			namespace = p.releases.Charts[o.release].Namespace
		}
		asked, _ := v.(string)
		for text := range strings.SplitSeq(asked, ",") {
			a, err := netip.ParseAddr(strings.TrimSpace(text))
			if err != nil {
				continue // reported with the reference
			}
			for _, pool := range p.objects {
				if !pool.is("metallb.io", "IPAddressPool") || !inPools(map[string]*object{pool.name: pool}, a) {
					continue
				}
				if allowed := strs(pool.value, "spec", "serviceAllocation", "namespaces"); allowed != nil && !slices.Contains(allowed, namespace) {
					o.report(p, ruleMetalLB, path, "%s: IPAddressPool %s gives addresses to the namespaces %s alone", a, pool.name, strings.Join(allowed, ", "))
				}
			}
		}
	}, "metallb.io/loadBalancerIPs")
}

// checkSessionMetric reports an alert on the sessions of a program that does not run: its metric is never there.
func (p *pass) checkSessionMetric(o *object, program string) {
	foreign := "metallb_bgp_session_up"
	if program != byFRRK8s {
		foreign = "frrk8s_"
	}
	for i, group := range list(o.value, "spec", "groups") {
		for j, rule := range list(group, "rules") {
			if strings.Contains(str(rule, "expr"), foreign) {
				o.report(p, ruleMetalLB, fieldPath{"spec", "groups"}.at(i).to("rules").at(j).to("expr"), "reads %s, and what speaks BGP here is %s", foreign, program)
			}
		}
	}
}

// frrOnly are the fields of a BGPPeer that the speaker's own BGP refuses (internal/config/validation.go, DiscardFRROnly).
var frrOnly = []string{"bfdProfile", "keepaliveTime", "vrf", "connectTime", "enableGracefulRestart", "disableMP", "dualStackAddressFamily", "dynamicASN", "interface", "localASN"}

// checkNative follows DiscardFRROnly.
func (p *pass) checkNative(o *object) {
	refuse := func(at fieldPath, format string, args ...any) {
		o.report(p, ruleMetalLB, at, format, args...)
	}
	switch o.kind {
	case "BGPPeer":
		for _, f := range frrOnly {
			if v := get(o.value, "spec", f); v != nil && v != false && v != "" {
				refuse(fieldPath{"spec", f}, "the speaker's own BGP refuses it, and all configuration with it")
			}
		}
	case "BFDProfile":
		refuse(nil, "the speaker's own BGP refuses BFD, and all configuration with it")
	case "BGPAdvertisement":
		for i, c := range strs(o.value, "spec", "communities") {
			if strings.HasPrefix(c, "large:") {
				refuse(fieldPath{"spec", "communities"}.at(i), "the speaker's own BGP has no large communities")
			}
		}
		for i, name := range strs(o.value, "spec", "ipAddressPools") {
			pool := p.find("metallb.io", "IPAddressPool", o.namespace, name)
			if pool == nil {
				continue // a reference, reported as such
			}
			for _, s := range strs(pool.value, "spec", "addresses") {
				if r, ok := addressRange(s); ok && r.From().Is6() {
					refuse(fieldPath{"spec", "ipAddressPools"}.at(i), "%s of pool %s: the speaker's own BGP has IPv4 only", s, name)
				}
			}
		}
	}
}

// checkPeersTogether follows checkFRRPeersCompatible: one FRR runs all peers of a node.
func (p *pass) checkPeersTogether() {
	all := p.balancerObjects()
	type seen struct {
		id  string // of the router
		asn uint32
		by  string
	}
	on := map[string]seen{} // by node
	for _, o := range p.objects {
		if !o.is("metallb.io", "BGPPeer") || has(o.value, "spec", "vrf") {
			continue
		}
		i := slices.IndexFunc(all.peers, func(b *bgpPeer) bool { return b.name == o.name })
		if i < 0 {
			continue
		}
		b := all.peers[i]
		for _, n := range all.nodes {
			if !selects(b.nodeSelectors, n.labels) {
				continue
			}
			mine := seen{str(o.value, "spec", "routerID"), b.myASN, b.name}
			switch other, known := on[n.name]; {
			case !known:
				on[n.name] = mine
			case other.asn != mine.asn:
				o.report(p, ruleMetalLB, fieldPath{"spec", "myASN"}, "%d, and %d of BGPPeer %s on the same node %s: FRR has one", mine.asn, other.asn, other.by, n.name)
			case other.id != mine.id:
				o.report(p, ruleMetalLB, fieldPath{"spec", "routerID"}, "%q, and %q of BGPPeer %s on the same node %s: FRR has one", mine.id, other.id, other.by, n.name)
			}
		}
	}
}
