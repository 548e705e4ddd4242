package linkerd

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
)

// The authority of the webhooks, and who signs it: nobody but itself. Were the webhooks' own certificates signed by
// themselves, the API server would be told of a new one at once, and a pod shows it when its kubelet has brought the Secret, a
// minute later: until then webhooks that fail closed refuse every pod.
const (
	webhookIssuer = "linkerd-webhooks"
	webhookRoot   = "linkerd-webhooks-root"
)

// certificates asks cert-manager for the Secrets that the control plane starts from, before its charts.
func (e *emitter) certificates() {
	m := &e.p.Mesh
	kind := m.From.Of("kind")
	issuer := e.objects(backend.Secrets, "Issuer")
	issuer.Add(backend.Meta{APIVersion: backend.CertManager, Namespace: m.Namespace, Name: webhookRoot, From: kind}, func(y *artifact.YAML) {
		y.Map("spec", func() { y.KV("selfSigned", map[string]string{}) })
	})
	issuer.Add(backend.Meta{APIVersion: backend.CertManager, Namespace: m.Namespace, Name: webhookIssuer, From: kind}, func(y *artifact.YAML) {
		backend.Nested(y, []string{"spec", "ca"}, func() { y.KV("secretName", webhookIssuer) })
	})
	o := e.objects(backend.Secrets, "Certificate")
	o.Add(backend.Meta{APIVersion: backend.CertManager, Namespace: m.Namespace, Name: webhookIssuer, From: kind}, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.KV("secretName", webhookIssuer)
			y.KV("isCA", true)
			y.KV("commonName", webhookIssuer)
			y.Comment("Ten years, renewed with the same key: what it has signed stays good.")
			y.KV("duration", "87600h0m0s")
			y.KV("usages", []string{"cert sign", "crl sign"})
			backend.LastingKey(y)
			backend.IssuerRef(y, "Issuer", webhookRoot)
		})
	})
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
