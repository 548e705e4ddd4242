package compiler

import (
	"maps"
	"path/filepath"
	"slices"
	"testing"
)

// TestRealPromtoolIPsec runs unit tests of the alerts on encryption between nodes: five nodes, each with two keys for each
// of the others.
func TestRealPromtoolIPsec(t *testing.T) {
	promtool := real(t, "promtool")
	groups := ruleGroups(t, compileExample(t, "szz1").Tree)
	alerts := alertList(groups)
	const (
		inUse   = `cilium_ipsec_keys{node="n1"}`
		noState = `cilium_ipsec_xfrm_error{node="n1",type="inbound",error="no_state"}`
		deleted = `cilium_ipsec_xfrm_error{node="n1",type="inbound",error="forward_header"}`
	)
	well := map[string]string{inUse: "8x60", noState: "7x60", deleted: "0+3x60"} // pods come and go
	for _, n := range []string{"n2", "n3", "n4", "n5"} {
		well[`cilium_ipsec_keys{node="`+n+`"}`] = "8x60"
	}
	node := map[string]string{"node": "n1"}
	drops := map[string]string{"node": "n1", "type": "inbound", "error": "no_state"}
	test := func(name, at string, wrong map[string]string, fires ...string) promTest {
		series := maps.Clone(well)
		maps.Copy(series, wrong)
		out := promTest{Name: name, Interval: "1m", Input: inputs(series)}
		for alert, labels := range map[string]map[string]string{"IPsecDrops": drops, "IPsecKeysMissing": node} {
			want := promAlerts{At: at, Name: alert, Expect: []promExpected{}}
			if slices.Contains(fires, alert) {
				want.Expect = append(want.Expect, expected(t, alerts, alert, labels))
			}
			out.Alerts = append(out.Alerts, want)
		}
		return out
	}
	suite := promSuite{RuleFiles: []string{"rules.yaml"}, EvaluationInterval: "1m", Tests: []promTest{
		test("well", "40m", nil),
		test("a node starts again: others drop for some minutes", "40m", map[string]string{noState: "7x20 8+1x4 12x40"}),
		test("drops that go on", "40m", map[string]string{noState: "7x10 8+1x50"}, "IPsecDrops"),
		test("a key is changed", "40m", map[string]string{inUse: "8x20 16x40"}),
		test("one key short", "40m", map[string]string{inUse: "8x20 7x40"}, "IPsecKeysMissing"),
		test("one key short for 14 minutes", "35m", map[string]string{inUse: "8x20 7x40"}),
	}}
	dir := t.TempDir()
	writeYAML(t, filepath.Join(dir, "rules.yaml"), map[string]any{"groups": groups})
	writeYAML(t, filepath.Join(dir, "szz1.test.yaml"), suite)
	runs(t, promtool, "test", "rules", filepath.Join(dir, "szz1.test.yaml"))
}
