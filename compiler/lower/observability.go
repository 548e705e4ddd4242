package lower

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// Severities of alerts.
const (
	critical = "critical" // somebody is woken
	warning  = "warning"  // in working hours
)

// Anchors of the runbook, one a group of rules.
const (
	runbookConntrack    = "conntrack-and-ports"
	runbookTime         = "time-and-certificates"
	runbookBGP          = "bgp-sessions"
	runbookVIP          = "vip-path"
	runbookPush         = "configuration-push"
	runbookMetrics      = "metrics"
	watchName           = "meshgen" // in front of the names of objects in a namespace that is not ours
	observabilityScrape = "observability.scraper"
)

// observability decides what is watched, by which rules, and who may read the metrics. Where nobody scrapes and no files
// are asked for there is nobody to watch.
func (l *lowering) observability() {
	o := l.s.Observability
	w := &l.p.Watch
	files := o.Rules == "files"
	if o.Scraper == nil && !files {
		return
	}
	*w = ir.Observability{
		Active: true, Files: files, Reader: l.p.Scraper,
		From: ir.From{"observability.rules", observabilityScrape, "observability.ruleLabels", "name", "mesh.kind"},
	}
	if o.Scraper != nil {
		w.Namespace = o.Scraper.Namespace
	}
	for k, v := range byKey(o.RuleLabels) {
		w.Labels = append(w.Labels, ir.KV{Key: k, Value: v})
	}
	l.series()
	l.monitors()
	l.metricsAccess()
	l.conntrackRules()
	l.timeRules()
	l.ciliumRules()
	l.sessionRules()
	l.vipRules()
	l.certificateRules()
	l.pushRules()
	l.metricsRules()
	l.dashboards()
}

// ruleGroup adds a group of rules. What a group has no rule for is left out.
func (l *lowering) ruleGroup(name, runbook string, rules ...ir.Rule) {
	if len(rules) == 0 {
		return
	}
	g := ir.RuleGroup{Name: name, From: l.p.Watch.From}
	for _, r := range rules {
		r.Runbook = runbook
		g.Rules = append(g.Rules, r)
	}
	l.p.Watch.Groups = append(l.p.Watch.Groups, g)
}

// Estimates of series, for the budget. Sources: Envoy's default histogram has 19 bounds, so that a histogram is 20
// buckets, a sum and a count; Istio's proxies keep their default inclusions (cluster_manager, listener_manager, server,
// xds-grpc) and the agent its own.
const (
	proxyBaseSeries = 250 // proxy and agent without traffic
	histogramSeries = 22
	responseCodes   = 3 // distinct codes that an edge is seen with
	edgeSeries      = responseCodes * (1 + histogramSeries)
)

// series estimates the budget:
//
//	proxies  = P*nodes + gateway replicas      P: declared pods a node; nodes: those of classes without the control plane
//	perProxy = base + edges*perEdge            edges: callers and callees of a meshed service, the mean rounded up
//	perEdge  = codes*(1 counter + 1 histogram) duration; the histograms of sizes are dropped
func (l *lowering) series() {
	s := ir.Series{Base: proxyBaseSeries, PerEdge: edgeSeries, Why: "metrics/budget",
		From: ir.From{"namespaces", "gateways", "racks", "nodeClasses", "capacity"}}
	for _, n := range l.p.Nodes {
		if n.ControlPlane {
			continue
		}
		pods := l.s.Capacity.PodsPerNode
		if o := l.s.NodeClasses[n.Class].Capacity; o != nil {
			pods = cmp.Or(o.PodsPerNode, pods)
		}
		if l.meshProfile().Proxies == "node" {
			pods = 1
		}
		s.Proxies += pods
	}
	for _, g := range l.p.Gateways {
		s.Proxies += g.Replicas
	}
	for _, x := range l.p.EgressProxies {
		s.Proxies += x.Pods.Replicas
		s.From = append(s.From, x.From...)
	}
	for _, n := range l.p.Namespaces {
		if w := l.p.Mesh.Waypoint; w != nil && n.Waypoint && n.Meshed {
			s.Proxies += w.Replicas
			s.From = append(s.From, "mesh.waypoint")
		}
	}
	edges, services := 0, 0
	for _, x := range l.p.Services {
		if x.Meshed {
			services++
			edges += len(x.Callers) + len(x.Callees)
		}
	}
	if services > 0 {
		s.Edges = (edges + services - 1) / services
	}
	s.PerProxy = s.Base + s.Edges*s.PerEdge
	s.Total = s.Proxies * s.PerProxy
	l.p.Watch.Series = s
}

// conntrackRules watch the connection tables of hosts. Those of pods are out of an exporter's sight: the kernel's log is
// all there is of them.
func (l *lowering) conntrackRules() {
	const ratio = 0.75 // the tables are sized to stand at half at the declared load
	least := 0
	var from ir.From
	for _, g := range l.p.Groups {
		if least == 0 || g.Conntrack.Max < least {
			least = g.Conntrack.Max
		}
		from = append(from, g.Conntrack.From...)
		from = append(from, g.From...)
	}
	slices.Sort(from)
	from = slices.Compact(from)
	l.ruleGroup("conntrack-and-ports", runbookConntrack,
		ir.Rule{Alert: "ConntrackFilling", Severity: warning, For: "5m", Why: "conntrack/alert",
			Expr:        fmt.Sprintf("node_nf_conntrack_entries / node_nf_conntrack_entries_limit > %v", ratio),
			Summary:     "The connection table of {{ $labels.instance }} is filling.",
			Description: "More than three quarters of the table are used; it is sized to be half full at the declared load. Full, it drops every new connection of the node."},
		ir.Rule{Alert: "ConntrackDropping", Severity: critical, For: "1m", Why: "conntrack/alert",
			Expr:        "rate(node_nf_conntrack_stat_drop[5m]) > 0",
			Summary:     "{{ $labels.instance }} drops packets for want of room in its connection table.",
			Description: "New connections fail on this node. The kernel logs \"nf_conntrack: table full, dropping packet\", also for the tables of pods, which no exporter sees."},
		ir.Rule{Alert: "ConntrackEvicting", Severity: warning, For: "5m", Why: "conntrack/alert",
			Expr:        "rate(node_nf_conntrack_stat_early_drop[5m]) > 0",
			Summary:     "{{ $labels.instance }} evicts connections that are not yet established to make room for others.",
			Description: "The table has been full, or a chain of it: the next step is to drop."},
		ir.Rule{Alert: "ConntrackLimitLow", Severity: warning, For: "15m", Why: "conntrack/size", From: from,
			Expr:        fmt.Sprintf("node_nf_conntrack_entries_limit < %d", least),
			Summary:     "The connection table of {{ $labels.instance }} is smaller than declared.",
			Description: fmt.Sprintf("No node of the site is declared with fewer than %d entries. Something else has written nf_conntrack_max: kube-proxy at its start, or a host file that does not come from the site.", least)},
		ir.Rule{Alert: "ListenQueueDropping", Severity: warning, For: "10m", Why: "listen/alert",
			Expr:        "rate(node_netstat_TcpExt_ListenDrops[5m]) > 0",
			Summary:     "{{ $labels.instance }} drops connections that its own listeners do not accept in time.",
			Description: "The queue of a listener in the host's network namespace overflows. Listeners of pods have queues and counters of their own."},
	)
}

// metricsAccess lists where the scraper must be able to find its targets.
func (l *lowering) metricsAccess() {
	if l.p.Scraper == nil {
		return
	}
	var out []string
	for _, ns := range []string{l.p.Mesh.Namespace, l.p.LoadBalancer.Namespace} {
		if ns != "" {
			out = append(out, ns)
		}
	}
	for _, n := range l.p.Namespaces {
		if n.Meshed || n.Purpose == "gateway" {
			out = append(out, n.Name)
		}
	}
	for _, m := range l.p.Watch.Monitors {
		out = append(out, m.Namespaces...)
	}
	slices.Sort(out)
	l.p.Watch.Access = slices.Compact(out)
}

// scraped returns the namespaces with proxies, and the site paths that say so.
func (l *lowering) scraped() ([]string, ir.From) {
	var out []string
	from := ir.From{"gateways"}
	for _, n := range l.p.Namespaces {
		if n.Purpose == "services" {
			from = append(from, site.Join("namespaces", n.Name))
		}
		if n.Meshed || n.Purpose == "gateway" {
			out = append(out, n.Name)
		}
	}
	return out, from
}

// decimal returns a number as PromQL takes it.
func decimal(d float64) string { return strconv.FormatFloat(d, 'f', -1, 64) }
