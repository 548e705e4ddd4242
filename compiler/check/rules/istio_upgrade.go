package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
)

// UpgradeStaged refuses an upgrade that is none by stages, or whose control plane would change its name at the end.
var UpgradeStaged = &check.Rule{
	ID: "MG5347", Name: "istio-upgrade-revision", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `an upgrade of Istio by stages has no revision named after the new release

The second control plane is a Helm release of its own, named after its revision. At the end it is the only one, and must
keep its name: Helm does not hand objects from one release to another. With a revision that says the release, the name
follows from both ends. Without a revision there is no second control plane: that is another mesh.version, at once.
Source: istio.io, canary upgrades with Helm; helm.sh, upgrade: resources owned by another release.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		if m.Kind != "istio-sidecar" || m.Upgrade == nil {
			return
		}
		switch want := revisionOf(m.Upgrade.To); {
		case m.Upgrade.Revision == "":
			p.Reportf("mesh.upgrade", "the upgrade to %s has no revision, and so no stages", m.Upgrade.To).
				Hintf("revision: %q, or mesh.version: %q and no upgrade", want, m.Upgrade.To)
		case m.Upgrade.Revision != want:
			p.Reportf("mesh.upgrade.revision", "revision %q is not named after release %s", m.Upgrade.Revision, m.Upgrade.To).Hintf("revision: %q", want)
		}
	},
}
