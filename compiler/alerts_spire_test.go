package compiler

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
)

// TestRealPromtoolSPIRE runs unit tests of the alerts on proxies and the agents that sign for them: three proxies on two
// nodes, of which two lose their agent.
func TestRealPromtoolSPIRE(t *testing.T) {
	promtool := real(t, "promtool")
	watched := []string{"SPIREAgentLost", "WorkloadCertificateOverdue"}
	groups := ruleGroups(t, compileExample(t, "trn1").Tree)
	alerts := alertList(groups)
	connections := func(pod, node, cluster string) string {
		return `envoy_cluster_upstream_cx_active{cluster_name="` + cluster + `",namespace="shop",node="` + node + `",pod="` + pod + `"}`
	}
	well := map[string]string{
		connections("a", "n1", "sds-grpc"): "1x200",
		connections("b", "n1", "sds-grpc"): "1x200",
		connections("c", "n2", "sds-grpc"): "1x200",
		connections("c", "n2", "xds-grpc"): "0x200", // of somebody else's concern
	}
	test := func(name, at string, wrong map[string]string, fires ...string) promTest {
		series := maps.Clone(well)
		maps.Copy(series, wrong)
		out := promTest{Name: name, Interval: "1m", Input: inputs(series)}
		for _, alert := range watched {
			want := promAlerts{At: at, Name: alert, Expect: []promExpected{}}
			if slices.Contains(fires, alert) {
				want.Expect = append(want.Expect, expected(t, alerts, alert, map[string]string{"node": "n1"}))
			}
			out.Alerts = append(out.Alerts, want)
		}
		return out
	}
	lost := map[string]string{connections("a", "n1", "sds-grpc"): "1x4 0x195", connections("b", "n1", "sds-grpc"): "1x4 0x195"}
	renewed := map[string]string{connections("a", "n1", "sds-grpc"): "1x4 0x7 1x187", connections("b", "n1", "sds-grpc"): "1x4 0x7 1x187"}
	suite := promSuite{RuleFiles: []string{"rules.yaml"}, EvaluationInterval: "1m", Tests: []promTest{
		test("well", "150m", nil),
		test("an agent is renewed", "16m", renewed),
		test("lost for nine minutes", "14m", lost),
		test("lost for ten", "15m", lost, "SPIREAgentLost"),
		test("lost for 59", "64m", lost, "SPIREAgentLost"),
		test("lost for an hour, half of what was left", "65m", lost, watched...),
	}}
	dir := t.TempDir()
	writeYAML(t, filepath.Join(dir, "rules.yaml"), map[string]any{"groups": groups})
	writeYAML(t, filepath.Join(dir, "trn1.test.yaml"), suite)
	runs(t, promtool, "test", "rules", filepath.Join(dir, "trn1.test.yaml"))
}
