package verify

// metricLabels are the metrics that rules may read, with the labels that matter in an expression. Sources: node_exporter
// 1.12 (conntrack, netstat and timex collectors), chrony_exporter 0.13, kube-state-metrics 2.x docs/metrics, frr-k8s
// cmd/metrics/collector, kube-vip pkg/metrics/prometheus.go, OpenELB pkg/metrics/metrics.go (session_up), MetalLB speaker/main.go and internal/k8s/controllers/stats.go, Istio pilot/pkg/xds/monitoring.go,
// pkg/xds/monitoring.go, pkg/kube/inject/monitoring.go, security/pkg/server/ca/monitoring.go and
// security/pkg/nodeagent/cache/monitoring.go (the agent puts istio_agent_ in front), ztunnel src/inpod/metrics.rs,
// cert-manager's metrics, istio.io Istio Standard Metrics.
var metricLabels = map[string][]string{
	"up":                                          {"instance"},
	"scrape_samples_post_metric_relabeling":       {"instance"},
	"node_nf_conntrack_entries":                   {"instance"},
	"node_nf_conntrack_entries_limit":             {"instance"},
	"node_nf_conntrack_stat_drop":                 {"instance"},
	"node_nf_conntrack_stat_early_drop":           {"instance"},
	"node_netstat_TcpExt_ListenDrops":             {"instance"},
	"node_timex_sync_status":                      {"instance"},
	"node_timex_offset_seconds":                   {"instance"},
	"node_timex_maxerror_seconds":                 {"instance"},
	"chrony_up":                                   {"instance"},
	"chrony_tracking_last_offset_seconds":         {"instance"},
	"chrony_tracking_root_dispersion_seconds":     {"instance"},
	"chrony_tracking_root_delay_seconds":          {"instance"},
	"chrony_tracking_remote_reference":            {"instance"},
	"chrony_tracking_stratum":                     {"instance"},
	"chrony_tracking_reference_timestamp_seconds": {"instance"},
	"chrony_sources_state_info":                   {"instance", "source_address", "source_name", "source_state", "source_mode"},
	"chrony_sources_reachability_ratio":           {"instance", "source_address", "source_name"},

	"frrk8s_bgp_session_up":                {"instance", "node", "peer", "vrf"},
	"frrk8s_bfd_session_up":                {"instance", "node", "peer", "vrf"},
	"frrk8s_k8s_client_config_stale_bool":  {"instance", "pod"},
	"metallb_bgp_session_up":               {"instance", "node", "peer", "vrf"},
	"metallb_bfd_session_up":               {"instance", "node", "peer", "vrf"},
	"metallb_k8s_client_config_stale_bool": {"instance", "pod"},
	"metallb_speaker_announced":            {"instance", "service", "protocol", "node", "ip"},

	"kube_vip_manager_bgp_session_info": {"instance", "node", "peer", "state"},
	"kube_vip_is_leader":                {"instance", "node", "lease_name"},

	"session_up": {"instance", "node", "peerIP", "nodeName"},

	"cilium_bgp_control_plane_session_state":       {"instance", "node", "instance_name", "local_asn", "neighbor", "neighbor_asn"},
	"cilium_policy_l7_total":                       {"instance", "node", "rule", "proxy_type"},
	"cilium_bpf_map_pressure":                      {"instance", "node", "map_name"},
	"cilium_drop_count_total":                      {"instance", "node", "reason", "direction"}, // pkg/maps/metricsmap/metricsmap.go of Cilium 1.20.2
	"cilium_ipsec_keys":                            {"instance", "node"},
	"cilium_ztunnel_xds_enrollment_failures_total": {"instance", "node", "status"}, // pkg/ztunnel/xds/metrics.go of Cilium 1.20.2
	"cilium_ztunnel_zds_connection_active":         {"instance", "node"},
	"cilium_ztunnel_zds_enrollment_failures_total": {"instance", "node", "status"},
	"cilium_ipsec_xfrm_error":                      {"instance", "node", "type", "error"},

	"kube_service_spec_type":                    {"namespace", "service", "type"},
	"kube_service_status_load_balancer_ingress": {"namespace", "service", "ip", "hostname"},
	"kube_deployment_status_replicas_available": {"namespace", "deployment"},

	"kube_daemonset_status_number_unavailable": {"namespace", "daemonset"},
	"workload_manager_active_proxy_count":      {"pod"},
	"workload_manager_pending_proxy_count":     {"pod"},

	"pilot_xds":                                   {"version"},
	"pilot_xds_pushes":                            {"type"},
	"pilot_xds_write_timeout":                     {},
	"pilot_total_xds_rejects":                     {"type"},
	"pilot_total_xds_internal_errors":             {},
	"pilot_proxy_convergence_time_bucket":         {"le"},
	"sidecar_injection_failure_total":             {},
	"citadel_server_csr_sign_err_count":           {"error"},
	"citadel_server_authentication_failure_count": {},
	"citadel_server_root_cert_expiry_timestamp":   {},
	"citadel_server_cert_chain_expiry_timestamp":  {},
	"istio_agent_cert_expiry_seconds":             {"namespace", "pod", "resource_name"},

	"identity_cert_expiration_timestamp_seconds":  {"namespace", "pod"},
	"issuer_cert_ttl_seconds":                     {"namespace", "pod"},
	"gateway_alive":                               {"namespace", "pod", "target_cluster_name"},  // linkerd2 multicluster/service-mirror/metrics.go
	"cluster_store_size":                          {"namespace", "pod"},                         // linkerd2 controller/api/destination/watcher/cluster_store.go
	"envoy_cluster_upstream_cx_active":            {"namespace", "pod", "node", "cluster_name"}, // istio tools/packaging/common/envoy_bootstrap.json
	"envoy_server_days_until_first_cert_expiring": {"namespace", "pod"},
	"envoy_control_plane_connected_state":         {"namespace", "pod"},
	"envoy_tcp_downstream_cx_total":               {"namespace", "pod", "envoy_tcp_prefix"},
	"kube_statefulset_status_replicas_ready":      {"namespace", "statefulset"},
	"inbound_http_authz_allow_total":              {"namespace", "pod", "srv_name", "authz_name", "tls", "client_id"},
	"inbound_tcp_authz_allow_total":               {"namespace", "pod", "srv_name", "authz_name", "tls", "client_id"},
	"inbound_http_authz_deny_total":               {"namespace", "pod"},
	"inbound_tcp_authz_deny_total":                {"namespace", "pod"},

	"istio_requests_total":               {"reporter", "connection_security_policy", "source_workload", "source_workload_namespace", "destination_workload", "destination_workload_namespace"},
	"istio_tcp_connections_opened_total": {"reporter", "connection_security_policy", "source_workload", "source_workload_namespace", "destination_workload", "destination_workload_namespace"},

	"certmanager_certificate_expiration_timestamp_seconds": {"name", "namespace"},
	"certmanager_certificate_ready_status":                 {"name", "namespace", "condition"},
}
