package lower

import "meshgen.dev/meshgen/compiler/ir"

// spire makes the agents of SPIRE sign for proxies. istiod goes on with a root of its own, for its own certificate and its
// webhooks: proxies know it by ConfigMap istio-ca-root-cert, and are known to it by their tokens (istio/istio 1.31.0-rc.0
// pkg/istio-agent/agent.go, Run; pilot/pkg/bootstrap/server.go, initIstiodCerts; read 2026-11-21).
func (l *lowering) spire() {
	m := &l.p.Mesh
	if !l.istio() || m.CA == nil || m.CA.Kind != "spire" {
		return
	}
	if row := l.meshProfile().SPIRE; row != nil {
		m.CA.SPIRE = &ir.SPIRE{Driver: row.Driver, Socket: row.Socket}
	}
}

// bySPIRE reports whether SPIRE signs for workloads.
func (l *lowering) bySPIRE() bool { return l.p.Mesh.CA != nil && l.p.Mesh.CA.SPIRE != nil }
