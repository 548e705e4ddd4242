package lower

import (
	"fmt"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// Lives of certificates, in days. Each alert stands in the middle between renewal and expiry: earlier it would fire on
// healthy certificates, later it would leave no time.
const (
	// Istio's own authority: CITADEL_SELF_SIGNED_CA_CERT_TTL, renewed when a fifth is left
	// (security/pkg/cmd/constants.go of Istio 1.31).
	selfSignedDays = 3650
	selfSignedLeft = 0.2
	// cert-manager's Certificate without a duration, renewed after two thirds (its documentation of renewBefore).
	certManagerDays = 90
	certManagerLeft = 1.0 / 3
)

const day = 86400 // seconds

// certificateRules watch that certificates are renewed in time.
func (l *lowering) certificateRules() {
	c := l.set.Mesh(l.s.Mesh.Kind).Certificates
	overdue := int(float64(c.Hours) * 3600 * (1 - c.RenewAt) / 2)
	const ca = int(selfSignedDays * selfSignedLeft / 2)
	kind := l.p.Mesh.From.Of("kind")
	rules := []ir.Rule{
		{Alert: "WorkloadCertificateOverdue", Severity: critical, For: "10m", Why: "certificates/overdue", From: kind,
			Expr:        fmt.Sprintf(`istio_agent_cert_expiry_seconds{resource_name="default"} < %d`, overdue),
			Summary:     "The certificate of {{ $labels.namespace }}/{{ $labels.pod }} has not been renewed.",
			Description: fmt.Sprintf("It lives %d h, is renewed halfway, and has less than %s h left. When it ends every connection of the pod fails.", c.Hours, decimal(float64(overdue)/3600))},
		{Alert: "CertificateSigningFailing", Severity: warning, For: "10m", From: kind,
			Expr:        "sum(rate(citadel_server_csr_sign_err_count[5m])) > 0 or sum(rate(citadel_server_authentication_failure_count[5m])) > 0",
			Summary:     "The control plane refuses requests for certificates.",
			Description: "It fails to sign them, or does not accept the callers' tokens. Running pods go on until their certificates end; new ones do not start."},
		{Alert: "MeshAuthorityExpiring", Severity: warning, For: "30m", Why: "certificates/overdue", From: kind,
			Expr: fmt.Sprintf("citadel_server_root_cert_expiry_timestamp - time() < %d or citadel_server_cert_chain_expiry_timestamp - time() < %d",
				ca*day, ca*day),
			Summary:     "The root or intermediate certificate of the mesh has not been renewed.",
			Description: fmt.Sprintf("Less than %d days are left, half of the time in which the control plane renews its own authority. Its end is the end of all traffic in the mesh.", ca)},
	}
	rules = append(rules, l.gatewayCertificates()...)
	l.ruleGroup("certificates", runbookTime, rules...)
}

// gatewayCertificates watch those that cert-manager makes. The label name is the object's; namespace may be that of
// the exporter, depending on how it is scraped.
func (l *lowering) gatewayCertificates() []ir.Rule {
	left := int(certManagerDays * certManagerLeft / 2)
	var out []ir.Rule
	for _, g := range l.p.Gateways {
		for _, li := range g.Listeners {
			if li.TLS == nil || li.TLS.Issuer == "" || len(li.Hosts) == 0 {
				continue
			}
			name := li.TLS.Secret
			labels := []ir.KV{{Key: "gateway", Value: g.Name}}
			from := slices.Concat(li.TLS.From, li.From, ir.From{"gateways", "namespaces"}) // a listener without hosts has no certificate
			what := fmt.Sprintf("Certificate %s/%s, issuer %s, for %s.", g.Namespace, name, li.TLS.Issuer, strings.Join(hostNames(li.Hosts), ", "))
			out = append(out,
				ir.Rule{Alert: "GatewayCertificateOverdue", Severity: warning, For: "30m", Why: "certificates/overdue", Labels: labels, From: from,
					Expr:        fmt.Sprintf(`certmanager_certificate_expiration_timestamp_seconds{name="%s"} - time() < %d`, name, left*day),
					Summary:     fmt.Sprintf("A certificate of gateway %s has not been renewed.", g.Name),
					Description: fmt.Sprintf("%s Less than %d days are left; cert-manager renews when %d are.", what, left, 2*left)},
				ir.Rule{Alert: "GatewayCertificateNotReady", Severity: critical, For: "15m", Labels: labels, From: from,
					Expr:        fmt.Sprintf(`certmanager_certificate_ready_status{name="%s",condition="True"} == 0`, name),
					Summary:     fmt.Sprintf("A certificate of gateway %s is not valid.", g.Name),
					Description: what + " cert-manager's Certificate is not ready: not issued yet, expired, or for other names."})
		}
	}
	return out
}

func hostNames(hosts []ir.ListenerHost) []string {
	out := make([]string, len(hosts))
	for i, h := range hosts {
		out[i] = h.Host
	}
	return out
}

// pushSeconds is when a change is late at its proxies; the histogram's next bounds are 5 and 20.
const pushSeconds = 10

// pushRules watch that proxies get their configuration and take it.
func (l *lowering) pushRules() {
	m := &l.p.Mesh
	from := m.From.Of("kind")
	deployment := l.controlPlane()
	rules := []ir.Rule{
		{Alert: "ConfigurationRejected", Severity: critical, For: "5m", From: from,
			Expr:        "sum by (type) (rate(pilot_total_xds_rejects[5m])) > 0",
			Summary:     "Proxies reject configuration of type {{ $labels.type }}.",
			Description: "They go on with the last one that they took. The control plane's log names proxy and reason."},
		{Alert: "ConfigurationPushFailing", Severity: warning, For: "5m", From: from,
			Expr: `sum(rate(pilot_xds_pushes{type=~".+_senderr"}[5m])) > 0 or sum(rate(pilot_xds_write_timeout[5m])) > 0` +
				" or sum(rate(pilot_total_xds_internal_errors[5m])) > 0",
			Summary:     "The control plane fails to send configuration.",
			Description: "Errors in building or sending it, or proxies that do not read it in time."},
		{Alert: "ConfigurationPushSlow", Severity: warning, For: "10m", From: from,
			Expr:        fmt.Sprintf("histogram_quantile(0.99, sum by (le) (rate(pilot_proxy_convergence_time_bucket[5m]))) > %d", pushSeconds),
			Summary:     "Changes reach proxies late.",
			Description: fmt.Sprintf("One in a hundred takes more than %d s: the control plane is short of processor, or changes come too fast.", pushSeconds)},
		{Alert: "InjectionFailing", Severity: warning, For: "5m", From: from,
			Expr:        "sum(rate(sidecar_injection_failure_total[5m])) > 0",
			Summary:     "The control plane fails to inject proxies.",
			Description: "Pods of meshed namespaces do not start."},
	}
	rules = append(rules, replicas("ControlPlane", "the mesh's control plane", m.Namespace, deployment, m.Replicas, nil,
		slices.Concat(m.From.Of("revision", "replicas"), from), "Without any, no pod of a meshed namespace starts and no certificate is renewed.")...)
	l.ruleGroup("configuration-push", runbookPush, rules...)
}

// controlPlane returns the name of istiod's Deployment.
func (l *lowering) controlPlane() string {
	if l.p.Mesh.Revision == "" {
		return "istiod"
	}
	return "istiod-" + l.p.Mesh.Revision
}

// needed is a metric without which alerts are silent.
type needed struct {
	metric, source string
	from           ir.From
}

// metricsRules watch the watching: a series that is not there fires nothing.
func (l *lowering) metricsRules() {
	all := []needed{
		{"node_nf_conntrack_entries", "node_exporter on the hosts", nil},
		{"node_nf_conntrack_stat_drop", "node_exporter on the hosts", nil},
		{"node_timex_sync_status", "node_exporter on the hosts", nil},
		{"kube_deployment_status_replicas_available", "kube-state-metrics", nil},
		{"pilot_xds", "the control plane of the mesh", l.p.Mesh.From.Of("kind")},
		{"istio_agent_cert_expiry_seconds", "the proxies of the mesh", l.p.Mesh.From.Of("kind")},
	}
	if len(l.s.Time.Sources) > 0 {
		all = append(all,
			needed{"chrony_up", "chrony_exporter on the hosts", ir.From{"time"}},
			needed{"chrony_sources_reachability_ratio", "chrony_exporter on the hosts, started with --collector.sources", ir.From{"time"}})
	}
	lb := &l.p.LoadBalancer
	if len(lb.Peerings) > 0 {
		all = append(all, needed{l.set.LoadBalancer(lb.Kind).Backends[lb.Backend].SessionMetric, "the load balancer's BGP speakers", lb.From})
	}
	for _, g := range l.p.Gateways {
		for _, li := range g.Listeners {
			if li.TLS != nil && li.TLS.Issuer != "" && len(li.Hosts) > 0 {
				all = append(all, needed{"certmanager_certificate_expiration_timestamp_seconds", "cert-manager", ir.From{"gateways", "namespaces"}})
			}
		}
	}
	var rules []ir.Rule
	seen := map[string]bool{}
	for _, n := range all {
		if seen[n.metric] {
			continue
		}
		seen[n.metric] = true
		rules = append(rules, ir.Rule{Alert: "MetricsMissing", Severity: warning, For: "15m", From: n.from,
			Labels:      []ir.KV{{Key: "metric", Value: n.metric}},
			Expr:        "absent(" + n.metric + ")",
			Summary:     fmt.Sprintf("There is no %s.", n.metric),
			Description: fmt.Sprintf("Alerts that read it cannot fire. It comes from %s.", n.source)})
	}
	l.ruleGroup("metrics", runbookMetrics, append(rules, l.scrapeRules()...)...)
}

// scrapeRules watch the targets of our own monitors and what they cost.
func (l *lowering) scrapeRules() []ir.Rule {
	w := &l.p.Watch
	if len(w.Monitors) == 0 {
		return nil
	}
	var jobs []string
	proxies := ""
	for _, m := range w.Monitors {
		jobs = append(jobs, m.Job)
		if m.Dial != 0 {
			proxies = m.Job
		}
	}
	s := w.Series
	return []ir.Rule{
		{Alert: "MetricsTargetDown", Severity: warning, For: "15m", From: ir.From{"mesh.kind", "loadBalancer"},
			Expr:        fmt.Sprintf(`up{job=~"%s"} == 0`, strings.Join(jobs, "|")),
			Summary:     "{{ $labels.instance }} of job {{ $labels.job }} cannot be scraped.",
			Description: "It is down, a NetworkPolicy keeps the scraper out, or the scraper's ServiceAccount may not read /metrics there."},
		{Alert: "MetricsBudgetExceeded", Severity: warning, For: "30m", Why: s.Why, From: s.From,
			Expr:    fmt.Sprintf(`sum(scrape_samples_post_metric_relabeling{job="%s"}) > %d`, proxies, s.Total),
			Summary: "The proxies have more series than the site is planned for.",
			Description: fmt.Sprintf("Planned: %d, which is %d proxies with %d each (%d, and %d for each of %d edges). Applications behind the proxies count too: look for one with labels of many values.",
				s.Total, s.Proxies, s.PerProxy, s.Base, s.PerEdge, s.Edges)},
	}
}

// monitors decide what the operator scrapes of what meshgen installs.
func (l *lowering) monitors() {
	w := &l.p.Watch
	if w.Files || l.p.Scraper == nil {
		return
	}
	w.Monitors = append(append(l.meshMonitors(), l.loadBalancerMonitors()...), l.ciliumMonitors()...)
	for i := range w.Monitors {
		m := &w.Monitors[i]
		m.Job = w.Namespace + "/" + m.Name // what the operator gives a PodMonitor's series
		if m.Service != nil {
			m.Job = m.Service.Name // and a ServiceMonitor's
		}
		m.From = slices.Concat(m.From, w.From)
	}
}

func (l *lowering) meshMonitors() []ir.Monitor {
	namespaces, from := l.scraped()
	m := &l.p.Mesh
	return []ir.Monitor{
		{Kind: "PodMonitor", Name: watchName + "-control-plane", Namespaces: []string{m.Namespace},
			Selector: []ir.KV{{Key: "app", Value: "istiod"}}, Ports: []string{"http-monitoring"}, Path: "/metrics",
			Reason: "Configuration pushes, injection, and the authority's certificates.", From: m.From.Of("kind")},
		{Kind: "PodMonitor", Name: watchName + "-proxies", Namespaces: namespaces,
			Ports: []string{"http-envoy-prom"}, Dial: m.ProxyPorts.Metrics, Path: "/stats/prometheus", NodeLabel: true,
			Reason: "Each pod that has a proxy, by the proxy's named port. What is asked is the agent beside it, which merges\n" +
				"the metrics of proxy and application; its own port has no name. Both stay outside mutual TLS.",
			Drop: []ir.Drop{
				{Metrics: "istio_(request|response)_bytes_(bucket|sum|count)", Reason: "Histograms of sizes: two thirds of the series of an edge, and no alert reads them."},
				{Metrics: "istio_agent_go_.+", Reason: "The runtime of each agent."},
			},
			Why: "metrics/proxies", From: slices.Concat(m.From.Of("kind"), from)},
	}
}

// loadBalancerMonitors: MetalLB answers by HTTPS alone, to a caller whose token may read /metrics, with a certificate
// that it makes for itself. A PodMonitor can show a token from a Secret only, and a ServiceMonitor the scraper's own,
// which is short-lived; it goes by a Service.
func (l *lowering) loadBalancerMonitors() []ir.Monitor {
	lb := &l.p.LoadBalancer
	if lb.Kind == "kube-vip" {
		return l.kubeVIPMonitors()
	}
	if lb.Kind != "metallb" {
		return nil
	}
	monitor := func(component, app string, honor, node bool, ports ...ir.MetricsPort) ir.Monitor {
		name := watchName + "-" + component
		labels := []ir.KV{{Key: "app.kubernetes.io/component", Value: name}}
		m := ir.Monitor{Kind: "ServiceMonitor", Name: name, Namespaces: []string{lb.Namespace}, Selector: labels,
			Path: "/metrics", HTTPS: true, HonorLabels: honor, NodeLabel: node,
			Reason: "HTTPS with a certificate of its own making; the scraper shows its own token, from a file: a Prometheus object with\n" +
				"arbitraryFSAccessThroughSMs.deny does not scrape this.", From: lb.From.Of("kind", "metallb"),
			Service: &ir.MetricsService{Namespace: lb.Namespace, Name: name, Labels: labels, Ports: ports,
				Selector: []ir.KV{{Key: "app.kubernetes.io/name", Value: app}, {Key: "app.kubernetes.io/component", Value: strings.TrimPrefix(component, "metallb-")}}}}
		for _, p := range ports {
			m.Ports = append(m.Ports, p.Name)
		}
		return m
	}
	var out []ir.Monitor
	if lb.Backend == "frr-k8s" {
		out = append(out, monitor("frr-k8s", "frr-k8s", false, true, ir.MetricsPort{Name: "metricshttps", Port: 9140}, ir.MetricsPort{Name: "frrmetricshttps", Port: 9141}))
	}
	// The speakers' series name a service and a node themselves; those of sessions that they keep name no node.
	speaker, sessions := []ir.MetricsPort{{Name: "metricshttps", Port: 9120}}, lb.Backend == "native" || lb.Backend == "frr"
	if lb.Backend == "frr" {
		speaker = append(speaker, ir.MetricsPort{Name: "frrmetricshttps", Port: 9121})
	}
	return append(out,
		monitor("metallb-controller", "metallb", false, false, ir.MetricsPort{Name: "metricshttps", Port: 9120}),
		monitor("metallb-speaker", "metallb", true, sessions, speaker...))
}
