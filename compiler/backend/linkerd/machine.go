package linkerd

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
)

// workloadV serves ExternalWorkload.
const workloadV = "workload.linkerd.io/v1beta1"

// machines registers machines outside the cluster. That one is ready stands in the status, which nobody applies: who has
// started the proxy there says so (runbook).
func (e *emitter) machines() {
	o := e.objects(backend.Policy, "ExternalWorkload")
	for i := range e.k.Machines {
		m := &e.k.Machines[i]
		o.Add(backend.Meta{APIVersion: workloadV, Namespace: m.Namespace, Name: m.Name, Labels: m.Labels, From: m.From}, func(y *artifact.YAML) {
			y.Map("spec", func() {
				y.Map("meshTLS", func() {
					y.KV("identity", m.Identity)
					y.KV("serverName", m.ServerName)
				})
				y.Seq("workloadIPs", func() { y.Item(func() { y.KV("ip", m.Address) }) })
				y.Seq("ports", func() {
					for _, p := range m.Ports {
						y.From("", p.From...)
						y.Item(func() {
							y.KV("name", p.Name)
							y.KV("port", p.TargetPort)
							y.KV("protocol", "TCP")
						})
					}
					y.Fixed()
				})
			})
		})
	}
}
