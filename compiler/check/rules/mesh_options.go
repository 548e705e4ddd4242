package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// MeshOptionUnread finds an option that the chosen mesh does not have.
var MeshOptionUnread = &check.Rule{
	ID: "MG5130", Name: "mesh-option-unread", Severity: diag.Warning, On: check.OnSite,
	Doc: `an option of the mesh is given that the chosen mesh does not have

Nothing reads it: whoever wrote it believes in a limit, a revision or a certificate that is not there.
Source: the charts of Istio 1.31, Linkerd 2.20, Cilium 1.20 and Consul 2.0.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		prof := p.Profiles.Mesh(m.Kind)
		if m.Kind == "none" {
			return // with no mesh at all, intent-without-mesh says so
		}
		unread := func(given bool, path, why string) {
			if given {
				p.Reportf(path, "%s is given, which mesh %s does not read: %s", path, m.Kind, why).Related("mesh.kind", "the mesh")
			}
		}
		unread(m.Waypoint != nil && m.Kind != "istio-ambient", "mesh.waypoint", "waypoints are those of istio-ambient")
		noRevisions := prof != nil && prof.Capability("upgrade.canary").Support == profile.None
		unread(m.Revision != "" && noRevisions, "mesh.revision", "it has one control plane, without revisions")
		if m.CA != nil {
			unread(m.CA.SPIRE != nil && !ciliumSPIRE(p.Site), "mesh.ca.spire", "it brings no server of SPIRE")
			unread(m.CA.TrustAnchor != nil && m.Kind != "linkerd" && !(isIstio(m.Kind) && m.CA.Kind == "cert-manager"), "mesh.ca.trustAnchor", "its root is not distributed apart")
			unread(m.CA.Issuer != nil && m.Kind != "linkerd" && m.CA.Kind != "cert-manager", "mesh.ca.issuer", "its certificate authority issues by itself")
		}
		if m.Waypoint != nil && m.Kind == "istio-ambient" {
			for _, n := range p.Site.Namespaces {
				if n.Waypoint {
					return
				}
			}
			p.Reportf("mesh.waypoint", "mesh.waypoint sizes waypoints, and no namespace has one").Hintf("namespaces: …: waypoint: true")
		}
	},
}

// IntentWithoutMesh finds what a site without a mesh asks of a mesh.
var IntentWithoutMesh = &check.Rule{
	ID: "MG5131", Name: "intent-without-mesh", Severity: diag.Error, On: check.OnSite,
	Doc: `a site without a mesh asks for what only a mesh can do

Calls are admitted by the network's addresses and ports, and that is all there is: no retry happens, no split is made,
nothing is encrypted, and a rule by method or path would admit everything or nothing.
Source: Kubernetes documentation, NetworkPolicy: what you can't do with network policies.`,
	Run: func(p *check.Pass) {
		if p.Site.Mesh.Kind != "none" {
			return
		}
		for nn, n := range byKey(p.Site.Namespaces) {
			if at := site.Join("namespaces", nn, "mtls"); n.MTLS == "strict" {
				p.Reportf(at, "namespace %q requires mutual TLS, and mesh.kind is none", nn).Related("mesh.kind", "there is no mesh").
					Hintf("leave it out; what can: %s", meshesWith(p.Profiles, "mtls.strict"))
			}
			if n.Migration != nil {
				p.Reportf(site.Join("namespaces", nn, "migration"), "namespace %q migrates its mTLS mode, and mesh.kind is none", nn).
					Related("mesh.kind", "there is no mesh").Hintf("leave it out; what can: %s", meshesWith(p.Profiles, "migration"))
			}
			for sn, s := range byKey(n.Services) {
				for _, f := range layer7(s) {
					p.Reportf(site.Join("namespaces", nn, "services", sn)+"."+f, "%s/%s declares %s, and mesh.kind is none: nothing would do it", nn, sn, intentName(f)).
						Related("mesh.kind", "there is no mesh").Hintf("leave it out; what can: %s", meshesWith(p.Profiles, layer7Row(f)))
				}
			}
		}
		m := p.Site.Mesh
		for _, f := range []struct {
			given      bool
			path, what string
		}{
			{p.Site.Federation != nil, "federation", "the site is federated"},
			{m.Version != "", "mesh.version", "a release of a mesh is given"},
			{m.Upgrade != nil, "mesh.upgrade", "a mesh is upgraded"},
			{m.CA != nil, "mesh.ca", "a certificate authority is given"},
			{m.MTLS == "permissive", "mesh.mtls", "mutual TLS is permissive"},
			{m.Revision != "", "mesh.revision", "a control plane is named"},
			{len(m.TrustDomainAliases) > 0, "mesh.trustDomainAliases", "further trust domains count"},
			{m.Waypoint != nil, "mesh.waypoint", "waypoints have a size"},
			{m.ControlPlane.PushThrottle != 0, "mesh.controlPlane.pushThrottle", "pushes of configuration are bounded"},
			{m.Proxy.HoldApplicationUntilReady, "mesh.proxy.holdApplicationUntilReady", "applications wait for their proxies"},
			{m.EgressPolicy == "allow-any", "mesh.egressPolicy", "proxies let through what they do not know; the network policies do not"},
		} {
			if f.given {
				p.Reportf(f.path, "%s, and mesh.kind is none", f.what).Related("mesh.kind", "there is no mesh").Hintf("leave it out")
			}
		}
	},
}

// UpgradeCanary finds an upgrade by canary that cannot be one.
var UpgradeCanary = &check.Rule{
	ID: "MG5132", Name: "upgrade-canary", Severity: diag.Error, On: check.OnSite,
	Doc: `an upgrade sends namespaces ahead that are not there, or with a mesh that cannot

Namespaces go ahead by the label of another revision: that takes a second control plane with a name of its own beside
the first, and namespaces in the mesh. Otherwise the upgrade is one big step, or the canary keeps its old proxies.
Source: istio.io, canary upgrades; linkerd.io, upgrade; docs.cilium.io, upgrade guide; Consul on Kubernetes, upgrade.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		up, prof := m.Upgrade, p.Profiles.Mesh(m.Kind)
		if up == nil || m.Kind == "none" {
			return
		}
		if prof != nil && prof.Capability("upgrade.canary").Support == profile.None {
			if len(up.Canary) > 0 {
				p.Reportf("mesh.upgrade.canary", "namespaces go ahead, which mesh %s cannot: %s", m.Kind, prof.Capability("upgrade.canary").Limits).
					Hintf("leave canary out; what can: %s", meshesWith(p.Profiles, "upgrade.canary")).
					Related("mesh.kind", "the mesh")
			}
			if up.Revision != "" {
				p.Reportf("mesh.upgrade.revision", "the upgrade names revision %q, and mesh %s has no revisions", up.Revision, m.Kind).
					Hintf("leave revision out; what can: %s", meshesWith(p.Profiles, "upgrade.canary")).
					Related("mesh.kind", "the mesh")
			}
			return
		}
		if isIstio(m.Kind) {
			switch {
			case up.Revision == "" && len(up.Canary) > 0:
				p.Reportf("mesh.upgrade.canary", "namespaces go ahead, and mesh.upgrade.revision is missing: they have no control plane to go to").
					Hintf("revision: %q", revisionOf(up.To))
			case up.Revision != "" && m.Revision == "":
				p.Reportf("mesh.upgrade.revision", "the upgrade names revision %q, and the running control plane has none to tell it from: mesh.revision is missing", up.Revision).
					Hintf("mesh: revision: %q", revisionOf(m.Version))
			}
		}
		seen := map[string]int{}
		for i, c := range up.Canary {
			at := "mesh.upgrade.canary." + site.Index(i)
			n := p.Site.Namespaces[c]
			if first, ok := seen[c]; ok {
				p.Reportf(at, "canary %q is named twice", c).Hintf("each namespace once").Related("mesh.upgrade.canary."+site.Index(first), "first named here")
				continue
			}
			seen[c] = i
			switch {
			case n == nil:
				p.Reportf(at, "canary %q is no namespace of the site", c).Hintf("namespaces: %s", keys(p.Site.Namespaces))
			case !n.Mesh:
				p.Reportf(at, "canary %q is outside the mesh: it has no proxies to upgrade", c).Hintf("leave it out; or namespaces: %s: mesh: true", c).Related(site.Join("namespaces", c, "mesh"), "outside the mesh")
			}
		}
	},
}

// CanaryInProduction finds an upgrade that tries itself on production first.
var CanaryInProduction = &check.Rule{
	ID: "MG5133", Name: "canary-in-production", Severity: diag.Warning, On: check.OnSite,
	Doc: `an upgrade sends a production namespace ahead, and others that are not production wait

What a new release breaks is then broken for customers first, although the site has a place where nobody would notice.
Source: istio.io, canary upgrades.`,
	Run: func(p *check.Pass) {
		up := p.Site.Mesh.Upgrade
		if up == nil || p.Site.Mesh.Kind == "none" {
			return
		}
		production := func(n *site.Namespace) bool {
			return n.Environment == "production" || n.Environment == "" && p.Site.Environment == "production"
		}
		var waiting []string
		for nn, n := range byKey(p.Site.Namespaces) {
			if n.Mesh && len(n.Services) > 0 && !production(n) && !slices.Contains(up.Canary, nn) {
				waiting = append(waiting, nn)
			}
		}
		for i, c := range up.Canary {
			if n := p.Site.Namespaces[c]; n != nil && n.Mesh && production(n) && len(waiting) > 0 {
				p.Reportf("mesh.upgrade.canary."+site.Index(i), "production namespace %q goes ahead, and %s, not production, is upgraded after it", c, some(waiting, ", ")).
					Hintf("canary: [%s]", strings.Join(quotedAll(waiting), ", "))
			}
		}
	},
}

// AmbientCanary finds an upgrade by canary that is one in part only.
var AmbientCanary = &check.Rule{
	ID: "MG5134", Name: "ambient-canary-partial", Severity: diag.Note, On: check.OnSite,
	Doc: `an ambient mesh is upgraded by canary, and its node proxies have none

istiod, waypoints and gateways go by revision; cni and ztunnel are replaced in place, on all nodes, for all namespaces. Each
ztunnel that is replaced resets the long-lived connections of its node: plan it as a change of its own, node by node.
Source: istio.io, ambient: upgrade with Helm.`,
	Run: func(p *check.Pass) {
		if up := p.Site.Mesh.Upgrade; up != nil && p.Site.Mesh.Kind == "istio-ambient" && len(up.Canary) > 0 {
			p.Reportf("mesh.upgrade.canary", "namespaces go ahead with their waypoints alone: ztunnel and cni are replaced in place for all of them").
				Related("mesh.kind", "the mesh")
		}
	},
}

// TrustDomainDefault finds identities that every other cluster has too.
var TrustDomainDefault = &check.Rule{
	ID: "MG5187", Name: "trust-domain-default", Severity: diag.Note, On: check.OnSite,
	Doc: `in production the mesh keeps the default trust domain

cluster.local is that of every cluster: the day that two of them are joined, a ServiceAccount of one is that of the
other. To change it later is a migration of every identity; now it is one line.
Source: istio.io, trust domain migration; SPIFFE ID, 2.1: a trust domain should be unique.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		if p.Site.Environment != "production" || p.Site.Federation != nil || !isIdentityMesh(m.Kind) {
			return // a federation is federation-trust-domain's
		}
		if m.TrustDomain == "cluster.local" {
			p.Reportf("mesh.trustDomain", "the trust domain is the default, %s", m.TrustDomain).Hintf("trustDomain: %q", p.Site.Name+".example.net")
		}
	},
}

// isIdentityMesh reports whether a mesh makes identities in a trust domain of our choice.
func isIdentityMesh(kind string) bool { return isIstio(kind) || kind == "linkerd" }

// revisionOf is the usual name of a release's revision.
func revisionOf(version string) string {
	return strings.NewReplacer(".", "-", "+", "-").Replace(version)
}
