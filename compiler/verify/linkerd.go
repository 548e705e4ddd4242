package verify

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// linkerdChart is the chart of its control plane.
const linkerdChart = "linkerd-control-plane"

// linkerdGroup is the API group of its policies.
const linkerdGroup = "policy.linkerd.io"

// linkerdWebhooks are the keys of the chart that say where the certificate of a webhook comes from, with the Secret that
// its pod reads (templates/destination-rbac.yaml and proxy-injector-rbac.yaml of edge-26.6.3).
var linkerdWebhooks = map[string]struct{ service, secret string }{
	"proxyInjector":    {"linkerd-proxy-injector", "linkerd-proxy-injector-k8s-tls"},
	"profileValidator": {"linkerd-sp-validator", "linkerd-sp-validator-k8s-tls"},
	"policyValidator":  {"linkerd-policy-validator", "linkerd-policy-validator-k8s-tls"},
}

// linkerdValues returns the values of its control plane and the namespace of the release; nil where it is not in the tree.
func (p *pass) linkerdValues() (*values, string) {
	for _, name := range sortedKeys(p.values) {
		if c := p.releases.Charts[name]; c.Name == linkerdChart {
			return p.values[name], c.Namespace
		}
	}
	return nil, ""
}

// linkerdSecrets are the Secrets that the chart's pods mount and that it does not make itself.
func (p *pass) linkerdSecrets(makers map[string]string) []SecretRef {
	v, ns := p.linkerdValues()
	if v == nil {
		return nil
	}
	var out []SecretRef
	add := func(name string, keys ...string) {
		out = append(out, SecretRef{Namespace: ns, Name: name, Keys: keys, By: "chart " + linkerdChart, MadeBy: makers[ns+"/"+name]})
	}
	for _, key := range sortedKeys(linkerdWebhooks) {
		if get(v.value, key, "externalSecret") == true {
			add(linkerdWebhooks[key].secret, "tls.crt", "tls.key")
		}
	}
	if str(v.value, "identity", "issuer", "scheme") == tlsSecret {
		add("linkerd-identity-issuer", "ca.crt", "tls.crt", "tls.key")
	}
	return out
}

// tlsSecret is the type of Secrets with a certificate and its key.
const tlsSecret = "kubernetes.io/tls"

// checkLinkerd holds what Linkerd reads of the tree together: the chart makes no certificate while it is rendered, each
// Server has pods of its own, and every policy names what is there.
func (p *pass) checkLinkerd() {
	v, ns := p.linkerdValues()
	if v == nil {
		return
	}
	for _, key := range sortedKeys(linkerdWebhooks) {
		want := ns + "/" + linkerdWebhooks[key].service
		if get(v.value, key, "externalSecret") != true || str(v.value, key, "injectCaFrom") != want {
			v.report(p, ruleLinkerd, fieldPath{key}, "the chart makes a new certificate at every rendering, unless externalSecret is true and injectCaFrom %q", want)
			continue
		}
		p.webhookCertificate(v, key, ns)
	}
	if get(v.value, "identity", "externalCA") != true || str(v.value, "identity", "issuer", "scheme") != tlsSecret {
		v.report(p, ruleLinkerd, fieldPath{"identity"}, "root and intermediate must come from outside the chart")
	}
	if str(v.value, "proxy", "defaultInboundPolicy") != "deny" {
		v.report(p, ruleLinkerd, fieldPath{"proxy", "defaultInboundPolicy"}, "a port without a Server must refuse everybody")
	}
	if get(v.value, "proxy", "nativeSidecar") == true && get(v.value, "proxy", "await") != true {
		v.report(p, ruleLinkerd, fieldPath{"proxy", "await"}, "a native sidecar has a startup probe with it alone: containers would start beside a proxy that is not ready")
	}
	p.checkServers(v)
	p.checkExternalWorkloads(v)
	p.checkLinks(v)
	p.checkLinkerdRefs()
	p.checkLinkerdSpans()
	p.checkLinkerdNetworks(v)
}

// checkLinkerdSpans: its webhook refuses a route with a span that it cannot read.
func (p *pass) checkLinkerdSpans() {
	for _, o := range p.objects {
		if !o.is("gateway.networking.k8s.io", o.kind) {
			continue
		}
		notes, _ := get(o.value, "metadata", "annotations").(map[string]any)
		for _, key := range sortedKeys(notes) {
			if span := strings.HasPrefix(key, "timeout.linkerd.io/") || key == "retry.linkerd.io/timeout"; span && !isWhole(asText(notes[key])) {
				o.report(p, ruleLinkerd, fieldPath{"metadata", "annotations", key}, "it is one whole number and a unit")
			}
		}
	}
}

// webhookCertificate: the API server finds a webhook by the DNS name of its Service, and trusts what the Certificate of
// the same name was signed by.
func (p *pass) webhookCertificate(v *values, key, ns string) {
	w := linkerdWebhooks[key]
	for _, o := range p.objects {
		if o.is("cert-manager.io", "Certificate") && o.namespace == ns && o.name == w.service {
			if str(o.value, "spec", "secretName") != w.secret || !slices.Contains(list(o.value, "spec", "dnsNames"), any(w.service+"."+ns+".svc")) {
				o.report(p, ruleLinkerd, fieldPath{"spec"}, "the webhook reads Secret %s, and is called %s.%s.svc", w.secret, w.service, ns)
			}
			ref := get(o.value, "spec", "issuerRef")
			if i := p.find("cert-manager.io", "Issuer", ns, str(ref, "name")); str(ref, "kind") != "Issuer" || i == nil || str(i.value, "spec", "ca", "secretName") == "" {
				o.report(p, ruleLinkerd, fieldPath{"spec", "issuerRef"}, "no authority of the tree signs it: of one that signs itself the API server knows the next before the pod has it")
			}
			return
		}
	}
	v.report(p, ruleLinkerd, fieldPath{key, "injectCaFrom"}, "there is no Certificate %s/%s", ns, w.service)
}

// checkServers: of two Servers for one port of a pod, one is left out; and a stream is one to both ends.
func (p *pass) checkServers(v *values) {
	opaque := strings.Split(str(v.value, "proxy", "opaquePorts"), ",")
	type key struct{ namespace, selector, port string }
	seen := map[key]string{}
	for _, o := range p.objects {
		if !o.is(linkerdGroup, "Server") {
			continue
		}
		port := asText(get(o.value, "spec", "port"))
		if access := str(o.value, "spec", "accessPolicy"); access != "deny" && !(access == "audit" && p.observed(o)) {
			o.report(p, ruleLinkerd, fieldPath{"spec", "accessPolicy"}, "it must refuse whom no policy admits")
		}
		at := key{o.namespace, asText(get(o.value, "spec", "podSelector")) + "|" + asText(get(o.value, "spec", "externalWorkloadSelector")), port}
		if first := seen[at]; first != "" {
			o.report(p, ruleLinkerd, fieldPath{"spec"}, "Server %s describes the same port of the same pods", first)
		}
		seen[at] = o.name
		protocol, stream := str(o.value, "spec", "proxyProtocol"), slices.Contains(opaque, port)
		if protocol == "opaque" && !stream || strings.HasPrefix(protocol, "HTTP/") && stream {
			o.report(p, ruleLinkerd, fieldPath{"spec", "proxyProtocol"}, "port %s is a stream at one end alone: proxy.opaquePorts of the chart holds for callers", port)
		}
	}
}

// scalar is a value as one text.
func asText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case map[string]any:
		var b strings.Builder
		for _, k := range sortedKeys(v) {
			b.WriteString(k + "=" + asText(v[k]) + ";")
		}
		return b.String()
	}
	return fmt.Sprint(v)
}

// checkLinkerdRefs: a policy whose target or authentication is not there is ignored, and its callers are refused.
func (p *pass) checkLinkerdRefs() {
	there := map[string]bool{}
	for _, o := range p.objects {
		there[o.kind+" "+o.namespace+"/"+o.name] = true
	}
	if _, ns := p.linksValues(); ns != "" {
		there["Server "+ns+"/controller"] = true // of the chart
	}
	need := func(o *object, at fieldPath, ref any) {
		if id := str(ref, "kind") + " " + o.namespace + "/" + str(ref, "name"); !there[id] {
			o.report(p, ruleReference, at, "there is no %s", id)
		}
	}
	for _, o := range p.objects {
		switch {
		case o.is(linkerdGroup, "AuthorizationPolicy"):
			need(o, fieldPath{"spec", "targetRef"}, get(o.value, "spec", "targetRef"))
			refs := list(o.value, "spec", "requiredAuthenticationRefs")
			if len(refs) == 0 {
				o.report(p, ruleLinkerd, fieldPath{"spec"}, "without an authentication it admits everybody")
			}
			for i, ref := range refs {
				need(o, fieldPath{"spec", "requiredAuthenticationRefs"}.at(i), ref)
			}
		case o.is(linkerdGroup, "HTTPLocalRateLimitPolicy"):
			need(o, fieldPath{"spec", "targetRef"}, get(o.value, "spec", "targetRef"))
		case o.is("gateway.networking.k8s.io", "HTTPRoute"):
			for i, ref := range list(o.value, "spec", "parentRefs") {
				if str(ref, "group") == linkerdGroup {
					need(o, fieldPath{"spec", "parentRefs"}.at(i), ref)
				}
			}
			p.linkerdRetries(o, "http", linkerdStatus)
		case o.is("gateway.networking.k8s.io", "TLSRoute"), o.is("gateway.networking.k8s.io", "TCPRoute"):
			for i, ref := range list(o.value, "spec", "parentRefs") {
				if str(ref, "group") != linkerdGroup {
					continue
				}
				at := fieldPath{"spec", "parentRefs"}.at(i)
				need(o, at, ref)
				if _, ok := integer(ref, "port"); !ok {
					o.report(p, ruleLinkerd, at, "the admission webhook asks for a port")
				}
				if rules := list(o.value, "spec", "rules"); len(rules) != 1 {
					o.report(p, ruleLinkerd, fieldPath{"spec", "rules"}, "the admission webhook takes one rule")
				} else {
					for j, b := range list(rules[0], "backendRefs") {
						need(o, fieldPath{"spec", "rules"}.at(0).to("backendRefs").at(j), b)
					}
				}
			}
		case o.is("gateway.networking.k8s.io", "GRPCRoute"):
			p.linkerdRetries(o, "grpc", linkerdCode)
		case o.is(linkerdGroup, "NetworkAuthentication"), o.is(linkerdGroup, "EgressNetwork"):
			for i, n := range list(o.value, "spec", "networks") {
				if _, err := netip.ParsePrefix(str(n, "cidr")); err != nil {
					o.report(p, ruleLinkerd, fieldPath{"spec", "networks"}.at(i), "%q is no prefix", str(n, "cidr"))
				}
			}
		}
	}
}

// What retries of requests and of calls may be told to follow (policy-controller/k8s/index/src/outbound/index/http.rs and
// grpc.rs of edge-26.6.3).
var (
	linkerdStatus = regexp.MustCompile(`^(5xx|gateway-error|[1-5]\d\d(-[1-5]\d\d)?)$`)
	linkerdCode   = regexp.MustCompile(`^(cancelled|deadline-exceeded|internal|resource-exhausted|unavailable)$`)
)

// linkerdRetries: a route with a condition that the controller does not know is left out as a whole, and conditions of the
// other kind of route are not read.
func (p *pass) linkerdRetries(o *object, kind string, known *regexp.Regexp) {
	const prefix = "retry.linkerd.io/"
	notes, _ := get(o.value, "metadata", "annotations").(map[string]any)
	for _, key := range sortedKeys(notes) {
		at := fieldPath{"metadata", "annotations", key}
		word, ours := strings.CutPrefix(key, prefix)
		if !ours || word == "limit" || word == "timeout" {
			continue
		}
		if word != kind {
			o.report(p, ruleLinkerd, at, "Linkerd does not read it on %s", o.kind)
			continue
		}
		for on := range strings.SplitSeq(asText(notes[key]), ",") {
			if !known.MatchString(on) {
				o.report(p, ruleLinkerd, at, "%q is no failure that Linkerd repeats after", on)
			}
		}
	}
}
