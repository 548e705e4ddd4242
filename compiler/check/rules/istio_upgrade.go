package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
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
		if !isIstio(m.Kind) || m.Upgrade == nil {
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

// WaypointCanary finds namespaces of an ambient mesh that have nothing which could go ahead.
var WaypointCanary = &check.Rule{
	ID: "MG5226", Name: "canary-without-waypoint", Severity: diag.Error, On: check.OnSite,
	Doc: `a namespace of an ambient mesh goes ahead in an upgrade, and has no waypoint

ztunnel serves all namespaces of its node and is replaced for all of them at once. What can have the new release earlier is
the waypoint of a namespace: without one nothing of the namespace is tried.
Source: istio.io, ambient: upgrade with Helm.`,
	Run: func(p *check.Pass) {
		up := p.Site.Mesh.Upgrade
		if up == nil || p.Site.Mesh.Kind != "istio-ambient" {
			return
		}
		for i, c := range up.Canary {
			if n := p.Site.Namespaces[c]; n != nil && n.Mesh && !n.Waypoint {
				p.Reportf("mesh.upgrade.canary."+site.Index(i), "canary %q has no waypoint, which alone would go ahead", c).
					Related(site.Join("namespaces", c, "waypoint"), "no waypoint").Hintf("a namespace with a waypoint")
			}
		}
	},
}
