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
	// cert-manager's Certificate without a duration, renewed after two thirds (its documentation of renewBefore).
	certManagerDays = 90
	certManagerLeft = 1.0 / 3
)

const day = 86400 // seconds

// certificateRules watch that certificates are renewed in time: the mesh's, and those of gateways.
func (l *lowering) certificateRules() {
	l.ruleGroup("certificates", runbookTime, append(l.meshKind().certificates(l), l.gatewayCertificates()...)...)
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

// intermediateAlert watches the intermediate of the mesh that cert-manager renews.
func (l *lowering) intermediateAlert() ir.Rule {
	m, left := &l.p.Mesh, int(certManagerDays*certManagerLeft/2)
	return ir.Rule{Alert: "MeshAuthorityExpiring", Severity: critical, For: "30m", Why: "certificates/overdue", From: append(m.From.Of("kind"), m.CA.From...),
		Expr:        fmt.Sprintf(`certmanager_certificate_expiration_timestamp_seconds{name="%s"} - time() < %d`, m.CA.IssuerSecret, left*day),
		Summary:     "The intermediate of the mesh has not been renewed.",
		Description: fmt.Sprintf("Less than %d days are left of Certificate %s/%s; cert-manager renews when %d are. Its end is the end of all traffic in the mesh.", left, m.Namespace, m.CA.IssuerSecret, 2*left)}
}

func hostNames(hosts []ir.ListenerHost) []string {
	out := make([]string, len(hosts))
	for i, h := range hosts {
		out[i] = h.Host
	}
	return out
}

// pushRules watch that proxies get their configuration and take it.
func (l *lowering) pushRules() {
	l.ruleGroup("configuration-push", runbookPush, append(l.meshKind().pushes(l), l.programRules()...)...)
}

// needed is a metric without which alerts are silent.
type needed struct {
	metric, source string
	from           ir.From
}

// metricsRules watch the watching: a series that is not there fires nothing. They come last, and ask for what others read.
func (l *lowering) metricsRules() {
	all := []needed{
		{"node_nf_conntrack_entries", "node_exporter on the hosts", nil},
		{"node_nf_conntrack_stat_drop", "node_exporter on the hosts", nil},
		{"node_timex_sync_status", "node_exporter on the hosts", nil},
		{"kube_deployment_status_replicas_available", "kube-state-metrics", nil},
	}
	all = append(append(all, l.meshKind().metrics(l)...), l.programNeeds()...)
	if len(l.s.Time.Sources) > 0 && l.s.Time.Daemon == "ntpd" {
		all = append(all, needed{"node_timex_maxerror_seconds", "node_exporter on the hosts", ir.From{"time"}})
	} else if len(l.s.Time.Sources) > 0 {
		all = append(all,
			needed{"chrony_up", "chrony_exporter on the hosts", ir.From{"time"}},
			needed{"chrony_sources_reachability_ratio", "chrony_exporter on the hosts, started with --collector.sources", ir.From{"time"}})
	}
	lb := &l.p.LoadBalancer
	if c := l.p.Calico; c != nil {
		all = append(all, needed{unavailable, "kube-state-metrics", c.From})
	} else if len(lb.Peerings) > 0 {
		all = append(all, needed{l.set.LoadBalancer(lb.Kind).Backends[lb.Backend].SessionMetric, "the load balancer's BGP speakers", lb.From})
	}
	for _, g := range l.p.Gateways {
		for _, li := range g.Listeners {
			if li.TLS != nil && li.TLS.Issuer != "" && len(li.Hosts) > 0 {
				all = append(all, needed{"certmanager_certificate_expiration_timestamp_seconds", "cert-manager", ir.From{"gateways", "namespaces"}})
			}
		}
	}
	if ca := l.p.Mesh.CA; ca != nil && ca.Signer != nil {
		all = append(all, needed{"certmanager_certificate_expiration_timestamp_seconds", "cert-manager", ir.From{"mesh.ca"}})
	}
	var rules []ir.Rule
	seen := map[string]bool{}
	for _, n := range all {
		if seen[n.metric] || !l.reads(n.metric) {
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

// reads reports whether an alert so far reads a metric.
func (l *lowering) reads(metric string) bool {
	return slices.ContainsFunc(l.p.Watch.Groups, func(g ir.RuleGroup) bool {
		return slices.ContainsFunc(g.Rules, func(r ir.Rule) bool { return strings.Contains(r.Expr, metric) })
	})
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
		if m.Budgeted {
			proxies = m.Job
		}
	}
	rules := []ir.Rule{
		{Alert: "MetricsTargetDown", Severity: warning, For: "15m", From: ir.From{"mesh.kind", "loadBalancer", "components.cni.managed"},
			Expr:        fmt.Sprintf(`up{job=~"%s"} == 0`, strings.Join(jobs, "|")),
			Summary:     "{{ $labels.instance }} of job {{ $labels.job }} cannot be scraped.",
			Description: "It is down, a NetworkPolicy keeps the scraper out, or the scraper's ServiceAccount may not read /metrics there."},
	}
	s := w.Series
	if proxies == "" { // nothing that a budget is for
		return rules
	}
	return append(rules,
		ir.Rule{Alert: "MetricsBudgetExceeded", Severity: warning, For: "30m", Why: s.Why, From: s.From,
			Expr:    fmt.Sprintf(`sum(scrape_samples_post_metric_relabeling{job="%s"}) > %d`, proxies, s.Total),
			Summary: "The proxies have more series than the site is planned for.",
			Description: fmt.Sprintf("Planned: %d, which is %d proxies with %d each (%d, and %d for each of %d edges). Applications behind the proxies count too: look for one with labels of many values.",
				s.Total, s.Proxies, s.PerProxy, s.Base, s.PerEdge, s.Edges)})
}

// monitors decide what the operator scrapes of what meshgen installs.
func (l *lowering) monitors() {
	w := &l.p.Watch
	if w.Files || l.p.Scraper == nil {
		return
	}
	w.Monitors = slices.Concat(l.meshKind().monitors(l), l.programMonitors(), l.loadBalancerMonitors(), l.ciliumMonitors())
	// One that names no namespace would look in its own: a site without meshed pods has no proxies.
	w.Monitors = slices.DeleteFunc(w.Monitors, func(m ir.Monitor) bool { return len(m.Namespaces) == 0 })
	for i := range w.Monitors {
		m := &w.Monitors[i]
		m.Job = w.Namespace + "/" + m.Name // what the operator gives a PodMonitor's series
		if m.Service != nil {
			m.Job = m.Service.Name // and a ServiceMonitor's
		}
		m.From = slices.Concat(m.From, w.From)
	}
}

// loadBalancerMonitors: MetalLB answers by HTTPS alone, to a caller whose token may read /metrics, with a certificate
// that it makes for itself. A PodMonitor can show a token from a Secret only, and a ServiceMonitor the scraper's own,
// which is short-lived; it goes by a Service.
func (l *lowering) loadBalancerMonitors() []ir.Monitor {
	lb := &l.p.LoadBalancer
	switch {
	case l.p.KubeVIP != nil && len(l.p.KubeVIP.Speakers) > 0:
		return l.kubeVIPMonitors()
	case l.p.OpenELB != nil && !l.p.OpenELB.Idle:
		return l.openELBMonitors()
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
