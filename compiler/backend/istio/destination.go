package istio

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
)

// destinationRules writes when an endpoint of a service is taken out of the rotation. Sidecars and gateways follow it.
func (e *emitter) destinationRules() {
	o := e.objects(backend.Policy, "DestinationRule")
	for i := range e.p.Services {
		s := &e.p.Services[i]
		if s.Outlier == nil || !isRouted(s) || e.ambient() && s.Waypoint == "" {
			continue
		}
		from := append(append(s.Outlier.From[:0:0], s.Outlier.From...), s.From...)
		meta := backend.Meta{APIVersion: networkingV1, Namespace: s.Namespace, Name: s.Name, From: from}
		o.Add(meta, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.KV("host", s.Host)
				backend.Nested(y, []string{"trafficPolicy", "outlierDetection"}, func() {
					y.From("", s.Outlier.From...)
					y.KV("consecutive5xxErrors", s.Outlier.Consecutive5xx)
					y.KV("interval", s.Outlier.Interval)
					y.KV("baseEjectionTime", s.Outlier.BaseEjectionTime)
					y.KV("maxEjectionPercent", s.Outlier.MaxEjectionPercent)
				})
			})
		})
	}
}
