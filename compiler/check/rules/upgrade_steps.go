package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// upgradeStepRules are about upgrades of meshes with one control plane, step by step.
var upgradeStepRules = []*check.Rule{
	UpgradeWithoutReleases,
}

// runningMesh is the release of the mesh that runs: that of the pod network for a mesh that is a part of it.
func runningMesh(s *site.Site) string {
	if s.Mesh.Kind == "cilium" {
		return s.Kubernetes.CNI.Version
	}
	return s.Mesh.Version
}

// UpgradeWithoutReleases refuses steps by Helm where there are no releases of Helm.
var UpgradeWithoutReleases = &check.Rule{
	ID: "MG5420", Name: "upgrade-without-releases", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a mesh with one control plane is upgraded by steps, and Argo CD delivers its charts

Steps are upgrades of Helm's releases. Argo CD renders charts by itself and makes none: Helm refuses objects that are there
and belong to no release of its own. With the version in the site changed Argo CD does all charts in the order of their
waves, and each waits until the one before is healthy.
Source: argo-cd.readthedocs.io, Helm: "Helm is only used to inflate charts"; helm.sh, upgrade: ownership of resources.`,
	Run: func(p *check.Pass) {
		s := p.Site
		m := p.Profiles.Mesh(s.Mesh.Kind)
		if s.Mesh.Upgrade == nil || s.Delivery.Kind != "argocd" || m == nil || m.Capability("upgrade.canary").Support != profile.None {
			return
		}
		at := "mesh.version"
		if s.Mesh.Kind == "cilium" {
			at = "kubernetes.cni.version"
		}
		p.Reportf("mesh.upgrade", "the upgrade to %s goes by releases of Helm, and Argo CD makes none", s.Mesh.Upgrade.To).
			Related("delivery.kind", "who delivers").Hintf("%s: %q, and no upgrade", at, s.Mesh.Upgrade.To)
	},
}
