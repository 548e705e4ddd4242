package cilium

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/ir"
)

// ipsec writes where the keys come from, or nothing.
func ipsec(y *artifact.YAML, x *ir.CiliumIPsec) {
	if x == nil {
		return
	}
	y.Map("ipsec", func() {
		y.KV("secretName", x.Secret)
		y.KV("keyFile", x.Key)
		if x.Overlap != "" {
			y.Comment("How long the former key is taken beside a new one.")
			y.KV("keyRotationDuration", x.Overlap)
		}
	})
}

// stackRouting writes the way of packets that IPsec takes on every kernel, within the values of the datapath, or nothing.
// Kernels without the fix c43272299488 of 2025 drop what is decrypted where it is handed to a pod past the host's own
// routing, which Cilium 1.20.2 does of itself with bpf.masquerade (Documentation/operations/performance/tuning.rst,
// cilium/cilium#41997, read 2026-11-21). Which kernels of distributions have it no release number says.
func stackRouting(y *artifact.YAML, s *ir.CiliumSettings) {
	if s.IPsec == nil {
		return
	}
	y.From("", s.EncryptionFrom...)
	y.Comment("Through the host's own routing: past it, kernels without a fix of 2025 drop what IPsec has decrypted.")
	y.KV("hostLegacyRouting", true)
	y.Fixed()
}

// names writes how the proxy for names sends, or nothing. Agents of Cilium 1.20.2 do not start without it
// (daemon/cmd/daemon.go).
func names(y *artifact.YAML, s *ir.CiliumSettings) {
	if s.IPsec == nil {
		return
	}
	y.From("", s.EncryptionFrom...)
	y.Comment("Questions for names leave with the address of the pod, and so encrypted. Agents do not start without it.")
	y.Map("dnsProxy", func() { y.KV("enableTransparentMode", true) })
	y.Fixed()
}
