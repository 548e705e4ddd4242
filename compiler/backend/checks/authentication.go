package checks

import "meshgen.dev/meshgen/compiler/ir"

// authentication writes who signs for pods of Cilium, or nothing where nobody does. Agents tell whether they have certificates
// (cilium/cilium v1.20.2 api/v1/models/status_response.go, auth-certificate-provider; read 2026-11-22).
func (w *writer) authentication(p *ir.Plan) {
	if p.Cilium == nil || p.Cilium.Settings == nil || p.Cilium.Settings.SPIRE == nil {
		return
	}
	s := p.Cilium.Settings.SPIRE
	w.From("", s.From...)
	w.field("authentication", authentication{Namespace: s.Namespace, DaemonSet: s.Agent, StatefulSet: s.Server})
	w.Fixed()
}
