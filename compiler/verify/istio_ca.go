package verify

import "strings"

// checkDefaultRevision checks that the webhook of chart base calls a control plane of the tree: with another revision it
// would call one that does not exist, and every Istio object would be refused.
func (p *pass) checkDefaultRevision(v *values) {
	want := str(v.value, "defaultRevision")
	for name, chart := range p.releases.Charts {
		if chart.Name != "istiod" || p.values[name] == nil {
			continue
		}
		if revision := str(p.values[name].value, "revision"); revision == want || revision == "" && want == "default" {
			return
		}
	}
	v.report(p, ruleValues, fieldPath{"defaultRevision"}, "no control plane has revision %q", want)
}

// authoritySecrets is what each istiod mounts without an object of the tree saying so: Secret cacerts of its namespace where
// somebody else makes its intermediate, and istiod-tls where cert-manager signs in its place (istio-discovery chart of Istio
// 1.30 and 1.31, templates/deployment.yaml, volumes cacerts and istio-csr-dns-cert; read 2026-11-21).
func (p *pass) authoritySecrets(makers map[string]string) []SecretRef {
	var out []SecretRef
	mounted := func(name string, keys ...string) {
		for _, v := range p.istiods() {
			ns := p.releases.Charts[v.release].Namespace
			out = append(out, SecretRef{Namespace: ns, Name: name, Keys: keys, MadeBy: makers[ns+"/"+name],
				By: "Deployment " + ns + "/" + strings.TrimSuffix("istiod-"+str(v.value, "revision"), "-")})
		}
	}
	if p.releases.PluginCA {
		mounted("cacerts", "ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem")
	}
	for _, c := range p.releases.Charts {
		if c.Name == signerChart {
			mounted("istiod-tls", "tls.crt", "tls.key")
		}
	}
	return out
}
