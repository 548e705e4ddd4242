package verify

import (
	"cmp"
	"slices"
	"strings"
)

// secrets collects the Secrets that objects refer to. None of them may stand in the tree; each must be in the cluster.
func (p *pass) secrets() []SecretRef {
	var out []SecretRef
	makers := p.secretMakers()
	add := func(o *object, namespace, name string, keys ...string) {
		if name != "" {
			out = append(out, SecretRef{Namespace: namespace, Name: name, Keys: keys, By: o.String(), MadeBy: makers[namespace+"/"+name]})
		}
	}
	for _, o := range p.objects {
		spec := get(o.value, "spec")
		switch {
		case o.is("metallb.io", "BGPPeer"):
			namespace := cmp.Or(str(spec, "passwordSecret", "namespace"), o.namespace)
			add(o, namespace, str(spec, "passwordSecret", "name"), "password")
		case o.is(fluxSources, "GitRepository"):
			keys := []string{"username", "password"}
			if strings.HasPrefix(str(spec, "url"), "ssh://") {
				keys = []string{"identity", "known_hosts"}
			}
			add(o, o.namespace, str(spec, "secretRef", "name"), keys...)
		case o.is(ciliumGroup, "CiliumBGPPeerConfig"):
			add(o, "kube-system", str(spec, "authSecretRef"), "password") // bgpControlPlane.secretsNamespace of the chart
		case o.is("cert-manager.io", "Issuer"):
			add(o, o.namespace, str(spec, "ca", "secretName"), "tls.crt", "tls.key")
		case o.is("networking.istio.io", "Gateway"):
			for _, s := range list(spec, "servers") {
				p.gatewaySecrets(o, s, add)
			}
		case o.is("gateway.networking.k8s.io", "Gateway"):
			for _, l := range list(spec, "listeners") {
				for _, ref := range list(l, "tls", "certificateRefs") {
					add(o, cmp.Or(str(ref, "namespace"), o.namespace), str(ref, "name"), "tls.crt", "tls.key")
				}
			}
			for _, port := range append(list(spec, "tls", "frontend", "perPort"), get(spec, "tls", "frontend", "default")) {
				for _, ref := range append(list(port, "tls", "validation", "caCertificateRefs"), list(port, "validation", "caCertificateRefs")...) {
					if str(ref, "kind") == "Secret" {
						add(o, cmp.Or(str(ref, "namespace"), o.namespace), str(ref, "name"), "ca.crt")
					}
				}
			}
		}
		each(o, nil, o.value, func(_ place, _ fieldPath, key string, v any) {
			switch key {
			case "imagePullSecrets":
				for _, ref := range list(v) {
					add(o, o.namespace, str(ref, "name"), ".dockerconfigjson")
				}
			case "secretKeyRef":
				namespace := o.namespace
				if o.is(calicoGroup, "BGPPeer") {
					namespace = calicoPods
				}
				add(o, namespace, str(v, "name"), str(v, "key"))
			case "secret": // a volume
				add(o, o.namespace, str(v, "secretName"))
			}
		})
	}
	out = append(out, p.linkerdSecrets(makers)...)
	out = append(out, p.consulSecrets(makers)...)
	out = append(out, p.authoritySecrets(makers)...)
	out = append(out, p.remoteSecrets()...)
	out = append(out, p.linkSecrets()...)
	out = append(out, p.flatSecrets()...)
	out = append(out, p.consulTokens()...)
	out = append(out, p.clusterMeshSecrets()...)
	out = append(out, p.ipsecSecrets()...)
	out = append(out, p.ztunnelSecrets()...)
	out = append(out, p.pullSecrets(makers)...)
	slices.SortFunc(out, func(a, b SecretRef) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.By, b.By), slices.Compare(a.Keys, b.Keys))
	})
	return slices.CompactFunc(out, func(a, b SecretRef) bool {
		return a.Namespace == b.Namespace && a.Name == b.Name && a.By == b.By && slices.Equal(a.Keys, b.Keys)
	})
}

// secretMakers returns the objects of the tree from which a controller makes a Secret, by namespace/name of the Secret.
func (p *pass) secretMakers() map[string]string {
	out := map[string]string{}
	for _, o := range p.objects {
		name := ""
		switch {
		case o.is("cert-manager.io", "Certificate"):
			name = str(o.value, "spec", "secretName")
		case o.is("external-secrets.io", "ExternalSecret"):
			name = cmp.Or(str(o.value, "spec", "target", "name"), o.name)
		}
		if name != "" {
			out[o.namespace+"/"+name] = o.String()
		}
	}
	return out
}

// gatewaySecrets adds what a server of an Istio Gateway reads, from the namespace of the pods that serve it: that of the
// Gateway, as meshgen places both together. For mutual TLS the roots may stand in a Secret of their own, "<name>-cacert".
func (p *pass) gatewaySecrets(o *object, server any, add func(*object, string, string, ...string)) {
	name := str(server, "tls", "credentialName")
	if name == "" || strings.Contains(name, "://") {
		return
	}
	add(o, o.namespace, name, "tls.crt", "tls.key")
	// istiod takes a name for an authority by its ending, looks for a Secret of the whole name and, failing that, without
	// the ending (pilot/pkg/credentials/kube, GetCaCert). meshgen means the second.
	switch authority := str(server, "tls", "caCertCredentialName"); {
	case authority != "":
		add(o, o.namespace, strings.TrimSuffix(authority, "-cacert"), "ca.crt")
	case strings.HasSuffix(str(server, "tls", "mode"), "MUTUAL"):
		add(o, o.namespace, name+"-cacert", "ca.crt")
	}
}
