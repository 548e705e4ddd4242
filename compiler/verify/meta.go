package verify

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// checkObject holds one object against what the API server and the controllers check beyond schemas.
func (p *pass) checkObject(o *object) {
	if o.within == nil && !isConfiguration(o) {
		p.checkMeta(o)
	}
	p.checkFragments(o, nil, o.value)
	if check := kindChecks[kindKey{o.group, o.kind}]; check != nil {
		check(p, o)
	}
}

type kindKey struct{ group, kind string }

// kindChecks are the checks of single kinds, whatever their version.
var kindChecks = map[kindKey]func(*pass, *object){
	{"", "ConfigMap"}:                              checkConfigMap,
	{"", "Namespace"}:                              checkNamespace,
	{"", "Node"}:                                   checkNode,
	{"", "Secret"}:                                 checkSecret,
	{"", "Service"}:                                checkService,
	{"apps", "DaemonSet"}:                          checkDaemonSet,
	{"apps", "Deployment"}:                         checkWorkload,
	{"apps", "StatefulSet"}:                        checkWorkload,
	{"autoscaling", "HorizontalPodAutoscaler"}:     checkAutoscaler,
	{"batch", "CronJob"}:                           checkCronJob,
	{"batch", "Job"}:                               checkJob,
	{"discovery.k8s.io", "EndpointSlice"}:          checkEndpointSlice,
	{"gateway.networking.k8s.io", "Gateway"}:       checkGatewayAPIGateway,
	{"gateway.networking.k8s.io", "HTTPRoute"}:     checkHTTPRoute,
	{"gateway.networking.k8s.io", "TCPRoute"}:      checkStreamRoute,
	{"gateway.networking.k8s.io", "TLSRoute"}:      checkStreamRoute,
	{"gateway.networking.k8s.io", "UDPRoute"}:      checkStreamRoute,
	{"metallb.io", "BGPAdvertisement"}:             checkBGPAdvertisement,
	{"metallb.io", "BGPPeer"}:                      checkBGPPeer,
	{"metallb.io", "IPAddressPool"}:                checkIPAddressPool,
	{"metallb.io", "L2Advertisement"}:              checkL2Advertisement,
	{openELBGroup, "BgpConf"}:                      checkOpenELBConf,
	{openELBGroup, "BgpPeer"}:                      checkOpenELBPeer,
	{openELBGroup, "Eip"}:                          checkEip,
	{"networking.istio.io", "DestinationRule"}:     checkDestinationRule,
	{"networking.istio.io", "EnvoyFilter"}:         checkEnvoyFilter,
	{"networking.istio.io", "Gateway"}:             checkIstioGateway,
	{"networking.istio.io", "ServiceEntry"}:        checkServiceEntry,
	{"networking.istio.io", "Sidecar"}:             checkSidecar,
	{"networking.istio.io", "VirtualService"}:      checkVirtualService,
	{"networking.istio.io", "WorkloadEntry"}:       checkWorkloadEntry,
	{"networking.k8s.io", "NetworkPolicy"}:         checkNetworkPolicy,
	{"policy", "PodDisruptionBudget"}:              checkDisruptionBudget,
	{"security.istio.io", "AuthorizationPolicy"}:   checkAuthorizationPolicy,
	{"security.istio.io", "PeerAuthentication"}:    checkPeerAuthentication,
	{"security.istio.io", "RequestAuthentication"}: checkRequestAuthentication,
	{"telemetry.istio.io", "Telemetry"}:            checkTelemetry,
}

// isConfiguration reports whether an object is a file of a program, not one of the API.
func isConfiguration(o *object) bool { return strings.HasSuffix(o.group, ".config.k8s.io") }

// labelNames are the kinds whose name is a DNS label; a Service's must begin with a letter besides.
var labelNames = map[kindKey]func(string) bool{
	{"", "Namespace"}: isDNSLabel,
	{"", "Service"}:   isDNS1035Label,
}

func (p *pass) checkMeta(o *object) {
	at := fieldPath{"metadata"}
	valid, form := isDNSSubdomain, "DNS subdomain"
	if f, ok := labelNames[kindKey{o.group, o.kind}]; ok {
		valid, form = f, "DNS label"
	}
	switch {
	case strings.HasPrefix(o.group, "rbac."): // any path segment
		valid, form = func(s string) bool { return s != "" && s != "." && s != ".." && !strings.ContainsAny(s, "/%") }, "path segment"
	}
	if !valid(o.name) {
		o.report(p, ruleMeta, at.to("name"), "%q is no %s", o.name, form)
	}
	switch {
	case o.hasScope && o.namespaced && o.namespace == "":
		o.report(p, ruleMeta, at, "no namespace: the object would land in whichever the client has set")
	case o.hasScope && !o.namespaced && o.namespace != "":
		o.report(p, ruleMeta, at.to("namespace"), "the kind belongs to no namespace")
	case o.namespace != "" && !isDNSLabel(o.namespace):
		o.report(p, ruleMeta, at.to("namespace"), "%q is no DNS label", o.namespace)
	}
}

// podSecurity are the levels of Pod Security admission; its labels with another value are ignored with a warning.
var podSecurity = []string{"privileged", "baseline", "restricted"}

// podSecurityVersion is what the admission takes for a release of its levels.
var podSecurityVersion = regexp.MustCompile(`^(latest|v1\.(0|[1-9][0-9]*))$`)

func checkNamespace(p *pass, o *object) {
	labels := dict(o.value, "metadata", "labels")
	for _, mode := range []string{"enforce", "audit", "warn"} {
		oneOf(p, o, ruleMeta, fieldPath{"metadata", "labels"}, labels, "pod-security.kubernetes.io/"+mode, podSecurity...)
		key := "pod-security.kubernetes.io/" + mode + "-version"
		if v := str(labels, key); v != "" && !podSecurityVersion.MatchString(v) {
			o.report(p, ruleMeta, fieldPath{"metadata", "labels", key}, "%q is neither latest nor a minor release such as v1.35", v)
		}
	}
	if has(labels, "istio-injection") && has(labels, "istio.io/rev") {
		o.report(p, ruleIstio, fieldPath{"metadata", "labels"}, "istio-injection and istio.io/rev exclude each other")
	}
}

// checkLabels checks the syntax of labels or of a selector that is a plain mapping.
func checkLabels(p *pass, o place, path fieldPath, labels map[string]any) {
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		v, isString := labels[k].(string)
		switch {
		case !isQualifiedName(k):
			o.report(p, ruleMeta, path.to(k), "the key is none of a label")
		case !isString || !isLabelValue(v):
			o.report(p, ruleMeta, path.to(k), "%s is no value of a label", show(labels[k]))
		}
	}
}

// maxAnnotations is the API server's bound on all annotations of an object together, in bytes.
const maxAnnotations = 256 << 10

func checkAnnotations(p *pass, o place, path fieldPath, annotations map[string]any) {
	size := 0
	for _, k := range slices.Sorted(maps.Keys(annotations)) {
		v, isString := annotations[k].(string)
		size += len(k) + len(v)
		switch {
		case !isQualifiedName(strings.ToLower(k)):
			o.report(p, ruleMeta, path.to(k), "the key is none of an annotation")
		case !isString:
			o.report(p, ruleMeta, path.to(k), "%s is no string", show(annotations[k]))
		}
	}
	if size > maxAnnotations {
		o.report(p, ruleMeta, path, "%d bytes of annotations, the API server takes %d", size, maxAnnotations)
	}
}

// checkUnique reports objects that stand in the tree twice: whatever applies it would let one overwrite the other.
// Versions of one kind are the same object.
func (p *pass) checkUnique() {
	type identity struct{ group, kind, namespace, name string }
	first := map[identity]*object{}
	for _, o := range p.objects {
		if o.within != nil || isConfiguration(o) {
			continue
		}
		id := identity{o.group, o.kind, o.namespace, o.name}
		if host := strings.SplitN(o.file.Path(), "/", 4); o.kind == "Pod" && host[0] == "hosts" && len(host) > 3 {
			id.name += " of " + host[2] // the kubelet of each machine runs its own, and adds the name of the node
		}
		if f, ok := first[id]; ok {
			o.report(p, ruleDuplicate, nil, "stands in the tree twice, first at %s:%d", f.file.Path(), f.node.Line)
			continue
		}
		first[id] = o
	}
}
