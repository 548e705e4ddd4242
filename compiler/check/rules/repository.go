package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// RetiredLocation finds registries and repositories that are frozen, closed or about to be.
var RetiredLocation = &check.Rule{
	ID: "MG5222", Name: "retired-location", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `images or charts of the mesh come from a place that is frozen or being shut down

A node that is set up afterwards pulls nothing: its proxies stay in ImagePullBackOff, and so does every pod that is
moved there. Where the release was never published there it cannot be installed at all, an error; else a warning.
Source: istio.io 1.31 upgrade notes; linkerd.io releases.`,
	Run: func(p *check.Pass) {
		prof := p.Profiles.Mesh(p.Site.Mesh.Kind)
		if prof == nil {
			return
		}
		newest := p.Site.Mesh.Version
		if u := p.Site.Mesh.Upgrade; u != nil && profile.CompareVersions(mainline(u.To), mainline(newest)) > 0 {
			newest = u.To
		}
		look := func(path, what, text string) {
			for _, x := range prof.Retired {
				if !strings.Contains(text, x.Location) {
					continue
				}
				if x.Since != "" && profile.AtLeast(mainline(newest), x.Since) {
					p.Reportf(path, "%s names %s, where %s %s was never published", what, x.Location, p.Site.Mesh.Kind, newest).
						Hintf("%s", x.Instead).Related("mesh", "the mesh")
				} else {
					p.Reportf(path, "%s names %s: %s", what, x.Location, x.Why).Hintf("%s", x.Instead).Warning()
				}
				return
			}
		}
		if r := p.Site.Registry; r != nil {
			look("registry.images", "the registry of images", r.Images)
			look("registry.charts", "the repository of charts", r.Charts)
		}
		for i, x := range p.Site.Patches {
			look(site.Join("patches", site.Index(i), "patch"), "the patch of "+x.Target.Kind+" "+x.Target.Name, x.Patch)
		}
	},
}

// DeprecatedName finds patches that write names which their reader is about to drop.
var DeprecatedName = &check.Rule{
	ID: "MG5223", Name: "deprecated-name", Severity: diag.Warning, On: check.OnSite,
	Doc: `a patch writes an annotation or an API version that the load balancer has deprecated

It is read still, until a release drops it: then the address is chosen anew or the object is refused, in the middle of
an upgrade that has nothing to do with it.
Source: MetalLB controller/service.go; Cilium 1.20 CRDs and LB-IPAM documentation.`,
	Run: func(p *check.Pass) {
		prof := p.Profiles.LoadBalancer(p.Site.LoadBalancer.Kind)
		if prof == nil {
			return
		}
		for i, x := range p.Site.Patches {
			for _, d := range prof.Deprecated {
				if strings.Contains(x.Patch, d.Text) && (len(d.Kinds) == 0 || slices.Contains(d.Kinds, x.Target.Kind)) {
					p.Reportf(site.Join("patches", site.Index(i), "patch"), "the patch of %s %s writes %s, which %s has deprecated",
						x.Target.Kind, x.Target.Name, d.Text, p.Site.LoadBalancer.Kind).Hintf("%s", d.Instead)
				}
			}
		}
	},
}

// DeprecatedBackend finds a BGP backend that its load balancer is about to drop.
var DeprecatedBackend = &check.Rule{
	ID: "MG5224", Name: "deprecated-backend", Severity: diag.Warning, On: check.OnSite,
	Doc: `the load balancer speaks BGP by a backend that it has deprecated

A coming release takes it away, and with it every session: all virtual addresses are withdrawn in the course of an
upgrade that was to be a small one.
Source: metallb/metallb charts/metallb/values.yaml, speaker.frr.`,
	Run: func(p *check.Pass) {
		lb := p.Site.LoadBalancer
		if lb.MetalLB == nil {
			return
		}
		prof := p.Profiles.LoadBalancer(lb.Kind)
		if b := prof.Backend(lb.MetalLB.Backend); b != nil && b.Deprecated {
			p.Reportf("loadBalancer.metallb.backend", "%s %s has deprecated its backend %q", lb.Kind, lb.Version, lb.MetalLB.Backend).
				Hintf("backend: %q", prof.DefaultBackend)
		}
	},
}
