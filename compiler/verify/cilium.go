package verify

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

const ciliumGroup = "cilium.io"

// checkCilium holds Cilium's objects against each other and against the values of its chart.
func (p *pass) checkCilium() {
	objects := newLBObjects()
	for _, o := range p.objects {
		if o.group == ciliumGroup && o.within == nil {
			objects.takeCilium(o.file.Path(), o.node)
		}
	}
	for _, o := range p.objects {
		switch {
		case o.is(ciliumGroup, "CiliumBGPClusterConfig"):
			p.checkCiliumCluster(o)
		case o.is(ciliumGroup, "CiliumBGPPeerConfig"):
			p.checkCiliumPeer(o, objects)
		case o.is(ciliumGroup, "CiliumBGPAdvertisement"):
			for i, ad := range list(o.value, "spec", "advertisements") {
				if str(ad, "advertisementType") == "Service" {
					p.checkCiliumServices(o, fieldPath{"spec", "advertisements"}.at(i).to("selector"), get(ad, "selector"))
				}
			}
		case o.is(ciliumGroup, "CiliumLoadBalancerIPPool"):
			p.checkCiliumPool(o)
		case o.is(ciliumGroup, "CiliumEgressGatewayPolicy"):
			p.checkCiliumEgress(o)
		case o.is(ciliumGroup, "CiliumL2AnnouncementPolicy"):
			p.checkCiliumServices(o, fieldPath{"spec", "serviceSelector"}, get(o.value, "spec", "serviceSelector"))
		}
	}
	p.checkCiliumOnce()
	p.checkCiliumPods(objects)
	p.checkCiliumValues()
}

func (p *pass) checkCiliumCluster(o *object) {
	for i, in := range list(o.value, "spec", "bgpInstances") {
		at := fieldPath{"spec", "bgpInstances"}.at(i)
		for j, peer := range list(in, "peers") {
			name := str(peer, "peerConfigRef", "name")
			if p.find(ciliumGroup, "CiliumBGPPeerConfig", "", name) == nil {
				o.report(p, ruleReference, at.to("peers").at(j).to("peerConfigRef"), "there is no CiliumBGPPeerConfig %q in the tree", name)
			}
		}
	}
}

// checkCiliumPeer: each family must select something, and each value of the selector a set of routes.
func (p *pass) checkCiliumPeer(o *object, objects *lbObjects) {
	c := objects.cilium.peers[o.name]
	if c == nil {
		return
	}
	for i, f := range c.Spec.Families {
		at := fieldPath{"spec", "families"}.at(i).to("advertisements")
		if f.Routes == nil {
			o.report(p, ruleReference, at, "a family without advertisements announces nothing")
			continue
		}
		for _, e := range f.Routes.MatchExpressions {
			for _, v := range e.Values {
				if !slices.ContainsFunc(objects.cilium.adverts, func(a *ciliumPlaced) bool { return a.Metadata.Labels[e.Key] == v }) {
					o.report(p, ruleReference, at, "no CiliumBGPAdvertisement has the label %s: %s", e.Key, v)
				}
			}
		}
	}
}

// checkCiliumServices: Services are selected by namespaces of the tree.
func (p *pass) checkCiliumServices(o *object, at fieldPath, s any) {
	exprs := list(s, "matchExpressions")
	if len(exprs) != 1 || str(exprs[0], "key") != serviceNamespace || str(exprs[0], "operator") != "In" || len(strs(exprs[0], "values")) == 0 {
		o.report(p, ruleReference, at, "it does not say which namespaces' Services are meant: it would take those of others")
		return
	}
	for _, name := range strs(exprs[0], "values") {
		if name != "kube-system" && p.find("", "Namespace", "", name) == nil { // where Cilium's own Services are
			o.report(p, ruleReference, at, "there is no Namespace %q in the tree", name)
		}
	}
}

// checkCiliumPool reads a pool as Cilium does (operator/pkg/lbipam): blocks that overlap disable the pool that came last.
func (p *pass) checkCiliumPool(o *object) {
	p.checkCiliumServices(o, fieldPath{"spec", "serviceSelector"}, get(o.value, "spec", "serviceSelector"))
	for i, b := range list(o.value, "spec", "blocks") {
		at := fieldPath{"spec", "blocks"}.at(i)
		text := ciliumBlock(b)
		r, ok := addressRange(text)
		if !ok {
			o.report(p, ruleReference, at, "%q is neither a network without host bits nor a range in order", text)
			continue
		}
		for _, other := range p.objects {
			if !other.is(ciliumGroup, "CiliumLoadBalancerIPPool") {
				continue
			}
			for j, ob := range list(other.value, "spec", "blocks") {
				if other == o && j == i {
					continue
				}
				if or, ok := addressRange(ciliumBlock(ob)); ok && r.Overlaps(or) {
					o.report(p, ruleReference, at, "%s overlaps a block of %s: Cilium disables one of them", text, other)
				}
			}
		}
	}
}

// ciliumBlock writes a block as a network or a range.
func ciliumBlock(b any) string {
	if cidr := str(b, "cidr"); cidr != "" {
		return cidr
	}
	return str(b, "start") + "-" + cmp.Or(str(b, "stop"), str(b, "start"))
}

// checkCiliumOnce: a node that two configurations select reads neither.
func (p *pass) checkCiliumOnce() {
	objects := p.balancerObjects()
	for _, n := range objects.nodes {
		first := ""
		for _, c := range objects.cilium.clusters {
			if s := c.Spec.NodeSelector; s != nil && !s.matches(n.labels) {
				continue
			}
			if first != "" {
				p.missing(ruleSessions, "node %s is selected by CiliumBGPClusterConfig %s and %s", n.name, first, c.Metadata.Name)
			}
			first = c.Metadata.Name
		}
	}
}

// checkCiliumPods: where one session carries ranges of pods all of its family do, or the pods of a node are out of reach.
func (p *pass) checkCiliumPods(objects *lbObjects) {
	objects.joinCilium()
	carried := map[string]string{} // family to a session that carries them
	for _, s := range objects.peers {
		if s.pods {
			carried[familyOf(s.peerAddress)] = s.name
		}
	}
	for _, s := range objects.peers {
		if first := carried[familyOf(s.peerAddress)]; first != "" && !s.pods {
			p.missing(ruleSessions, "session %s carries no ranges of pods, and %s does", s.name, first)
		}
	}
}

// admitsBlocks reports whether a NetworkPolicy tells its peers by their addresses.
func (p *pass) admitsBlocks() bool {
	return slices.ContainsFunc(p.objects, func(o *object) bool {
		if !o.is("networking.k8s.io", "NetworkPolicy") {
			return false
		}
		for side, peers := range map[string]string{"ingress": "from", "egress": "to"} {
			for _, rule := range list(o.value, "spec", side) {
				if slices.ContainsFunc(list(rule, peers), func(peer any) bool { return has(peer, "ipBlock") }) {
					return true
				}
			}
		}
		return false
	})
}

// checkCiliumValues: what the objects need is switched on in the chart, and a render is the same each time.
func (p *pass) checkCiliumValues() {
	for name, chart := range p.releases.Charts {
		v := p.values[name]
		if v == nil || chart.Name != "cilium" {
			continue
		}
		needs := func(kind, key string) {
			if has := slices.ContainsFunc(p.objects, func(o *object) bool { return o.is(ciliumGroup, kind) }); has && get(v.value, key, "enabled") != true {
				v.report(p, ruleValues, fieldPath{key, "enabled"}, "the tree has objects of kind %s, and nothing reads them", kind)
			}
		}
		needs("CiliumBGPClusterConfig", "bgpControlPlane")
		needs("CiliumL2AnnouncementPolicy", "l2announcements")
		needs("CiliumEgressGatewayPolicy", "egressGateway")
		if get(v.value, "egressGateway", "enabled") == true && get(v.value, "bpf", "masquerade") != true {
			v.report(p, ruleValues, fieldPath{"bpf", "masquerade"}, "no agent starts with an egress gateway that does not masquerade in BPF")
		}
		p.checkUnmasqueraded(v)
		if get(v.value, "l7Proxy") != true && p.admitsBlocks() && !slices.Contains(strs(v.value, "policyCIDRMatchMode"), "nodes") {
			v.report(p, ruleValues, fieldPath{"policyCIDRMatchMode"}, "NetworkPolicies admit by addresses, and without \"nodes\" no address of a node matches")
		}
		if get(v.value, "kubeProxyReplacement") == true && str(v.value, "k8sServiceHost") == "" {
			v.report(p, ruleValues, fieldPath{"k8sServiceHost"}, "without kube-proxy Cilium does not find the API by its Service")
		}
		if m := str(v.value, "hubble", "tls", "auto", "method"); get(v.value, "hubble", "enabled") != false && m != "cronJob" && m != "certmanager" {
			v.report(p, ruleValues, fieldPath{"hubble", "tls", "auto", "method"}, "%q makes new certificates with every render", m)
		}
		for _, path := range []fieldPath{{"rollOutCiliumPods"}, {"operator", "rollOutPods"}} {
			if get(v.value, path...) != true {
				v.report(p, ruleValues, path, "what is changed here reaches no pod that runs: each reads its configuration as it starts")
			}
		}
		operator := get(v.value, "ipam", "operator")
		for _, family := range []string{"4", "6"} {
			routed := str(v.value, "ipv"+family+"NativeRoutingCIDR")
			if pods := strs(operator, "clusterPoolIPv"+family+"PodCIDRList"); str(v.value, "routingMode") == "native" && len(pods) > 0 && routed != pods[0] {
				v.report(p, ruleValues, fieldPath{"ipv" + family + "NativeRoutingCIDR"}, "%q is not the network of pods: %s", routed, pods[0])
			}
		}
	}
}

// ciliumAnnotation is how a Service asks for addresses.
const ciliumAnnotation = "lbipam.cilium.io/ips"

// ciliumClasses are the classes that Cilium serves.
var ciliumClasses = []string{"io.cilium/bgp-control-plane", "io.cilium/l2-announcer"}

// checkCiliumAddress reports an address that Cilium does not give to a Service that asks for it: no pool has it, or the pool
// that has it is not for Services of that namespace. What announces addresses of the pool must take the Service as well.
func (p *pass) checkCiliumAddress(o place, path fieldPath, text string) {
	a, err := netip.ParseAddr(strings.TrimSpace(text))
	if err != nil {
		o.report(p, ruleReference, path, "%q is no address", text)
		return
	}
	pool := p.ciliumPoolOf(a)
	if pool == nil {
		o.report(p, ruleReference, path, "%s is in no CiliumLoadBalancerIPPool of the tree", a)
		return
	}
	namespace := p.namespaceOf(o)
	served := ciliumNamespaces(get(pool.value, "spec", "serviceSelector"))
	if !slices.Contains(served, namespace) {
		o.report(p, ruleReference, path, "%s is of %s, which is not for Services in namespace %q", a, pool, namespace)
		return
	}
	announced, taken := false, false // some Service of the pool, and this one
	for _, s := range p.ciliumAnnouncers() {
		names := ciliumNamespaces(s)
		announced = announced || slices.ContainsFunc(served, func(n string) bool { return slices.Contains(names, n) })
		taken = taken || slices.Contains(names, namespace)
	}
	if announced && !taken {
		o.report(p, ruleReference, path, "%s is announced by nobody: what announces %s does not take Services in namespace %q", a, pool, namespace)
	}
}

// ciliumPoolOf returns the pool that has the address; nil when none has.
func (p *pass) ciliumPoolOf(a netip.Addr) *object {
	for _, pool := range p.objects {
		if !pool.is(ciliumGroup, "CiliumLoadBalancerIPPool") {
			continue
		}
		for _, b := range list(pool.value, "spec", "blocks") {
			if r, ok := addressRange(ciliumBlock(b)); ok && r.Contains(a) {
				return pool
			}
		}
	}
	return nil
}

// ciliumAnnouncers returns the selectors of Services whose addresses are announced, by BGP or at layer 2.
func (p *pass) ciliumAnnouncers() []any {
	var out []any
	for _, o := range p.objects {
		switch {
		case o.is(ciliumGroup, "CiliumL2AnnouncementPolicy"):
			out = append(out, get(o.value, "spec", "serviceSelector"))
		case o.is(ciliumGroup, "CiliumBGPAdvertisement"):
			for _, ad := range list(o.value, "spec", "advertisements") {
				if str(ad, "advertisementType") == "Service" {
					out = append(out, get(ad, "selector"))
				}
			}
		}
	}
	return out
}

// ciliumNamespaces returns the namespaces that a selector of Services names; see checkCiliumServices.
func ciliumNamespaces(s any) []string {
	for _, e := range list(s, "matchExpressions") {
		if str(e, "key") == serviceNamespace {
			return strs(e, "values")
		}
	}
	return nil
}

// namespaceOf is that of an object, or of a chart's release.
func (p *pass) namespaceOf(o place) string {
	switch o := o.(type) {
	case *object:
		if o.within != nil {
			return o.within.namespace
		}
		return o.namespace
	case *values:
		return p.releases.Charts[o.release].Namespace
	}
	return ""
}
