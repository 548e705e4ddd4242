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

// authoritySecrets is what each istiod mounts without an object of the tree saying so: Secret cacerts of its namespace
// (istio-discovery chart of Istio 1.30 and 1.31, templates/deployment.yaml, volume cacerts; read 2026-11-21).
func (p *pass) authoritySecrets() []SecretRef {
	if !p.releases.PluginCA {
		return nil
	}
	var out []SecretRef
	for name, chart := range p.releases.Charts {
		v := p.values[name]
		if chart.Name != "istiod" || v == nil {
			continue
		}
		deployment := strings.TrimSuffix("istiod-"+str(v.value, "revision"), "-")
		out = append(out, SecretRef{Namespace: chart.Namespace, Name: "cacerts", By: "Deployment " + chart.Namespace + "/" + deployment,
			Keys: []string{"ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem"}})
	}
	return out
}
