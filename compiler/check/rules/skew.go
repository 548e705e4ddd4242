package rules

import (
	"fmt"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
)

// UpgradeSkew finds an upgrade of the mesh that goes back, nowhere or too far.
var UpgradeSkew = &check.Rule{
	ID: "MG5216", Name: "upgrade-skew", Severity: diag.Error, On: check.OnSite,
	Doc: `an upgrade of the mesh goes backwards, nowhere, or over more releases than is supported

While it is under way, proxies of the old release take their configuration from a control plane of the new one. That is
supported over a single minor release, and never with proxies ahead: beyond it they reject what they are sent. Back to
an earlier patch is a warning. Mesh cilium runs in the release of the pod network.
Source: istio.io supported releases, control plane/data plane skew; linkerd.io upgrade; docs.cilium.io upgrade guide.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		if m.Upgrade == nil {
			return
		}
		running, at := runningMesh(p.Site), "mesh.version"
		if m.Kind == "cilium" {
			at = "kubernetes.cni.version"
		}
		from, errFrom := profile.ParseVersion(mainline(running))
		to, errTo := profile.ParseVersion(mainline(m.Upgrade.To))
		prof := p.Profiles.Mesh(m.Kind)
		if errFrom != nil || errTo != nil || prof.Release(mainline(m.Upgrade.To)) == nil {
			return // of a release that nobody describes, unknown-upgrade-release speaks
		}
		var r *check.Report
		switch ahead := to.Minor - from.Minor; {
		case m.Upgrade.To == running:
			r = p.Reportf("mesh.upgrade.to", "the upgrade goes to %s %s, the release that runs", m.Kind, running).
				Hintf("delete mesh.upgrade when it is done")
		case to.Line() == from.Line() && to.Compare(from) < 0:
			r = p.Reportf("mesh.upgrade.to", "the upgrade goes back from %s %s to %s: what was mended in between is open again", m.Kind, running, m.Upgrade.To).
				Hintf("a release after %s, or leave mesh.upgrade out", running).Warning()
		case to.Compare(from) < 0:
			r = p.Reportf("mesh.upgrade.to", "the upgrade goes back from %s %s to %s: the data plane may never be ahead of the control plane", m.Kind, running, m.Upgrade.To).
				Hintf("a release after %s, or leave mesh.upgrade out", running)
		case prof.ControlPlaneAhead > 0 && (to.Major != from.Major || ahead > prof.ControlPlaneAhead):
			next := fmt.Sprintf("%d.%d", from.Major, from.Minor+prof.ControlPlaneAhead)
			if row := prof.Release(next); row != nil && row.LastPatch != "" {
				next = row.LastPatch
			}
			r = p.Reportf("mesh.upgrade.to", "the upgrade goes from %s %s to %s: the control plane may be %d minor release ahead of the data plane", m.Kind, running, m.Upgrade.To, prof.ControlPlaneAhead).
				Hintf("first to %s", next)
		default:
			return
		}
		r.Related(at, "the release that runs")
	},
}

// UnknownUpgradeRelease finds an upgrade to a release that no profile row describes.
var UnknownUpgradeRelease = &check.Rule{
	ID: "MG5217", Name: "unknown-upgrade-release", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `no profile row describes the release that the mesh is upgraded to

Its objects and chart values change between releases: what another takes may be refused, or worse, ignored.
Source: the releases whose charts and API were read; they stand in the profiles.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		prof := p.Profiles.Mesh(m.Kind)
		if m.Upgrade != nil && prof != nil && prof.Release(m.Upgrade.To) == nil {
			p.Reportf("mesh.upgrade.to", "no profile row describes %s %s", m.Kind, m.Upgrade.To).Hintf("known: %s", offeredMeshes(p))
		}
	},
}

// UpgradeRevision finds an upgrade whose two control planes could not be told apart.
var UpgradeRevision = &check.Rule{
	ID: "MG5218", Name: "upgrade-revision", Severity: diag.Error, On: check.OnSite,
	Doc: `the new control plane of an upgrade has the revision of the old one

Namespaces choose between two control planes by revision. With the one that runs already, the new chart replaces the old
control plane in place, and all namespaces move at once.
Source: istio.io, canary upgrades.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		if u := m.Upgrade; u != nil && u.Revision != "" && u.Revision == m.Revision {
			p.Reportf("mesh.upgrade.revision", "the upgrade to %s %s has revision %q, which %s has already", m.Kind, u.To, u.Revision, m.Version).
				Related("mesh.revision", "the revision that runs").Hintf("revision: %q", strings.NewReplacer(".", "-", "+", "-").Replace(u.To))
		}
	},
}
