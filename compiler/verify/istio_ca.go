package verify

import "strings"

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
