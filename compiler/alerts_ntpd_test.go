package compiler

import (
	"maps"
	"path/filepath"
	"testing"
)

// TestRealPromtoolNTPD runs unit tests of the alerts on clocks that ntpd keeps. The kernel's greatest error is that of a
// host whose ntpd sets it every fourth minute.
func TestRealPromtoolNTPD(t *testing.T) {
	promtool := real(t, "promtool")
	var groups []map[string]any
	for _, g := range ruleGroups(t, compileExample(t, "bre1").Tree) {
		if g["name"] == "time" {
			groups = append(groups, g)
		}
	}
	well := map[string]string{
		`node_timex_offset_seconds{instance="n1"}`:   "-0.001x40",
		`node_timex_maxerror_seconds{instance="n1"}`: "0.02 0.05 0.08 0.11 0.02 0.05 0.08 0.11 0.02 0.05 0.08 0.11 0.02 0.05 0.08 0.11 0.02 0.05 0.08 0.11 0.02 0.05 0.08 0.11 0.02 0.05 0.08 0.11 0.02 0.05 0.08 0.11 0.02 0.05 0.08 0.11 0.02",
		`node_timex_sync_status{instance="n1"}`:      "1x40",
	}
	alerts := alertList(groups)
	test := func(name string, wrong map[string]string, fires ...string) promTest {
		series := maps.Clone(well)
		maps.Copy(series, wrong)
		out := promTest{Name: name, Interval: "1m", Input: inputs(series)}
		for _, a := range alerts {
			alert := promAlerts{At: "30m", Name: a["alert"].(string), Expect: []promExpected{}}
			for _, f := range fires {
				if f == alert.Name {
					alert.Expect = append(alert.Expect, expected(t, alerts, f, map[string]string{"instance": "n1"}))
				}
			}
			out.Alerts = append(out.Alerts, alert)
		}
		return out
	}
	suite := promSuite{RuleFiles: []string{"rules.yaml"}, EvaluationInterval: "1m", Tests: []promTest{
		test("well", nil),
		test("ntpd has ended", map[string]string{`node_timex_maxerror_seconds{instance="n1"}`: "0.02+0.03x40"}, "ClockErrorHigh"),
		test("off", map[string]string{`node_timex_offset_seconds{instance="n1"}`: "-0.2x40"}, "ClockErrorHigh"),
		test("never set", map[string]string{`node_timex_maxerror_seconds{instance="n1"}`: "16x40", `node_timex_sync_status{instance="n1"}`: "0x40"},
			"ClockErrorHigh", "ClockErrorBreaksCertificates", "ClockUnsynchronised"),
	}}
	if len(alerts) != 3 {
		t.Fatalf("%d alerts", len(alerts))
	}
	dir := t.TempDir()
	writeYAML(t, filepath.Join(dir, "rules.yaml"), map[string]any{"groups": groups})
	writeYAML(t, filepath.Join(dir, "bre1.test.yaml"), suite)
	runs(t, promtool, "test", "rules", filepath.Join(dir, "bre1.test.yaml"))
}
