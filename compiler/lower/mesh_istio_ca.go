package lower

import (
	"fmt"
	"time"

	"meshgen.dev/meshgen/compiler/ir"
)

// authoritySecret is the intermediate that istiod signs with, where somebody else makes it. Keys: istio.io, plug in CA
// certificates; security/pkg/pki/ca of Istio 1.31, which reads them; read 2026-11-21.
func (l *lowering) authoritySecret() {
	m := l.p.Mesh
	if !l.istio() || m.CA == nil || m.CA.Kind != "plugin" {
		return
	}
	from := append(ir.From{"mesh.ca", "mesh.kind"}, m.From.Of("revision")...)
	consumers := []string{"Deployment " + m.Namespace + "/" + istiodName(l)}
	if n := m.Next; n != nil {
		consumers, from = append(consumers, "Deployment "+m.Namespace+"/istiod"+revisioned(n.Revision)), append(from, n.From...)
	}
	l.secret(ir.Secret{
		Namespace: m.Namespace, Name: m.CA.Secret, Type: opaque, Keys: []string{"ca-cert.pem", "ca-key.pem", "cert-chain.pem", "root-cert.pem"},
		Consumers: consumers,
		Why: "Intermediate certificate and key by which the mesh signs, its chain and the root. It must be there before the control plane first starts: " +
			"without it that makes a root of its own.",
		From: from,
	})
}

// signer is the program by which cert-manager signs, beside the control plane: both belong to the mesh, and proxies may
// go to that namespace anyway.
func (l *lowering) signer() {
	m := &l.p.Mesh
	if !l.istio() || m.CA == nil || m.CA.Kind != "cert-manager" {
		return
	}
	row := l.meshProfile().Signer
	m.CA.Signer = &ir.Signer{Release: row.Chart, Issuer: m.CA.IssuerSecret, ControlPlane: "istiod", ControlPlaneSecret: "istiod-tls", Address: row.Chart + "." + m.Namespace + ".svc:443", Replicas: m.Replicas}
	m.ProxyPorts.Controls = append(m.ProxyPorts.Controls[:len(m.ProxyPorts.Controls):len(m.ProxyPorts.Controls)], row.Port)
}

// signerComponent is the name of that program among the releases.
const signerComponent = "istio-csr"

// signerRelease is the chart of that program.
func (l *lowering) signerRelease() ir.Release {
	row := l.meshProfile().Signer
	return ir.Release{Name: row.Chart, Component: signerComponent, Chart: row.Chart, Repository: row.Repository, Version: row.Version,
		Namespace: l.p.Mesh.Namespace, From: append(l.p.Mesh.From.Of("kind"), l.p.Mesh.CA.From...)}
}

// signerStep: a control plane that starts before its own certificate and the root are there has none until it is started
// again (pilot/pkg/bootstrap/server.go of Istio 1.31, initIstiodCerts; the chart mounts both if they are there).
func signerStep(l *lowering, step *ir.ChartStep) {
	m, from := &l.p.Mesh, l.p.Mesh.CA.From
	step.Waits = []ir.Wait{
		{Namespace: m.Namespace, Object: "deployment.apps/" + step.Release.Name, For: "condition=Available", From: from},
		{Namespace: m.Namespace, Object: "configmap/istio-ca-root-cert", For: `jsonpath={.data.root-cert\.pem}`, From: from},
	}
}

// signerSecret is the intermediate that cert-manager signs with.
func (l *lowering) signerSecret() {
	m := &l.p.Mesh
	if m.CA == nil || m.CA.Signer == nil {
		return
	}
	from := append(m.From.Of("kind"), m.CA.From...)
	istiods := []string{"Deployment " + m.Namespace + "/" + istiodName(l)}
	if n := m.Next; n != nil {
		istiods = append(istiods, "Deployment "+m.Namespace+"/istiod"+revisioned(n.Revision))
	}
	l.secret(ir.Secret{
		Namespace: m.Namespace, Name: m.CA.Signer.ControlPlaneSecret, Type: tlsType, Keys: []string{"tls.crt", "tls.key"}, Consumers: istiods,
		Creator: ir.CertManager, Issuer: m.CA.Signer.Issuer, Local: true, Early: true, Object: m.CA.Signer.ControlPlane,
		Why:  "Certificate by which proxies and the API server know the control plane. One that starts without it never gets any.",
		From: append(m.From.Of("kind", "revision"), m.CA.From...),
	})
	l.secret(ir.Secret{
		Namespace: m.Namespace, Name: m.CA.IssuerSecret, Type: tlsType, Keys: []string{"tls.crt", "tls.key"},
		Consumers: []string{"Issuer " + m.Namespace + "/" + m.CA.Signer.Issuer},
		Creator:   ir.CertManager, Issuer: m.CA.IssuerRef, Early: true,
		Why: fmt.Sprintf("Intermediate by which cert-manager signs for workloads, under the root in ConfigMap %s/%s, key %s. Without it no proxy gets a certificate.",
			m.Namespace, m.CA.AnchorConfigMap, ir.AnchorKey),
		From: from,
	})
}

// clockTolerance is how far a clock may be behind before it refuses what who signs has just made, in seconds; 0: nobody signs
// for workloads.
func (l *lowering) clockTolerance() int {
	if ca := l.p.Mesh.CA; ca != nil && ca.Signer != nil {
		return l.meshProfile().Signer.ClockToleranceSeconds
	} else if ca != nil && ca.Kind == "spire" && l.meshProfile().SPIRE != nil {
		return l.meshProfile().SPIRE.ClockToleranceSeconds
	} else if ca != nil && ca.Kind == "vault" && l.meshProfile().Vault != nil {
		return l.meshProfile().Vault.ClockToleranceSeconds
	}
	return l.meshProfile().ClockToleranceSeconds
}

// clockFrom are the site paths behind clockTolerance.
func (l *lowering) clockFrom() ir.From {
	from := ir.From{"mesh.kind"}
	if l.p.Mesh.CA != nil && (l.istio() || l.p.Mesh.CA.Kind == "vault" || l.authenticates()) {
		from = append(from, l.p.Mesh.CA.From...)
	}
	return from
}

// workloadSeconds is how long a workload's certificate lives.
func (l *lowering) workloadSeconds() int {
	if ca := l.p.Mesh.CA; ca != nil {
		if d, err := time.ParseDuration(ca.WorkloadTTL); err == nil && d > 0 {
			return int(d.Seconds())
		}
	}
	return l.meshProfile().Certificates.Hours * 3600
}

// pluginDays is when an intermediate that nobody here renews is to be replaced: time for the ceremony, and for every
// workload to get a certificate under the new one.
const pluginDays = 60

// authorityAlert watches the certificates of the authority itself.
func authorityAlert(l *lowering) ir.Rule {
	m := &l.p.Mesh
	days, from := int(selfSignedDays*selfSignedLeft/2), m.From.Of("kind")
	r := ir.Rule{Alert: "MeshAuthorityExpiring", Severity: warning, For: "30m", Why: "certificates/overdue",
		Summary: "The root or intermediate certificate of the mesh has not been renewed."}
	if m.CA != nil && m.CA.Signer != nil {
		return l.intermediateAlert()
	}
	if m.CA != nil && m.CA.SPIRE != nil {
		r.Summary = "The control plane's own root has not been renewed."
		r.Description = fmt.Sprintf("Less than %d days are left, half of the time in which it renews it. It signs for the control plane alone: at its end proxies get no configuration, and the API server calls no webhook of the mesh.", days)
	} else if m.CA != nil && m.CA.Kind == "plugin" {
		days = pluginDays
		r.Description = fmt.Sprintf("Less than %d days are left. Nobody renews Secret %s/%s but whoever made it; istiod takes a new one without a restart. Its end is the end of all traffic in the mesh.",
			days, m.Namespace, m.CA.Secret)
	} else {
		r.Description = fmt.Sprintf("Less than %d days are left, half of the time in which the control plane renews its own authority. Its end is the end of all traffic in the mesh.", days)
	}
	if m.CA != nil {
		from = append(from[:len(from):len(from)], m.CA.From...)
	}
	r.From = from
	r.Expr = fmt.Sprintf("citadel_server_root_cert_expiry_timestamp - time() < %d or citadel_server_cert_chain_expiry_timestamp - time() < %d", days*day, days*day)
	return r
}
