package verify

import (
	"maps"
	"slices"
	"strings"
)

// networkLabel tells the network of what is labelled.
const networkLabel = "topology.istio.io/network"

// eachIstiod yields the values of each control plane, with its Helm release.
func (p *pass) eachIstiod(visit func(chart Chart, v *values)) {
	for _, name := range slices.Sorted(maps.Keys(p.releases.Charts)) {
		if chart := p.releases.Charts[name]; chart.Name == "istiod" && p.values[name] != nil {
			visit(chart, p.values[name])
		}
	}
}

// isAway reports whether an entry of a Sidecar, "namespace/host", is a service that the control plane also finds at other
// sites: its namespace may be there alone.
func (p *pass) isAway(o *object, entry string) bool {
	_, host, _ := strings.Cut(entry, "/")
	found := false
	p.eachIstiod(func(_ Chart, v *values) {
		for _, s := range list(v.value, "meshConfig", "serviceSettings") {
			if get(s, "settings", "clusterLocal") == false && slices.Contains(strs(s, "hosts"), host) {
				found = len(p.releases.Peers) > 0 && o.kind == "Sidecar"
			}
		}
	})
	return found
}

// isPeer reports whether a trust domain is that of another site, whose namespaces nobody knows here.
func (p *pass) isPeer(trustDomain string) bool {
	return slices.Contains(slices.Collect(maps.Values(p.releases.Peers)), trustDomain) && p.aliased(trustDomain)
}

// aliased reports whether every control plane takes a trust domain, as its own or for an alias: the certificates of others
// are refused in the handshake.
func (p *pass) aliased(trustDomain string) bool {
	ok := true
	p.eachIstiod(func(_ Chart, v *values) {
		own := str(v.value, "meshConfig", "trustDomain") == trustDomain
		ok = ok && (own || slices.Contains(strs(v.value, "meshConfig", "trustDomainAliases"), trustDomain))
	})
	return ok
}

// remoteSecrets is what each istiod looks for by label: the way to the API server of each other site.
func (p *pass) remoteSecrets() []SecretRef {
	var out []SecretRef
	p.eachIstiod(func(chart Chart, v *values) {
		deployment := strings.TrimSuffix("istiod-"+str(v.value, "revision"), "-")
		for _, peer := range slices.Sorted(maps.Keys(p.releases.Peers)) {
			out = append(out, SecretRef{Namespace: chart.Namespace, Name: "istio-remote-secret-" + peer,
				By: "Deployment " + chart.Namespace + "/" + deployment, Keys: []string{peer}, Late: true})
		}
	})
	return out
}

// checkCrossSite checks a server that hands on connections by the name that they ask for: the proxy asks no policy there,
// so that it names services one by one; and its gateway must be one between networks.
func (p *pass) checkCrossSite(o *object, at fieldPath, server any) {
	if str(server, "tls", "mode") != "AUTO_PASSTHROUGH" {
		return
	}
	if str(server, "port", "protocol") != "TLS" {
		o.report(p, ruleIstio, at.to("port", "protocol"), "AUTO_PASSTHROUGH is for protocol TLS")
	}
	for i, h := range strs(server, "hosts") {
		if strings.Contains(h, "*") {
			o.report(p, ruleIstio, at.to("hosts").at(i), "%q opens more than one service to other sites", h)
		}
	}
	selector := dict(o.value, "spec", "selector")
	for _, name := range slices.Sorted(maps.Keys(p.releases.Charts)) {
		chart, v := p.releases.Charts[name], p.values[name]
		if chart.Name != "gateway" || v == nil || str(selector, "istio") != name {
			continue
		}
		p.eachIstiod(func(_ Chart, control *values) {
			network := str(control.value, "global", "network")
			for _, have := range []string{str(get(v.value, "labels"), networkLabel), str(v.value, "env", "ISTIO_META_REQUESTED_NETWORK_VIEW")} {
				if have != network || network == "" {
					v.report(p, ruleValues, fieldPath{"labels"}, "the gateway's network %q is not that of the control plane, %q", have, network)
				}
			}
		})
	}
}

// checkNetwork checks that the namespace of each control plane has the label of its network, by which other sites tell where
// its pods are.
func (p *pass) checkNetwork() {
	p.eachIstiod(func(chart Chart, v *values) {
		network := str(v.value, "global", "network")
		for _, o := range p.objects {
			if o.is("", "Namespace") && o.name == chart.Namespace && str(o.value, "metadata", "labels", networkLabel) != network {
				o.report(p, ruleIstio, fieldPath{"metadata", "labels"}, "the network of the control plane is %q", network)
			}
		}
		for _, peer := range slices.Sorted(maps.Keys(p.releases.Peers)) {
			if !p.aliased(p.releases.Peers[peer]) {
				v.report(p, ruleValues, fieldPath{"meshConfig", "trustDomainAliases"}, "the certificates of site %s, %s, would be refused", peer, p.releases.Peers[peer])
			}
		}
	})
}
