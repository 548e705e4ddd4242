package rules

import (
	"slices"
	"strings"
	"time"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// signers are the authorities that each mesh can have its certificates signed by. Istio: istio.io, plug in CA
// certificates; cert-manager istio-csr; SPIRE integration. Linkerd: linkerd.io, identity: its own issuer out of a Secret
// that somebody makes, by hand or cert-manager. Consul: Connect CA providers. What Cilium can have, rule cilium-spire says.
var signers = map[string][]string{
	"istio-sidecar": {"builtin", "plugin", "cert-manager", "spire"},
	"istio-ambient": {"builtin", "plugin", "cert-manager"}, // ztunnel asks istiod or another server of its protocol: istio/ztunnel 62d82653, src/identity/caclient.rs, read 2026-11-21
	"linkerd":       {"builtin", "plugin", "cert-manager"},
	"consul":        {"builtin", "vault"},
}

// CAKind finds an authority that the mesh cannot use.
var CAKind = &check.Rule{
	ID: "MG5160", Name: "ca-kind", Severity: diag.Error, On: check.OnSite,
	Doc: `the mesh cannot have its certificates signed by this authority

It would sign by itself, with a root of its own: certificates that nobody else trusts, or none at all.
Source: istio.io, plug in CA certificates and SPIRE; linkerd.io, automatically rotating control plane TLS credentials;
Consul, certificate authority providers.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		known := signers[m.Kind]
		if m.CA == nil || m.CA.Kind == "" || known == nil || slices.Contains(known, m.CA.Kind) {
			return
		}
		r := p.Reportf("mesh.ca.kind", "the certificate authority is of kind %s, which mesh %s cannot use", m.CA.Kind, m.Kind).Related("mesh.kind", "the mesh")
		if m.CA.Kind == "vault" && slices.Contains(known, "cert-manager") {
			r.Hintf(`kind: "cert-manager", with an issuer that asks Vault; what can by itself: %s`, meshesThat(p.Profiles, func(kind string) bool { return slices.Contains(signers[kind], "vault") }))
		} else {
			r.Hintf("one of %s; what can: %s", strings.Join(known, ", "), meshesThat(p.Profiles, func(kind string) bool { return slices.Contains(signers[kind], m.CA.Kind) }))
		}
	},
}

// istioCASecret is the Secret that istiod mounts (istio-discovery chart, volume cacerts).
const istioCASecret = "cacerts"

// CASecret finds an intermediate that is nowhere, or where nothing reads it.
var CASecret = &check.Rule{
	ID: "MG5161", Name: "ca-secret", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the Secret of a plugged-in intermediate certificate is missing or not the one that is read

istiod mounts the Secret cacerts of its own namespace, if there is one. Under another name it is not found: istiod makes
a root of its own, and no other site trusts a certificate of this one.
Source: istio/istio 1.31.0 manifests/charts/istio-control/istio-discovery/templates/deployment.yaml, volume cacerts;
istio.io, plug in CA certificates.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		ca := m.CA
		switch {
		case ca == nil:
		case ca.Kind == "plugin" && ca.Secret == "" && !(m.Kind == "linkerd" && ca.Issuer != nil):
			r := p.Reportf("mesh.ca.kind", "the certificate authority is of kind plugin, and mesh.ca.secret is missing")
			if isIstio(m.Kind) {
				r.Hintf("secret: %q", istioCASecret)
			} else {
				r.Hintf("secret: …, the Secret that holds the intermediate certificate")
			}
		case ca.Kind == "plugin" && isIstio(m.Kind) && ca.Secret != istioCASecret:
			p.Reportf("mesh.ca.secret", "the intermediate is in Secret %q, and istiod reads Secret %q alone", ca.Secret, istioCASecret).
				Hintf("secret: %q", istioCASecret).Fix("mesh.ca.secret", quoted(istioCASecret), "write "+quoted(istioCASecret))
		case ca.Secret != "" && ca.Kind != "plugin":
			kind := ca.Kind
			if kind == "" {
				kind = "builtin"
			}
			p.Reportf("mesh.ca.secret", "Secret %q is for a certificate authority of kind plugin, and this one is of kind %s: nothing reads it", ca.Secret, kind).
				Hintf("kind: \"plugin\", or leave secret out").Warning()
		}
	},
}

// CAIssuer finds certificates by cert-manager that no issuer of it signs.
var CAIssuer = &check.Rule{
	ID: "MG5165", Name: "ca-issuer", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `cert-manager is to sign the mesh's certificates, and no issuer of it is named

cert-manager makes a certificate only on behalf of an issuer: the request stays pending, and proxies or the control
plane wait for their first certificate.
Source: cert-manager.io, istio-csr, app.certmanager.issuer; linkerd.io, automatically rotating control plane TLS
credentials.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		if m.CA == nil || m.CA.Kind != "cert-manager" || !slices.Contains(signers[m.Kind], "cert-manager") {
			return
		}
		switch {
		case m.CA.Issuer == nil && m.Kind == "linkerd": // linkerd-identity says so
		case m.CA.Issuer == nil:
			p.Reportf("mesh.ca.kind", "cert-manager is to sign for mesh %s, and mesh.ca.issuer is missing", m.Kind).
				Hintf("issuer: {secret: …, certManagerIssuer: …}")
		case m.CA.Issuer.CertManagerIssuer == "":
			p.Reportf("mesh.ca.issuer", "cert-manager is to sign for mesh %s, and certManagerIssuer is missing", m.Kind).Hintf("certManagerIssuer: …, the issuer of cert-manager that renews the Secret; or leave ca.kind out").
				Related("mesh.ca.kind", "who is to sign")
		}
	},
}

// CARoot finds a root that the signer of workloads would have to guess.
var CARoot = &check.Rule{
	ID: "MG5166", Name: "ca-root", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `cert-manager is to sign for Istio, and the root is not given apart from it

istio-csr hands the root to every namespace. Without a file that holds it, it takes what comes with its own first
certificate, which may be an intermediate: when that is renewed, proxies stop to trust each other.
Source: cert-manager/istio-csr v0.17.0 deploy/charts/istio-csr/values.yaml, app.tls.rootCAFile; read 2026-11-21.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		if isIstio(m.Kind) && m.CA != nil && m.CA.Kind == "cert-manager" && m.CA.TrustAnchor == nil {
			p.Reportf("mesh.ca.kind", "cert-manager is to sign for mesh %s, and mesh.ca.trustAnchor is missing", m.Kind).
				Hintf("trustAnchor: {configMap: …, notAfter: …}: a ConfigMap with the root in key %s", ir.AnchorKey)
		}
	},
}

// CAOutlivesRoot finds an intermediate that is valid when its root no longer is.
var CAOutlivesRoot = &check.Rule{
	ID: "MG5162", Name: "ca-outlives-root", Severity: diag.Error, On: check.OnSite,
	Doc: `an intermediate certificate ends after its root

From the root's last day on no chain verifies, whatever the intermediate says: every connection of the mesh is refused
at once, and the plan says that there is time.
Source: RFC 5280, 6.1 (certification path validation).`,
	Run: func(p *check.Pass) {
		ca := p.Site.Mesh.CA
		if ca == nil || ca.IntermediateNotAfter == "" {
			return
		}
		root, at := ca.RootNotAfter, "mesh.ca.rootNotAfter"
		if t := ca.TrustAnchor; t != nil && t.NotAfter != "" && (root == "" || t.NotAfter < root) {
			root, at = t.NotAfter, "mesh.ca.trustAnchor.notAfter"
		}
		if root != "" && ca.IntermediateNotAfter > root {
			p.Reportf("mesh.ca.intermediateNotAfter", "the intermediate certificate ends on %s, after its root on %s", ca.IntermediateNotAfter, root).Hintf("an intermediate that ends before its root: write its last day, or sign a new one").
				Related(at, "the root's last day")
		}
	},
}

// longest and shortest life of a workload's certificate: Istio's MAX_WORKLOAD_CERT_TTL, 90 days (istio/istio 1.31.0
// pilot/pkg/features), the least that Consul's Connect CA takes (LeafCertTTL), and what is no life at all.
const (
	longestTTL  = 90 * 24 * time.Hour
	shortestTTL = time.Hour
	leastTTL    = time.Minute
	signedTTL   = 30 * 24 * time.Hour // what is left of the intermediate that cert-manager renews, when it does
)

// WorkloadTTL finds certificates for workloads that live too long or too short.
var WorkloadTTL = &check.Rule{
	ID: "MG5163", Name: "workload-ttl", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the certificates of workloads live longer than the authority signs, or shorter than it can renew

istiod refuses a request for more than 90 days, so that no proxy gets a certificate. Under an hour each proxy asks again
within minutes: an authority that is away for that long takes the mesh with it.
Under a minute a certificate has ended before it has reached everybody.
Source: istio/istio 1.31.0 MAX_WORKLOAD_CERT_TTL; Consul, Connect CA configuration, LeafCertTTL.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		if m.CA == nil || m.Kind == "none" {
			return
		}
		switch d := site.ParseDuration(m.CA.WorkloadTTL); {
		case isIstio(m.Kind) && d > longestTTL:
			p.Reportf("mesh.ca.workloadTTL", "workload certificates live %s, and istiod signs for at most %dh", m.CA.WorkloadTTL, int(longestTTL.Hours())).
				Hintf("workloadTTL: \"24h\"")
		case isIstio(m.Kind) && m.CA.Kind == "cert-manager" && d > signedTTL:
			p.Reportf("mesh.ca.workloadTTL", "workload certificates live %s, and the intermediate that signs them is renewed when it has %dh left", m.CA.WorkloadTTL, int(signedTTL.Hours())).
				Hintf("workloadTTL: \"24h\"").Related("mesh.ca.kind", "cert-manager signs")
		case m.Kind == "consul" && d < shortestTTL:
			p.Reportf("mesh.ca.workloadTTL", "workload certificates live %s, and Consul signs for 1h at least", m.CA.WorkloadTTL).
				Hintf("workloadTTL: \"72h\"")
		case d < leastTTL || d%time.Second != 0:
			p.Reportf("mesh.ca.workloadTTL", "workload certificates live %s, and mesh %s takes whole seconds, a minute at least", m.CA.WorkloadTTL, m.Kind).
				Hintf("workloadTTL: \"24h\"").Related("mesh.kind", "the mesh")
		case d < shortestTTL:
			p.Reportf("mesh.ca.workloadTTL", "workload certificates live %s: a control plane that is away for that long stops every connection", m.CA.WorkloadTTL).
				Hintf("workloadTTL: \"24h\"").Warning()
		}
	},
}

// CADatesMissing finds certificates whose end nobody has written down.
var CADatesMissing = &check.Rule{
	ID: "MG5164", Name: "ca-dates-missing", Severity: diag.Warning, On: check.OnSite,
	Doc: `in production certificates are made by hand, and their last day is not given

What nothing renews ends on a day that nobody remembers, and the whole mesh ends with it. With the dates here, the
checks and the runbook count down to them.
Source: istio.io, plug in CA certificates; linkerd.io, manually rotating control plane TLS credentials; hashicorp/consul
agent/connect/ca/provider_vault.go, which never renews a root.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		if m.CA == nil || p.Site.Environment != "production" || m.Kind == "none" {
			return
		}
		byHand := m.CA.Kind == "plugin"
		if m.Kind == "linkerd" && m.CA.Issuer != nil && m.CA.Kind != "cert-manager" {
			byHand = m.CA.Issuer.CertManagerIssuer == ""
		}
		anchor := m.CA.TrustAnchor
		var missing []string
		if m.CA.RootNotAfter == "" && (anchor == nil && (byHand || vaultOf(p.Site) != nil) || anchor != nil && anchor.NotAfter == "") {
			if anchor != nil {
				missing = append(missing, "trustAnchor.notAfter")
			} else {
				missing = append(missing, "rootNotAfter")
			}
		}
		if byHand && m.CA.IntermediateNotAfter == "" {
			missing = append(missing, "intermediateNotAfter")
		}
		if len(missing) > 0 {
			p.Reportf("mesh.ca", "nothing renews these certificates, and their last day is not given: %s", strings.Join(missing, ", ")).
				Hintf("%s: \"2036-01-01\", as the certificate says", missing[0])
		}
	},
}
