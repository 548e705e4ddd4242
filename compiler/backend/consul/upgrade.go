package consul

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
)

// upgrade writes the values by which one server alone runs the next release.
func (e *emitter) upgrade() {
	s := e.k.NextServers
	if e.p.Upgrade == nil || s == nil {
		return
	}
	for _, v := range e.p.Upgrade.Values {
		y := backend.UpgradeValues(e.p, e.t, v)
		y.From("", s.From...)
		y.Map("server", func() { e.nextServers(y) })
		y.Fixed()
	}
}

func (e *emitter) nextServers(y *artifact.YAML) {
	y.KV("image", e.k.NextServers.Image)
	y.Comment("Servers with a lower number stay as they are.")
	y.KV("updatePartition", e.k.NextServers.Partition)
}
