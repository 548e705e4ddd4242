package lower

import (
	"fmt"
	"slices"

	"meshgen.dev/meshgen/compiler/ir"
)

// agentCluster is the name by which a proxy knows who answers at the socket, and its number of connections to it as metric.
// The name ends in a semicolon before Envoy takes it for a label (istio/istio 1.31.0-rc.0
// tools/packaging/common/envoy_bootstrap.json, clusters and stats_tags; read 2026-11-21).
const (
	agentCluster     = "sds-grpc"
	agentConnections = `envoy_cluster_upstream_cx_active{cluster_name="` + agentCluster + `"}`
)

// spire makes the agents of SPIRE sign for proxies. istiod goes on with a root of its own, for its own certificate and its
// webhooks: proxies know it by ConfigMap istio-ca-root-cert, and are known to it by their tokens (istio/istio 1.31.0-rc.0
// pkg/istio-agent/agent.go, Run; pilot/pkg/bootstrap/server.go, initIstiodCerts; read 2026-11-21).
func (l *lowering) spire() {
	m := &l.p.Mesh
	if !l.istio() || m.CA == nil || m.CA.Kind != "spire" {
		return
	}
	if row := l.meshProfile().SPIRE; row != nil {
		m.CA.SPIRE = &ir.SPIRE{Driver: row.Driver, Socket: row.Socket, Connections: "cluster." + agentCluster + ";.upstream_cx_active"}
	}
}

// bySPIRE reports whether SPIRE signs for workloads.
func (l *lowering) bySPIRE() bool { return l.p.Mesh.CA != nil && l.p.Mesh.CA.SPIRE != nil }

// spireCertificates watch what proxies know of the agents. An agent that is there and gets nothing from its server looks well
// from here: SPIRE's own metrics tell, and the cluster watches those.
func spireCertificates(l *lowering) []ir.Rule {
	m := &l.p.Mesh
	lives := l.workloadSeconds()
	left := int(float64(lives) * (1 - l.meshProfile().Certificates.RenewAt) / 2)
	from := slices.Concat(m.From.Of("kind"), m.CA.From)
	lost := "count by (node) (" + agentConnections + " == 0) > 0"
	return []ir.Rule{
		{Alert: "SPIREAgentLost", Severity: warning, For: "10m", From: from, Expr: lost,
			Summary:     "Proxies on {{ $labels.node }} have no connection to SPIRE's agent.",
			Description: "They go on with the certificates that they have. Pods that start there wait for it."},
		{Alert: "WorkloadCertificateOverdue", Severity: critical, For: fmt.Sprintf("%ds", left), Why: "certificates/overdue", From: from, Expr: lost,
			Summary:     "Certificates of proxies on {{ $labels.node }} are not renewed.",
			Description: fmt.Sprintf("They live %s, are renewed halfway, and SPIRE's agent has been away for %s: the first end in as long. When one ends every connection of its pod fails.", hours(lives), hours(left))},
		authorityAlert(l),
	}
}
