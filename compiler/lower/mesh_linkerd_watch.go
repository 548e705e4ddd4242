package lower

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// linkerdCertificates watch that workload certificates are renewed in time, and the intermediate that signs them. The
// proxies' metric: linkerd2-proxy linkerd/identity/src/metrics.rs, below the prefix identity_cert.
func linkerdCertificates(l *lowering) []ir.Rule {
	c := l.meshProfile().Certificates
	lives := l.workloadSeconds()
	overdue := int(float64(lives) * (1 - c.RenewAt) / 2)
	kind, ca := l.p.Mesh.From.Of("kind"), l.p.Mesh.CA
	rules := []ir.Rule{
		{Alert: "WorkloadCertificateOverdue", Severity: critical, For: "10m", Why: "certificates/overdue", From: append(kind[:len(kind):len(kind)], ca.From...),
			Expr:        fmt.Sprintf("identity_cert_expiration_timestamp_seconds - time() < %d", overdue),
			Summary:     "The certificate of {{ $labels.namespace }}/{{ $labels.pod }} has not been renewed.",
			Description: fmt.Sprintf("It lives %s, is renewed when 30 of 100 parts are left, and has less than %s left. When it ends every connection of the pod fails.", hours(lives), hours(overdue))},
	}
	if ca.IssuerRef != "" {
		return append(rules, l.intermediateAlert())
	}
	return append(rules, l.handMadeIssuer())
}

// handMadeIssuer watches the intermediate that nobody renews by himself, by what identity says of the one that it signs with
// (linkerd/linkerd2 pkg/identity/service.go, registerCertExpirationMetrics, read 2026-11-21).
func (l *lowering) handMadeIssuer() ir.Rule {
	m := &l.p.Mesh
	return ir.Rule{Alert: "MeshAuthorityExpiring", Severity: warning, For: "30m", Why: "certificates/overdue", From: append(m.From.Of("kind"), m.CA.From...),
		Expr:        fmt.Sprintf(`issuer_cert_ttl_seconds{namespace="%s"} < %d`, m.Namespace, pluginDays*day),
		Summary:     "The intermediate of the mesh ends soon.",
		Description: fmt.Sprintf("Less than %d days are left of what {{ $labels.pod }} signs with, and nobody renews Secret %s/%s but whoever made it; identity takes a new one without a restart. Its end is the end of all traffic in the mesh.", pluginDays, m.Namespace, m.CA.IssuerSecret)}
}

// linkerdPushes watch the control plane. Proxies count what policy refuses (linkerd2-proxy
// linkerd/app/inbound/src/metrics/authz.rs).
func linkerdPushes(l *lowering) []ir.Rule {
	m := &l.p.Mesh
	from := m.From.Of("kind")
	rules := []ir.Rule{
		{Alert: "PolicyRefuses", Severity: warning, For: "10m", From: from,
			Expr:        `sum by (namespace, pod) (rate(inbound_http_authz_deny_total[5m])) > 0 or sum by (namespace, pod) (rate(inbound_tcp_authz_deny_total[5m])) > 0`,
			Summary:     "The proxy of {{ $labels.namespace }}/{{ $labels.pod }} refuses callers.",
			Description: "Somebody calls who is not declared, or a caller lost its identity: look at who calls, and whether its pod has a proxy."},
	}
	for _, d := range []struct{ name, title, object, without string }{
		{"MeshIdentity", "the mesh's authority", "linkerd-identity", "Without any no certificate is renewed, and no proxy starts."},
		{"MeshDestination", "the mesh's discovery and policy", "linkerd-destination", "Without any, proxies go on with what they know, and new ones do not start."},
		{"MeshInjector", "the mesh's injector", "linkerd-proxy-injector", "Without any no pod starts outside the namespaces that are left out of the mesh."},
	} {
		rules = append(rules, replicas(d.name, d.title, m.Namespace, d.object, m.Replicas, nil, slices.Concat(m.From.Of("replicas"), from), d.without)...)
	}
	return slices.Concat(rules, linkerdPlainText(l), l.linkerdGatewayRules())
}

// linkerdMetrics are those that its alerts read.
func linkerdMetrics(l *lowering) []needed {
	out := []needed{{"identity_cert_expiration_timestamp_seconds", "the proxies of the mesh", l.p.Mesh.From.Of("kind")}}
	if l.p.Mesh.CA.IssuerRef != "" {
		out = append(out, needed{"certmanager_certificate_expiration_timestamp_seconds", "cert-manager", ir.From{"mesh.ca"}})
	} else {
		out = append(out, needed{"issuer_cert_ttl_seconds", "the mesh's authority", ir.From{"mesh.ca"}})
	}
	if f := l.p.Federation; f != nil && f.Flat {
		out = append(out, needed{"cluster_store_size", "the mesh's discovery", ir.From{"federation"}})
	} else if f != nil {
		out = append(out, needed{"gateway_alive", "the controllers of other sites", ir.From{"federation"}})
	}
	return out
}

// linkerdMonitors: names of ports are those of the charts and of the injected container.
func linkerdMonitors(l *lowering) []ir.Monitor {
	namespaces, from := l.scraped()
	kind := l.p.Mesh.From.Of("kind")
	out := []ir.Monitor{
		{Kind: "PodMonitor", Name: watchName + "-control-plane", Namespaces: []string{l.p.Mesh.Namespace},
			Ports: []string{"dest-admin", "ident-admin", "injector-admin", "policy-admin", "spval-admin"}, Path: "/metrics",
			Reason: "Identity, discovery, policy and injection.", From: kind},
		{Kind: "PodMonitor", Name: watchName + "-proxies", Namespaces: namespaces, Ports: []string{"linkerd-admin"}, Path: "/metrics", NodeLabel: true,
			Reason: "Each pod that has a proxy.", Why: "metrics/proxies", From: slices.Concat(kind, from)},
	}
	if l.p.Federation != nil {
		out = append(out, ir.Monitor{Kind: "PodMonitor", Name: watchName + "-links", Namespaces: []string{linkerdMulticluster}, Ports: []string{"ctrl-admin"}, Path: "/metrics",
			Reason: "The controllers of other sites, and what they know of their gateways.", From: append(slices.Clone(kind), "federation")})
	}
	return out
}
