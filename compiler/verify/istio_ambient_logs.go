package verify

import "cmp"

// checkZtunnelLogs holds what ztunnel logs of connections against what the mesh-wide Telemetry asks of every other proxy:
// all, those that fail, or none. ztunnel does not read a Telemetry.
func (p *pass) checkZtunnelLogs(v *values) {
	want := "info,access=off"
	for _, o := range p.objects {
		if !o.is("telemetry.istio.io", "Telemetry") || has(o.value, "spec", "selector") {
			continue
		}
		for _, l := range list(o.value, "spec", "accessLogging") {
			want = "info"
			if has(l, "filter") {
				want = "info,access=warn"
			}
		}
	}
	if have := cmp.Or(str(v.value, "logLevel"), "info"); have != want {
		v.report(p, ruleValues, fieldPath{"logLevel"}, "%q, and what the other proxies log of connections is %q", have, want)
	}
}
