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
	"kubernetes":   {"1.34", "1.35", "1.36"},
	"gateway-api":  {"1.4", "1.5", "1.6", "1.7"},
	"istio":        {"1.30", "1.31"},
	"linkerd":      {"2.20"},
	"consul":       {"2.0"},
	"metallb":      {"0.16"},
	"cilium":       {"1.20"},
	"openelb":      {"0.6"},
	"cert-manager": {"1.21"},
}

// ReleaseWithoutOutput refuses releases whose objects meshgen cannot check.
var ReleaseWithoutOutput = &check.Rule{
	ID: "MG0901", Name: "release-without-output", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `the site declares a release that meshgen writes nothing for yet

Every object and every chart value is held against the schema of the declared release. Without that schema nobody would
know whether the release takes them.`,
	Run: func(p *check.Pass) {
		s := p.Site
		lines := func(component, path, name, version string) {
			known := Printed[component]
			v, err := profile.ParseVersion(version)
			if err != nil || len(known) == 0 || slices.Contains(known, v.Line()) {
				return
			}
			p.Reportf(path, "not supported yet: output for %s %s", name, version).Hintf("supported: %s", strings.Join(known, ", "))
		}
		lines("kubernetes", "kubernetes.version", "Kubernetes", s.Kubernetes.Version)
		if g := s.Kubernetes.GatewayAPI; g != nil {
			lines("gateway-api", "kubernetes.gatewayAPI.version", "Gateway API", g.Version)
		}
		lines("cert-manager", site.Join("components", "certManager", "version"), "cert-manager", s.Components.CertManager.Version)
		if cni := s.Kubernetes.CNI; cni.Kind == "cilium" && (s.Components.CNI.Managed || s.LoadBalancer.Kind == "cilium") {
			lines("cilium", "kubernetes.cni.version", "Cilium", cni.Version)
		}
		// A release that no profile row describes is told by the rules that look for the row.
		if m := p.Profiles.Mesh(s.Mesh.Kind); m.Release(s.Mesh.Version) != nil {
			lines(m.Component, "mesh.version", s.Mesh.Kind, s.Mesh.Version)
		}
		if lb := s.LoadBalancer; p.Profiles.LoadBalancer(lb.Kind).Release(lb.Version) != nil {
			lines(lb.Kind, "loadBalancer.version", lb.Kind, lb.Version)
		}
	},
}
