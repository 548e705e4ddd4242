package linkerd

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
)

// webhookIssuer signs the certificates of the webhooks, each by its own key: the API server is told each one apart.
const webhookIssuer = "linkerd-webhooks"

// certificates asks cert-manager for the Secrets that the control plane starts from, before its charts.
func (e *emitter) certificates() {
	m := &e.p.Mesh
	kind := m.From.Of("kind")
	issuer := e.objects(backend.Secrets, "Issuer")
	issuer.Add(backend.Meta{APIVersion: backend.CertManager, Namespace: m.Namespace, Name: webhookIssuer, From: kind}, func(y *artifact.YAML) {
		y.Map("spec", func() { y.KV("selfSigned", map[string]string{}) })
	})
	o := e.objects(backend.Secrets, "Certificate")
	for _, w := range e.k.Webhooks {
		o.Add(backend.Meta{APIVersion: backend.CertManager, Namespace: m.Namespace, Name: w.Service, From: kind}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.KV("secretName", w.Secret)
				y.KV("dnsNames", []string{w.Service + "." + m.Namespace + ".svc"})
				y.KV("usages", []string{"server auth"})
				backend.PrivateKey(y)
				backend.IssuerRef(y, "Issuer", webhookIssuer)
			})
		})
	}
	if m.CA.IssuerRef == "" {
		return
	}
	o.Add(backend.Meta{APIVersion: backend.CertManager, Namespace: m.Namespace, Name: m.CA.IssuerSecret, From: append(kind, m.CA.From...)}, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.KV("secretName", m.CA.IssuerSecret)
			y.KV("isCA", true)
			y.Comment("The name that the control plane looks for in it.")
			y.From("", m.From.Of("trustDomain")...)
			y.KV("commonName", e.k.IssuedFor)
			y.KV("dnsNames", []string{e.k.IssuedFor})
			y.From("", m.CA.From...)
			y.KV("duration", "2160h0m0s")
			y.KV("renewBefore", "720h0m0s")
			y.KV("usages", []string{"cert sign", "crl sign", "server auth", "client auth"})
			backend.PrivateKey(y)
			backend.IssuerRef(y, "ClusterIssuer", m.CA.IssuerRef)
			y.Fixed()
		})
	})
}
