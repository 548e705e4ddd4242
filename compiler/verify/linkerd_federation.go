package verify

import (
	"maps"
	"net/netip"
	"slices"
	"strings"
)

// Names of Linkerd's extension for several clusters (linkerd/linkerd2 edge-26.6.3, multicluster/charts and
// multicluster/service-mirror, read 2026-11-21).
const (
	linkGroup   = "multicluster.linkerd.io"
	linkSecret  = "mirror.linkerd.io/remote-kubeconfig"
	linkGateway = "mirror.linkerd.io/gateway-identity"
)

// linksValues returns the values of the extension and the namespace of its release; nil where it is not in the tree.
func (p *pass) linksValues() (*values, string) {
	for _, name := range sortedKeys(p.values) {
		if c := p.releases.Charts[name]; c.Name == "linkerd-multicluster" {
			return p.values[name], c.Namespace
		}
	}
	return nil, ""
}

// linkSecrets are what the controllers read other sites with, one a Link.
func (p *pass) linkSecrets() []SecretRef {
	var out []SecretRef
	for _, o := range p.objects {
		if o.is(linkGroup, "Link") {
			out = append(out, SecretRef{Namespace: o.namespace, Name: str(o.value, "spec", "clusterCredentialsSecret"), Keys: []string{"kubeconfig"},
				By: "Deployment " + o.namespace + "/controller-" + o.name, Late: true})
		}
	}
	return out
}

// checkLinks holds what joins sites together: a Link and a controller for each peer, the gateway that its identity names,
// and nobody behind the gateway whom no route names.
func (p *pass) checkLinks(control *values) {
	v, ns := p.linksValues()
	if v == nil {
		return
	}
	trust := "serviceaccount.identity." + str(v.value, "linkerdNamespace") + "."
	if get(v.value, "gateway", "enabled") != false {
		v.report(p, ruleLinkerd, fieldPath{"gateway", "enabled"}, "the chart's gateway admits whoever has a certificate of any site")
	}
	if str(v.value, "identityTrustDomain") != str(control.value, "identityTrustDomain") {
		v.report(p, ruleLinkerd, fieldPath{"identityTrustDomain"}, "the control plane's is %q", str(control.value, "identityTrustDomain"))
	}
	var controllers []string
	for _, c := range list(v.value, "controllers") {
		controllers = append(controllers, str(c, "link", "ref", "name"))
	}
	if peers := slices.Sorted(maps.Keys(p.releases.Peers)); !slices.Equal(controllers, peers) {
		v.report(p, ruleLinkerd, fieldPath{"controllers"}, "controllers of %s, and the peers are %s", strings.Join(controllers, ", "), strings.Join(peers, ", "))
	}
	for name := range p.releases.PeerPods {
		if !flat(v) {
			v.report(p, ruleLinkerd, fieldPath{"controllers"}, "site %s has no gateway, and a controller asks whether it is ready", name)
		}
	}
	var links []string
	gateways, expected := 0, 1
	if flat(v) {
		expected = 0
		p.checkFlatSecrets(str(v.value, "linkerdNamespace"))
	}
	for _, o := range p.objects {
		switch {
		case o.is(linkGroup, "Link"):
			links = append(links, o.name)
			p.checkLink(o, ns, trust, flat(v))
		case o.is("", "Service") && str(o.value, "metadata", "annotations", linkGateway) != "":
			gateways++
			p.checkLinkGateway(o, trust+str(v.value, "identityTrustDomain"))
		}
	}
	slices.Sort(links)
	if !slices.Equal(links, controllers) {
		v.report(p, ruleLinkerd, fieldPath{"controllers"}, "each has a Link of its name, and the Links are %s", strings.Join(links, ", "))
	}
	if gateways != expected {
		v.report(p, ruleLinkerd, fieldPath{"gateway"}, "there are %d gateways for other sites", gateways)
	}
}

// checkLink checks what a controller is told of a peer.
func (p *pass) checkLink(o *object, namespace, trust string, flat bool) {
	spec := get(o.value, "spec")
	report := func(field, text string, args ...any) {
		o.report(p, ruleLinkerd, fieldPath{"spec", field}, text, args...)
	}
	if o.namespace != namespace {
		o.report(p, ruleLinkerd, fieldPath{"metadata", "namespace"}, "its controller reads namespace %s", namespace)
	}
	if str(spec, "targetClusterName") != o.name {
		report("targetClusterName", "the controller of Link %s is another", o.name)
	}
	if want := "cluster-credentials-" + o.name; str(spec, "clusterCredentialsSecret") != want {
		report("clusterCredentialsSecret", "the controller may read Secret %s alone", want)
	}
	if flat {
		p.checkFlatLink(o)
		return
	}
	if want := "linkerd-gateway." + namespace + "." + trust + p.releases.Peers[o.name]; str(spec, "gatewayIdentity") != want {
		report("gatewayIdentity", "the gateway of site %s has the certificate %s", o.name, want)
	}
	for a := range strings.SplitSeq(str(spec, "gatewayAddress"), ",") {
		if _, err := netip.ParseAddr(a); err != nil {
			report("gatewayAddress", "%q is no address", a)
		}
	}
	for _, port := range []string{str(spec, "gatewayPort"), str(spec, "probeSpec", "port")} {
		if port != "4143" && port != "4191" {
			report("gatewayPort", "%q is no port of a gateway", port)
		}
	}
	if len(list(spec, "selector", "matchExpressions"))+len(dict(spec, "selector", "matchLabels")) == 0 {
		report("selector", "every service of that site would be known here")
	}
}

// checkLinkGateway checks the Service of the gateway: whose certificate its pods have, and that they hand on.
func (p *pass) checkLinkGateway(o *object, trust string) {
	identity := str(o.value, "metadata", "annotations", linkGateway)
	for _, d := range p.objects {
		if !d.is("apps", "Deployment") || d.namespace != o.namespace || !takes(map[string]any{"matchLabels": dict(o.value, "spec", "selector")}, dict(d.value, "spec", "template", "metadata", "labels")) {
			continue
		}
		pod := get(d.value, "spec", "template")
		if want := str(pod, "spec", "serviceAccountName") + "." + d.namespace + "." + trust; identity != want {
			o.report(p, ruleLinkerd, fieldPath{"metadata", "annotations", linkGateway}, "the pods of the gateway have the certificate %s", want)
		}
		notes := get(pod, "metadata", "annotations")
		if str(notes, "config.linkerd.io/enable-gateway") != "true" || str(notes, "linkerd.io/inject") != "enabled" {
			d.report(p, ruleLinkerd, fieldPath{"spec", "template", "metadata", "annotations"}, "its proxies would take connections for themselves and hand on none")
		}
		return
	}
	o.report(p, ruleLinkerd, fieldPath{"spec", "selector"}, "it takes no pods of the tree")
}
