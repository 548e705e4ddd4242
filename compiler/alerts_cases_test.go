package compiler

// alertsAt is when alerts are looked at, from the start of the series: longer than any of them must hold. Series have a
// value each minute until later, and time() is counted from the same start.
const alertsAt = "35m"

// healthy are the series of fra1 on a good day, each value as close to its threshold as it may come.
var healthy = map[string]string{
	`node_nf_conntrack_entries{instance="n1"}`:                                                 "393216x40", // three quarters of the limit
	`node_nf_conntrack_entries_limit{instance="n1"}`:                                           "524288x40",
	`node_nf_conntrack_stat_drop{instance="n1"}`:                                               "7x40",
	`node_nf_conntrack_stat_early_drop{instance="n1"}`:                                         "7x40",
	`node_netstat_TcpExt_ListenDrops{instance="n1"}`:                                           "7x40",
	`node_timex_sync_status{instance="n1"}`:                                                    "1x40",
	`chrony_up{instance="n1"}`:                                                                 "1x40",
	`chrony_tracking_last_offset_seconds{instance="n1"}`:                                       "-0.05x40",
	`chrony_tracking_root_dispersion_seconds{instance="n1"}`:                                   "0.03x40",
	`chrony_tracking_root_delay_seconds{instance="n1"}`:                                        "0.03x40",
	`chrony_tracking_remote_reference{instance="n1"}`:                                          "1x40",
	`chrony_tracking_stratum{instance="n1"}`:                                                   "4x40",
	`chrony_tracking_reference_timestamp_seconds{instance="n1"}`:                               "-256+60x40",
	`chrony_sources_state_info{instance="n1",source_address="10.10.0.5",source_state="sync"}`:  "1x40",
	`chrony_sources_reachability_ratio{instance="n1",job="chrony",source_address="10.10.0.5"}`: "1x40",
	`chrony_sources_reachability_ratio{instance="n1",job="chrony",source_address="10.10.0.6"}`: "0.875x40",
	`chrony_sources_reachability_ratio{instance="n1",job="chrony",source_address="10.20.0.5"}`: "1x40",
	`chrony_sources_reachability_ratio{instance="n1",job="chrony",source_address="10.21.0.5"}`: "0x40",

	`frrk8s_bgp_session_up{node="fra1-r1-edge",peer="10.10.1.2",vrf="default"}`:                                                  "1x40",
	`frrk8s_bgp_session_up{node="fra1-r1-edge",peer="10.10.1.3",vrf="default"}`:                                                  "1x40",
	`frrk8s_bgp_session_up{node="fra1-r2-edge",peer="10.10.2.2",vrf="default"}`:                                                  "1x40",
	`frrk8s_bgp_session_up{node="fra1-r2-edge",peer="10.10.2.3",vrf="default"}`:                                                  "1x40",
	`frrk8s_bgp_session_up{node="fra1-r3-edge",peer="10.10.3.2",vrf="default"}`:                                                  "1x40",
	`frrk8s_bgp_session_up{node="fra1-r3-edge",peer="10.10.3.3",vrf="default"}`:                                                  "1x40",
	`frrk8s_bfd_session_up{node="fra1-r1-edge",peer="10.10.1.2",vrf="default"}`:                                                  "1x40",
	`frrk8s_k8s_client_config_stale_bool{pod="frr-k8s-a"}`:                                                                       "0x40",
	`metallb_k8s_client_config_stale_bool{pod="speaker-a"}`:                                                                      "0x40",
	`metallb_speaker_announced{ip="203.0.113.10",node="fra1-r1-edge",protocol="bgp",service="gateway-public/gateway-public"}`:    "1x40",
	`metallb_speaker_announced{ip="198.51.100.16",node="fra1-r1-edge",protocol="bgp",service="gateway-partner/gateway-partner"}`: "1x40",

	`kube_service_spec_type{namespace="gateway-public",service="gateway-public",type="LoadBalancer"}`:                     "1x40",
	`kube_service_spec_type{namespace="gateway-partner",service="gateway-partner",type="LoadBalancer"}`:                   "1x40",
	`kube_service_spec_type{namespace="else",service="else",type="LoadBalancer"}`:                                         "1x40", // pending, and not ours
	`kube_service_status_load_balancer_ingress{namespace="gateway-public",service="gateway-public",ip="203.0.113.10"}`:    "1x40",
	`kube_service_status_load_balancer_ingress{namespace="gateway-partner",service="gateway-partner",ip="198.51.100.16"}`: "1x40",
	`kube_deployment_status_replicas_available{namespace="gateway-public",deployment="gateway-public"}`:                   "3x40",
	`kube_deployment_status_replicas_available{namespace="gateway-partner",deployment="gateway-partner"}`:                 "2x40",
	`kube_deployment_status_replicas_available{namespace="istio-system",deployment="istiod-1-31-1"}`:                      "3x40",

	`istio_agent_cert_expiry_seconds{namespace="web",pod="frontend-a",resource_name="default"}`:                 "21600x40", // six hours of 24
	`citadel_server_csr_sign_err_count{error="x"}`:                                                              "7x40",
	`citadel_server_authentication_failure_count`:                                                               "7x40",
	`citadel_server_root_cert_expiry_timestamp`:                                                                 "31538100x40", // 365 days behind alertsAt
	`citadel_server_cert_chain_expiry_timestamp`:                                                                "31538100x40",
	`certmanager_certificate_expiration_timestamp_seconds{name="public-https-tls",namespace="gateway-public"}`:  "1298100x40", // 15 days behind alertsAt
	`certmanager_certificate_ready_status{name="public-https-tls",namespace="gateway-public",condition="True"}`: "1x40",

	`pilot_xds{version="1.31.1"}`:          "20x40",
	`pilot_total_xds_rejects{type="cds"}`:  "7x40",
	`pilot_total_xds_internal_errors`:      "7x40",
	`pilot_xds_pushes{type="cds_senderr"}`: "7x40",
	`pilot_xds_pushes{type="cds"}`:         "0+9x40", // pushes that succeed
	`pilot_xds_write_timeout`:              "7x40",
	`sidecar_injection_failure_total`:      "7x40",
	`kube_daemonset_status_number_unavailable{namespace="istio-cni",daemonset="istio-cni-node"}`: "0x40",
	`pilot_proxy_convergence_time_bucket{le="5"}`:                                                "0+100x40",
	`pilot_proxy_convergence_time_bucket{le="20"}`:                                               "0+100x40",
	`pilot_proxy_convergence_time_bucket{le="+Inf"}`:                                             "0+100x40",

	`up{instance="p1",job="monitoring/meshgen-proxies"}`:                                    "1x40",
	`up{instance="x1",job="somebody-else"}`:                                                 "0x40",
	`scrape_samples_post_metric_relabeling{instance="p1",job="monitoring/meshgen-proxies"}`: "400000x40",
}

// alertCase is a way in which a site is not well. Fires lists the labels, besides severity and site, of each alert of
// the name that must fire.
type alertCase struct {
	alert, name string
	wrong       map[string]string // series, new values; "" when the series is not there
	fires       []map[string]string
}

var n1 = []map[string]string{{"instance": "n1"}}

// none are the labels of an alert whose expression gives none.
var none = []map[string]string{{}}

var alertCases = []alertCase{
	{"ConntrackFilling", "just above", map[string]string{`node_nf_conntrack_entries{instance="n1"}`: "393217x40"}, n1},
	{"ConntrackDropping", "one a minute", map[string]string{`node_nf_conntrack_stat_drop{instance="n1"}`: "0+1x40"}, n1},
	{"ConntrackEvicting", "one a minute", map[string]string{`node_nf_conntrack_stat_early_drop{instance="n1"}`: "0+1x40"}, n1},
	{"ConntrackLimitLow", "the kernel's default", map[string]string{`node_nf_conntrack_entries_limit{instance="n1"}`: "262144x40"}, n1},
	{"ListenQueueDropping", "one a minute", map[string]string{`node_netstat_TcpExt_ListenDrops{instance="n1"}`: "0+1x40"}, n1},

	{"ClockErrorHigh", "the parts together", map[string]string{`chrony_tracking_last_offset_seconds{instance="n1"}`: "-0.056x40"}, n1},
	{"ClockErrorBreaksCertificates", "a minute behind", map[string]string{`chrony_tracking_last_offset_seconds{instance="n1"}`: "-60x40"}, n1},
	{"ChronyDown", "no answer", map[string]string{`chrony_up{instance="n1"}`: "0x40"}, n1},
	{"ClockUnsynchronised", "the kernel says so", map[string]string{`node_timex_sync_status{instance="n1"}`: "0x40"}, n1},
	{"TimeSourceLies", "one", map[string]string{`chrony_sources_state_info{instance="n1",source_address="10.10.0.6",source_state="falseticker"}`: "1x40"},
		[]map[string]string{{"instance": "n1", "source_address": "10.10.0.6", "source_state": "falseticker"}}},
	{"TimeSourcesFew", "two of four", map[string]string{`chrony_sources_reachability_ratio{instance="n1",job="chrony",source_address="10.20.0.5"}`: "0.5x40"},
		[]map[string]string{{"instance": "n1", "job": "chrony"}}},
	{"TimeSourcesBelowMinimum", "none of four", map[string]string{
		`chrony_sources_reachability_ratio{instance="n1",job="chrony",source_address="10.10.0.5"}`: "0x40",
		`chrony_sources_reachability_ratio{instance="n1",job="chrony",source_address="10.10.0.6"}`: "0x40",
		`chrony_sources_reachability_ratio{instance="n1",job="chrony",source_address="10.20.0.5"}`: "0x40",
	}, []map[string]string{{"instance": "n1", "job": "chrony"}}},
	{"ClockFollowsNothing", "its own clock", map[string]string{`chrony_tracking_remote_reference{instance="n1"}`: "0x40"}, n1},
	{"ClockFollowsNothing", "an orphan", map[string]string{`chrony_tracking_stratum{instance="n1"}`: "10x40"}, n1},
	{"ClockUpdatesStale", "never", map[string]string{`chrony_tracking_reference_timestamp_seconds{instance="n1"}`: "0x40"}, n1},

	{"BGPSessionDown", "one", map[string]string{`frrk8s_bgp_session_up{node="fra1-r1-edge",peer="10.10.1.2",vrf="default"}`: "0x40"},
		[]map[string]string{{"node": "fra1-r1-edge", "peer": "10.10.1.2", "vrf": "default"}}},
	{"BFDSessionDown", "one", map[string]string{`frrk8s_bfd_session_up{node="fra1-r1-edge",peer="10.10.1.2",vrf="default"}`: "0x40"},
		[]map[string]string{{"node": "fra1-r1-edge", "peer": "10.10.1.2", "vrf": "default"}}},
	{"BGPSessionsMissing", "one is not there", map[string]string{`frrk8s_bgp_session_up{node="fra1-r1-edge",peer="10.10.1.2",vrf="default"}`: ""},
		[]map[string]string{{"rack": "r1", "switch": "fra1-r1-tor-a"}}},
	{"RackAnnouncesNothing", "one down and one not there", map[string]string{
		`frrk8s_bgp_session_up{node="fra1-r3-edge",peer="10.10.3.2",vrf="default"}`: "0x40",
		`frrk8s_bgp_session_up{node="fra1-r3-edge",peer="10.10.3.3",vrf="default"}`: "",
	}, []map[string]string{{"rack": "r3"}}},

	{"LoadBalancerConfigurationRejected", "by the speaker", map[string]string{`metallb_k8s_client_config_stale_bool{pod="speaker-a"}`: "1x40"}, []map[string]string{{"pod": "speaker-a"}}},
	{"LoadBalancerConfigurationRejected", "by FRR", map[string]string{`frrk8s_k8s_client_config_stale_bool{pod="frr-k8s-a"}`: "1x40"}, []map[string]string{{"pod": "frr-k8s-a"}}},
	{"LoadBalancerPending", "one", map[string]string{`kube_service_status_load_balancer_ingress{namespace="gateway-public",service="gateway-public",ip="203.0.113.10"}`: ""},
		[]map[string]string{{"gateway": "public", "namespace": "gateway-public", "service": "gateway-public", "type": "LoadBalancer"}}},
	{"VIPNotAnnounced", "one", map[string]string{`metallb_speaker_announced{ip="203.0.113.10",node="fra1-r1-edge",protocol="bgp",service="gateway-public/gateway-public"}`: ""},
		[]map[string]string{{"gateway": "public", "vip": "203.0.113.10", "ip": "203.0.113.10", "protocol": "bgp"}}},
	{"GatewayPodsMissing", "two of three", map[string]string{`kube_deployment_status_replicas_available{namespace="gateway-public",deployment="gateway-public"}`: "2x40"},
		[]map[string]string{{"gateway": "public", "namespace": "gateway-public", "deployment": "gateway-public"}}},
	{"GatewayDown", "none", map[string]string{`kube_deployment_status_replicas_available{namespace="gateway-partner",deployment="gateway-partner"}`: "0x40"},
		[]map[string]string{{"gateway": "partner", "namespace": "gateway-partner", "deployment": "gateway-partner"}}},

	{"WorkloadCertificateOverdue", "a second less", map[string]string{`istio_agent_cert_expiry_seconds{namespace="web",pod="frontend-a",resource_name="default"}`: "21599x40"},
		[]map[string]string{{"namespace": "web", "pod": "frontend-a", "resource_name": "default"}}},
	{"CertificateSigningFailing", "errors", map[string]string{`citadel_server_csr_sign_err_count{error="x"}`: "0+1x40"}, none},
	{"CertificateSigningFailing", "tokens", map[string]string{`citadel_server_authentication_failure_count`: "0+1x40"}, none},
	{"MeshAuthorityExpiring", "root", map[string]string{`citadel_server_root_cert_expiry_timestamp`: "31535999x40"}, none},
	{"MeshAuthorityExpiring", "intermediate", map[string]string{`citadel_server_cert_chain_expiry_timestamp`: "31535999x40"}, none},
	{"GatewayCertificateOverdue", "a second less", map[string]string{`certmanager_certificate_expiration_timestamp_seconds{name="public-https-tls",namespace="gateway-public"}`: "1295999x40"},
		[]map[string]string{{"gateway": "public", "name": "public-https-tls", "namespace": "gateway-public"}}},
	{"GatewayCertificateNotReady", "not ready", map[string]string{`certmanager_certificate_ready_status{name="public-https-tls",namespace="gateway-public",condition="True"}`: "0x40"},
		[]map[string]string{{"gateway": "public", "name": "public-https-tls", "namespace": "gateway-public", "condition": "True"}}},

	{"ConfigurationRejected", "clusters", map[string]string{`pilot_total_xds_rejects{type="cds"}`: "0+1x40"}, []map[string]string{{"type": "cds"}}},
	{"ConfigurationPushFailing", "sending", map[string]string{`pilot_xds_pushes{type="cds_senderr"}`: "0+1x40"}, none},
	{"ConfigurationPushFailing", "slow readers", map[string]string{`pilot_xds_write_timeout`: "0+1x40"}, none},
	{"ConfigurationPushFailing", "building", map[string]string{`pilot_total_xds_internal_errors`: "0+1x40"}, none},
	{"ConfigurationPushSlow", "most after five seconds", map[string]string{`pilot_proxy_convergence_time_bucket{le="5"}`: "0+10x40"}, none},
	{"NodeAgentDown", "on one node", map[string]string{`kube_daemonset_status_number_unavailable{namespace="istio-cni",daemonset="istio-cni-node"}`: "1x40"},
		[]map[string]string{{"namespace": "istio-cni", "daemonset": "istio-cni-node"}}},
	{"InjectionFailing", "one a minute", map[string]string{`sidecar_injection_failure_total`: "0+1x40"}, none},
	{"ControlPlanePodsMissing", "two of three", map[string]string{`kube_deployment_status_replicas_available{namespace="istio-system",deployment="istiod-1-31-1"}`: "2x40"},
		[]map[string]string{{"namespace": "istio-system", "deployment": "istiod-1-31-1"}}},
	{"ControlPlaneDown", "none", map[string]string{`kube_deployment_status_replicas_available{namespace="istio-system",deployment="istiod-1-31-1"}`: "0x40"},
		[]map[string]string{{"namespace": "istio-system", "deployment": "istiod-1-31-1"}}},

	{"MetricsMissing", "no chrony_exporter", map[string]string{`chrony_up{instance="n1"}`: ""}, []map[string]string{{"metric": "chrony_up"}}},
	{"MetricsTargetDown", "a proxy", map[string]string{`up{instance="p1",job="monitoring/meshgen-proxies"}`: "0x40"},
		[]map[string]string{{"instance": "p1", "job": "monitoring/meshgen-proxies"}}},
	{"MetricsBudgetExceeded", "too many", map[string]string{`scrape_samples_post_metric_relabeling{instance="p1",job="monitoring/meshgen-proxies"}`: "500000x40"}, none},
}
