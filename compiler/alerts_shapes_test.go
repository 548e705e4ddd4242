package compiler

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A shapeCase is an alert of a site that fra1 has not, or has of other metrics: the series of a good day, on which it is
// silent, and what of them is wrong when it fires with the labels.
type shapeCase struct {
	site, alert string
	well, wrong map[string]string // "": not there
	fires       map[string]string // labels besides those of the rule; nil: of the one series that is wrong
	at          string            // "": alertsAt
}

// replicas is the case of an alert on something of which there are too few, each number one apart.
func replicas(site, alert, series, well, wrong string, own map[string]string) shapeCase {
	fires := labelsOf(series)
	maps.Copy(fires, own)
	return shapeCase{site: site, alert: alert, well: map[string]string{series: well + "x40"}, wrong: map[string]string{series: wrong + "x40"}, fires: fires}
}

const (
	deployed   = `kube_deployment_status_replicas_available`
	onNodes    = `kube_daemonset_status_number_unavailable`
	linkerds   = deployed + `{namespace="linkerd",deployment="linkerd-`
	consuls    = `kube_statefulset_status_replicas_ready{namespace="consul",statefulset="consul-server"}`
	plainCalls = `istio_requests_total{reporter="destination",connection_security_policy="none",source_workload="unknown",source_workload_namespace="unknown",destination_workload="parts",destination_workload_namespace="stock"}`
	plainBytes = `istio_tcp_connections_opened_total{reporter="destination",connection_security_policy="none",source_workload="unknown",source_workload_namespace="unknown",destination_workload="parts",destination_workload_namespace="stock"}`
)

var of = func(kv ...string) map[string]string {
	out := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		out[kv[i]] = kv[i+1]
	}
	return out
}

var shapeCases = []shapeCase{
	replicas("aar1", "ConsulQuorumLost", consuls, "2", "1", nil),
	replicas("aar1", "ConsulServersMissing", consuls, "3", "2", nil),
	replicas("aar1", "MeshInjectorDown", deployed+`{namespace="consul",deployment="consul-connect-injector"}`, "1", "0", nil),
	replicas("aar1", "MeshInjectorPodsMissing", deployed+`{namespace="consul",deployment="consul-connect-injector"}`, "2", "1", nil),
	replicas("dus1", "MeshWayOutDown", deployed+`{namespace="consul",deployment="consul-terminating-gateway"}`, "1", "0", of("gateway", "terminating-gateway")),
	replicas("dus1", "MeshWayOutPodsMissing", deployed+`{namespace="consul",deployment="consul-terminating-gateway"}`, "2", "1", of("gateway", "terminating-gateway")),
	replicas("cell-0417", "MeshDestinationDown", linkerds+`destination"}`, "1", "0", nil),
	replicas("cell-0417", "MeshDestinationPodsMissing", linkerds+`destination"}`, "2", "1", nil),
	replicas("cell-0417", "MeshIdentityDown", linkerds+`identity"}`, "1", "0", nil),
	replicas("cell-0417", "MeshIdentityPodsMissing", linkerds+`identity"}`, "2", "1", nil),
	replicas("cell-0417", "GatewayControllerDown", deployed+`{namespace="envoy-gateway-system",deployment="envoy-gateway"}`, "1", "0", nil),
	replicas("cell-0417", "GatewayControllerPodsMissing", deployed+`{namespace="envoy-gateway-system",deployment="envoy-gateway"}`, "2", "1", nil),
	replicas("cell-0417", "GatewayProxyAlone", `envoy_control_plane_connected_state{namespace="gateway-local",pod="a"}`, "1", "0", nil),
	replicas("aar1", "ProxyDisconnected", `envoy_control_plane_connected_state{namespace="shop",pod="a"}`, "1", "0", nil),
	replicas("kos1", "EgressGatewayDown", deployed+`{namespace="egress-bank",deployment="egress-bank"}`, "1", "0", of("gateway", "bank")),
	replicas("kos1", "EgressGatewayPodsMissing", deployed+`{namespace="egress-bank",deployment="egress-bank"}`, "2", "1", of("gateway", "bank")),
	replicas("dus2", "NextControlPlaneDown", deployed+`{namespace="istio-system",deployment="istiod-1-31-1"}`, "1", "0", nil),
	replicas("dus2", "NextControlPlanePodsMissing", deployed+`{namespace="istio-system",deployment="istiod-1-31-1"}`, "3", "2", nil),
	replicas("krk1", "SignerDown", deployed+`{namespace="istio-system",deployment="cert-manager-istio-csr"}`, "1", "0", nil),
	replicas("krk1", "SignerPodsMissing", deployed+`{namespace="istio-system",deployment="cert-manager-istio-csr"}`, "2", "1", nil),
	replicas("bri1", "WaypointDown", deployed+`{namespace="front",deployment="waypoint"}`, "1", "0", of("waypoint", "front")),
	replicas("bri1", "WaypointPodsMissing", deployed+`{namespace="front",deployment="waypoint"}`, "2", "1", of("waypoint", "front")),
	replicas("bri1", "NodeProxyDown", onNodes+`{namespace="istio-cni",daemonset="ztunnel"}`, "0", "1", nil),
	replicas("grz1", "CalicoNodesNotReady", onNodes+`{namespace="calico-system",daemonset="calico-node"}`, "0", "1", nil),
	replicas("wro1", "NodeProxyDown", onNodes+`{namespace="kube-system",daemonset="cilium-envoy"}`, "0", "1", nil),
	replicas("bri1", "PodsNotCaptured", `workload_manager_pending_proxy_count{node="n1",pod="ztunnel-a"}`, "0", "1", nil),
	replicas("umu1", "PeerGatewayUnreachable", `gateway_alive{target_cluster_name="umu2",pod="a"}`, "1", "0", nil),
	replicas("mmx1", "PeerUnread", `cluster_store_size{namespace="linkerd",pod="a"}`, "1", "0", nil),
	replicas("bts1", "BPFMapFilling", `cilium_bpf_map_pressure{node="n1",map_name="ct4_global"}`, "0.8", "0.81", nil),

	// Encryption by ztunnel. A counter by its kind of failure is not there before the first one.
	replicas("bts1", "ZtunnelDown", onNodes+`{namespace="kube-system",daemonset="ztunnel-cilium"}`, "0", "1", nil),
	replicas("bts1", "ZtunnelDisconnected", `cilium_ztunnel_zds_connection_active{node="n1"}`, "1", "0", nil),
	{site: "bts1", alert: "ZtunnelEnrollmentFails", fires: of("node", "n1", "status", "netns_failed"),
		well:  of(`cilium_ztunnel_zds_enrollment_failures_total{node="n1",status="netns_failed"}`, ""),
		wrong: of(`cilium_ztunnel_zds_enrollment_failures_total{node="n1",status="netns_failed"}`, "_x30 1x10")},
	{site: "bts1", alert: "ZtunnelEnrollmentFails", fires: of("node", "n1", "status", "netns_failed"),
		well:  of(`cilium_ztunnel_zds_enrollment_failures_total{node="n1",status="netns_failed"}`, "4x20 5x20"), // a quarter of an hour ago
		wrong: of(`cilium_ztunnel_zds_enrollment_failures_total{node="n1",status="netns_failed"}`, "4x30 5x10")},
	{site: "bts1", alert: "ZtunnelRefuses", fires: of("node", "n1", "status", "nack_received"),
		well:  of(`cilium_ztunnel_xds_enrollment_failures_total{node="n1",status="nack_received"}`, ""),
		wrong: of(`cilium_ztunnel_xds_enrollment_failures_total{node="n1",status="nack_received"}`, "_x30 1x10")},

	// Sessions and addresses of other speakers.
	replicas("ham1", "BGPSessionDown", `cilium_bgp_control_plane_session_state{node="n1",neighbor="10.90.1.2:179"}`, "1", "0", nil),
	replicas("fmo1", "BGPSessionDown", `kube_vip_manager_bgp_session_info{node="n1",peer="10.90.1.2:179",state="SESSION_STATE_ESTABLISHED"}`, "1", "0", nil),
	replicas("bru1", "BGPSessionDown", `metallb_bgp_session_up{node="n1",peer="10.90.1.2:179"}`, "1", "0", nil),
	{site: "ham1", alert: "BGPSessionsMissing", fires: of("rack", "east", "switch", "ham1-east-sw"), well: sessions(`cilium_bgp_control_plane_session_state{node="%",neighbor="10.90.1.2:179"}`, 4, "1"),
		wrong: of(`cilium_bgp_control_plane_session_state{node="n1",neighbor="10.90.1.2:179"}`, "")},
	{site: "ham1", alert: "RackAnnouncesNothing", fires: of("rack", "east"), well: of(`cilium_bgp_control_plane_session_state{node="n1",neighbor="10.90.1.2:179"}`, "1x40"),
		wrong: of(`cilium_bgp_control_plane_session_state{node="n1",neighbor="10.90.1.2:179"}`, "0x40")},
	{site: "fmo1", alert: "BGPSessionsMissing", fires: of("rack", "east", "switch", "fmo1-east-a"), well: sessions(`kube_vip_manager_bgp_session_info{node="%",peer="10.90.1.2:179",state="SESSION_STATE_ESTABLISHED"}`, 2, "1"),
		wrong: of(`kube_vip_manager_bgp_session_info{node="n1",peer="10.90.1.2:179",state="SESSION_STATE_ESTABLISHED"}`, "0x40")},
	{site: "fmo1", alert: "RackAnnouncesNothing", fires: of("rack", "east"), well: of(`kube_vip_manager_bgp_session_info{node="n1",peer="10.90.1.3:179",state="SESSION_STATE_ESTABLISHED"}`, "1x40"),
		wrong: of(`kube_vip_manager_bgp_session_info{node="n1",peer="10.90.1.3:179",state="SESSION_STATE_ESTABLISHED"}`, "")},
	{site: "bru1", alert: "BGPSessionsMissing", fires: of("rack", "r1", "switch", "bru1-sw"), well: sessions(`metallb_bgp_session_up{node="%",peer="10.90.1.2:179"}`, 2, "1"),
		wrong: of(`metallb_bgp_session_up{node="n1",peer="10.90.1.2:179"}`, "0x40")},
	{site: "bru1", alert: "RackAnnouncesNothing", fires: of("rack", "r1"), well: of(`metallb_bgp_session_up{node="n1",peer="10.90.1.2:179"}`, "1x40"), wrong: of(`metallb_bgp_session_up{node="n1",peer="10.90.1.2:179"}`, "0x40")},
	{site: "osl1", alert: "BGPSessionsMissing", fires: of("rack", "north", "switch", "osl1-north-a"), well: sessions(`session_up{node="%",peerIP="10.100.1.2"}`, 2, "5"),
		wrong: of(`session_up{node="n1",peerIP="10.100.1.2"}`, "4x40")}, // on its way, and no more
	{site: "osl1", alert: "RackAnnouncesNothing", fires: of("rack", "north"), well: of(`session_up{node="n1",peerIP="10.100.1.3"}`, "5x40"), wrong: of(`session_up{node="n1",peerIP="10.100.1.3"}`, "1x40")},
	replicas("aar1", "LoadBalancerConfigurationRejected", `metallb_k8s_client_config_stale_bool{pod="speaker-a"}`, "0", "1", nil),
	{site: "bri1", alert: "VIPNotAnnounced", fires: of("gateway", "east"), well: of(`kube_vip_is_leader{node="n1",lease_name="kubevip-east"}`, "1x40"), wrong: of(`kube_vip_is_leader{node="n1",lease_name="kubevip-east"}`, "0x40")},
	{site: "bri1", alert: "VIPAnnouncedTwice", fires: of("gateway", "east"), well: of(`kube_vip_is_leader{node="n1",lease_name="kubevip-east"}`, "1x40", `kube_vip_is_leader{node="n2",lease_name="kubevip-east"}`, "0x40"),
		wrong: of(`kube_vip_is_leader{node="n2",lease_name="kubevip-east"}`, "1x40")},
	{site: "aar1", alert: "VIPAnnouncedTwice", fires: of("gateway", "public", "vip", "10.230.1.193"), well: of(`metallb_speaker_announced{ip="10.230.1.193",node="n1",protocol="layer2"}`, "1x40"),
		wrong: of(`metallb_speaker_announced{ip="10.230.1.193",node="n2",protocol="layer2"}`, "1x40")},

	// Certificates, by whoever knows how long they live.
	{site: "cell-0417", alert: "MeshAuthorityExpiring", well: of(`certmanager_certificate_expiration_timestamp_seconds{name="linkerd-identity-issuer",namespace="linkerd"}`, "1298100x40"),
		wrong: of(`certmanager_certificate_expiration_timestamp_seconds{name="linkerd-identity-issuer",namespace="linkerd"}`, "1296000x40")},
	{site: "cell-0417", alert: "WorkloadCertificateOverdue", well: of(`identity_cert_expiration_timestamp_seconds{namespace="shop",pod="a"}`, "15060x40"),
		wrong: of(`identity_cert_expiration_timestamp_seconds{namespace="shop",pod="a"}`, "13000x40")},
	{site: "aar1", alert: "WorkloadCertificateOverdue", at: "1030m", well: of(`envoy_server_days_until_first_cert_expiring{namespace="shop",pod="a"}`, "0x1000 1x100"), // renewed in time
		wrong: of(`envoy_server_days_until_first_cert_expiring{namespace="shop",pod="a"}`, "0x1100")},

	// Who is refused, and who is taken without a certificate.
	{site: "wro1", alert: "PolicyRefuses", fires: of("node", "n1"), well: of(`cilium_policy_l7_total{node="n1",rule="denied",proxy_type="envoy"}`, "7x40", `cilium_policy_l7_total{node="n1",rule="forwarded",proxy_type="envoy"}`, "0+9x40"),
		wrong: of(`cilium_policy_l7_total{node="n1",rule="denied",proxy_type="envoy"}`, "0+1x40")},
	{site: "cell-0417", alert: "PolicyRefuses", fires: of("namespace", "shop", "pod", "a"), well: of(`inbound_http_authz_deny_total{namespace="shop",pod="a",srv_name="web"}`, "7x40", `inbound_tcp_authz_deny_total{namespace="shop",pod="a",srv_name="db"}`, "7x40"),
		wrong: of(`inbound_tcp_authz_deny_total{namespace="shop",pod="a",srv_name="db"}`, "0+1x40")},
	{site: "dus2", alert: "PlainTextCaller", at: "150m", fires: callersOf(plainCalls), well: of(plainCalls, "7x200", plainBytes, "7x200"), wrong: of(plainCalls, "0+1x200")},
	{site: "dus2", alert: "PlainTextCaller", at: "150m", fires: callersOf(plainCalls), well: of(plainBytes, ""), wrong: of(plainBytes, "_x130 1x70")}, // never seen before
	{site: "dus1", alert: "PlainTextCaller", at: "150m", fires: of("namespace", "stock", "pod", "a"), well: of(`envoy_tcp_downstream_cx_total{envoy_tcp_prefix="permissive_public_listener",namespace="stock",pod="a"}`, "7x200"),
		wrong: of(`envoy_tcp_downstream_cx_total{envoy_tcp_prefix="permissive_public_listener",namespace="stock",pod="a"}`, "_x130 1x70")},
	{site: "lla1", alert: "PlainTextCaller", at: "150m", fires: of("namespace", "intake", "srv_name", "telemetry-9000"),
		well: of(`inbound_http_authz_allow_total{namespace="intake",tls="no_identity",authz_name="audit",srv_name="telemetry-9000"}`, "7x200",
			`inbound_tcp_authz_allow_total{namespace="intake",tls="true",authz_name="telemetry-9000",srv_name="telemetry-9000"}`, "0+1x200"),
		wrong: of(`inbound_http_authz_allow_total{namespace="intake",tls="no_identity",authz_name="audit",srv_name="telemetry-9000"}`, "0+1x200")},

	replicas("ulm1", "ReferenceClockLost", `chrony_sources_state_info{instance="n1",source_address="PHC0",source_mode="reference clock",source_state="unreach"}`, "0", "1", nil),
}

// sessions are some series, of a node each.
func sessions(series string, n int, value string) map[string]string {
	out := map[string]string{}
	for i := range n {
		out[strings.ReplaceAll(series, "%", "n"+string(rune('1'+i)))] = value + "x40"
	}
	return out
}

var seriesLabel = regexp.MustCompile(`([a-z_A-Z]+)="([^"]*)"`)

func labelsOf(series string) map[string]string {
	out := map[string]string{}
	for _, m := range seriesLabel.FindAllStringSubmatch(series, -1) {
		out[m[1]] = m[2]
	}
	return out
}

func callersOf(series string) map[string]string {
	out := labelsOf(series)
	delete(out, "reporter")
	delete(out, "connection_security_policy")
	out["namespace"] = out["destination_workload_namespace"] // a label of the alert: two namespaces may be on their way
	return out
}

// suite is the unit test of a case.
func (c shapeCase) suite(t *testing.T, alerts []map[string]any) promSuite {
	t.Helper()
	at := cmp.Or(c.at, alertsAt)
	test := func(name string, changed map[string]string, fires ...promExpected) promTest {
		series := maps.Clone(c.well)
		maps.Copy(series, changed)
		maps.DeleteFunc(series, func(_, values string) bool { return values == "" })
		return promTest{Name: name, Interval: "1m", Input: inputs(series), Alerts: []promAlerts{{At: at, Name: c.alert, Expect: append([]promExpected{}, fires...)}}}
	}
	return promSuite{RuleFiles: []string{"rules.yaml"}, EvaluationInterval: "1m", Tests: []promTest{
		test("well", nil), test("wrong", c.wrong, expected(t, alerts, c.alert, c.labels())),
	}}
}

// labels of the alert that fires.
func (c shapeCase) labels() map[string]string {
	if c.fires != nil {
		return c.fires
	}
	for series := range c.wrong {
		return labelsOf(series)
	}
	return nil
}

// missing are the tests of what tells that a metric is not there: where all are, and where none is.
func missing(t *testing.T, groups []map[string]any) []promTest {
	t.Helper()
	alerts := alertList(groups)
	there := map[string]string{}
	fires := promAlerts{At: alertsAt, Name: "MetricsMissing", Expect: []promExpected{}}
	silent := fires
	for _, a := range alerts {
		if a["alert"] != "MetricsMissing" {
			continue
		}
		metric := texts(a["labels"])["metric"]
		labels := labelsOf(metric)
		labels["metric"] = metric
		there[metric] = "1x40"
		fires.Expect = append(fires.Expect, expected(t, alerts, "MetricsMissing", labels))
	}
	return []promTest{
		{Name: "MetricsMissing: none", Interval: "1m", Input: inputs(there), Alerts: []promAlerts{silent}},
		{Name: "MetricsMissing: all", Interval: "1m", Input: []promSeries{{"nothing", "0x40"}}, Alerts: []promAlerts{fires}},
	}
}

// alone are the groups with one alert of theirs.
func alone(t *testing.T, groups []map[string]any, alert map[string]any) []map[string]any {
	t.Helper()
	return []map[string]any{{"name": "alone", "rules": append(records(groups), alert)}}
}

// records are the rules that make other series.
func records(groups []map[string]any) (out []any) {
	for _, g := range groups {
		for _, r := range g["rules"].([]any) {
			if r.(map[string]any)["record"] != nil {
				out = append(out, r)
			}
		}
	}
	return out
}

// allGroups are the rules of every example, of both forms.
func allGroups(t *testing.T) map[string][]map[string]any {
	t.Helper()
	out := map[string][]map[string]any{}
	for _, name := range exampleNames(t) {
		if groups := ruleGroups(t, compileExample(t, name).Tree); groups != nil {
			out[name] = groups
		}
	}
	return out
}

// TestRealPromtoolShapes runs the unit tests, each with its own rule alone, and those of missing metrics at every site.
func TestRealPromtoolShapes(t *testing.T) {
	promtool := real(t, "promtool")
	groups, root, args := allGroups(t), t.TempDir(), []string{"test", "rules"}
	add := func(name string, rules []map[string]any, suite promSuite) {
		dir := filepath.Join(root, fmt.Sprintf("%d-%s", len(args), name))
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		writeYAML(t, filepath.Join(dir, "rules.yaml"), map[string]any{"groups": rules})
		file := filepath.Join(dir, "test.yaml")
		writeYAML(t, file, suite)
		args = append(args, file)
	}
	for _, c := range shapeCases {
		g := groups[c.site]
		alerts := alertList(g)
		add(c.site+"-"+c.alert, alone(t, g, alertOf(t, alerts, c.alert, c.labels())), c.suite(t, alerts))
	}
	for site, g := range groups {
		add(site, g, promSuite{RuleFiles: []string{"rules.yaml"}, EvaluationInterval: "1m", Tests: missing(t, g)})
	}
	runs(t, promtool, args...)
}

var (
	quotedText = regexp.MustCompile(`"(?:[^"\\\\]|\\\\.)*"`)
	selectors  = regexp.MustCompile(`\{[^}]*\}`)
	grouping   = regexp.MustCompile(`\b(?:by|on|ignoring|without) *\([^)]*\)`)
	metricName = regexp.MustCompile(`\b(?:up|[a-z]+(?:_[a-z0-9]+)+)\b( *\()?`)
)

// shapeOf is an alert's name and the metrics that it reads.
func shapeOf(rule map[string]any) string {
	expr := rule["expr"].(string)
	for _, cut := range []*regexp.Regexp{quotedText, selectors, grouping} {
		expr = cut.ReplaceAllString(expr, "")
	}
	seen := map[string]bool{}
	for _, m := range metricName.FindAllStringSubmatch(expr, -1) {
		if m[1] == "" {
			seen[m[0]] = true
		}
	}
	return strings.Join(append([]string{rule["alert"].(string)}, slices.Sorted(maps.Keys(seen))...), " ")
}

// TestAlertsFire: every alert of every example, by its name and the metrics that it reads, has a unit test in which it fires
// and one in which it does not.
func TestAlertsFire(t *testing.T) {
	groups, tested := allGroups(t), map[string]bool{}
	for _, a := range alertList(groups["fra1"]) { // TestAlertCases: each has a case, and is silent on a good day
		tested[shapeOf(a)] = true
	}
	for site, names := range map[string][]string{ // tests of their own
		"bgy1": {"CallsNotAuthenticated", "SPIREAgentDown", "SPIREServerDown"},
		"szz1": {"IPsecDrops", "IPsecKeysMissing"}, "trn1": {"SPIREAgentLost", "WorkloadCertificateOverdue"},
		"bre1": {"ClockErrorHigh", "ClockErrorBreaksCertificates", "ClockUnsynchronised"},
	} {
		for _, a := range alertList(groups[site]) {
			if slices.Contains(names, a["alert"].(string)) {
				tested[shapeOf(a)] = true
			}
		}
	}
	for _, c := range shapeCases {
		tested[shapeOf(alertOf(t, alertList(groups[c.site]), c.alert, c.labels()))] = true
	}
	for _, c := range shapeCases {
		for series, values := range c.well {
			metric, _, _ := strings.Cut(series, "{")
			for _, a := range alertList(groups[c.site]) {
				if own := texts(a["labels"]); values == "" && a["alert"] == "MetricsMissing" && own["metric"] == metric {
					t.Errorf("%s: %s is not there on a good day, and MetricsMissing fires", c.site, metric)
				}
			}
		}
	}
	count := map[string]bool{}
	for _, site := range slices.Sorted(maps.Keys(groups)) {
		for _, a := range alertList(groups[site]) {
			if shape := shapeOf(a); !tested[shape] && a["alert"] != "MetricsMissing" && !count[shape] {
				count[shape] = true
				t.Errorf("%s: no unit test has %s fire: %s", site, a["alert"], shape)
			}
		}
	}
	if len(tested) < 50 {
		t.Errorf("%d kinds of alerts", len(tested))
	}
}
