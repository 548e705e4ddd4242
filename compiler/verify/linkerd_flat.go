package verify

import (
	"maps"
	"slices"
	"strings"
)

// Labels and annotations by which Linkerd joins sites whose pods reach each other (linkerd/linkerd2 edge-26.6.3
// multicluster/service-mirror/cluster_watcher.go, controller/api/destination/watcher/cluster_store.go, read 2026-11-21).
const (
	exportedKey      = "mirror.linkerd.io/exported"
	exportedGateway  = "true"
	exportedFlat     = "remote-discovery"
	federatedKey     = "mirror.linkerd.io/federated"
	federatedMember  = "member"
	clusterNameKey   = "multicluster.linkerd.io/cluster-name"
	trustDomainKey   = "multicluster.linkerd.io/trust-domain"
	clusterDomainKey = "multicluster.linkerd.io/cluster-domain"
)

// flat reports whether pods of other sites are reached at their own addresses: no controller asks for a gateway then.
func flat(v *values) bool {
	controllers := list(v.value, "controllers")
	return len(controllers) > 0 && !slices.ContainsFunc(controllers, func(c any) bool { return get(c, "gateway", "enabled") != false })
}

// checkFlatLink checks what of a peer's services is known here, and that nobody looks for a gateway there.
func (p *pass) checkFlatLink(o *object) {
	spec := get(o.value, "spec")
	for _, field := range []string{"gatewayAddress", "gatewayIdentity", "gatewayPort", "probeSpec", "selector"} {
		if get(spec, field) != nil {
			o.report(p, ruleLinkerd, fieldPath{"spec", field}, "site %s has no gateway", o.name)
		}
	}
	for _, s := range []struct{ field, key, value string }{{"remoteDiscoverySelector", exportedKey, exportedFlat}, {"federatedServiceSelector", federatedKey, federatedMember}} {
		terms := list(spec, s.field, "matchExpressions")
		if len(terms) != 1 || str(terms[0], "key") != s.key || str(terms[0], "operator") != "In" || !slices.Equal(strs(terms[0], "values"), []string{s.value}) {
			o.report(p, ruleLinkerd, fieldPath{"spec", s.field}, "services there carry %s=%s", s.key, s.value)
		}
	}
}

// flatSecrets are what the control plane reads the pods of other sites with, one a Link.
func (p *pass) flatSecrets() []SecretRef {
	v, _ := p.linksValues()
	if v == nil || !flat(v) {
		return nil
	}
	control := str(v.value, "linkerdNamespace")
	var out []SecretRef
	for _, o := range p.objects {
		if o.is(linkGroup, "Link") {
			out = append(out, SecretRef{Namespace: control, Name: str(o.value, "spec", "clusterCredentialsSecret"), Keys: []string{"kubeconfig"},
				By: "Deployment " + control + "/linkerd-destination", Late: true})
		}
	}
	return out
}

// checkFlatSecrets: the control plane finds such a Secret by a label, and reads in its annotations whose certificates the pods
// there have.
func (p *pass) checkFlatSecrets(control string) {
	for _, o := range p.objects {
		name, ok := strings.CutPrefix(o.name, "cluster-credentials-")
		if !ok || o.namespace != control || !o.is("external-secrets.io", "ExternalSecret") {
			continue
		}
		at := fieldPath{"spec", "target", "template", "metadata"}
		meta := get(o.value, "spec", "target", "template", "metadata")
		if str(meta, "labels", clusterNameKey) != name {
			o.report(p, ruleLinkerd, at, "without the label %s=%s the control plane does not take it for site %s", clusterNameKey, name, name)
		}
		if td := str(meta, "annotations", trustDomainKey); td != p.releases.Peers[name] {
			o.report(p, ruleLinkerd, at, "the trust domain of site %s is %q, not %q", name, p.releases.Peers[name], td)
		}
		if str(meta, "annotations", clusterDomainKey) == "" {
			o.report(p, ruleLinkerd, at, "without the domain of the cluster the control plane leaves site %s out", name)
		}
	}
}

// checkFlatExports: what is exported admits somebody of another site by the name in his certificate, and nothing else does.
func (p *pass) checkFlatExports(marks map[string]serviceMark) {
	domains := slices.Collect(maps.Values(p.releases.Peers))
	admits := map[string]bool{} // Services, "name.namespace"
	for _, o := range p.objects {
		if !o.is(linkerdGroup, "MeshTLSAuthentication") {
			continue
		}
		for i, identity := range strs(o.value, "spec", "identities") {
			_, rest, of := strings.Cut(identity, ".serviceaccount.identity.")
			_, domain, _ := strings.Cut(rest, ".")
			if !of {
				continue // a machine
			}
			at := fieldPath{"spec", "identities"}.at(i)
			if !slices.Contains(domains, domain) {
				o.report(p, ruleLinkerd, at, "no other site has certificates of %q", domain)
			}
			found := false
			for name, m := range marks {
				if m.Namespace == o.namespace && m.Labels[exportedKey] != "" && strings.HasPrefix(o.name, m.Service+"-") {
					admits[name], found = true, true
				}
			}
			if !found {
				o.report(p, ruleLinkerd, at, "no component exports what it is admitted to: it is not known at other sites")
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(marks)) {
		m := marks[name]
		exported, member := m.Labels[exportedKey] != "", m.Labels[federatedKey] != ""
		if exported && m.Labels[exportedKey] != exportedFlat {
			p.missing(ruleLinkerd, "%s is exported to a gateway, and there is none", name)
		}
		if member && !exported {
			p.missing(ruleLinkerd, "%s is one with others of its name, and is not exported", name)
		}
		if exported && !admits[name] {
			p.missing(ruleLinkerd, "%s is exported, and admits nobody of another site", name)
		}
	}
}

// checkUnmasqueraded: the pods of other sites see the addresses of those here.
func (p *pass) checkUnmasqueraded(v *values) {
	have := strs(v.value, "ipMasqAgent", "config", "nonMasqueradeCIDRs")
	for _, name := range slices.Sorted(maps.Keys(p.releases.PeerPods)) {
		for _, c := range p.releases.PeerPods[name] {
			if !slices.Contains(have, c) {
				v.report(p, ruleValues, fieldPath{"ipMasqAgent", "config"}, "what goes to pods of site %s, %s, would have the address of a node", name, c)
			}
		}
	}
	if len(have) == 0 {
		return
	}
	if get(v.value, "ipMasqAgent", "enabled") != true || get(v.value, "bpf", "masquerade") != true {
		v.report(p, ruleValues, fieldPath{"ipMasqAgent", "enabled"}, "nobody reads the list, or no agent starts: it takes masquerading in BPF")
	}
	if len(p.releases.PeerPods) == 0 {
		v.report(p, ruleValues, fieldPath{"ipMasqAgent", "config"}, "no pods of other sites are reached")
	}
}
