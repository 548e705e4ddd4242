// Package machines prints the Services of machines outside the cluster.
//
// In comes an *ir.Plan. Out go, in phase 40-policy, a Service for each service whose workload is machines (in 30-gateways where
// its address alone counts), and where the
// pod network is to lead to them by itself, the EndpointSlices with their addresses. Entries in the registry of a mesh are
// printed by the backend of that mesh.
package machines

import (
	"meshgen.dev/meshgen/compiler/artifact"
	"meshgen.dev/meshgen/compiler/backend"
	"meshgen.dev/meshgen/compiler/ir"
)

// Backend prints the Services and EndpointSlices of machines.
var Backend = backend.Backend{
	Name: "machines",
	Kind: "machines",
	Doc:  "Services and EndpointSlices of machines outside the cluster",
	Emit: emit,
}

// Labels of an EndpointSlice (k8s.io/api/discovery/v1, well_known_labels.go, v0.36): whose it is, and whose work. A slice
// of somebody else's the controllers of Kubernetes leave alone.
const (
	serviceLabel = "kubernetes.io/service-name"
	managerLabel = "endpointslice.kubernetes.io/managed-by"
	manager      = "meshgen.dev"
)

func emit(p *ir.Plan, t *artifact.Tree) {
	services, early, endpoints := backend.NewWriter(p, t, backend.Policy, "Service"), backend.NewWriter(p, t, backend.Gateways, "Service"), backend.NewWriter(p, t, backend.Policy, "EndpointSlice")
	for i := range p.Machines {
		m := &p.Machines[i]
		write := services
		if len(m.Selector)+len(m.Slices) == 0 {
			write = early // before the entries of the mesh that take its address
		}
		write.Add(backend.Meta{APIVersion: "v1", Namespace: m.Namespace, Name: m.Name, From: m.From}, func(y *artifact.YAML) {
			y.Map("spec", func() { service(y, m) })
		})
		for j := range m.Slices {
			e := &m.Slices[j]
			labels := []ir.KV{{Key: managerLabel, Value: manager}, {Key: serviceLabel, Value: m.Name}}
			endpoints.Add(backend.Meta{APIVersion: "discovery.k8s.io/v1", Namespace: m.Namespace, Name: e.Name, Labels: labels, From: m.From}, func(y *artifact.YAML) {
				slice(y, m, e)
			})
		}
	}
}

func service(y *artifact.YAML, m *ir.MachineService) {
	if len(m.Selector) > 0 {
		y.Comment("No pod has these labels: the machines do, in the registry of the mesh.")
		backend.Pairs(y, "selector", m.Selector)
	} else if len(m.Slices) == 0 {
		y.Comment("Nobody is behind the address: a proxy of the mesh takes what is sent there, and knows who is meant.")
	} else {
		y.Comment("Without a selector: its EndpointSlices say where it leads.")
		policy := "SingleStack"
		if len(m.Families) > 1 {
			policy = "RequireDualStack"
		}
		y.KV("ipFamilyPolicy", policy)
		y.KV("ipFamilies", m.Families)
	}
	y.Seq("ports", func() {
		for _, p := range m.Ports {
			y.From("", p.From...)
			y.Item(func() {
				y.KV("name", p.Name)
				y.KV("port", p.Port)
				y.KV("targetPort", p.TargetPort)
				protocol(y, m, p)
			})
		}
		y.Fixed()
	})
}

func protocol(y *artifact.YAML, m *ir.MachineService, p ir.Port) {
	if p.Protocol == "udp" {
		y.KV("protocol", "UDP")
		return
	}
	y.KV("protocol", "TCP")
	if m.Spoken {
		y.KV("appProtocol", p.Protocol)
	}
}

// slice: the names of ports are those of the Service, by which they are found.
func slice(y *artifact.YAML, m *ir.MachineService, e *ir.EndpointSlice) {
	y.KV("addressType", e.Family)
	y.Seq("endpoints", func() {
		for _, a := range e.Addresses {
			y.Item(func() {
				y.KV("addresses", []string{a.String()})
				y.Map("conditions", func() { y.KV("ready", true) })
			})
		}
	})
	y.Seq("ports", func() {
		for _, p := range m.Ports {
			y.From("", p.From...)
			y.Item(func() {
				y.KV("name", p.Name)
				y.KV("port", p.TargetPort)
				protocol(y, m, p)
			})
		}
		y.Fixed()
	})
}
