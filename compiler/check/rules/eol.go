package rules

import (
	"regexp"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// MeshEOL finds a mesh that gets no more fixes.
var MeshEOL = &check.Rule{
	ID: "MG5213", Name: "mesh-eol", Severity: diag.Warning, On: check.OnSite, Dated: true,
	Doc: `the release of the mesh is past its end of life

Its proxies stand in the path of all traffic, and their next hole stays open: there will be no patch to roll out.
An upgrade under way to a release that is supported silences this.
Source: the support policy of each mesh; istio.io supported releases.`,
	Run: func(p *check.Pass) {
		m := p.Site.Mesh
		prof := p.Profiles.Mesh(m.Kind)
		report := func(path, version string) {
			row := prof.Release(mainline(version))
			if row == nil || !past(p.Now, row.EOL) {
				return
			}
			r := p.Reportf(path, "%s %s had its end of life on %s", m.Kind, version, row.EOL)
			var alive []string
			for _, line := range prof.Lines() {
				if !past(p.Now, prof.Release(line).EOL) {
					alive = append(alive, line)
				}
			}
			if len(alive) > 0 {
				r.Hintf("supported: %s", strings.Join(alive, ", "))
			}
		}
		if m.Upgrade == nil {
			report("mesh.version", m.Version)
		} else {
			report("mesh.upgrade.to", m.Upgrade.To)
		}
	},
}

// KubernetesEOL finds a release of Kubernetes that gets no more fixes.
var KubernetesEOL = &check.Rule{
	ID: "MG5214", Name: "kubernetes-eol", Severity: diag.Warning, On: check.OnSite, Dated: true,
	Doc: `the release of Kubernetes is past its end of life

Upstream publishes no more patches of it: the next hole in the API server or the kubelet stays open. Distributions that
build their own packages may go on longer, so only what kubeadm installs is judged.
Source: kubernetes.io/releases, end of life of each minor release.`,
	Run: func(p *check.Pass) {
		k := p.Site.Kubernetes
		row := p.Profiles.Kubernetes().Release(mainline(k.Version))
		if k.Distribution != "kubeadm" || row == nil || !past(p.Now, row.EOL) {
			return
		}
		r := p.Reportf("kubernetes.version", "Kubernetes %s had its end of life on %s", k.Version, row.EOL)
		if suits := suitsAll(parties(p), onKubernetes); suits != "" {
			r.Hintf("upgrade minor by minor; Kubernetes %s suits what runs here", suits)
		} else {
			r.Hintf("upgrade minor by minor")
		}
	},
}

// UnknownCNIRelease finds a release of the pod network that no profile row describes.
var UnknownCNIRelease = &check.Rule{
	ID: "MG5210", Name: "unknown-cni-release", Severity: diag.Warning, On: check.OnSite,
	Doc: `no profile row describes the release of the pod network

Which releases of Kubernetes and of the Gateway API it takes is not known, so the rules about windows say nothing of
it: what does not fit shows when the pods of a node get no network.
Source: the releases whose requirements were read; they stand in the profiles.`,
	Run: func(p *check.Pass) {
		cni := p.Site.Kubernetes.CNI
		prof := p.Profiles.CNI(cni.Kind)
		if lines := prof.Lines(); len(lines) > 0 && cni.Version != "" && prof.Release(mainline(cni.Version)) == nil {
			p.Reportf("kubernetes.cni.version", "no profile row describes %s %s: its windows are not checked", cni.Kind, cni.Version).
				Hintf("known: %s", strings.Join(lines, ", "))
		}
	},
}

// preRelease is how versions are marked that are not meant for use: the suffix after a dash, as semver has it.
var preRelease = regexp.MustCompile(`-(?i:alpha|beta|rc|pre|dev|snapshot)\b|-(?i:alpha|beta|rc|pre)[0-9]`)

// PreRelease finds releases that are none yet.
var PreRelease = &check.Rule{
	ID: "MG5211", Name: "pre-release", Severity: diag.Warning, On: check.OnSite,
	Doc: `a production site runs a pre-release

No window of compatibility counts it, nobody patches it, and an upgrade from it is not tested.
Source: semver.org, item 9: a pre-release may not satisfy the compatibility that its numbers promise.`,
	Run: func(p *check.Pass) {
		if p.Site.Environment != "production" {
			return
		}
		check := func(path, product, version string) {
			if preRelease.MatchString(version) {
				p.Reportf(path, "%s %s is a pre-release, on a site of environment %q", product, version, p.Site.Environment).
					Hintf("%s, once it is out, or the release before", mainline(version)).Related("environment", "the environment")
			}
		}
		s := p.Site
		check("kubernetes.version", "Kubernetes", s.Kubernetes.Version)
		check("kubernetes.cni.version", s.Kubernetes.CNI.Kind, s.Kubernetes.CNI.Version)
		if s.Kubernetes.GatewayAPI != nil {
			check("kubernetes.gatewayAPI.version", "Gateway API", s.Kubernetes.GatewayAPI.Version)
		}
		check("components.certManager.version", "cert-manager", s.Components.CertManager.Version)
		check("loadBalancer.version", s.LoadBalancer.Kind, s.LoadBalancer.Version)
		check("mesh.version", s.Mesh.Kind, s.Mesh.Version)
		if s.Mesh.Upgrade != nil {
			check("mesh.upgrade.to", s.Mesh.Kind, s.Mesh.Upgrade.To)
		}
		for gn, g := range byKey(s.Gateways) {
			if g.Implementation != nil {
				check(site.Join("gateways", gn, "implementation", "version"), g.Implementation.Kind, g.Implementation.Version)
			}
		}
	},
}
