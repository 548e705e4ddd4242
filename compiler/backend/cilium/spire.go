package cilium

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// spire writes what lets agents authenticate pods for each other, or nothing. Policies say of whom it is asked.
func spire(y *artifact.YAML, s *ir.CiliumSPIRE) {
	if s == nil {
		return
	}
	y.From("", s.From...)
	y.Comment("Agents prove to each other, by certificates of SPIRE, that a caller's pod is on its node, before its first packet passes.\n" +
		"Packets themselves carry no proof, and are encrypted by what stands under encryption. Cilium 1.21 has it no more.")
	y.Map("authentication", func() {
		y.KV("enabled", true)
		y.Map("mutual", func() {
			y.KV("port", s.Port)
			y.Map("spire", func() {
				y.KV("enabled", true)
				y.KV("trustDomain", s.TrustDomain)
				y.Map("install", func() { spireInstall(y, s) })
			})
		})
	})
	y.Fixed()
}

func spireInstall(y *artifact.YAML, s *ir.CiliumSPIRE) {
	y.KV("enabled", true)
	y.Comment("Beside Cilium: this chart comes before any namespace of the tree.")
	y.KV("namespace", s.Namespace)
	y.KV("existingNamespace", true)
	y.Comment("Wherever an agent of Cilium is there is one of SPIRE, whatever the node's taints.")
	backend.Nested(y, []string{"agent"}, func() {
		y.Seq("tolerations", func() { y.Item(func() { y.KV("operator", "Exists") }) })
	})
	y.From("", s.From...) // images of a registry end what stood before
	y.Comment("With its volume go its keys and all whom it knows: agents would trust nobody whom it signs for anew.")
	backend.Nested(y, []string{"server", "dataStorage"}, func() {
		y.KV("enabled", true)
		y.KV("storageClass", s.StorageClass)
		y.KV("size", s.Storage)
	})
}
