package lower

import (
	"slices"
	"strconv"

	"meshgen.dev/meshgen/compiler/ir"
	"meshgen.dev/meshgen/compiler/site"
)

// linkerdMaxPenalty is how long a failing pod is left out at most, in a row: as long as Envoy leaves one out (max_ejection_time,
// 300 s), so that a site means the same under either.
const linkerdMaxPenalty = "300s"

// linkerdMarks: callers' proxies read on the Service when its pods are left out, and controllers of other sites whether it
// is known there. Source: linkerd/linkerd2 edge-26.6.3 policy-controller/k8s/index/src/outbound/index.rs,
// parse_accrual_config; multicluster/service-mirror/cluster_watcher.go, isExported; read on 2026-11-21.
func linkerdMarks(l *lowering) {
	for i := range l.p.Services {
		s := &l.p.Services[i]
		if !s.Meshed {
			continue
		}
		// The outlier detection of a split's source holds for its targets: it is read on the Service that is called.
		if o := s.Outlier; o != nil && l.s.Namespaces[s.Namespace].Services[s.Name].OutlierDetection != nil {
			l.mark(linkerdAccrual(s, o))
		}
		if len(s.Peers) > 0 {
			m := ir.ServiceMark{Namespace: s.Namespace, Service: s.Name, Labels: []ir.KV{{Key: exportedLabel, Value: "true"}},
				Reasons: []string{"other sites know it"}, From: append(slices.Clone(s.From), "federation")}
			if linkerdIsFlat(l.s) {
				m.Labels[0].Value = remoteDiscovery
			}
			if l.s.Namespaces[s.Namespace].Services[s.Name].Federated {
				m.Labels = append(m.Labels, ir.KV{Key: federatedLabel, Value: federatedMember})
				m.Reasons[0] += ", also as one with their own"
				m.From = append(m.From, site.Join("namespaces", s.Namespace, "services", s.Name, "federated"))
			}
			for _, c := range s.Peers {
				m.From = append(m.From, c.From...)
			}
			l.mark(m)
		}
	}
}

// linkerdAccrual leaves a pod out after failures in a row; each time that it fails again on trial, for longer.
func linkerdAccrual(s *ir.Service, o *ir.Outlier) ir.ServiceMark {
	const accrual = "balancer.linkerd.io/failure-accrual"
	most := linkerdMaxPenalty
	if site.ParseDuration(o.BaseEjectionTime) > site.ParseDuration(most) {
		most = o.BaseEjectionTime
	}
	return ir.ServiceMark{Namespace: s.Namespace, Service: s.Name, Reasons: []string{"pods that fail are left out"}, From: append(slices.Clone(s.From), o.From...),
		Annotations: []ir.KV{
			{Key: accrual, Value: "consecutive"},
			{Key: accrual + "-consecutive-max-failures", Value: strconv.Itoa(o.Consecutive5xx)},
			{Key: accrual + "-consecutive-max-penalty", Value: most},
			{Key: accrual + "-consecutive-min-penalty", Value: o.BaseEjectionTime},
		}}
}
