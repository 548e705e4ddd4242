package rules

import (
	"meshgen.dev/meshgen/compiler/check"
	"meshgen.dev/meshgen/compiler/diag"
	"meshgen.dev/meshgen/compiler/site"
)

// NumberUnusable finds numbers that mean nothing, or something else, to the program that gets them.
var NumberUnusable = &check.Rule{
	ID: "MG5848", Name: "number-unusable", Severity: diag.Error, On: check.OnSite, Guard: true,
	Doc: `a number means nothing, or something else, to the program that gets it

With 0 percent istiod leaves the bound to Envoy, which has 10, and Envoy takes one pod out whatever the bound is. An offset of 0
is exceeded by every clock, always. The API server takes no volume of no size. And one path is what a switch uses without a
statement: of several equal ones, all but one are left idle.
Source: envoyproxy/envoy v1.37 api outlier_detection.proto, max_ejection_percent; istio/istio 1.31.1
pilot/pkg/networking/core/cluster_traffic_policy.go, applyOutlierDetection; Kubernetes, validation of
PersistentVolumeClaim.spec.resources.requests.`,
	Run: func(p *check.Pass) {
		s := p.Site
		for sv := range services(s) {
			if o := sv.OutlierDetection; o != nil && o.MaxEjectionPercent == 0 {
				p.Reportf(sv.path+".outlierDetection.maxEjectionPercent", "outlier detection of %s may take 0 percent of the pods out, and proxies take out some all the same", sv.full()).
					Hintf("maxEjectionPercent: 10, or leave outlierDetection out")
			}
		}
		if s.Time.MaxOffset != "" && site.ParseDuration(s.Time.MaxOffset) == 0 {
			p.Reportf("time.maxOffset", "clocks may be off by %s, which none keeps", s.Time.MaxOffset).Hintf(`maxOffset: "100ms"`)
		}
		if ca := s.Mesh.CA; ca != nil && ca.SPIRE != nil && quantity(ca.SPIRE.Storage) == 0 {
			p.Reportf("mesh.ca.spire.storage", "the volume of SPIRE's server has %s", ca.SPIRE.Storage).Hintf(`storage: "1Gi"`)
		}
		if b := s.Fabric.BGP; b != nil && b.MaxPaths == 1 {
			for r := range routers(s) {
				if p.Profiles.Switch(r.os) != nil && r.asn != 0 {
					p.Reportf("fabric.bgp.maxPaths", "switch %s would use 1 of several equal paths", r.hostname).
						Related(r.path, "the switch").Hintf("maxPaths: 2 or more, or leave it out")
					break
				}
			}
		}
	},
}
