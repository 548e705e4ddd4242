package backend

import "meshgen.dev/meshgen/compiler/artifact"

// CertManager is the version of cert-manager's objects.
const CertManager = "cert-manager.io/v1"

// IssuerRef writes who signs a Certificate: an Issuer of its namespace, or a ClusterIssuer.
func IssuerRef(y *artifact.YAML, kind, name string) {
	y.Map("issuerRef", func() {
		y.KV("group", "cert-manager.io")
		y.KV("kind", kind)
		y.KV("name", name)
	})
}

// PrivateKey writes that a Certificate has an ECDSA key of its own each time: Linkerd's proxies take no other kind, and
// all others take it.
func PrivateKey(y *artifact.YAML) { privateKey(y, "Always") }

// LastingKey writes that a Certificate is renewed with the key that it has: what an authority has signed stays good.
func LastingKey(y *artifact.YAML) { privateKey(y, "Never") }

func privateKey(y *artifact.YAML, rotation string) {
	y.Map("privateKey", func() {
		y.KV("algorithm", "ECDSA")
		y.KV("size", 256)
		y.KV("rotationPolicy", rotation)
	})
}
