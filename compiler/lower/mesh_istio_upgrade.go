package lower

import (
	"strings"

	"meshgen.dev/meshgen/compiler/ir"
)

// nextControlPlane is the second istiod of an upgrade. The namespaces that go first take its proxies; the others, the
// gateways and the node agent stay with the old release, which works with either control plane (istio.io, canary
// upgrades; supported releases, control plane/data plane skew; read 2026-11-21).
func (l *lowering) nextControlPlane() *ir.NextControlPlane {
	u := l.s.Mesh.Upgrade
	if u == nil || u.Revision == "" || !l.istio() {
		return nil
	}
	out := &ir.NextControlPlane{Version: u.To, Revision: u.Revision, Namespaces: u.Canary, From: ir.From{"mesh.upgrade"}}
	if row := l.meshProfile().Release(u.To); row != nil {
		out.ImageHub = row.Hub
	}
	return out
}

// IstiodRelease is the name of the Helm release of a control plane. One whose revision is named after its version has
// its own, so that it keeps it when it is no longer the next one but the only one.
func IstiodRelease(revision, version string) string {
	if revision != "" && revision == strings.NewReplacer(".", "-", "+", "-").Replace(version) {
		return "istiod-" + revision
	}
	return "istiod"
}

// istiods are the control planes, the one that runs first.
func istiods(l *lowering, chart string) []ir.Release {
	m := &l.p.Mesh
	row := l.meshProfile().Release(m.Version)
	out := []ir.Release{{Name: IstiodRelease(m.Revision, m.Version), Component: "istio", Chart: chart, Repository: row.Charts.Repository,
		Version: m.Version, Namespace: m.Namespace, Revision: m.Revision, From: under("mesh", "kind", "version", "revision")}}
	if n := m.Next; n != nil {
		next := l.meshProfile().Release(n.Version)
		out = append(out, ir.Release{Name: IstiodRelease(n.Revision, n.Version), Component: "istio", Chart: next.Charts.Control, Repository: next.Charts.Repository,
			Version: n.Version, Namespace: m.Namespace, Revision: n.Revision, From: append(ir.From{"mesh.kind"}, n.From...)})
	}
	if m.CA != nil { // which may have a signer of its own, behind which they start
		for i := range out {
			out[i].From = append(out[i].From, m.CA.From...)
		}
	}
	return out
}

// revisioned is what istiod's objects of a revision are called after.
func revisioned(revision string) string {
	if revision == "" {
		return ""
	}
	return "-" + revision
}
