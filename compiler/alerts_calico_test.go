package compiler

import (
	"path/filepath"
	"testing"
)

// TestRealPromtoolCalico runs unit tests of what tells of Calico's sessions: a pod that is not ready for five minutes.
func TestRealPromtoolCalico(t *testing.T) {
	promtool := real(t, "promtool")
	groups := ruleGroups(t, compileExample(t, "grz1").Tree)
	alerts := alertList(groups)
	const alert = "CalicoNodesNotReady"
	own := map[string]string{"namespace": "calico-system", "daemonset": "calico-node"}
	test := func(name, unready string, fires bool) promTest {
		want := promAlerts{At: "20m", Name: alert, Expect: []promExpected{}}
		if fires {
			want.Expect = append(want.Expect, expected(t, alerts, alert, own))
		}
		return promTest{Name: name, Interval: "1m", Alerts: []promAlerts{want}, Input: inputs(map[string]string{
			`kube_daemonset_status_number_unavailable{namespace="calico-system",daemonset="calico-node"}`:  unready,
			`kube_daemonset_status_number_unavailable{namespace="kube-system",daemonset="node-local-dns"}`: "3x40",
		})}
	}
	suite := promSuite{RuleFiles: []string{"rules.yaml"}, EvaluationInterval: "1m", Tests: []promTest{
		test("well", "0x40", false),
		test("a node without a session", "0x10 1x30", true),
		test("a node that starts again", "0x16 1x30", false),
	}}
	dir := t.TempDir()
	writeYAML(t, filepath.Join(dir, "rules.yaml"), map[string]any{"groups": groups})
	writeYAML(t, filepath.Join(dir, "grz1.test.yaml"), suite)
	runs(t, promtool, "test", "rules", filepath.Join(dir, "grz1.test.yaml"))
}
