package verify

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// checkReferences holds objects and values against each other: what one names, another must be.
func (p *pass) checkReferences() {
	p.checkNamespaces()
	p.checkNodeSelection()
	for _, o := range p.objects {
		if check := referenceChecks[kindKey{o.group, o.kind}]; check != nil {
			check(p, o)
		}
	}
	p.checkAddresses()
	p.checkCilium()
	p.checkCalicoEgress()
	p.checkCalicoRouting()
	p.checkCalicoElsewhere()
	p.checkClasses()
	p.checkRevisions()
}

var referenceChecks = map[kindKey]func(*pass, *object){
	{"", "Service"}: (*pass).checkExposed,
	{"gateway.envoyproxy.io", "BackendTrafficPolicy"}: checkTrafficTargets,
	{"gateway.networking.k8s.io", "Gateway"}:          checkGatewayParameters,
	{"gateway.networking.k8s.io", "GRPCRoute"}:        checkParents,
	{"gateway.networking.k8s.io", "HTTPRoute"}:        checkParents,
	{"gateway.networking.k8s.io", "TCPRoute"}:         checkParents,
	{"gateway.networking.k8s.io", "TLSRoute"}:         checkParents,
	{"gateway.networking.k8s.io", "UDPRoute"}:         checkParents,
	{"metallb.io", "BGPAdvertisement"}:                checkAdvertised,
	{"metallb.io", "BGPPeer"}:                         checkPeerProfile,
	{"metallb.io", "L2Advertisement"}:                 checkAdvertised,
	{"networking.istio.io", "Gateway"}:                checkServedBy,
	{"networking.istio.io", "VirtualService"}:         checkRouteGateways,
	{"telemetry.istio.io", "Telemetry"}:               checkProviders,
}

// find returns the object of a kind with a name, or nil.
func (p *pass) find(group, kind, namespace, name string) *object {
	for _, o := range p.objects {
		if o.is(group, kind) && o.name == name && o.namespace == namespace && o.within == nil {
			return o
		}
	}
	return nil
}

func (p *pass) refer(o *object, path fieldPath, group, kind, namespace, name string) {
	if p.find(group, kind, namespace, name) == nil {
		o.report(p, ruleReference, path, "there is no %s %s/%s in the tree", kind, namespace, name)
	}
}

func checkPeerProfile(p *pass, o *object) {
	if profile := str(o.value, "spec", "bfdProfile"); profile != "" {
		p.refer(o, fieldPath{"spec", "bfdProfile"}, "metallb.io", "BFDProfile", o.namespace, profile)
	}
}

// checkAdvertised checks what an advertisement names. An empty list of pools would announce every pool.
func checkAdvertised(p *pass, o *object) {
	spec := get(o.value, "spec")
	for i, name := range strs(spec, "ipAddressPools") {
		p.refer(o, fieldPath{"spec", "ipAddressPools"}.at(i), "metallb.io", "IPAddressPool", o.namespace, name)
	}
	for i, name := range strs(spec, "peers") {
		p.refer(o, fieldPath{"spec", "peers"}.at(i), "metallb.io", "BGPPeer", o.namespace, name)
	}
	if len(strs(spec, "ipAddressPools")) == 0 && len(list(spec, "ipAddressPoolSelectors")) == 0 {
		o.report(p, ruleReference, fieldPath{"spec"}, "no pool is named: it would announce every pool")
	}
}

func checkRouteGateways(p *pass, o *object) {
	for i, g := range strs(o.value, "spec", "gateways") {
		if g == "mesh" {
			continue
		}
		namespace, name, ok := strings.Cut(g, "/")
		if !ok {
			namespace, name = o.namespace, g
		}
		p.refer(o, fieldPath{"spec", "gateways"}.at(i), "networking.istio.io", "Gateway", namespace, name)
	}
}

// ownClasses are the GatewayClasses that a program makes by itself, by the component that it is a part of.
var ownClasses = map[string]string{
	"istio": "istio", "istio-waypoint": "istio", "istio-east-west": "istio", "cilium": "cilium", "consul": "consul",
}

// checkGatewayClass checks that somebody deploys what a Gateway asks for.
func checkGatewayClass(p *pass, o *object) {
	class := str(o.value, "spec", "gatewayClassName")
	if _, ours := p.releases.Components[ownClasses[class]]; ours && ownClasses[class] != "" {
		return
	}
	if p.find(o.group, "GatewayClass", "", class) == nil {
		o.report(p, ruleReference, fieldPath{"spec", "gatewayClassName"}, "nobody brings the GatewayClass %q", class)
	}
}

func checkGatewayParameters(p *pass, o *object) {
	checkGatewayClass(p, o)
	ref := get(o.value, "spec", "infrastructure", "parametersRef")
	switch {
	case ref == nil:
	case str(o.value, "spec", "gatewayClassName") == "istio" && (str(ref, "group") != "" || str(ref, "kind") != "ConfigMap"):
		o.report(p, ruleReference, fieldPath{"spec", "infrastructure", "parametersRef", "kind"}, "istiod reads parameters from a ConfigMap and from nothing else")
	case str(ref, "kind") == "ConfigMap":
		p.refer(o, fieldPath{"spec", "infrastructure", "parametersRef"}, "", "ConfigMap", o.namespace, str(ref, "name"))
	default:
		p.refer(o, fieldPath{"spec", "infrastructure", "parametersRef"}, str(ref, "group"), str(ref, "kind"), o.namespace, str(ref, "name"))
	}
}

// checkServedBy checks that the selector of an Istio Gateway takes the pods of a gateway that the tree installs beside
// it: where it takes none, its listeners are nowhere and nothing says so.
func checkServedBy(p *pass, o *object) {
	selector := map[string]any{"matchLabels": dict(o.value, "spec", "selector")}
	var known []string
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		chart := p.releases.Charts[name]
		if chart.Name != "gateway" || chart.Namespace != o.namespace {
			continue
		}
		labels := gatewayLabels(name, p.values[name])
		if takes(selector, labels) {
			return
		}
		known = append(known, pairs(labels))
	}
	for _, w := range p.objects {
		if w.group == "apps" && w.namespace == o.namespace && takes(selector, dict(w.value, "spec", "template", "metadata", "labels")) {
			return
		}
	}
	o.report(p, ruleReference, fieldPath{"spec", "selector"}, "takes the pods of no gateway in its namespace; their labels: %s", strings.Join(known, "; "))
}

// gatewayLabels returns the labels that the gateway chart gives its pods (templates/_helpers.tpl of the chart).
func gatewayLabels(release string, v *values) map[string]any {
	name := cmp.Or(str(v.value, "name"), release)
	labels := map[string]any{"app": name, "istio": strings.TrimPrefix(name, "istio-")}
	maps.Copy(labels, dict(v.value, "labels"))
	return labels
}

// checkClasses checks that what asks for a load balancer asks for the one that the tree installs.
func (p *pass) checkClasses() {
	classes := map[string]bool{}
	for name, chart := range p.releases.Charts {
		if v := p.values[name]; v != nil && chart.Name == "metallb" {
			classes[str(v.value, "loadBalancerClass")] = true
		}
	}
	if slices.ContainsFunc(p.objects, func(o *object) bool { return o.is(ciliumGroup, "CiliumLoadBalancerIPPool") }) {
		for _, class := range ciliumClasses {
			classes[class] = true
		}
	}
	if len(classes) == 0 {
		return // another load balancer, or somebody else's
	}
	p.everywhere(func(o place, path fieldPath, key string, v any) {
		if class, ok := v.(string); ok && key == "loadBalancerClass" && !classes[class] {
			o.report(p, ruleReference, path, "no load balancer of the tree takes the class %q", class)
		}
	}, "loadBalancerClass")
}

// builtinProviders are the extension providers that istiod has without being told (pkg/config/mesh in Istio).
var builtinProviders = []string{"prometheus", "stackdriver", "envoy"}

// checkProviders checks the providers of a Telemetry: one that istiod does not know is dropped without a word.
func checkProviders(p *pass, o *object) {
	known := slices.Clone(builtinProviders)
	for _, v := range p.istiods() {
		for _, e := range list(v.value, "meshConfig", "extensionProviders") {
			known = append(known, str(e, "name"))
		}
	}
	for _, kind := range []string{"tracing", "metrics", "accessLogging"} {
		for i, t := range list(o.value, "spec", kind) {
			for j, provider := range list(t, "providers") {
				if name := str(provider, "name"); !slices.Contains(known, name) {
					o.report(p, ruleReference, fieldPath{"spec", kind}.at(i).to("providers").at(j), "istiod knows no provider %q", name)
				}
			}
		}
	}
}

// istiods returns the values of the control planes, by release name.
func (p *pass) istiods() []*values {
	var out []*values
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		if p.releases.Charts[name].Name == "istiod" {
			out = append(out, p.values[name])
		}
	}
	return out
}

// checkRevisions checks that each revision by which something is taken into the mesh is one that a control plane has.
func (p *pass) checkRevisions() {
	known := map[string]bool{}
	for _, v := range p.istiods() {
		revision := str(v.value, "revision")
		if revision == "" {
			revision = "default"
		}
		known[revision] = true
		for _, tag := range strs(v.value, "revisionTags") {
			known[tag] = true
		}
	}
	p.everywhere(func(o place, path fieldPath, key string, v any) {
		if key != "istio.io/rev" || !slices.Contains(path, "labels") && !slices.Contains(path, "matchLabels") {
			return
		}
		if s, _ := v.(string); !known[s] {
			o.report(p, ruleReference, path, "no control plane has the revision %q", s)
		}
	}, "istio.io/rev")
	for _, name := range slices.Sorted(maps.Keys(p.values)) {
		v, chart := p.values[name], p.releases.Charts[name].Name
		if revision := str(v.value, "revision"); revision != "" && (chart == "gateway" || chart == "cni" || chart == "ztunnel") && !known[revision] {
			v.report(p, ruleReference, fieldPath{"revision"}, "no control plane has the revision %q", revision)
		}
	}
}

// checkAddresses checks the addresses that Services ask MetalLB for: each in a pool of the tree, each asked for once.
func (p *pass) checkAddresses() {
	pools := map[string]*object{}
	for _, o := range p.objects {
		if o.is("metallb.io", "IPAddressPool") {
			pools[o.name] = o
		}
	}
	asked := map[netip.Addr]place{}
	p.everywhere(func(o place, path fieldPath, key string, v any) {
		s, _ := v.(string)
		switch key {
		case "metallb.io/address-pool":
			if pools[s] == nil {
				o.report(p, ruleReference, path, "there is no IPAddressPool %q in the tree", s)
			}
		case ciliumAnnotation:
			for a := range strings.SplitSeq(s, ",") {
				p.checkCiliumAddress(o, path, a)
			}
		case "metallb.io/loadBalancerIPs":
			for a := range strings.SplitSeq(s, ",") {
				addr, err := netip.ParseAddr(strings.TrimSpace(a))
				switch other, taken := asked[addr], asked[addr] != nil; {
				case err != nil:
					o.report(p, ruleReference, path, "%q is no address", a)
				case !inPools(pools, addr):
					o.report(p, ruleReference, path, "%s is in no IPAddressPool of the tree", addr)
				case taken && other != o:
					o.report(p, ruleReference, path, "%s is that of %s too", addr, other)
				}
				asked[addr] = o
			}
		}
	}, "metallb.io/address-pool", "metallb.io/loadBalancerIPs", ciliumAnnotation)
}

func inPools(pools map[string]*object, a netip.Addr) bool {
	for _, pool := range pools {
		for _, s := range strs(pool.value, "spec", "addresses") {
			if r, ok := addressRange(s); ok && r.Contains(a) {
				return true
			}
		}
	}
	return false
}

// references are the keys by which values refer to something else in the tree. The tree is walked for them once.
var references = map[string]bool{
	"istio.io/rev": true, "loadBalancerClass": true, "metallb.io/address-pool": true, "metallb.io/loadBalancerIPs": true, ciliumAnnotation: true,
	openELBMark: true, openELBPool: true, openELBAddress: true,
	"nodeSelector": true, "nodeSelectors": true, "nodeSelectorTerms": true, "preference": true, "topologyKey": true,
}

// reference is a value under one of those keys.
type reference struct {
	o    place
	path fieldPath
	key  string
	v    any
}

// everywhere visits the values of objects and charts that stand under some of the keys of references, in the order of
// the tree.
func (p *pass) everywhere(visit func(o place, path fieldPath, key string, v any), keys ...string) {
	for _, k := range keys {
		if !references[k] {
			p.internal(fmt.Errorf("%q is not among the keys that the tree is walked for", k))
			return
		}
	}
	if p.references == nil {
		p.references = []reference{}
		keep := func(o place, path fieldPath, key string, v any) {
			if references[key] {
				p.references = append(p.references, reference{o, slices.Clone(path), key, v})
			}
		}
		for _, o := range p.objects {
			each(o, nil, o.value, keep)
		}
		for _, name := range slices.Sorted(maps.Keys(p.values)) {
			each(p.values[name], nil, p.values[name].value, keep)
		}
	}
	for _, r := range p.references {
		if slices.Contains(keys, r.key) {
			visit(r.o, r.path, r.key, r.v)
		}
	}
}

// each visits every field below v. The path holds during the visit alone.
func each(o place, path fieldPath, v any, visit func(o place, path fieldPath, key string, v any)) {
	switch v := v.(type) {
	case []any:
		for i, e := range v {
			each(o, append(path, strconv.Itoa(i)), e, visit)
		}
	case map[string]any:
		for _, k := range sortedKeys(v) {
			at := append(path, k)
			visit(o, at, k, v[k])
			each(o, at, v[k], visit)
		}
	}
}
