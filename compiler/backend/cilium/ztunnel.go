package cilium

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// ztunnel writes what encrypts between workloads: a proxy in each node, for the namespaces that have the label.
func ztunnel(y *artifact.YAML, s *ir.CiliumSettings) {
	y.From("", s.EncryptionFrom...)
	y.Comment("Mutual TLS for TCP between pods of namespaces with the label " + s.Ztunnel.Label.Key + ". Between others nothing is\nencrypted. Agents sign, with what is in Secret " + s.Ztunnel.Secret + ".")
	y.Map("encryption", func() {
		y.KV("enabled", true)
		y.KV("type", s.Encryption)
		y.Map("ztunnel", func() {
			backend.Nested(y, []string{"ca"}, func() { y.KV("type", "internal") })
			y.Comment("A second one beside it would find its ports taken: they are those of the node. While a node's own is changed, the\nconnections of its enrolled pods end.")
			backend.Nested(y, []string{"updateStrategy", "rollingUpdate"}, func() {
				y.KV("maxSurge", 0)
				y.KV("maxUnavailable", 1)
			})
		})
	})
	y.Fixed()
}
