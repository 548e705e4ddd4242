package rules

import (
	"cmp"
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// ReleaseWithoutPatch finds releases that a chart repository would take for a range.
var ReleaseWithoutPatch = &check.Rule{
	ID: "MG5820", Name: "release-without-patch", Severity: diag.Error, On: check.OnSite,
	Doc: `a release that meshgen installs is given without its patch

Helm takes "1.31" for a range and installs the newest patch of it: another one on the next day and at the next site, and
none of which the site says anything. Images have no tag of that name at all.
Source: helm.sh, helm install --version, which is a constraint; Masterminds/semver, wildcards in comparisons.`,
	Run: func(p *check.Pass) {
		for path, r := range byKey(installed(p)) {
			v, err := profile.ParseVersion(mainline(r.version))
			if err != nil || v.String() != v.Line() {
				continue
			}
			report := p.Reportf(path, "release %s of %s names no patch: Helm installs the newest of the day", r.version, r.product)
			if r.patch != "" {
				report.Hintf("version: %q, the newest that was seen", r.patch)
			} else {
				report.Hintf("version: \"%s.…\", with the patch that you have tried", r.version)
			}
		}
	},
}

// installedRelease is a release that becomes the version of a chart, as the site says it.
type installedRelease struct {
	product, version string
	patch            string // the newest of its line; "": not known
}

// installed are the releases that become versions of charts, by their paths. The charts of releases whose patches have no
// numbers say their own.
func installed(p *check.Pass) map[string]installedRelease {
	s := p.Site
	out := map[string]installedRelease{}
	if m := p.Profiles.Mesh(s.Mesh.Kind); m != nil && m.CNI == "" {
		versions := map[string]string{"mesh.version": s.Mesh.Version}
		if s.Mesh.Upgrade != nil {
			versions["mesh.upgrade.to"] = s.Mesh.Upgrade.To
		}
		for path, version := range versions {
			if row := m.Release(mainline(version)); row != nil && row.LastPatch != "" {
				out[path] = installedRelease{s.Mesh.Kind, version, row.LastPatch}
			}
		}
	}
	if lb := p.Profiles.LoadBalancer(s.LoadBalancer.Kind); lb != nil && lb.CNI == "" && lb.Machines == nil {
		out["loadBalancer.version"] = installedRelease{product: s.LoadBalancer.Kind, version: s.LoadBalancer.Version}
	}
	if cni := s.Kubernetes.CNI; s.Components.CNI.Managed {
		if row := p.Profiles.CNI(cni.Kind).Release(mainline(cni.Version)); row != nil {
			out["kubernetes.cni.version"] = installedRelease{cni.Kind, cni.Version, row.LastPatch}
		}
	}
	for n, g := range s.Gateways {
		if i := g.Implementation; i != nil {
			out[site.Join("gateways", n, "implementation", "version")] = installedRelease{product: i.Kind, version: i.Version}
		}
	}
	return out
}

// offered lists the releases of a product that a site may declare: those of its profile that output is written for, and those
// that a profile of the team's own adds. patch is the newest of a line, "" where it is not known.
func offered(component string, lines []string, ours func(line string) bool, patch func(line string) string) string {
	var out []string
	for _, line := range lines {
		if printed := Printed[component]; len(printed) == 0 || slices.Contains(printed, line) || !ours(line) {
			out = append(out, cmp.Or(patch(line), line))
		}
	}
	return strings.Join(out, ", ")
}

// anyPatch is how a line is written whose newest patch is not known.
func anyPatch(line string) string { return line + ".x" }

// offeredMeshes are the releases of the site's mesh.
func offeredMeshes(p *check.Pass) string {
	kind := p.Site.Mesh.Kind
	m := p.Profiles.Mesh(kind)
	return offered(m.Component, m.Lines(), func(line string) bool { return p.Profiles.Ours().Mesh(kind).Release(line) != nil },
		func(line string) string { return m.Release(line).LastPatch })
}

// offeredBalancers are the releases of the site's load balancer.
func offeredBalancers(p *check.Pass) string {
	kind := p.Site.LoadBalancer.Kind
	return offered(kind, p.Profiles.LoadBalancer(kind).Lines(),
		func(line string) bool { return p.Profiles.Ours().LoadBalancer(kind).Release(line) != nil }, anyPatch)
}

// offeredGateways are the releases of a gateway program.
func offeredGateways(p *check.Pass, kind string) string {
	return offered(kind, p.Profiles.Gateway(kind).Lines(),
		func(line string) bool { return p.Profiles.Ours().Gateway(kind).Release(line) != nil }, anyPatch)
}
