package checks

import "meshgen.dev/meshgen/compiler/ir"

// modes is what agents of Cilium call a kind of encryption that somebody has to look after (cilium/cilium v1.20.2
// api/v1/models/encryption_status.go, read 2026-11-22).
var modes = map[string]string{"ipsec": "IPsec", "ztunnel": "Ztunnel"}

// encryption writes what the agents must say of the packets between nodes, or nothing where no keys are made by hand.
func (w *writer) encryption(p *ir.Plan) {
	if p.Cilium == nil || p.Cilium.Settings == nil {
		return
	}
	s := p.Cilium.Settings
	if mode := modes[s.Encryption]; mode != "" {
		w.From("", s.EncryptionFrom...)
		e := encryption{Kind: s.Encryption, Mode: mode}
		if z := s.Ztunnel; z != nil {
			e.Namespaces, e.DaemonSet, e.Label = z.Namespaces, z.DaemonSet, z.Label.Key+"="+z.Label.Value
		}
		w.field("encryption", e)
		w.Fixed()
	}
}
