package compiler

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
)

// TestRealPromtoolCiliumSPIRE runs unit tests of the alerts on who signs for pods of Cilium, and on calls that wait for it.
func TestRealPromtoolCiliumSPIRE(t *testing.T) {
	promtool := real(t, "promtool")
	groups := ruleGroups(t, compileExample(t, "bgy1").Tree)
	alerts := alertList(groups)
	const (
		server = `kube_statefulset_status_replicas_ready{namespace="kube-system",statefulset="spire-server"}`
		agents = `kube_daemonset_status_number_unavailable{namespace="kube-system",daemonset="spire-agent"}`
		drops  = `cilium_drop_count_total{node="n1",reason="Authentication required",direction="INGRESS"}`
		denied = `cilium_drop_count_total{node="n1",reason="Policy denied",direction="INGRESS"}`
	)
	// Of somebody else's concern: policies that refuse, and servers of others.
	well := map[string]string{server: "1x60", agents: "0x60", drops: "7x60", denied: "0+600x60",
		`kube_statefulset_status_replicas_ready{namespace="spire",statefulset="spire-server"}`: "0x60"}
	labels := map[string]map[string]string{
		"SPIREServerDown":       {"namespace": "kube-system", "statefulset": "spire-server"},
		"SPIREAgentDown":        {"namespace": "kube-system", "daemonset": "spire-agent"},
		"CallsNotAuthenticated": {"node": "n1"},
	}
	test := func(name, at string, wrong map[string]string, fires ...string) promTest {
		series := maps.Clone(well)
		maps.Copy(series, wrong)
		out := promTest{Name: name, Interval: "1m", Input: inputs(series)}
		for _, alert := range slices.Sorted(maps.Keys(labels)) {
			want := promAlerts{At: at, Name: alert, Expect: []promExpected{}}
			if slices.Contains(fires, alert) {
				want.Expect = append(want.Expect, expected(t, alerts, alert, labels[alert]))
			}
			out.Alerts = append(out.Alerts, want)
		}
		return out
	}
	suite := promSuite{RuleFiles: []string{"rules.yaml"}, EvaluationInterval: "1m", Tests: []promTest{
		test("well", "40m", nil),
		test("the server moves to another node", "40m", map[string]string{server: "1x30 0x4 1x25"}),
		test("the server is away", "40m", map[string]string{server: "1x30 0x30"}, "SPIREServerDown"),
		test("an agent is away", "40m", map[string]string{agents: "0x30 1x30"}, "SPIREAgentDown"),
		test("a rollout: first packets of all pairs", "40m", map[string]string{drops: "7x30 200x30"}),
		test("callers do not get through", "40m", map[string]string{drops: "7x20 7+30x40"}, "CallsNotAuthenticated"),
		test("one tries again in vain, once a minute", "40m", map[string]string{drops: "7x20 7+1x40"}),
	}}
	dir := t.TempDir()
	writeYAML(t, filepath.Join(dir, "rules.yaml"), map[string]any{"groups": groups})
	writeYAML(t, filepath.Join(dir, "bgy1.test.yaml"), suite)
	runs(t, promtool, "test", "rules", filepath.Join(dir, "bgy1.test.yaml"))
}
