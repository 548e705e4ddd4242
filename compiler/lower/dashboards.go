package lower

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// panel is one of those that a dashboard may have. Units are Grafana's names for them.
type panel struct {
	title, unit, legend, expr string
}

// boards are the dashboards, each with its panels in reading order.
var boards = []struct {
	name, title string
	panels      []panel
}{
	{"ways-in", "Ways in", []panel{
		{"Nodes that announce, by address", "short", "{{ip}}", `sum by (ip) (metallb_speaker_announced)`},
		{"BGP sessions up, by node", "short", "{{node}}", `sum by (node) (frrk8s_bgp_session_up)`},
		{"BGP sessions up, by node", "short", "{{node}}", `sum by (node) (metallb_bgp_session_up)`},
		{"BGP sessions up, by node", "short", "{{node}}", `sum by (node) (session_up)`},
		{"BGP sessions by node and state", "short", "{{node}} {{state}}", `sum by (node, state) (kube_vip_manager_bgp_session_info)`},
		{"BGP sessions up, by node", "short", "{{node}}", `sum by (node) (cilium_bgp_control_plane_session_state)`},
		{"BFD sessions up, by node", "short", "{{node}}", `sum by (node) (frrk8s_bfd_session_up)`},
		{"Leader of layer 2, by node", "short", "{{node}} {{lease_name}}", `kube_vip_is_leader`},
		{"Pods available, by Deployment of a gateway", "short", "{{namespace}}/{{deployment}}", `kube_deployment_status_replicas_available{namespace=~"gateway-.*"}`},
		{"Life left of gateways' certificates", "s", "{{namespace}}/{{name}}", `certmanager_certificate_expiration_timestamp_seconds - time()`},
	}},
	{"hosts", "Connections and clocks of machines", []panel{
		{"Connection table in use", "percentunit", "{{instance}}", `node_nf_conntrack_entries / node_nf_conntrack_entries_limit`},
		{"Packets dropped, the table being full", "pps", "{{instance}}", `rate(node_nf_conntrack_stat_drop[5m])`},
		{"Connections that no listener took", "cps", "{{instance}}", `rate(node_netstat_TcpExt_ListenDrops[5m])`},
		{"Map pressure of the data plane", "percentunit", "{{node}} {{map_name}}", `cilium_bpf_map_pressure`},
		{"Distance of the kernel's clock", "s", "{{instance}}", `node_timex_offset_seconds`},
		{"Bound of the kernel's error", "s", "{{instance}}", `node_timex_maxerror_seconds`},
		{"Last offset that chrony measured", "s", "{{instance}}", `chrony_tracking_last_offset_seconds`},
		{"Stratum", "short", "{{instance}}", `chrony_tracking_stratum`},
	}},
	{"mesh", "Control plane and certificates of the mesh", []panel{
		{"Proxies connected, by version", "short", "{{version}}", `sum by (version) (pilot_xds)`},
		{"Pushes, by type", "ops", "{{type}}", `sum by (type) (rate(pilot_xds_pushes[5m]))`},
		{"Time from a change to its proxies, 99 in 100", "s", "p99", `histogram_quantile(0.99, sum by (le) (rate(pilot_proxy_convergence_time_bucket[5m])))`},
		{"Configurations that proxies refused", "ops", "{{type}}", `sum by (type) (rate(pilot_total_xds_rejects[5m]))`},
		{"Life left of the shortest workload certificate", "s", "{{namespace}}", `istio_agent_cert_expiry_seconds`},
		{"Life left of the mesh's root", "s", "{{instance}}", `citadel_server_root_cert_expiry_timestamp - time()`},
		{"Life left of workload certificates", "s", "{{namespace}}/{{pod}}", `identity_cert_expiration_timestamp_seconds - time()`},
		{"Pods waiting for their proxy on the node", "short", "{{pod}}", `workload_manager_pending_proxy_count`},
	}},
}

var metricName = regexp.MustCompile(`[a-z][a-z0-9]*(?:_[a-zA-Z0-9]+)+`)

// dashboards chooses the panels. Alerts read what is scraped at this site and nothing else, so that a panel is shown if
// alerts read all of its series: none stays empty for want of a program that the site does not have.
func (l *lowering) dashboards() {
	w := &l.p.Watch
	if !l.s.Observability.Dashboards || !w.Active {
		return
	}
	read := map[string]ir.From{}
	for _, g := range w.Groups {
		for _, r := range g.Rules {
			for _, m := range metricName.FindAllString(r.Expr, -1) {
				read[m] = union(read[m], r.From)
			}
		}
	}
	for _, b := range boards {
		digest := sha256.Sum256([]byte(l.s.Name + "/" + b.name))
		board := ir.Dashboard{Name: b.name, Title: l.s.Name + ": " + b.title, UID: hex.EncodeToString(digest[:8]), From: ir.From{"name", "observability", "mesh", "loadBalancer", "time"}}
		for _, c := range b.panels {
			known, from := true, ir.From{}
			for _, m := range metricName.FindAllString(c.expr, -1) {
				f, ok := read[m]
				known, from = known && (ok || exprWords[m]), append(from, f...)
			}
			if known {
				board.Panels = append(board.Panels, ir.Panel{Title: c.title, Unit: c.unit, Legend: c.legend, Expr: c.expr})
				board.From = append(board.From, blocksOf(from)...)
			}
		}
		if len(board.Panels) > 0 {
			board.From = topmost(board.From)
			w.Dashboards = append(w.Dashboards, board)
		}
	}
}

// exprWords look like metrics in an expression and are none.
var exprWords = map[string]bool{"histogram_quantile": true, "map_name": true, "lease_name": true}

// blocksOf are the top-level blocks of the site that paths are in.
func blocksOf(from ir.From) ir.From {
	var out ir.From
	for _, f := range from {
		block, _, _ := strings.Cut(f, ".")
		if !slices.Contains(out, block) {
			out = append(out, block)
		}
	}
	return out
}
