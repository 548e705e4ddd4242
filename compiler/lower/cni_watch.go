package lower

import (
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// Metrics of Cilium's agent: pkg/bpf/metrics.go of Cilium 1.20.2. pressureHigh leaves time to act: above it the tables of
// connections evict what was used longest ago, and others refuse.
const (
	ciliumPressure = "cilium_bpf_map_pressure"
	pressureHigh   = "0.8"

	ciliumMetricsPort = 9962 // of the host: install/kubernetes/cilium/values.yaml, prometheus.port
)

// ciliumMonitors find the agents by the label and the named port of their DaemonSet; the port is there because the values
// of the chart open it.
func (l *lowering) ciliumMonitors() []ir.Monitor {
	if !l.installsCilium() {
		return nil
	}
	return []ir.Monitor{{
		Kind: "PodMonitor", Name: watchName + "-cilium", Namespaces: []string{ciliumNamespace},
		Selector: []ir.KV{{Key: "k8s-app", Value: "cilium"}}, Ports: []string{"prometheus"}, Path: "/metrics", NodeLabel: true,
		Reason: "BGP sessions, and how full the tables of the datapath are.", From: ir.From{"kubernetes.cni", "components.cni.managed"},
	}}
}

// ciliumRules watch the tables of the datapath: the kernel's own table says nothing about them.
func (l *lowering) ciliumRules() {
	if !l.installsCilium() {
		return
	}
	l.ruleGroup("pod-network", runbookConntrack, slices.Concat([]ir.Rule{{
		Alert: "BPFMapFilling", Severity: warning, For: "10m", From: ir.From{"kubernetes.cni", "components.cni.managed"},
		Expr:        ciliumPressure + " > " + pressureHigh,
		Summary:     "The table {{ $labels.map_name }} of Cilium on {{ $labels.node }} is filling up.",
		Description: "When it is full, connections are forgotten or refused, and the kernel's own table looks fine. The site sizes the table of TCP connections by capacity.",
	}}, l.ipsecRules(), l.ztunnelRules(), l.spireRules())...)
	g := &l.p.Watch.Groups[len(l.p.Watch.Groups)-1]
	g.From = append(slices.Clone(g.From), "components.cni.managed")
}
