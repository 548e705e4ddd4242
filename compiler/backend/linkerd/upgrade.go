package linkerd

import (
	"meshgen.dev/meshgen/compiler/backend"
)

// upgrade writes the values that only steps of an upgrade take: what the next release has by default and the one that runs
// has not, so that workloads restart once.
func (e *emitter) upgrade() {
	if e.p.Upgrade == nil {
		return
	}
	for _, v := range e.p.Upgrade.Values {
		y := backend.UpgradeValues(e.p, e.t, v)
		y.From("mesh/native-sidecars", v.Release.From...)
		y.Comment("From this release on; pods have it when they start anew.")
		y.Map("proxy", func() {
			y.KV("nativeSidecar", true)
			y.Comment("Their startup probe: without it containers start beside a proxy that is not ready.")
			y.KV("await", true)
		})
	}
}
