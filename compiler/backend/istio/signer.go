package istio

import (
	"strings"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// signer asks cert-manager for the intermediate, and makes an Issuer of it that signs for workloads. Both stand before
// the charts: the signer's pods are not ready until the Issuer has signed their own certificate.
func (e *emitter) signer() {
	m := &e.p.Mesh
	if m.CA == nil || m.CA.Signer == nil {
		return
	}
	from := append(m.From.Of("kind"), m.CA.From...)
	w := backend.NewWriter(e.p, e.t, backend.Secrets, "Certificate")
	w.Add(backend.Meta{APIVersion: backend.CertManager, Namespace: m.Namespace, Name: m.CA.IssuerSecret, From: from}, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.KV("secretName", m.CA.IssuerSecret)
			y.KV("isCA", true)
			y.Comment("The site, so that a certificate tells where it was signed.")
			y.From("", e.p.From.Of("name")...)
			y.KV("commonName", e.p.Name)
			y.From("", m.CA.From...)
			y.KV("duration", "2160h0m0s")
			y.KV("renewBefore", "720h0m0s")
			y.KV("usages", []string{"cert sign", "crl sign"})
			backend.PrivateKey(y)
			backend.IssuerRef(y, "ClusterIssuer", m.CA.IssuerRef)
			y.Fixed()
		})
	})
	w.Add(backend.Meta{APIVersion: backend.CertManager, Namespace: m.Namespace, Name: m.CA.Signer.ControlPlane, From: from}, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.Comment("Where istiod's chart mounts it.")
			y.KV("secretName", m.CA.Signer.ControlPlaneSecret)
			y.From("", m.From.Of("revision")...)
			y.KV("dnsNames", e.controlPlaneNames())
			y.From("", m.From.Of("trustDomain")...)
			y.KV("uris", []string{"spiffe://" + m.TrustDomain + "/ns/" + m.Namespace + "/sa/istiod-service-account"})
			y.Fixed()
			y.KV("duration", "24h0m0s")
			y.KV("renewBefore", "12h0m0s")
			y.KV("usages", []string{"server auth", "client auth"})
			backend.PrivateKey(y)
			backend.IssuerRef(y, "Issuer", m.CA.Signer.Issuer)
		})
	})
	i := backend.NewWriter(e.p, e.t, backend.Secrets, "Issuer")
	i.Add(backend.Meta{APIVersion: backend.CertManager, Namespace: m.Namespace, Name: m.CA.Signer.Issuer, From: from}, func(y *artifact.YAML) {
		y.Map("spec", func() {
			y.Map("ca", func() { y.KV("secretName", m.CA.IssuerSecret) })
		})
	})
}

// anchorPath is where the signer's pods find the root.
const anchorPath = "/var/run/secrets/istio-csr"

// signerValues are those of the chart of istio-csr, as release v0.17.0 has them.
func (e *emitter) signerValues(y *artifact.YAML) {
	m := &e.p.Mesh
	s := m.CA.Signer
	y.From("", m.From.Of("replicas")...)
	y.KV("replicaCount", s.Replicas)
	y.Fixed()
	if s.Replicas > 1 {
		y.Map("podDisruptionBudget", func() {
			y.KV("enabled", true)
			y.KV("maxUnavailable", 1)
		})
	}
	y.Map("app", func() {
		y.Map("certmanager", func() {
			y.KV("namespace", m.Namespace)
			y.From("", m.CA.From...)
			y.Map("issuer", func() {
				y.KV("name", s.Issuer)
				y.KV("kind", "Issuer")
				y.KV("group", "cert-manager.io")
			})
			y.Fixed()
		})
		y.Map("tls", func() {
			y.From("", m.From.Of("trustDomain")...)
			y.KV("trustDomain", m.TrustDomain)
			y.From("", m.CA.From...)
			y.Comment("Without it the root would be whatever answers the first request.")
			y.KV("rootCAFile", anchorPath+"/"+ir.AnchorKey)
			y.Fixed()
			y.Comment("It stands in the tree, so that istiod is not started before it is there.")
			y.KV("istiodCertificateEnable", false)
			y.KV("certificateDNSNames", []string{s.Release + "." + m.Namespace + ".svc"})
		})
		y.Map("server", func() {
			y.Comment("What proxies say of themselves, as istiod's values have it.")
			y.From("", e.p.From.Of("name")...)
			y.KV("clusterID", e.p.Name)
			y.From("", m.CA.From...)
			y.KV("maxCertificateDuration", m.CA.WorkloadTTL)
			y.Fixed()
			e.signerNodes(y)
		})
		y.Map("istio", func() { y.KV("namespace", m.Namespace) })
		y.Map("controller", func() { y.KV("leaderElectionNamespace", m.Namespace) })
	})
	y.From("", m.CA.From...)
	y.Seq("volumes", func() {
		y.Item(func() {
			y.KV("name", "root")
			y.Map("configMap", func() { y.KV("name", m.CA.AnchorConfigMap) })
		})
	})
	y.Seq("volumeMounts", func() {
		y.Item(func() {
			y.KV("name", "root")
			y.KV("mountPath", anchorPath)
			y.KV("readOnly", true)
		})
	})
	y.Fixed()
	y.Seq("topologySpreadConstraints", func() {
		y.Item(func() {
			y.KV("maxSkew", 1)
			y.KV("topologyKey", "topology.kubernetes.io/zone")
			y.KV("whenUnsatisfiable", "ScheduleAnyway")
			backend.Nested(y, []string{"labelSelector", "matchLabels"}, func() { y.KV("app", s.Release) })
		})
	})
}

// signerNodes names the account that asks in the name of the pods of its node.
func (e *emitter) signerNodes(y *artifact.YAML) {
	for _, r := range e.p.Releases {
		if r.Component == component && r.Chart == "ztunnel" {
			y.From("", r.From.Of("kind")...)
			y.KV("caTrustedNodeAccounts", r.Namespace+"/"+r.Name)
			y.Fixed()
		}
	}
}

// controlPlaneNames are those by which proxies and the API server know each istiod.
func (e *emitter) controlPlaneNames() []string {
	m := &e.p.Mesh
	name := func(revision string) string {
		return strings.TrimSuffix("istiod-"+revision, "-") + "." + m.Namespace + ".svc"
	}
	out := []string{name(m.Revision)}
	if n := m.Next; n != nil {
		out = append(out, name(n.Revision))
	}
	return out
}

// authority is where proxies ask for certificates, where that is not the control plane.
func (e *emitter) authority(y *artifact.YAML) {
	if ca := e.p.Mesh.CA; ca != nil && ca.Signer != nil {
		y.From("", ca.From...)
		y.Comment("Where proxies ask for their certificates.")
		y.KV("caAddress", ca.Signer.Address)
		y.Fixed()
	}
}
