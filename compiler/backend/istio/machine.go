package istio

import (
	"fmt"
	"net/netip"

	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// machines writes, for each service that machines outside the cluster are, its Service, which is its name and address,
// and a WorkloadEntry for each machine. Istio counts entries among the endpoints of a Service whose selector they fit
// (PILOT_ENABLE_K8S_SELECT_WORKLOAD_ENTRIES, on by default, pilot/pkg/features). Without a serviceAccount an entry has no
// identity, and proxies speak plain text to it (pilot/pkg/serviceregistry/serviceentry/conversion.go).
//
// EndpointSlices would do the same for callers without a proxy, but Argo CD from 3.0 on leaves them out by default.
func (e *emitter) machines() {
	services, entries := e.objects(backend.Policy, "Service"), e.objects(backend.Policy, "WorkloadEntry")
	for i := range e.p.Services {
		s := &e.p.Services[i]
		if s.Workload != ir.Machine {
			continue
		}
		services.Add(backend.Meta{APIVersion: "v1", Namespace: s.Namespace, Name: s.Name, From: s.From}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.Comment("No pod has these labels: the machines do, in the registry of the mesh.")
				backend.Pairs(y, "selector", s.Labels)
				y.Seq("ports", func() {
					for _, p := range s.Ports {
						y.From("", p.From...)
						y.Item(func() {
							y.KV("name", p.Name)
							y.KV("port", p.Port)
							y.KV("targetPort", p.TargetPort)
							if p.Protocol == "udp" {
								y.KV("protocol", "UDP")
								return
							}
							y.KV("protocol", "TCP")
							y.KV("appProtocol", p.Protocol)
						})
					}
					y.Fixed()
				})
			})
		})
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
