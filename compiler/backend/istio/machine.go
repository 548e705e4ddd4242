package istio

import (
	"fmt"
	"net/netip"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// machines writes a WorkloadEntry for each machine outside the cluster. Istio counts entries among the endpoints of a
// Service whose selector they fit, for sidecars and for ztunnel (PILOT_ENABLE_K8S_SELECT_WORKLOAD_ENTRIES, on by default,
// pilot/pkg/features; pilot/pkg/serviceregistry/ambient/workloads.go). Without a serviceAccount an entry has no identity,
// and without a label or annotation for a tunnel proxies speak plain text to it
// (pilot/pkg/serviceregistry/serviceentry/conversion.go; ambient/workloads.go, setTunnelProtocol).
//
// EndpointSlices would do the same for callers without a proxy, but Argo CD from 3.0 on leaves them out by default.
func (e *emitter) machines() {
	entries := e.objects(backend.Policy, "WorkloadEntry")
	for i := range e.p.Services {
		s := &e.p.Services[i]
		if s.Workload != ir.Machine {
			continue
		}
		for k, a := range s.Addresses {
			entries.Add(backend.Meta{APIVersion: networkingV1, Namespace: s.Namespace, Name: fmt.Sprintf("%s-%d", s.Name, k+1), From: s.From}, func(y *artifact.YAML) {
				machine(y, s, a)
			})
		}
	}
}

func machine(y *artifact.YAML, s *ir.Service, a netip.Addr) {
	y.Map("spec", func() {
		y.KV("address", a)
		backend.Pairs(y, "labels", s.Labels)
	})
}
