package gatewayapi

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// certificates asks cert-manager for the Secret of each listener that names an issuer.
func certificates(p *ir.Plan, t *artifact.Tree) {
	o := backend.NewWriter(p, t, backend.Gateways, "Certificate")
	for _, g := range p.Gateways {
		for _, l := range g.Listeners {
			if l.TLS == nil || l.TLS.Issuer == "" || len(l.Hosts) == 0 {
				continue
			}
			from := append(append(ir.From{}, l.TLS.From...), l.From...)
			o.Add(backend.Meta{APIVersion: backend.CertManager, Namespace: g.Namespace, Name: l.TLS.Secret, From: from}, func(y *artifact.YAML) {
				y.Map("spec", func() {
					y.KV("secretName", l.TLS.Secret)
					y.Seq("dnsNames", func() {
						for _, h := range l.Hosts {
							y.From("", h.From...)
							y.Elem(h.Host)
						}
						y.Fixed()
					})
					backend.IssuerRef(y, "ClusterIssuer", l.TLS.Issuer)
				})
			})
		}
	}
}
