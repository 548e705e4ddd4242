package rules

import (
	"slices"
	"strings"

	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/profile"
	"meshgen.dev/meshgen/compiler/site"
)

// Printed are the release lines that output is written for and checked against, by component. Profiles describe more:
// those rules need to compare.
var Printed = map[string][]string{
	"kubernetes":               {"1.34", "1.35", "1.36"},
	"gateway-api":              {"1.2", "1.4", "1.5", "1.6", "1.7"},
	"gateway-api experimental": {"1.2", "1.5", "1.6"},
	"istio":                    {"1.30", "1.31"},
	"linkerd":                  {"2.19", "2.20"},
	"consul":                   {"2.0"},
	"metallb":                  {"0.16"},
	"cilium":                   {"1.20"},
	"openelb":                  {"0.6"},
	"envoy-gateway":            {"1.8", "1.9"},
	"cert-manager":             {"1.21"},
}

// printed reports whether output is written for a release. A version that is left out has a default, or is another rule's.
func printed(component, version string) bool {
	v, err := profile.ParseVersion(mainline(version))
	return err != nil || len(Printed[component]) == 0 || slices.Contains(Printed[component], v.Line())
}

// languageRules are the rules about what the language can say and nothing prints.
var languageRules = []*check.Rule{
	ReleaseWithoutOutput,
	ReleaseWithoutPatch,
}

// ReleaseWithoutOutput refuses releases whose objects meshgen cannot check.
var ReleaseWithoutOutput = &check.Rule{
	ID: "MG0901", Name: "release-without-output", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the site declares a release that meshgen writes nothing for yet

Every object and every chart value is held against the schema of the declared release. Without that schema nobody would
know whether the release takes them. A release that a profile of the team's own adds (--profile) is held against the newest
one that is known, with a warning: the team vouches for the difference.`,
	Run: func(p *check.Pass) {
		s := p.Site
		lines := func(component, path, name, version string, added bool) {
			known := Printed[component]
			if printed(component, version) {
				return
			}
			if added {
				p.Reportf(path, "%s %s is of a profile of your own: its output is held against release %s, the newest that is known", name, version, known[len(known)-1]).
					Hintf("try the output on a cluster of that release; releases known here: %s", strings.Join(known, ", ")).Warning()
				return
			}
			p.Reportf(path, "not supported yet: output for %s %s", name, version).Hintf("supported: %s", strings.Join(known, ", "))
		}
		lines("kubernetes", "kubernetes.version", "Kubernetes", s.Kubernetes.Version, false)
		if g := s.Kubernetes.GatewayAPI; g != nil {
			lines("gateway-api", "kubernetes.gatewayAPI.version", "Gateway API", g.Version, false)
			if g.Channel == "experimental" {
				lines("gateway-api experimental", "kubernetes.gatewayAPI.channel", "the experimental channel of Gateway API", g.Version, false)
			}
		}
		for name, g := range byKey(s.Gateways) {
			if i := g.Implementation; i != nil && p.Profiles.Gateway(i.Kind).Release(i.Version) != nil {
				lines(g.Implementation.Kind, site.Join("gateways", name, "implementation", "version"), g.Implementation.Kind, g.Implementation.Version, false)
			}
		}
		lines("cert-manager", site.Join("components", "certManager", "version"), "cert-manager", s.Components.CertManager.Version, false)
		if cni := s.Kubernetes.CNI; cni.Kind == "cilium" && (s.Components.CNI.Managed || s.LoadBalancer.Kind == "cilium") {
			row := p.Profiles.CNI("cilium").Release(cni.Version)
			lines("cilium", "kubernetes.cni.version", "Cilium", cni.Version, row != nil && p.Profiles.Ours().CNI("cilium").Release(cni.Version) == nil)
		}
		// A release that no profile row describes is told by the rules that look for the row.
		if m := p.Profiles.Mesh(s.Mesh.Kind); m.Release(s.Mesh.Version) != nil {
			lines(m.Component, "mesh.version", s.Mesh.Kind, s.Mesh.Version, p.Profiles.Ours().Mesh(s.Mesh.Kind).Release(s.Mesh.Version) == nil)
		}
		if u := s.Mesh.Upgrade; u != nil && p.Profiles.Mesh(s.Mesh.Kind).Release(u.To) != nil {
			lines(p.Profiles.Mesh(s.Mesh.Kind).Component, "mesh.upgrade.to", s.Mesh.Kind, u.To, p.Profiles.Ours().Mesh(s.Mesh.Kind).Release(u.To) == nil)
		}
		if lb := s.LoadBalancer; p.Profiles.LoadBalancer(lb.Kind).Release(lb.Version) != nil {
			lines(lb.Kind, "loadBalancer.version", lb.Kind, lb.Version, p.Profiles.Ours().LoadBalancer(lb.Kind).Release(lb.Version) == nil)
		}
	},
}
