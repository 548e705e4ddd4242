package verify

import (
	"net/netip"
	"slices"
	"strconv"

	"go4.org/netipx"
)

// Annotations of a Service that OpenELB reads (pkg/constant/constant.go).
const (
	openELBMark    = "lb.kubesphere.io/v1alpha1"
	openELBPool    = "eip.openelb.kubesphere.io/v1alpha2"
	openELBAddress = "eip.openelb.kubesphere.io/v1alpha1"
	openELBDefault = "eip.openelb.kubesphere.io/is-default-eip"
)

// eipRange reads the address of an Eip (api/v1alpha2/eip_types.go GetSize): one address, a prefix, or a range.
func eipRange(text string) (netipx.IPRange, bool) { return addressRange(wholeRange(text)) }

// checkEip follows the webhook of Eips, and refuses what would give addresses to Services that do not ask for them.
func checkEip(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	text := str(spec, "address")
	r, ok := eipRange(text)
	switch {
	case !ok:
		o.report(p, ruleOpenELB, at.to("address"), "%q is neither an address, nor a prefix without host bits, nor a range in order", text)
	case r.From().Is6():
		o.report(p, ruleOpenELB, at.to("address"), "%s: OpenELB announces an IPv6 address as a prefix of length 32, and answers for none", text)
	}
	for _, other := range p.objects {
		if !ok || !other.is(openELBGroup, "Eip") || other == o {
			continue
		}
		if or, valid := eipRange(str(other.value, "spec", "address")); valid && r.Overlaps(or) {
			o.report(p, ruleOpenELB, at.to("address"), "%s overlaps that of %s", text, other)
		}
	}
	layer2, iface := str(spec, "protocol") == "layer2", str(spec, "interface")
	if layer2 && (iface == "" || len(iface) > 15) {
		o.report(p, ruleOpenELB, at.to("interface"), "%q is no name of an interface, and layer 2 needs one", iface)
	}
	if str(spec, "protocol") == "vip" {
		o.report(p, ruleOpenELB, at.to("protocol"), "keepalived of OpenELB is not used")
	}
	if str(o.value, "metadata", "annotations", openELBDefault) == "true" || has(spec, "namespaces") || has(spec, "namespaceSelector") {
		o.report(p, ruleOpenELB, at, "Services that do not name it would get its addresses")
	}
}

// checkOpenELBConf: one name is read, and a speaker without an AS of its own must not start.
func checkOpenELBConf(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	if o.name != "default" {
		o.report(p, ruleOpenELB, fieldPath{"metadata", "name"}, "only the BgpConf \"default\" is read")
	}
	if as, given := integer(spec, "as"); given && as != 0 {
		o.report(p, ruleOpenELB, at.to("as"), "a speaker without a rack would start, and announce the addresses of all nodes")
	}
	for rack, v := range dict(spec, "asPerRack") {
		if n, ok := v.(int64); !ok || n < 1 || n > 4294967295 {
			o.report(p, ruleOpenELB, at.to("asPerRack").to(rack), "%v is no AS number", v)
		}
	}
	if port, _ := integer(spec, "listenPort"); port != -1 {
		o.report(p, ruleOpenELB, at.to("listenPort"), "%d: the switches wait, and never connect", port)
	}
}

// checkOpenELBPeer: timers are texts, which GoBGP reads as numbers of seconds.
func checkOpenELBPeer(p *pass, o *object) {
	at, spec := fieldPath{"spec"}, get(o.value, "spec")
	if a, err := netip.ParseAddr(str(spec, "conf", "neighborAddress")); err != nil || !a.Is4() {
		o.report(p, ruleOpenELB, at.to("conf").to("neighborAddress"), "%q is no IPv4 address", str(spec, "conf", "neighborAddress"))
	}
	if as, _ := integer(spec, "conf", "peerAs"); as < 1 {
		o.report(p, ruleOpenELB, at.to("conf").to("peerAs"), "%d is no AS number", as)
	}
	if str(spec, "conf", "authPassword") != "" {
		o.report(p, ruleOpenELB, at.to("conf").to("authPassword"), "a secret value, which everybody who may read the object sees")
	}
	timers := map[string]int{}
	for name, v := range dict(spec, "timers", "config") {
		text, _ := v.(string)
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 65535 {
			o.report(p, ruleOpenELB, at.to("timers").to("config").to(name), "%q is no number of seconds", text)
		}
		timers[name] = n
	}
	if hold, keep := timers["holdTime"], timers["keepaliveInterval"]; hold < 3 || keep*3 > hold {
		o.report(p, ruleOpenELB, at.to("timers"), "hold time %d s with keepalive time %d s: at least 3 s, and a third of it", hold, keep)
	}
	families := list(spec, "afiSafis")
	if len(families) != 1 || str(families[0], "config", "family", "afi") != "AFI_IP" || str(families[0], "config", "family", "safi") != "SAFI_UNICAST" ||
		get(families[0], "config", "enabled") != true || has(families[0], "addPaths") {
		o.report(p, ruleOpenELB, at.to("afiSafis"), "not IPv4 unicast alone and without add-path: it would send paths to other nodes")
	}
}

// checkOpenELB holds OpenELB's objects against Nodes, Services and the values of its chart.
func (p *pass) checkOpenELB() {
	var conf *object
	layer2, used := false, false
	for _, o := range p.objects {
		switch {
		case o.is(openELBGroup, "BgpConf"):
			conf = o
		case o.is(openELBGroup, "Eip"):
			layer2 = layer2 || str(o.value, "spec", "protocol") == "layer2"
		}
		used = used || o.group == openELBGroup
	}
	if used {
		p.checkOpenELBNodes(conf)
		p.checkOpenELBValues(layer2)
	}
	p.checkOpenELBServices()
}

// checkOpenELBNodes: each Node that names a rack is that rack, alone.
func (p *pass) checkOpenELBNodes(conf *object) {
	racks := map[string]bool{}
	for _, n := range p.objects {
		rack := str(n.value, "metadata", "labels", openELBRack)
		if !n.is("", "Node") || rack == "" {
			continue
		}
		racks[rack] = true
		if rack != n.name {
			n.report(p, ruleOpenELB, fieldPath{"metadata", "labels", openELBRack}, "%q is not its own name: it would announce the addresses of the others of that rack", rack)
		}
	}
	if conf == nil {
		return
	}
	for _, rack := range sortedKeys(dict(conf.value, "spec", "asPerRack")) {
		if !racks[rack] {
			conf.report(p, ruleOpenELB, fieldPath{"spec", "asPerRack", rack}, "no Node of the tree has the label %s: %s", openELBRack, rack)
		}
	}
}

// checkOpenELBValues: the speakers run where a rack is named, with what the pools need.
func (p *pass) checkOpenELBValues(layer2 bool) {
	for _, release := range sortedKeys(p.releases.Charts) {
		v := p.values[release]
		if v == nil || p.releases.Charts[release].Name != "openelb" {
			continue
		}
		if get(v.value, "speaker", "enable") == false {
			if slices.ContainsFunc(p.objects, func(o *object) bool { return o.is("", "Node") && str(o.value, "metadata", "labels", openELBRack) != "" }) {
				v.report(p, ruleOpenELB, fieldPath{"speaker", "enable"}, "Nodes of the tree have the label of speakers")
			}
			continue
		}
		if on := get(v.value, "speaker", "layer2") == true; on != layer2 {
			v.report(p, ruleOpenELB, fieldPath{"speaker", "layer2"}, "%v, and the Eips at layer 2 say %v", on, layer2)
		}
		if host, err := netip.ParseAddrPort(str(v.value, "speaker", "apiHosts")); err != nil || !host.Addr().IsLoopback() {
			v.report(p, ruleOpenELB, fieldPath{"speaker", "apiHosts"}, "GoBGP's own interface asks for no password: on the node alone")
		}
		if str(v.value, "speaker", "memberlistSecret") != "" {
			v.report(p, ruleOpenELB, fieldPath{"speaker", "memberlistSecret"}, "a secret value")
		}
		terms := list(v.value, "speaker", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms")
		named := len(terms) > 0
		for _, t := range terms {
			named = named && slices.ContainsFunc(list(t, "matchExpressions"), func(e any) bool {
				return str(e, "key") == openELBRack && str(e, "operator") == "Exists"
			})
		}
		if !named {
			v.report(p, ruleOpenELB, fieldPath{"speaker", "affinity"}, "a speaker on a node without the label %s announces the addresses of all nodes", openELBRack)
		}
	}
}

// checkOpenELBServices: who asks for an address is looked at, names the Eip that has it, and is the only one.
func (p *pass) checkOpenELBServices() {
	type ask struct {
		o       place
		at      fieldPath
		pool    string
		mark    bool
		address string
	}
	asks := map[string]*ask{}
	p.everywhere(func(o place, path fieldPath, key string, v any) {
		text, _ := v.(string)
		id := o.String() + path[:len(path)-1].String()
		a := asks[id]
		if a == nil {
			a = &ask{o: o, at: path}
			asks[id] = a
		}
		switch key {
		case openELBMark:
			a.mark = text == "openelb"
		case openELBPool:
			a.pool = text
		case openELBAddress:
			a.address, a.at = text, path
		}
	}, openELBMark, openELBPool, openELBAddress)
	owner := map[string]place{}
	for _, id := range sortedKeys(asks) {
		a := asks[id]
		if !a.mark {
			a.o.report(p, ruleOpenELB, a.at, "without %s: openelb it is left alone", openELBMark)
		}
		eip := p.find(openELBGroup, "Eip", "", a.pool)
		if eip == nil {
			a.o.report(p, ruleReference, a.at, "there is no Eip %q in the tree", a.pool)
			continue
		}
		r, _ := eipRange(str(eip.value, "spec", "address"))
		if ip, err := netip.ParseAddr(a.address); err != nil || !r.Contains(ip) {
			a.o.report(p, ruleReference, a.at, "%q is not one address of Eip %s, which has %s", a.address, a.pool, str(eip.value, "spec", "address"))
		}
		if other := owner[a.address]; other != nil && other != a.o {
			a.o.report(p, ruleReference, a.at, "%s is that of %s too", a.address, other)
		}
		owner[a.address] = a.o
	}
}
